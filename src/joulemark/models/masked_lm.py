"""Encoders that fill a mask: BERT and its kin with their language modelling head."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, ClassVar

from joulemark.core.errors import UserError
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
    weight_checks,
    weights,
)
from joulemark.models.backend.checkpoint import fetch
from joulemark.models.backend.context import context_of


@dataclass(frozen=True)
class MaskedLM:
    """A model that says which token stands where the mask is; the mask follows each text."""

    loads: ClassVar[Mapping[str, Mapping[str, str]]] = {"AutoModelForMaskedLM": {}}  # what identifies its checkpoints

    checkpoint: Checkpoint
    role: str
    capabilities: Capabilities = field(default_factory=Capabilities)
    context: int | None = None

    @property
    def kind(self) -> str:
        """The kind's name, a file of conf/model/kind."""
        return "masked_lm"

    def load(self, task: Task, device: str, settings: Settings) -> Loaded:
        """The model on its device; a text that does not fit loses its end, the mask stays."""
        checkpoint = fetch(self.checkpoint)
        memory = placement.watch_memory(device)
        model = weights.open_weights("AutoModelForMaskedLM", checkpoint, device, settings)
        tokenizer = tokenization.open_tokenizer(checkpoint)
        own_tokenizer.check_vocabulary(model, tokenizer, checkpoint)
        if tokenizer.mask_token is None:
            raise UserError(
                f"{weight_checks.place_of(checkpoint)}: its tokenizer has no mask token; choose another checkpoint"
            )
        context = context_of(model, self.context)
        tokenizer = fast_tokenizer.chosen(tokenizer, settings, checkpoint, context, device)
        multiple = settings.pad_to_multiple_of
        predict = _Filler(model, tokenizer, context, tokenization.accepted_by(model), multiple)
        batches.check_encoder(predict, checkpoint, settings)
        return text_encoder.loaded(predict, checkpoint, settings, device, memory, attrgetter("lengths"))


@dataclass(frozen=True)
class _Filler:
    model: Any
    tokenizer: Any
    room: int | None
    accepted: frozenset[str]
    multiple: int

    def __call__(self, inputs: Sequence[Any]) -> list[Prediction]:
        return stages.through(self, inputs)

    def prepare(self, inputs: Sequence[Any]) -> tokenization.Encoded:
        """The inputs of one batch as the model's tensors, on the host."""
        prompt = "{text} " + self.tokenizer.mask_token
        return tokenization.encode(self.tokenizer, inputs, self.room, prompt, self.multiple)

    def infer(self, batch: tokenization.Encoded) -> tuple[tokenization.Encoded, Any]:
        """What the model gives for a prepared batch; its tensors may still be on the device."""
        import torch

        tensors = tokenization.taken(self.model, batch.tensors, self.accepted)
        with torch.inference_mode():
            return batch, self.model(**tensors).logits.argmax(dim=-1)

    def read(self, output: tuple[tokenization.Encoded, Any]) -> list[Prediction]:
        """The predictions in what the model gave, as host values."""
        batch, chosen = output
        masks = (batch.tensors["input_ids"] == self.tokenizer.mask_token_id).int()
        last = masks.shape[1] - 1 - masks.flip(1).argmax(dim=1)  # the mask put there, whatever the text itself holds
        tops = chosen.cpu().gather(1, last[:, None])[:, 0].tolist()
        return [
            Prediction(self.tokenizer.decode([top]).strip(), units=1, input_tokens=length, truncated=truncated)
            for top, length, truncated in zip(tops, batch.lengths, batch.truncated, strict=True)
        ]
