"""What answers: a checkpoint, the settings it is run with, and the model once it is on its device."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from joulemark.core.task import Predict, Prediction, Sample, Task


@dataclass(frozen=True)
class Stage:
    """One part of an inference, which can be measured alone.

    `run` takes what the stage before it gave (the first one a batch of inputs), leaves that as it was, and returns when
    the device is done: it can be called again with the same value.
    """

    name: str
    run: Callable[[Any], Any]


@dataclass(frozen=True)
class Loaded:
    """A model on its device, ready to answer.

    `predict` applies the task's prompt, tokenizes, runs the model and decodes: all of one inference. `stages` are its
    parts in order, which together give the same predictions.
    `facts` says what was loaded (parameters, revision, dtype, attention, ...), JSON values only.
    `judge` gives further metrics of measured calls, those that need a model to compute (perplexity of the references,
    a classifier's view of an image), outside any window; None where there are none.
    `peak_memory_bytes` is the device allocator's high-water mark since the load, summed over several GPUs, whose marks
    need not be of one moment; None without an accelerator.
    """

    predict: Predict
    facts: Mapping[str, Any]
    stages: tuple[Stage, ...] = ()
    judge: Callable[[Sequence[Sample], Sequence[Prediction]], Mapping[str, float | None]] | None = None
    peak_memory_bytes: Callable[[], int | None] = lambda: None


@dataclass(frozen=True)
class Checkpoint:
    """Which weights, and where they come from.

    `allow_pickle` also takes weights in PyTorch's old format, whose files can run code when they are read.
    `weights` is `hub`, `embedded`, `random`, `none` or a local folder; `shape` holds the keyword arguments of the
    transformers config with its `model_type`, and random ones are drawn from `seed`; `processor` those of the image or
    sound preprocessor with its class as `type`. `parameters` is the published count, as a rule without the head.
    `path` and a resolved `revision` are filled in by `joulemark.models.backend.checkpoint.fetch`.
    """

    id: str
    weights: str = "hub"
    revision: str | None = None
    trust_remote_code: bool = False
    allow_pickle: bool = False
    shape: Mapping[str, Any] = field(default_factory=dict)
    processor: Mapping[str, Any] = field(default_factory=dict)
    parameters: int | None = None
    seed: int = 0
    path: Path | None = None


@dataclass(frozen=True)
class Settings:
    """How a model is run on its device: what may be chosen without changing what is asked of it.

    `precision` is one of the hardware's; `attention` transformers' name of an implementation, `auto` its own choice.
    `cache` says whether a generator's keys and values grow with the answer (`dynamic`) or have their place from the
    start (`static`). `compile` has torch compile the forward pass, with a static cache that of decoding; `graphs` also
    records it as CUDA graphs. `preprocessing_workers` of the host read and resize the pictures of a batch side by side.
    """

    precision: str = "fp32"
    batch_size: int = 1
    sort: str = "none"
    attention: str = "auto"
    cache: str = "dynamic"
    compile: bool | str = False
    preprocessing_workers: int = 1


class Model(Protocol):
    """A kind of model with one checkpoint: a description that is cheap to make until `load` is called.

    `role` is `specialist` (takes the bare input) or `general` (takes the task's prompt).
    `tasks` names the tasks the checkpoint can do.
    """

    @property
    def kind(self) -> str: ...
    @property
    def checkpoint(self) -> Checkpoint: ...
    @property
    def role(self) -> str: ...
    @property
    def tasks(self) -> Sequence[str]: ...
    def load(self, task: Task, device: str, settings: Settings) -> Loaded: ...
