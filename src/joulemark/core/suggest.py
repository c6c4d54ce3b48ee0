"""Words a user typed, matched against the words that exist."""

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that looks most like this one; None if nothing comes close."""
    candidates = list(known)
    by_fold = {candidate.casefold(): candidate for candidate in candidates}
    if word.casefold() in by_fold:
        return by_fold[word.casefold()]
    # `bloomz_7b` should find `bloomz`: a word that begins like this one is close, however much follows
    begins = [c for c in candidates if len(c) > 2 and (word.startswith(c) or c.startswith(word)) and len(word) > 2]
    return next(iter(get_close_matches(word, candidates, n=1, cutoff=0.6) or begins), None)


def choose(key: str, word: str, known: Iterable[str]) -> str:
    """One sentence for an unknown word: which key, the nearest right word, and all that exist."""
    options = sorted(known)
    close = nearest(word, options)
    hint = f"did you mean {key}={close}? " if close else ""
    return f"{key}={word} does not exist; {hint}choose from: {', '.join(options)}"
