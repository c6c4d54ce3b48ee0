"""What a checkpoint's repository holds beside what conf/ says of it, without a download of its weights."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from joulemark.core.errors import UserError
from joulemark.core.model import Checkpoint
from joulemark.data import hub
from joulemark.models.backend import preprocessing
from joulemark.models.backend.checkpoint import Plan, plan
from joulemark.models.backend.tokenization import text_shape

TOKENIZERS = ("tokenizer.json", "vocab.json", "vocab.txt", "*.model")  # one of them, for transformers to make one from
# Which library builds a backbone, not what it is: published ones name timm, shapes build the same without it
OF_BUILDING = ("use_timm_backbone", "use_pretrained_backbone", "backbone")
ABSENT = object()


def check(checkpoint: Checkpoint) -> str:
    """What was found, in a few words, where a run would find all that it needs and conf/ tells the truth.

    UserError where the repository is gated, missing or lacks files, and for each value that differs.
    """
    planned = plan(checkpoint)
    if planned is None:
        raise UserError(f"the Hub does not answer for {checkpoint.id}")
    compared = list(_compared(checkpoint, planned))
    different = [
        f"{key} is {_short(theirs)}, conf/ says {_short(ours)}"
        for key, ours, theirs in compared
        if not _alike(ours, theirs)
    ]
    wrong = [*_lacking(checkpoint, planned), *different]
    if wrong:
        raise UserError("; ".join(wrong))
    return f"commit {planned.commit[:7]}, {len(planned.files)} files, {len(compared)} values agree"


def values(
    shape: Mapping[str, Any], published: Mapping[str, Any], resolved: Any = None, name: str = ""
) -> Iterator[tuple[str, Any, Any]]:
    """Each value of a shape that the published configuration has too: its dotted name, ours, and theirs.

    `resolved` is the published one as transformers reads it, which also knows defaults and other names of a key; what
    the file itself says comes first.
    """
    for key, ours in shape.items():
        theirs = published[key] if key in published else getattr(resolved, key, ABSENT)
        if theirs is ABSENT or key in OF_BUILDING or (theirs is None and ours is not None):
            continue
        if isinstance(ours, Mapping):
            inside = theirs if isinstance(theirs, Mapping) else {}
            yield from values(ours, inside, getattr(resolved, key, None), f"{name}{key}.")
        else:
            yield f"{name}{key}", ours, theirs


def _alike(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, float) and isinstance(theirs, int | float):
        return math.isclose(ours, theirs)
    if isinstance(ours, list | tuple) and isinstance(theirs, list | tuple):
        return len(ours) == len(theirs) and all(map(_alike, ours, theirs))
    return bool(ours == theirs)


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _compared(checkpoint: Checkpoint, planned: Plan) -> Iterator[tuple[str, Any, Any]]:
    """The values of conf/ and of the configuration in the repository; a pipeline has one for each part."""
    if planned.parts is None:
        published = hub.json_of(checkpoint.id, "config.json", planned.commit)
        yield from values(checkpoint.shape, published, _resolved(published))
        return
    for part, shape in checkpoint.shape.items():
        file = f"{part}/scheduler_config.json" if part == "scheduler" else f"{part}/config.json"
        if file in planned.files:
            published = hub.json_of(checkpoint.id, file, planned.commit)
            yield from values(shape, {**published, "type": published.get("_class_name")}, name=f"{part}.")


def _resolved(published: Mapping[str, Any]) -> Any:
    """The configuration as transformers reads it; None where it knows no such kind."""
    from transformers import CONFIG_MAPPING, logging

    logging.set_verbosity_error()
    rest = dict(published)
    kind = rest.pop("model_type", None)
    return CONFIG_MAPPING[kind](**rest) if kind in CONFIG_MAPPING else None


def _lacking(checkpoint: Checkpoint, planned: Plan) -> Iterator[str]:
    from fnmatch import fnmatch

    def has(*kinds: str) -> bool:
        return any(fnmatch(file, kind) for file in planned.files for kind in kinds)

    if planned.parts is not None:
        for part in planned.parts:
            if not has(f"{part}/*"):
                yield f"its part '{part}' has no files"
        return
    if "vocab_size" in text_shape(checkpoint.shape) and not has(*TOKENIZERS):
        yield f"no tokenizer ({', '.join(TOKENIZERS)})"
    if checkpoint.processor and not has(*preprocessing.FILES):
        yield f"no preprocessor ({', '.join(preprocessing.FILES)})"
