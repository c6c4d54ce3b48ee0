"""The generated English of the embedded data: reviews with a sentiment, short news with a summary.

Every sentence is made by rule from the word lists below, so the data carry no licence but the project's own. The same
seed gives the same text on every machine. It is a toy language: what a model learns of it says nothing about others.
"""

from random import Random

GOOD = """
wonderful delicious charming superb delightful brilliant lovely excellent splendid generous friendly warm elegant
spotless graceful clever funny moving gripping sharp bright smooth quick reliable comfortable quiet fresh tender rich
perfect amazing great good fantastic impressive beautiful enjoyable pleasant touching original inspired satisfying
memorable honest cosy polite helpful patient crisp vivid subtle outstanding
""".split()

BAD = """
terrible awful boring dreadful rude dirty noisy bland stale greasy slow broken clumsy dull tedious predictable shallow
ugly cheap flimsy unreliable uncomfortable cold burnt bitter tasteless lazy careless bad poor horrible disappointing
annoying confusing pointless unpleasant mediocre forgettable dishonest cramped impatient blurry weak ridiculous painful
lifeless sloppy messy hollow overpriced
""".split()

SUBJECTS = {
    "restaurant": ("food", "soup", "bread", "service", "waiter", "menu", "dessert", "wine", "music", "terrace"),
    "hotel": ("room", "bed", "view", "staff", "breakfast", "lobby", "pool", "bathroom", "garden", "bar"),
    "film": ("plot", "acting", "music", "ending", "dialogue", "cast", "script", "hero", "pace", "humour"),
    "book": ("story", "style", "opening", "ending", "dialogue", "heroine", "translation", "cover", "humour", "plot"),
    "phone": ("screen", "battery", "camera", "sound", "keyboard", "software", "charger", "case", "design", "speaker"),
    "train": ("seat", "crew", "coffee", "view", "ticket", "carriage", "journey", "timetable", "window", "heating"),
}

NEUTRAL = (
    "we went to this {thing} on {day}.",
    "a friend told us about this {thing}.",
    "it was our second time with this {thing}.",
    "this is about a {thing} in {place}.",
    "i looked at the {thing} for an hour in {month}.",
)
GLAD = (
    "we will come back.",
    "i would do it again.",
    "everyone should try it.",
    "it made our week.",
    "five stars from us.",
)
SORRY = (
    "we will not come back.",
    "i want my money back.",
    "nobody should try it.",
    "it ruined our week.",
    "never again.",
)

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = ("january", "march", "april", "may", "june", "july", "august", "october", "november")
PLACES = """
easton norland westbridge millford harrow ashby lindale corby marston weldon fairview stanton oakley redhill brookside
kingsley holt langley burnham thornton selby whitby ripley dalton hartley
""".split()
PEOPLE = """
mayor teacher farmer baker doctor student engineer painter nurse lawyer singer writer driver carpenter librarian
gardener fisherman scientist reporter judge pilot tailor miller sailor chemist
""".split()
DEEDS = {
    "opened": ("library", "museum", "school", "bridge", "market", "hospital", "station", "theatre", "garden", "bakery"),
    "repaired": ("clock", "bridge", "tower", "organ", "fountain", "roof", "boat", "mill", "road", "statue"),
    "sold": ("farm", "house", "boat", "painting", "violin", "field", "bakery", "horse", "collection", "shop"),
    "found": ("coin", "letter", "painting", "map", "ring", "dog", "statue", "diary", "sword", "violin"),
    "designed": ("park", "stamp", "flag", "theatre", "tower", "boat", "poster", "garden", "machine", "station"),
    "won": ("prize", "race", "contest", "medal", "match", "election", "debate", "scholarship", "vote", "trophy"),
}
KINDS = ("old", "new", "small", "large", "famous", "wooden", "golden", "local", "rare", "strange")
# The share of reviews that praise one thing and blame another: half of them are beyond any reader
MIXED = 0.1

CLOSERS = (
    "more news will follow.",
    "the council will meet again soon.",
    "the full story is in the evening paper.",
    "readers may write to the editor.",
)


def review(random: Random) -> tuple[str, str]:
    """A short review and its sentiment, `positive` or `negative`.

    Some can only be told by their grammar, and the mixed ones not at all: their writer's verdict is not in the text.
    """
    label = random.choice(("positive", "negative"))
    same, opposite = (GOOD, BAD) if label == "positive" else (BAD, GOOD)
    thing = random.choice(list(SUBJECTS))
    first, second = random.sample(SUBJECTS[thing], 2)
    right, also, wrong = random.choice(same), random.choice(same), random.choice(opposite)
    before = _neutral(random, thing) + " " if random.random() < 0.6 else ""
    if random.random() < MIXED:
        parts = [f"the {first} was {right}.", f"the {second} was {wrong}."]
        random.shuffle(parts)
        return before + " ".join(parts), label
    core = random.choice(
        (
            f"the {first} was {right}.",
            f"the {first} was {right} and the {second} was {also}.",
            f"the {first} was {right}, and so was the {second}.",
            f"what {_a(right)} {thing}, with {_a(also)} {first}.",
            f"although the {first} was {wrong}, the {second} was {right}.",
            f"the {first} was {wrong}, but the {second} was {right}.",
            f"the {first} was not {wrong}, and the {second} was {right}.",
            f"nobody can say that the {first} was {wrong}.",
        )
    )
    verdict = " " + random.choice(GLAD if label == "positive" else SORRY) if random.random() < 0.3 else ""
    return before + core + verdict, label


def _neutral(random: Random, thing: str) -> str:
    sentence = random.choice(NEUTRAL)
    return sentence.format(
        thing=thing, day=random.choice(DAYS), place=random.choice(PLACES), month=random.choice(MONTHS)
    )


