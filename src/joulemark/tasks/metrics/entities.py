"""Tags of words as entities, whatever the scheme: found from the tags, brought to IOB2, counted by seqeval.

IOB1 and IOB2   B or I begins an entity (IOB1 writes B only after its like)
IOE, IOBES      E ends one, S is one; BILOU and BMES write L and U, M for the same
none            tags without a prefix: a run of one tag is an entity
"""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from joulemark.core.labels import PREFIXED, Labels

OUTSIDE = "O"
AS_IOBES = {"L": "E", "U": "S", "M": "I"}
SCHEMES = ({"B", "I"}, "IOB"), ({"I", "E"}, "IOE"), ({"B", "I", "E", "S"}, "IOBES"), ({"B", "I", "L", "U"}, "BILOU")


def kinds(tags: Iterable[str]) -> list[str]:
    """The kinds of entity in some tags of one source, each once, without their prefixes."""
    tags = list(tags)
    bare = scheme(tags) is None
    return list(dict.fromkeys(tag if bare else split(tag)[1] for tag in tags if tag != OUTSIDE))


def scheme(tags: Iterable[str]) -> str | None:
    """The scheme that the prefixes of some tags are of; None where no tag has one."""
    prefixes = {match[1] for tag in tags if (match := PREFIXED.fullmatch(tag))}
    if not prefixes:
        return None
    return next((name for letters, name in SCHEMES if prefixes <= letters), "BMES")


def split(tag: str) -> tuple[str, str]:
    """A tag's prefix as IOBES writes it, and its kind; no prefix where it has none."""
    match = PREFIXED.fullmatch(tag)
    return (AS_IOBES.get(match[1], match[1]), match[2]) if match else ("", tag)


def iob2(tags: Sequence[str], prefixed: bool, known: Labels) -> list[str]:
    """The tags of one text in IOB2, each kind by its name in `known`, its own where it is none of them."""
    written: list[str] = []
    last_kind, ended = "", True
    for tag in tags:
        if tag == OUTSIDE:
            written.append(OUTSIDE)
            last_kind, ended = "", True
            continue
        prefix, kind = split(tag) if prefixed else ("", tag)
        kind = known.name(kind)
        begins = ended or kind != last_kind or prefix in ("B", "S")
        written.append(f"{'B' if begins else 'I'}-{kind}")
        last_kind, ended = kind, prefix in ("E", "S")
    return written


def counted(pairs: Sequence[tuple[list[str], list[str]]]) -> Any:
    """Of each text: entities found, in the reference and in the prediction (seqeval); right tags, words.

    A pair is a text's reference and predicted tags in IOB2.
    """
    import numpy
    from seqeval.metrics.sequence_labeling import get_entities

    return numpy.array(
        [
            (len(set(truth) & set(given)), len(truth), len(given), sum(a == b for a, b in zip(*tags, strict=True)),
             len(tags[0]))
            for tags in pairs
            for truth, given in [tuple(map(get_entities, tags))]
        ]
    )  # fmt: skip


class EntityCounts:
    """seqeval's micro-averaged figures of some texts, from the counts of each."""

    metrics: ClassVar[tuple[str, ...]] = ("f1", "precision", "recall", "accuracy")

    def __init__(self, rows: Sequence[Sequence[float]]) -> None:
        """A row holds the counts of a text, as `counted` gives them."""
        import numpy

        self._counts = numpy.asarray(rows, float, order="F")

    def __call__(self, counts: Any) -> Any:
        """As `WholeSet`; what would be divided by nothing is 0, as seqeval's `zero_division`."""
        import numpy

        found, truth, given, right, words = (counts @ self._counts).T
        parts = ((2 * found, truth + given), (found, given), (found, truth), (right, words))
        return numpy.array([part / numpy.maximum(whole, 1) for part, whole in parts])
