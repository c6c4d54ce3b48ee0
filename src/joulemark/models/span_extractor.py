"""Encoders that mark the span of a context which answers a question."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, ClassVar

from joulemark.core.model import Capabilities, Checkpoint, Loaded, Settings
from joulemark.core.task import Prediction, Task
from joulemark.models.backend import (
    batches,
    fast_tokenizer,
    own_tokenizer,
    placement,
    stages,
    text_encoder,
    tokenization,
    weights,
)
from joulemark.models.backend.checkpoint import fetch
from joulemark.models.backend.context import context_of


@dataclass(frozen=True)
class SpanExtractor:
    """A model that answers a question with a span of its context.

    `longest` is the most tokens of an answer. With `may_decline` (models trained on SQuAD 2) the answer is empty where
    the first token, which stands for none, scores higher than any span.
    """

    loads: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "AutoModelForQuestionAnswering": {}
    }  # what identifies its checkpoints

    checkpoint: Checkpoint
    role: str
    capabilities: Capabilities = field(default_factory=Capabilities)
    context: int | None = None
    longest: int = 15
    may_decline: bool = False

    @property
    def kind(self) -> str:
        """The kind's name, a file of conf/model/kind."""
        return "span_extractor"

    def load(self, task: Task, device: str, settings: Settings) -> Loaded:
        """The model on its device; a context that does not fit beside its question loses its end."""
        checkpoint = fetch(self.checkpoint)
        memory = placement.watch_memory(device)
        model = weights.open_weights("AutoModelForQuestionAnswering", checkpoint, device, settings)
        tokenizer = tokenization.open_tokenizer(checkpoint)
        own_tokenizer.check_vocabulary(model, tokenizer, checkpoint)
        context = context_of(model, self.context)
        accepted = tokenization.accepted_by(model)
        tokenizer = fast_tokenizer.chosen(tokenizer, settings, checkpoint, context, device)
        multiple = settings.pad_to_multiple_of
        predict = _Reader(model, tokenizer, context, self.longest, self.may_decline, accepted, multiple)
        pair = [{"question": batches.SHORT, "context": text} for text in (batches.SHORT, batches.LONG)]
        batches.check_encoder(predict, checkpoint, settings, pair, itemgetter(1))
        return text_encoder.loaded(predict, checkpoint, settings, device, memory, lambda prepared: prepared[1].lengths)


@dataclass(frozen=True)
class _Reader:
    model: Any
    tokenizer: Any
    room: int | None
    longest: int
    may_decline: bool
    accepted: frozenset[str]
    multiple: int

    def __call__(self, inputs: Sequence[Any]) -> list[Prediction]:
        return stages.through(self, inputs)

    def prepare(self, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """The inputs of one batch as the model's tensors, on the host."""
        pairs = [(request["question"], request["context"]) for request in inputs]
        return pairs, *tokenization.encode_pairs(self.tokenizer, pairs, self.room, self.multiple)

    def infer(self, prepared: tuple[Any, ...]) -> tuple[Any, ...]:
        """What the model gives for a prepared batch; its tensors may still be on the device."""
        import torch

        batch = prepared[1]
        tensors = tokenization.taken(self.model, batch.tensors, self.accepted)
        with torch.inference_mode():
            out = self.model(**tensors)
        return *prepared, out.start_logits.float(), out.end_logits.float()

    def read(self, output: tuple[Any, ...]) -> list[Prediction]:
        """The predictions in what the model gave, as host values."""
        pairs, batch, spans, starts, ends = output
        starts, ends = starts.cpu(), ends.cpu()
        return [
            Prediction(
                self._answer(context, starts[row], ends[row], spans[row]),
                units=1,
                input_tokens=batch.lengths[row],
                truncated=batch.truncated[row],
            )
            for row, (_, context) in enumerate(pairs)
        ]

    def _answer(self, context: str, start: Any, end: Any, spans: Sequence[tuple[int, int] | None]) -> str:
        """The text of the best span: start and end inside the context, in order, not longer than `longest`."""
        import torch

        inside = torch.tensor([span is not None for span in spans])
        scores = start[: len(spans), None] + end[None, : len(spans)]
        allowed = (inside[:, None] & inside[None, :]).triu().tril(self.longest - 1)
        allowed_scores = scores.masked_fill(~allowed, -torch.inf)
        best = int(allowed_scores.argmax())
        if self.may_decline and scores[0, 0] > allowed_scores.flatten()[best]:
            return ""
        first, last = spans[best // len(spans)], spans[best % len(spans)]
        return "" if first is None or last is None else context[first[0] : last[1]]
