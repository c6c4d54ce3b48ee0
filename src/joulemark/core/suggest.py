"""What a user typed, matched against what exists."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches


def nearest(typed: str, known: Iterable[str]) -> str | None:
    """The known name that is most similar to the typed one; None if nothing comes close."""
    candidates = list(known)
    by_fold = {candidate.casefold(): candidate for candidate in candidates}
    if typed.casefold() in by_fold:
        return by_fold[typed.casefold()]
    # `bloomz_7b` should suggest `bloomz`: a common beginning is close, however much follows
    prefixes = [c for c in candidates if len(c) > 2 and (typed.startswith(c) or c.startswith(typed)) and len(typed) > 2]
    return next(iter(get_close_matches(typed, candidates, n=1, cutoff=0.6) or prefixes), None)


def choose(key: str, typed: str, known: Iterable[str], synonyms: Mapping[str, str] | None = None) -> str:
    """One sentence for an unknown value: its key, the nearest value that exists, and all that exist.

    `synonyms` maps other programs' names to ours; such a name is answered by ours, as far as it is among `known`.
    """
    options = sorted(known)
    synonym = (synonyms or {}).get(typed.casefold())
    close = synonym if synonym in options else nearest(typed, options)
    hint = f"did you mean {key}={close}? " if close else ""
    return f"{key}={typed} does not exist; {hint}choose from: {', '.join(options)}"
