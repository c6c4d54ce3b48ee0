"""Names by which no two things of a list read alike: what differs is said beside the name."""

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence


def told_apart(names: Sequence[str], facts: Sequence[Mapping[str, str]]) -> list[str]:
    """Each name, completed by the facts in which it differs from others of that name, as the facts have them.

    A fact that is absent or empty is not said. Names that no fact tells apart stay alike.
    """
    return [", ".join([name, *said]) for name, said in zip(names, differing(names, facts), strict=True)]


def differing(names: Sequence[Hashable], facts: Sequence[Mapping[str, str]]) -> list[list[str]]:
    """Of each thing the facts in which it differs from others of its name."""
    places: dict[Hashable, list[int]] = defaultdict(list)
    for place, name in enumerate(names):
        places[name].append(place)
    result: list[list[str]] = [[] for _ in names]
    for some in places.values():
        keys = dict.fromkeys(key for place in some for key in facts[place])
        unlike = [key for key in keys if len({facts[place].get(key, "") for place in some}) > 1]
        for place in some:
            result[place] = [facts[place][key] for key in unlike if facts[place].get(key)]
    return result
