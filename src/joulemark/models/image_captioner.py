"""Models that see and speak: an image encoder before a text decoder, BLIP, GIT and BLIP-2."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from joulemark.core.model import Capabilities, Checkpoint, Loaded, Settings
from joulemark.core.task import Prediction, PromptedTask
from joulemark.models.backend import (
    batches,
    context,
    generation,
    generation_stages,
    placement,
    preprocessing,
    stages,
    tokenization,
    weights,
)
from joulemark.models.backend.checkpoint import fetch


@dataclass(frozen=True)
class ImageCaptioner:
    """A model that writes about an image, token after token, greedily.

    A `general_purpose` one (BLIP-2) is asked with the task's prompt; a specialist describes.
    """

    loads: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "AutoModelForImageTextToText": {}
    }  # what identifies its checkpoints

    checkpoint: Checkpoint
    role: str
    capabilities: Capabilities = field(default_factory=Capabilities)

    @property
    def kind(self) -> str:
        """The kind's name, a file of conf/model/kind."""
        return "image_captioner"

    def load(self, task: PromptedTask, device: str, settings: Settings) -> Loaded:
        """The model on its device, answering within the task's token budget; random weights use all of it."""
        checkpoint = fetch(self.checkpoint)
        memory = placement.watch_memory(device)
        model = weights.open_weights("AutoModelForImageTextToText", checkpoint, device, settings)
        images = preprocessing.images(checkpoint, settings, str(model.device))
        batches.check_images(images.processor, checkpoint, settings)
        tokenizer = tokenization.open_tokenizer(checkpoint)
        forced = checkpoint.weights == "random"
        least = task.max_new_tokens if forced else task.min_new_tokens
        config = generation.speaker(model)
        context.room_for_input(context.context_of(model, None, "output"), task)
        budget = {
            "max_new_tokens": task.max_new_tokens,
            "min_new_tokens": least,
            "do_sample": False,
            "num_beams": 1,
        }
        if model.generation_config.pad_token_id is None:
            model.generation_config.pad_token_id = tokenizer.pad_token_id
        prompt = task.prompt if self.role == "general_purpose" else ""
        predict = _Speaker(
            model,
            images.pixels,
            tokenizer,
            budget,
            _prompt_ids(model, tokenizer, prompt),
            generation.ids(config.eos_token_id) | generation.ids(getattr(config, "sep_token_id", None)),
            task.unit,
        )
        return Loaded(
            predict=predict,
            stages=generation_stages.generating(predict, device),
            facts={**weights.facts(model, checkpoint, settings), "output_length": "forced" if forced else "free"},
            later_facts=images.facts,
            peak_memory_bytes=memory,
        )


def _prompt_ids(model: Any, tokenizer: Any, prompt: str) -> list[int]:
    """The tokens before the answer: BLIP-2 has a place for each token of the image and then the prompt; GIT its start.

    Empty where the model begins by itself.
    """
    config = model.config
    if config.model_type == "blip-2":
        text = tokenizer(prompt)["input_ids"] if prompt else [generation.first(config.text_config)]
        return [config.image_token_index] * config.num_query_tokens + list(text)
    return []


@dataclass(frozen=True)
class _Speaker:
    model: Any
    prepare: Callable[[Sequence[Any]], Any]
    tokenizer: Any
    budget: dict[str, Any]
    prompt: list[int]
    ends: frozenset[int]
    unit: str

    def __call__(self, inputs: Sequence[Any]) -> list[Prediction]:
        return stages.through(self, inputs)

    def ask(self, pixels: Any) -> dict[str, Any]:
        """The keyword arguments of `generate` for a prepared batch, on the device."""
        import torch

        given = {"pixel_values": pixels.to(self.model.device, self.model.dtype), **self.budget}
        if self.prompt:
            given["input_ids"] = torch.tensor([self.prompt] * len(pixels), device=self.model.device)
        return given

    def infer(self, pixels: Any) -> tuple[Any, Any]:
        """What the model gives for a prepared batch; its tensors may still be on the device."""
        import torch

        with torch.inference_mode():
            return pixels, self.model.generate(**self.ask(pixels))

    def read(self, output: tuple[Any, Any]) -> list[Prediction]:
        """The predictions in what the model gave, as host values."""
        out = output[1]
        # what stands before the answer: the prompt if it is repeated, else one start token
        repeated = (
            self.prompt and out.shape[1] > len(self.prompt) and out[0, : len(self.prompt)].tolist() == self.prompt
        )
        start = len(self.prompt) if repeated else 1
        predictions = []
        for row in out[:, start:].tolist():
            count = generation.new_tokens(row, self.ends)
            text = self.tokenizer.decode(row[:count], skip_special_tokens=True).strip()
            units = count if self.unit == "token" else 1
            predictions.append(Prediction(text, units=units, output_tokens=count))
        return predictions
