"""Sentence encoders: BERT-like models whose averaged tokens stand for a text's meaning."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from joulemark.core.model import Capabilities, Checkpoint, Loaded, Settings
from joulemark.core.task import Prediction, Task
from joulemark.models.backend import batches, own_tokenizer, placement, stages, tokenization, weights
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
        predict = _Comparer(model, tokenizer, context, self.pooling, accepted)
        pair = [(text, text) for text in (batches.SHORT, batches.LONG)]
        batches.check_encoder(predict, checkpoint, settings, pair)
        return Loaded(
            predict=predict,
            stages=stages.plain(predict, device),
            facts={**weights.facts(model, checkpoint, settings), "context": context, "pooling": self.pooling},
            peak_memory_bytes=memory,
        )


@dataclass(frozen=True)
class _Comparer:
    model: Any
    tokenizer: Any
    room: int | None
    pooling: str
    accepted: frozenset[str]

    def __call__(self, inputs: Sequence[Any]) -> list[Prediction]:
        return stages.through(self, inputs)

    def prepare(self, inputs: Sequence[Any]) -> tokenization.Encoded:
        """The inputs of one batch as the model's tensors, on the host."""
        return tokenization.encode(self.tokenizer, [text for pair in inputs for text in pair], self.room)

    def infer(self, batch: tokenization.Encoded) -> tuple[tokenization.Encoded, list[float]]:
        """What the model gives for a prepared batch; its tensors may still be on the device."""
        import torch

        tensors = tokenization.taken(self.model, batch.tensors, self.accepted)
        with torch.inference_mode():
            states = self.model(**tensors).last_hidden_state
            mask = batch.tensors["attention_mask"][:, :, None].to(states.device, states.dtype)
            vectors = states[:, 0] if self.pooling == "cls" else (states * mask).sum(1) / mask.sum(1)
            alike = torch.nn.functional.cosine_similarity(vectors[0::2].float(), vectors[1::2].float())
        return batch, alike.tolist()

    def read(self, output: tuple[tokenization.Encoded, list[float]]) -> list[Prediction]:
        """The predictions in what the model gave, as host values."""
        batch, alike = output
        return [
            Prediction(
                value,
                units=1,
                input_tokens=sum(batch.lengths[2 * row : 2 * row + 2]),
                truncated=any(batch.truncated[2 * row : 2 * row + 2]),
            )
            for row, value in enumerate(alike)
        ]