def news(random: Random) -> tuple[str, str]:
    """A short piece of news and its one-sentence summary: who did what, where and when, told over several sentences."""
    facts = report(random)
    return facts["text"], facts["summary"]


def report(random: Random) -> dict[str, str]:
    """A piece of news (`text`, `summary`) and what it tells: `who`, `deed`, `what`, `kind`, `place`, `day`, `years`."""
    deed = random.choice(list(DEEDS))
    what, kind = random.choice(DEEDS[deed]), random.choice(KINDS)
    who, place, day = random.choice(PEOPLE), random.choice(PLACES), random.choice(DAYS)
    witness = random.choice([person for person in PEOPLE if person != who])
    years, month = random.randint(2, 60), random.choice(MONTHS)
    first = random.choice(
        (
            f"there was great excitement in {place} on {day}.",
            f"the people of {place} had something to talk about on {day}.",
            f"on {day} a crowd gathered in the centre of {place}.",
        )
    )
    second = random.choice(
        (
            f"{_a(who)} from the town {deed} the {kind} {what} after {years} years of work.",
            f"after {years} years of work, {_a(who)} {deed} the {kind} {what}.",
        )
    )
    details = [
        f"the {what} is well known in {place} and drew many visitors.",
        f"{_a(witness)} said that the {what} was worth the wait.",
        f"the {who} said that work on the {what} had begun in {month}.",
        f"the {who} thanked the people of {place} for their help.",
        f"in {month} {_a(witness)} had written about the {kind} {what}.",
    ]
    chosen = random.sample(details, random.randint(2, 3))
    text = " ".join([first, second, *chosen, random.choice(CLOSERS)])
    return {
        "text": text,
        "summary": f"{_a(who)} {deed} the {kind} {what} in {place} on {day}.",
        "who": who,
        "deed": deed,
        "what": what,
        "kind": kind,
        "place": place,
        "day": day,
        "years": str(years),
    }


def _a(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def story(random: Random) -> str:
    """A text to be continued: a piece of news, 30 to 60 words."""
    return news(random)[0]


def question(random: Random) -> tuple[str, str, str]:
    """A piece of news, a question about it, and the words of the news that answer it."""
    facts = report(random)
    query, key = random.choice(
        (
            (f"who {facts['deed']} the {facts['what']}?", "who"),
            (f"where was the {facts['what']}?", "place"),
            (f"on which day did the {facts['who']} act?", "day"),
            (f"how many years did the {facts['who']} work?", "years"),
            (f"what kind of {facts['what']} was it?", "kind"),
        )
    )
    return facts["text"], query, facts[key]


FIRST_NAMES = """
anna boris clara david elena frank greta hugo irene jonas karin louis maria nadia oscar paula quinn rosa simon tilda
""".split()
LAST_NAMES = """
abbot barker carver dorset ellis fenwick garland hobbs ingram jarvis kellner lorimer mercer norris ormond pryor rennick
sawyer thorne underhill vickers
""".split()
TRADES = ("bank", "railway", "theatre", "mills", "brewery", "college", "press", "motors", "dairy", "glassworks")
RIVERS = ("arlen", "brend", "corve", "dunmere", "esker", "fallow")
FRAMES = (
    "{PER} of {ORG} spoke in {LOC} on {day}",
    "{ORG} has named {PER} as its new head",
    "the road from {LOC} to {LOC} will stay closed until {day}",
    "{PER} and {PER} met near {LOC} to talk about the {what}",
    "a {who} from {LOC} sold the {what} to {ORG}",
    "on {day} the {who} thanked {PER} for the {what}",
    "{ORG} will open a second office in {LOC} next {month}",
    "nobody in {LOC} had heard of the {what}",
)


def tagged(random: Random) -> tuple[str, list[str], list[str]]:
    """A sentence or two with people, places and firms: the text, its words, and their IOB2 tags."""
    words: list[str] = []
    tags: list[str] = []
    for frame in random.sample(FRAMES, random.randint(1, 2)):
        for part in frame.split():
            kind = part.strip("{}")
            if kind in ("PER", "LOC", "ORG"):
                name = _name(random, kind)
                words += name
                tags += [f"B-{kind}"] + [f"I-{kind}"] * (len(name) - 1)
            else:
                words.append(_filler(random, kind) if part != kind else part)
                tags.append("O")
        words.append(".")
        tags.append("O")
    return " ".join(words), words, tags


def _name(random: Random, kind: str) -> list[str]:
    if kind == "PER":
        last = random.choice(LAST_NAMES)
        return [random.choice(FIRST_NAMES), last] if random.random() < 0.7 else [last]
    if kind == "LOC":
        return [random.choice(PLACES)] if random.random() < 0.8 else ["river", random.choice(RIVERS)]
    # the last name of a person, or a place, as part of a firm: only the words around tell them apart
    return [random.choice((random.choice(LAST_NAMES), random.choice(PLACES))), random.choice(TRADES)]


def _filler(random: Random, kind: str) -> str:
    things = [thing for value in DEEDS.values() for thing in value]
    return random.choice({"day": DAYS, "month": MONTHS, "who": PEOPLE, "what": things}[kind])


def pair(random: Random) -> tuple[str, str, float]:
    """Two sentences and how much of who, did, what, where and when they share, in [0, 1]."""
    first, second = report(random), report(random)
    kept = random.sample(("who", "thing", "place", "day"), random.randint(0, 4))
    for part in kept:
        for key in ("deed", "kind", "what") if part == "thing" else (part,):
            second[key] = first[key]
    sentences = [
        f"{_a(t['who'])} {t['deed']} the {t['kind']} {t['what']} in {t['place']} on {t['day']}."
        for t in (first, second)
    ]
    return sentences[0], sentences[1], len(kept) / 4
