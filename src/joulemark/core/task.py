"""What is asked: one request, its inputs and predictions, and the task that makes and scores them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol


@dataclass(frozen=True)
class Sample:
    """One request: what the model is given and what a correct prediction looks like.

    `target` is None where the data holds no reference; such a sample cannot be scored.
    """

    id: str
    input: Any
    target: Any = None


@dataclass(frozen=True)
class Inputs:
    """The requests of one run in order, and a line for each row of the source that could not be used."""

    samples: tuple[Sample, ...] = ()
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True)
class Prediction:
    """What came back for one request.

    `units` is the work done in the task's unit (tokens generated, labels given, images drawn).
    `input_tokens` counts what the model read after truncation; None where tokens do not apply.
    """

    output: Any
    units: int
    input_tokens: int | None = None
    output_tokens: int | None = None
    truncated: bool = False


# Returns host values: when it returns, the device has finished all work of the call.
Predict = Callable[[Sequence[Any]], list[Prediction]]


@dataclass(frozen=True)
class Scores:
    """The quality of one set of predictions: the task's metrics, and one score in [0, 1] per request.

    A metric that could not be computed is None; `each` has one entry per request, in order.
    """

    values: Mapping[str, float | None]
    each: Sequence[float | None]


class Task(Protocol):
    """What is asked: inputs, options and metric. All that makes two runs comparable lives here, in a frozen dataclass.

    A model can do the task when it accepts the input and gives the output (`core.model.fits`). Both are names of an
    open vocabulary: inputs text, question_context, text_pair, words, image, audio; outputs text, label, span,
    masked_token, tags, similarity, boxes, image.

    Attributes:
        accepts: what an input is
        gives: what a prediction is
        metric: name of the primary entry of the scores; higher is better
    """

    accepts: ClassVar[str]
    gives: ClassVar[str]

    @property
    def name(self) -> str:
        """The task's name, a file of conf/task."""

    @property
    def unit(self) -> str:
        """The unit of its work: token, image, label, …"""

    @property
    def metric(self) -> str:
        """The name of its primary metric; higher is better."""

    def samples(self, count: int, seed: int) -> Inputs:
        """The first `count` inputs of its dataset, in order."""

    def score(self, samples: Sequence[Sample], predictions: Sequence[Prediction]) -> Scores:
        """The quality of the predictions; None where nothing has a reference. Also called with none, before a run."""


class PromptedTask(Task, Protocol):
    """A task for generators: it has a prompt and a budget of tokens.

    `prompt` is a format string whose fields are those of the input (`{text}`, `{question}`, …), used by general-purpose
    models only. `max_new_tokens` and `min_new_tokens` bound what may be generated for one request.
    """

    @property
    def prompt(self) -> str:
        """A format string over the fields of the input, for general-purpose models only."""

    @property
    def min_new_tokens(self) -> int:
        """The fewest tokens generated for one request."""

    @property
    def max_new_tokens(self) -> int:
        """The most tokens generated for one request."""
