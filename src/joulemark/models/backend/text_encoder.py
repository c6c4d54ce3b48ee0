"""What encoders of texts have in common: how a predictor of theirs becomes a loaded model."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Protocol

from joulemark.core.model import Checkpoint, Loaded, Settings
from joulemark.models.backend import compilation, fast_tokenizer, padding, stages, transfers, weights
from joulemark.models.backend.stages import Predictor


class Encoder(Predictor, Protocol):
    """A Predictor that reads texts.

    Attributes:
        model: on its device
        tokenizer: that of `fast_tokenizer.chosen`
        room: most tokens that the model reads; None: unlimited
        multiple: tokens to a multiple of which texts are padded
    """

    @property
    def model(self) -> Any:
        """The model on its device."""

    @property
    def tokenizer(self) -> Any:
        """What makes tokens of the texts."""

    @property
    def room(self) -> int | None:
        """Most tokens that the model reads; None: unlimited."""

    @property
    def multiple(self) -> int:
        """Tokens to a multiple of which texts are padded."""

    def __call__(self, inputs: Sequence[Any], /) -> Any:
        """One whole inference."""


def loaded(
    predict: Encoder,
    checkpoint: Checkpoint,
    settings: Settings,
    device: str,
    memory: Callable[[], int | None],
    lengths: Callable[[Any], Sequence[int]],
    rows: int = 1,
    **facts: Any,
) -> Loaded:
    """The loaded model of an encoder's predictor.

    `memory` was watched since before the load. `lengths` are the tokens of each input in what `prepare` gave, each of
    which makes so many `rows` of the forward pass; `facts` are the kind's own.
    """
    return Loaded(
        predict=predict,
        stages=stages.plain(predict, device),
        facts={
            **weights.facts(predict.model, checkpoint, settings),
            **fast_tokenizer.facts(predict.tokenizer),
            "context": predict.room,
            **facts,
        },
        peak_memory_bytes=memory,
        steps=transfers.overlapping(predict, device, fast_tokenizer.threads(settings)),
        tokens=padding.counter(predict.prepare, lengths, predict.multiple, predict.room, rows=rows),
        later_facts=partial(compilation.later_facts, predict.model),
    )
