"""The words of the ML.ENERGY Benchmark 3.0: its tasks, their inputs, and what its energies are of."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from joulemark.analysis.external import cells
from joulemark.core.formatting import spoken


class Inputs(NamedTuple):
    """What a task of theirs is here; None where there is no such task."""

    task: str | None
    dataset: str


TASKS = MappingProxyType(
    {
        "lm-arena-chat": Inputs("chat", "LMArena human preference"),
        "gpqa": Inputs(None, "GPQA diamond"),
        "sourcegraph-fim": Inputs(None, "Sourcegraph fill-in-the-middle"),
        "image-chat": Inputs(None, "LMArena vision arena"),
        "video-chat": Inputs(None, "LLaVA-Video-178K"),
        "audio-chat": Inputs(None, "NVIDIA AudioSkills"),
        "text-to-image": Inputs("image_generation", "Open Image Preferences"),
        "text-to-video": Inputs(None, "EvalCrafter"),
    }
)
PRECISIONS = {"bfloat16": "bf16", "float16": "fp16", "float32": "fp32"}  # the others are called as here
METHODS = {"gpu": "counter"}  # Zeus reads the counters of the GPUs

STEADY = "the stretch in which a server is full; an inference is a token's energy times the mean length of an answer"
BATCHES = "batches one after the other"


def boundary(source: str, sizes: Mapping[str, Any] | None = None) -> str:
    """What was counted: of a full server, or of batches of images or videos with the sizes that set what they cost."""
    stated = [] if sizes is None else [(name, cells.number(size)) for name, size in sizes.items()]
    texts = "".join(f", {spoken(name)} {size:g}" for name, size in stated if size is not None)
    what = STEADY if sizes is None else f"{BATCHES}{texts}"
    return f"{source}: the GPUs alone by their counters (Zeus), {what}; CPU, RAM and loading not counted"


def hardware(model: Any, count: int | None) -> str | None:
    """`2 x NVIDIA H100`; None where the model is not stated."""
    if not isinstance(model, str) or not model:
        return None
    return f"{count} x NVIDIA {model}" if count else f"NVIDIA {model}"


def task_of(path: Path) -> str | None:
    """The task by the folders in which the benchmark saves a result; None in any other folder."""
    return next((part for part in reversed(path.parts) if part in TASKS), None)
