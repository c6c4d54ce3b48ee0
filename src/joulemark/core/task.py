"""What is asked: one request, its inputs and predictions, and the task that makes and scores them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite
from typing import Any, ClassVar, Protocol

# Why there is no quality where none was to be expected; any other reason raises a flag
NO_REFERENCES = "the data holds no references"
NO_JUDGE = "nobody looks at the images: type task.judge=openai/clip-vit-base-patch16 or another CLIP checkpoint"
NO_RULE = "no rule decides whether an answer of these conversations is right; type task.dataset=gsm8k or another"
RANDOM_WEIGHTS = "random weights"
EXPECTED = (NO_REFERENCES, NO_JUDGE, NO_RULE, RANDOM_WEIGHTS)

NEW_HEAD = "the checkpoint has no head for this task: the one that ran was drawn at random"
NOT_FINITE = "not a finite number (NaN or infinite values in the model's output?)"


@dataclass(frozen=True)
class Sample:
    """One request: what the model is given and what a correct prediction looks like.

    `target` is None where the data holds no reference; such a sample cannot be scored. `output_tokens` is how many
    tokens its answer is to have, exactly; None where the task's budget and the end-of-text token decide.
    """

    id: str
    input: Any
    target: Any = None
    output_tokens: int | None = None

    @property
    def given(self) -> Any:
        """What a model of fixed batches is given: the input, as `Bounded` where its answer has a length of its own."""
        return self.input if self.output_tokens is None else Bounded(self.input, self.output_tokens)


@dataclass(frozen=True)
class Bounded:
    """An input whose answer is to have exactly so many tokens."""

    input: Any
    output_tokens: int


@dataclass(frozen=True)
class Inputs:
    """The requests of one run in order, and a line for each row of the source that could not be used.

    `sampling_bias` says how the rows that were taken differ from the rest of the source; None where they do not, or
    where nobody looked.
    """

    samples: Sequence[Sample] = ()
    skipped: tuple[str, ...] = ()
    sampling_bias: str | None = None


@dataclass(frozen=True)
class Prediction:
    """What came back for one request.

    `units` is the work done in the task's unit (tokens generated, labels given, images drawn).
    `input_tokens` counts what the model read after truncation; None where tokens do not apply.
    `reasoning_tokens` counts those of `output_tokens` that came before the answer itself, the marks of the reasoning
    included; None where nobody looked.
    `labels` holds all labels that a classifier can give, the checkpoint's to what `model.labels` calls it: its output
    is compared whole. Empty for generated text, in which labels are searched.
    """

    output: Any
    units: int
    input_tokens: int | None = None
    output_tokens: int | None = None
    truncated: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    reasoning_tokens: int | None = None


# Returns host values: when it returns, the device has finished all work of the call.
Predict = Callable[[Sequence[Any]], list[Prediction]]


@dataclass(frozen=True)
class MetricInterval:
    """The 95 % interval of a metric of the whole set of predictions, which is no mean over the requests.

    Attributes:
        low: the lower end; None where there is none
        high: the upper end
        n: requests that were scored
        method: how the ends were computed, or why there are none
    """

    low: float | None
    high: float | None
    n: int
    method: str


@dataclass(frozen=True)
class Statistics:
    """What metrics of the whole set are computed from: some numbers of each request that was scored, and no text.

    Attributes:
        kind: which metrics these are, a name in tasks/metrics/whole_set.py
        rows: of each scored request, in order: counts, codes of labels, values
        scored: whether each request was scored, in order
    """

    kind: str
    rows: Any  # a sequence of sequences, or an array of numpy
    scored: Sequence[int]

    def each(self) -> Iterator[tuple[float, ...] | None]:
        """The row of each request; None where it was not scored."""
        rows = iter(self.rows)
        for scored in self.scored:
            yield tuple(map(float, next(rows))) if scored else None


@dataclass(frozen=True)
class Scores:
    """The quality of one set of predictions: the task's metrics, and one score in [0, 1] per request.

    Attributes:
        values: by metric; None where it could not be computed
        each: the score of each request, in order; None where it was not scored
        reason: why the primary metric is None, with what to type; None where it is not
        computed_by: how a metric was computed: library, version, rule, signature
        statistics: what the metrics that are no mean of `each` are computed from; None where all are means
    """

    values: Mapping[str, float | None]
    each: Sequence[float | None]
    reason: str | None = None
    computed_by: Mapping[str, str] = field(default_factory=dict)
    statistics: Statistics | None = None

    def finite(self) -> "Scores":
        """These scores with None for what is no finite number, and the reason for it."""
        broken = [name for name, value in self.values.items() if value is not None and not isfinite(value)]
        values = {name: None if name in broken else value for name, value in self.values.items()}
        each = self.each
        if not all(score is None or isfinite(score) for score in each):
            each = [None if score is None or not isfinite(score) else score for score in each]
        reason = f"{', '.join(broken)}: {NOT_FINITE}" if broken else self.reason
        return replace(self, values=values, each=each, reason=reason)


def without_quality(metrics: Sequence[str], count: int, reason: str) -> Scores:
    """The scores of predictions that have no quality: None for every metric and request, and why."""
    return Scores(dict.fromkeys(metrics), [None] * count, reason)


class Task(Protocol):
    """What is asked: inputs, options and metric. All that makes two runs comparable lives here, in a frozen dataclass.

    A model can do the task when it accepts the input and gives the output (`core.model.fits`). Both are names of an
    open vocabulary: inputs text, question_context, messages, text_pair, words, image, audio; outputs text, label, span,
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
