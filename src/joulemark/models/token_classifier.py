"""Encoders that tag each word: BERT, RoBERTa and their kin with a token classification head."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, ClassVar

from joulemark.core.labels import mapped_tags
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

OUTSIDE = "O"


@dataclass(frozen=True)
class TokenClassifier:
    """A model that gives each word of a text a tag.

    `labels` maps the checkpoint's tags, or their kinds of entity, to those of the data; others stay as they are.
    """

    loads: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "AutoModelForTokenClassification": {}
    }  # what identifies its checkpoints

    checkpoint: Checkpoint
    role: str
    capabilities: Capabilities = field(default_factory=Capabilities)
    labels: Mapping[str, str] = field(default_factory=dict)
    context: int | None = None

    @property
    def kind(self) -> str:
        """The kind's name, a file of conf/model/kind."""
        return "token_classifier"

    def load(self, task: Task, device: str, settings: Settings) -> Loaded:
        """The model on its device; a word has the tag of its first token, one that did not fit is outside."""
        checkpoint = fetch(self.checkpoint)
        memory = placement.watch_memory(device)
        model = weights.open_weights("AutoModelForTokenClassification", checkpoint, device, settings)
        tokenizer = tokenization.open_tokenizer(checkpoint, add_prefix_space=True)  # RoBERTa's reads words no other way
        own_tokenizer.check_vocabulary(model, tokenizer, checkpoint)
        context = context_of(model, self.context)
        labels = mapped_tags(model.config.id2label.values(), self.labels)
        names = {number: labels[str(name)] for number, name in model.config.id2label.items()}
        accepted = tokenization.accepted_by(model)
        tokenizer = fast_tokenizer.chosen(tokenizer, settings, checkpoint, context, device)
        multiple = settings.pad_to_multiple_of
        predict = _Tagger(model, tokenizer, context, names, labels, accepted, multiple)
        pair = (batches.SHORT.split(), batches.LONG.split())
        batches.check_encoder(predict, checkpoint, settings, pair, itemgetter(1))
        return text_encoder.loaded(
            predict, checkpoint, settings, device, memory, lambda prepared: prepared[1].lengths,
            labels=list(names.values()),
        )  # fmt: skip


@dataclass(frozen=True)
class _Tagger:
    model: Any
    tokenizer: Any
    room: int | None
    names: Mapping[int, str]
    labels: Mapping[str, str]
    accepted: frozenset[str]
    multiple: int

    def __call__(self, inputs: Sequence[Any]) -> list[Prediction]:
        return stages.through(self, inputs)

    def prepare(self, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """The inputs of one batch as the model's tensors, on the host."""
        return inputs, *tokenization.encode_words(self.tokenizer, inputs, self.room, self.multiple)

    def infer(self, prepared: tuple[Any, ...]) -> tuple[Any, ...]:
        """What the model gives for a prepared batch; its tensors may still be on the device."""
        import torch

        batch = prepared[1]
        tensors = tokenization.taken(self.model, batch.tensors, self.accepted)
        with torch.inference_mode():
            return *prepared, self.model(**tensors).logits.argmax(dim=-1)

    def read(self, output: tuple[Any, ...]) -> list[Prediction]:
        """The predictions in what the model gave, as host values."""
        inputs, batch, firsts, chosen = output
        predictions = []
        for words, row, places, length, truncated in zip(
            inputs, chosen.tolist(), firsts, batch.lengths, batch.truncated, strict=True
        ):
            tags = [self.names[row[place]] for place in places]
            tags += [OUTSIDE] * (len(words) - len(tags))
            predictions.append(Prediction(tags, len(words), length, truncated=truncated, labels=self.labels))
        return predictions
