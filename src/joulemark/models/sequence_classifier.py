"""Encoders with a classification head: DistilBERT, BERT, RoBERTa and their kin."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, ClassVar

from joulemark.core.labels import mapped
from joulemark.core.model import Capabilities, Checkpoint, Loaded, Settings
from joulemark.core.task import Prediction, PromptedTask
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
class SequenceClassifier:
    """A model that gives each text one of the labels it was trained on.

    `labels` maps the checkpoint's label names to the task's; a name it does not hold stays as it is.
    """

    loads: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "AutoModelForSequenceClassification": {}
    }  # what identifies its checkpoints

    checkpoint: Checkpoint
    role: str
    capabilities: Capabilities = field(default_factory=Capabilities)
    labels: Mapping[str, str] = field(default_factory=dict)
    context: int | None = None

    @property
    def kind(self) -> str:
        """The kind's name, a file of conf/model/kind."""
        return "sequence_classifier"

    def load(self, task: PromptedTask, device: str, settings: Settings) -> Loaded:
        """The model on its device; one label per text, so a token budget means nothing here."""
        checkpoint = fetch(self.checkpoint)
        memory = placement.watch_memory(device)
        model = weights.open_weights("AutoModelForSequenceClassification", checkpoint, device, settings)
        tokenizer = tokenization.open_tokenizer(checkpoint, own_tokenizer.padding_side(model))
        own_tokenizer.check_vocabulary(model, tokenizer, checkpoint)
        own_tokenizer.name_padding(model, tokenizer, checkpoint)
        context = context_of(model, self.context)
        labels = mapped(model.config.id2label.values(), self.labels)
        names = {number: labels[str(name)] for number, name in model.config.id2label.items()}
        prompt = task.prompt if self.role == "general_purpose" else "{text}"
        accepted = tokenization.accepted_by(model)
        tokenizer = fast_tokenizer.chosen(tokenizer, settings, checkpoint, context, device)
        multiple = settings.pad_to_multiple_of
        predict = _Classifier(model, tokenizer, context, prompt, names, labels, accepted, multiple)
        batches.check_encoder(predict, checkpoint, settings)
        return text_encoder.loaded(
            predict, checkpoint, settings, device, memory, attrgetter("lengths"), labels=list(names.values())
        )


@dataclass(frozen=True)
class _Classifier:
    model: Any
    tokenizer: Any
    room: int | None
    prompt: str
    names: Mapping[int, str]
    labels: Mapping[str, str]
    accepted: frozenset[str]
    multiple: int

    def __call__(self, inputs: Sequence[Any]) -> list[Prediction]:
        return stages.through(self, inputs)

    def prepare(self, inputs: Sequence[Any]) -> tokenization.Encoded:
        """The inputs of one batch as the model's tensors, on the host."""
        return tokenization.encode(self.tokenizer, inputs, self.room, self.prompt, self.multiple)

    def infer(self, batch: tokenization.Encoded) -> tuple[tokenization.Encoded, Any]:
        """What the model gives for a prepared batch; its tensors may still be on the device."""
        import torch

        tensors = tokenization.taken(self.model, batch.tensors, self.accepted)
        with torch.inference_mode():
            return batch, self.model(**tensors).logits.argmax(dim=-1)

    def read(self, output: tuple[tokenization.Encoded, Any]) -> list[Prediction]:
        """The predictions in what the model gave, as host values."""
        batch, chosen = output
        return [
            Prediction(self.names[number], 1, input_tokens=length, truncated=truncated, labels=self.labels)
            for number, length, truncated in zip(chosen.tolist(), batch.lengths, batch.truncated, strict=True)
        ]
