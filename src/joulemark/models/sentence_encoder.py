"""Sentence encoders: BERT-like models whose averaged tokens stand for a text's meaning."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
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
    transfers,
    weights,
)
from joulemark.models.backend.checkpoint import fetch
from joulemark.models.backend.context import context_of


@dataclass(frozen=True)
class SentenceEncoder:
    """A model whose texts of like meaning point the same way.

    `pooling` makes one vector of a text's tokens: `mean` (Reimers and Gurevych 2019, arXiv 1908.10084) or `cls`.
    """

    loads: ClassVar[Mapping[str, Mapping[str, str]]] = {"SentenceTransformer": {}}  # what identifies its checkpoints

    checkpoint: Checkpoint
    role: str
    capabilities: Capabilities = field(default_factory=Capabilities)
    pooling: str = "mean"
    context: int | None = None

    @property
    def kind(self) -> str:
        """The kind's name, a file of conf/model/kind."""
        return "sentence_encoder"

    def load(self, task: Task, device: str, settings: Settings) -> Loaded:
        """The model on its device; it answers a pair of sentences with the cosine of their vectors."""
        checkpoint = fetch(self.checkpoint)
        memory = placement.watch_memory(device)
        model = weights.open_weights("AutoModel", checkpoint, device, settings)
        tokenizer = tokenization.open_tokenizer(checkpoint)
        own_tokenizer.check_vocabulary(model, tokenizer, checkpoint)
        context = context_of(model, self.context)
        accepted = tokenization.accepted_by(model)
        tokenizer = fast_tokenizer.chosen(tokenizer, settings, checkpoint, context, device)
        multiple = settings.pad_to_multiple_of
        predict = _Comparer(model, tokenizer, context, self.pooling, accepted, multiple)
        reason = None if checkpoint.weights == "random" else _padding_matters(predict, settings)
        if reason and batches.padded(settings):
            raise batches.refusal(settings, reason)
        predict = replace(predict, separately=bool(reason))
        return text_encoder.loaded(
            predict, checkpoint, settings, device, memory, _pair_lengths, rows=2, pooling=self.pooling
        )


def _pair_lengths(parts: Sequence[tokenization.Encoded]) -> list[int]:
    """The tokens of the longer text of each pair."""
    lengths = [length for part in parts for length in part.lengths]
    return [max(pair) for pair in zip(lengths[0::2], lengths[1::2], strict=True)]


def _padding_matters(predict: "_Comparer", settings: Settings) -> str | None:
    """Why the shorter text of a pair would have another vector beside the longer one; None where it would not."""

    def vectors(tensors: Mapping[str, Any]) -> Any:
        return predict.model(**tokenization.taken(predict.model, tensors, predict.accepted))[0]

    return batches.padding_matters(
        predict.model, settings, lambda texts: tokenization.encode(predict.tokenizer, texts, predict.room).tensors,
        vectors,
    )  # fmt: skip


@dataclass(frozen=True)
class _Comparer:
    """`separately`: each text in a call of its own, since padding to the longer one would change its vector."""

    model: Any
    tokenizer: Any
    room: int | None
    pooling: str
    accepted: frozenset[str]
    multiple: int
    separately: bool = False

    def __call__(self, inputs: Sequence[Any]) -> list[Prediction]:
        return stages.through(self, inputs)

    def prepare(self, inputs: Sequence[Any]) -> list[tokenization.Encoded]:
        """The inputs of one batch as the model's tensors, on the host: in one part, or one a text."""
        texts = [text for pair in inputs for text in pair]
        parts = [[text] for text in texts] if self.separately else [texts]
        return [tokenization.encode(self.tokenizer, part, self.room, multiple=self.multiple) for part in parts]

    def infer(self, parts: list[tokenization.Encoded]) -> tuple[list[tokenization.Encoded], Any]:
        """What the model gives for a prepared batch; its tensors may still be on the device."""
        import torch

        with torch.inference_mode():
            vectors = torch.cat([self._vectors(part.tensors) for part in parts])
            alike = torch.nn.functional.cosine_similarity(vectors[0::2].float(), vectors[1::2].float())
        return parts, alike

    def _vectors(self, tensors: Mapping[str, Any]) -> Any:
        """One vector a text."""
        states = self.model(**tokenization.taken(self.model, tensors, self.accepted)).last_hidden_state
        if self.pooling == "cls":
            return states[:, 0]
        mask = transfers.to_device(tensors["attention_mask"][:, :, None], states.device, states.dtype)
        return (states * mask).sum(1) / mask.sum(1)

    def read(self, output: tuple[list[tokenization.Encoded], Any]) -> list[Prediction]:
        """The predictions in what the model gave, as host values."""
        parts, alike = output
        lengths = [length for part in parts for length in part.lengths]
        truncated = [cut for part in parts for cut in part.truncated]
        return [
            Prediction(
                value,
                units=1,
                input_tokens=sum(lengths[2 * row : 2 * row + 2]),
                truncated=any(truncated[2 * row : 2 * row + 2]),
            )
            for row, value in enumerate(alike.tolist())
        ]
