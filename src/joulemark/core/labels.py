"""The labels of a checkpoint and those of a task: as mapped, else the same, else but for case and separators."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

SHOWN = 6  # labels that a message lists
PREFIXED = re.compile(r"([BIESLUM])[-_](.+)")  # a tag of IOB, IOE, IOBES, BILOU or BMES and the kind of its entity
PLAIN = re.compile(r"[A-Za-z_][\w-]*", re.ASCII)  # a name that Hydra takes unquoted, as key and as value
SPECIAL = re.compile(r"[\\,:=(){}\[\]]")  # what Hydra reads otherwise unless it is escaped
SEPARATORS = re.compile(r"[\s_\-‐-―.,/]+")


def key(label: str) -> str:
    """A label without case and separators: `Sports_News`, `sports-news` and `sports news` are one."""
    return SEPARATORS.sub(" ", unicodedata.normalize("NFKC", label).casefold()).strip()


@dataclass(frozen=True)
class Labels:
    """The labels that a task knows.

    Attributes:
        names: each label as the task gives it, once
    """

    names: tuple[str, ...]

    @classmethod
    def of(cls, declared: Iterable[str], *seen: Iterable[str]) -> "Labels":
        """The declared labels, then those seen in the data that differ from them by more than case and separators."""
        names = dict.fromkeys(declared)
        keys = {key(name) for name in names}
        for name in (name for source in seen for name in source):
            if key(name) not in keys:
                names[name] = None
                keys.add(key(name))
        return cls(tuple(names))

    def match(self, name: str) -> str | None:
        """The label that is this name: exactly, else the only one that differs by case and separators; else None."""
        return name if name in self._exact else self._by_key.get(key(name))

    def name(self, label: str) -> str:
        """The task's name of a label; the label itself where the task has none."""
        matched = self.match(label)
        return label if matched is None else matched

    @cached_property
    def _exact(self) -> frozenset[str]:
        return frozenset(self.names)

    @cached_property
    def _by_key(self) -> dict[str, str | None]:
        by_key: dict[str, str | None] = {}
        for name in self.names:
            by_key[key(name)] = None if key(name) in by_key else name
        return by_key


def mapped(names: Iterable[object], mapping: Mapping[str, str]) -> dict[str, str]:
    """Each label of a checkpoint to the name that `model.labels` gives it, or to its own.

    A key of the mapping is the checkpoint's label, exactly or but for case and separators.
    """
    keys = Labels.of(mapping)
    matches = {name: keys.match(name) for name in map(str, names)}
    return {name: name if matched is None else mapping[matched] for name, matched in matches.items()}


def mapped_tags(names: Iterable[object], mapping: Mapping[str, str]) -> dict[str, str]:
    """The same for tags of words: a key of the mapping is a whole tag, or the kind of entity, whose prefixes stay."""
    tags, keys = mapped(names, mapping), Labels.of(mapping)
    for tag in tags:
        prefix = PREFIXED.fullmatch(tag)
        if prefix and keys.match(tag) is None and (kind := keys.match(prefix[2])) is not None:
            tags[tag] = f"{prefix[1]}-{mapping[kind]}"
    return tags


def without_counterpart(
    labels: Mapping[str, str], known: Labels, wanted: Iterable[str], seen: bool = False
) -> str | None:
    """Why predictions of these labels of a checkpoint have no quality on data whose references hold the wanted ones.

    An input whose label the checkpoint cannot give is wrong whatever it shows. Labels of the checkpoint that the task
    does not know are no such reason: to give one is wrong. None where each wanted label has a counterpart, and of
    labels that were only `seen` in the predictions, which do not say what else may be given, where one has.
    """
    if seen and any(map(known.match, labels.values())):
        return None
    given = {known.name(name) for name in labels.values()}
    lacking = [name for name in dict.fromkeys(map(known.name, wanted)) if name not in given]
    if not labels or not lacking:
        return None
    spare = {label: name for label, name in labels.items() if known.match(name) is None}
    if len(spare) == len(labels):
        what = f"are none of the task's ({listed(known.names)})"
    else:
        what = f"lack the task's {listed(lacking)}"
    if not spare:
        return f"the model's labels ({listed(labels.values())}) {what}: choose another checkpoint, or data without them"
    example = option(next(iter(spare)), lacking[0])
    return f"the model's labels ({listed(labels.values())}) {what}: map each, as in {example}"


def option(label: str, name: str) -> str:
    """The override that maps a label of the checkpoint to one of the task, as it is typed in a shell."""
    if PLAIN.fullmatch(label) and PLAIN.fullmatch(name):
        return f"model.labels.{label}={name}"
    escaped = [SPECIAL.sub(r"\\\g<0>", text) for text in (label, name)]
    return f"'model.labels={{{escaped[0]}: {escaped[1]}}}'"


def listed(names: Iterable[str]) -> str:
    """The first few names, and how many there are where they are more."""
    each = list(dict.fromkeys(names))
    more = f", … ({len(each)} in all)" if len(each) > SHOWN else ""
    return ", ".join(each[:SHOWN]) + more
