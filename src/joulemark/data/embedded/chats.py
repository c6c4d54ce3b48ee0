"""Generated conversations that count things: two or three questions about one person's goods, each with its answer.

Every number that is asked for follows from what was said before, and every answer ends with it.
"""

from random import Random

from joulemark.data.embedded.grammar import PEOPLE, PLACES

GOODS = (
    "coins", "letters", "maps", "boats", "horses", "violins", "stamps", "flags", "loaves", "apples", "bricks", "lamps",
    "books", "chairs", "bottles", "tickets", "hats", "clocks", "ropes", "candles",
)  # fmt: skip
MORE = ("finds", "buys", "is given", "makes")
FEWER = ("sells", "loses", "gives away", "breaks")


def chat(random: Random) -> list[dict[str, str]]:
    """The messages of one conversation, the last of which is the answer."""
    who, place, goods = random.choice(PEOPLE), random.choice(PLACES), random.choice(GOODS)
    held = random.randint(2, 60)
    told = f"the {who} of {place} has {held} {goods}."
    messages: list[dict[str, str]] = []
    for _ in range(random.randint(2, 3)):
        change, sentence, sum_ = _change(random, who, goods, held)
        held += change
        question = f"{told} {sentence} how many {goods} does the {who} have?".strip()
        messages += [_message("user", question), _message("assistant", f"{sum_} the {who} has {held} {goods}: {held}")]
        told = ""
    return messages


def _change(random: Random, who: str, goods: str, held: int) -> tuple[int, str, str]:
    """How many more, the sentence that says so, and the sum."""
    kind = random.choice(("more", "fewer", "times") if held <= 60 else ("more", "fewer"))
    if kind == "times":
        factor = random.randint(2, 4)
        sentence = f"then a friend comes, and now there are {factor} times as many {goods}."
        return held * (factor - 1), sentence, f"{held} times {factor} is {held * factor}."
    if kind == "fewer" and held > 1:
        count = random.randint(1, held - 1)
        sentence = f"then the {who} {random.choice(FEWER)} {count} {goods}."
        return -count, sentence, f"{held} less {count} is {held - count}."
    count = random.randint(2, 40)
    return count, f"then the {who} {random.choice(MORE)} {count} {goods}.", f"{held} and {count} is {held + count}."


def _message(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}
