"""Text-to-image diffusion: Stable Diffusion 1, 2, XL and what was distilled from them, through diffusers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

from joulemark.core.model import Capabilities, Checkpoint, Loaded, Settings
from joulemark.core.task import Prediction, Task
from joulemark.models.backend import diffusion_stages, judges, pipelines, placement
from joulemark.models.backend.checkpoint import fetch


@dataclass(frozen=True)
class TextToImage:
    """A pipeline that draws an image for a prompt.

    `steps`, `guidance` and `pixels` are the checkpoint's own, from its card, where they are not the pipeline's
    defaults (a distilled model draws in one step); a task that sets them prevails.
    """

    loads: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "StableDiffusionPipeline": {},
        "StableDiffusionXLPipeline": {},
    }  # what identifies its checkpoints

    checkpoint: Checkpoint
    role: str
    capabilities: Capabilities = field(default_factory=Capabilities)
    steps: int | None = None
    guidance: float | None = None
    pixels: int | None = None

    @property
    def kind(self) -> str:
        """The kind's name, a file of conf/model/kind."""
        return "text_to_image"

    def load(self, task: Task, device: str, settings: Settings) -> Loaded:
        """The pipeline on its device; noise is drawn from the run's seed, the same for every pass."""
        checkpoint = fetch(self.checkpoint)
        memory = placement.watch_memory(device)
        pipe = pipelines.open_pipeline(checkpoint, device, settings)
        of_task = {name: getattr(task, name, None) for name in ("steps", "guidance", "pixels")}
        chosen = {name: getattr(self, name) if value is None else value for name, value in of_task.items()}
        options = pipelines.call_options(pipe, **chosen)
        drawn = checkpoint.weights == "random"
        checked = getattr(pipe, "safety_checker", None) is not None
        judge = None if drawn else partial(judges.look, getattr(task, "judge", None), device, checked)
        predict = _Painter(pipe, options, checkpoint.seed, device, keep=not drawn)
        return Loaded(
            predict=predict,
            stages=diffusion_stages.painting(predict, device),
            facts={**pipelines.facts(pipe, checkpoint, settings), **options},
            judge=judge,
            peak_memory_bytes=memory,
        )


@dataclass(frozen=True)
class _Painter:
    pipe: Any
    settings: dict[str, Any]
    seed: int
    device: str
    keep: bool

    def __call__(self, inputs: Sequence[Any]) -> list[Prediction]:
        result = self.pipe(prompt=list(inputs), generator=self.noise(len(inputs)), **self.settings)
        judges.mark_blanked(result.images, getattr(result, "nsfw_content_detected", None))
        return self.read(result.images, diffusion_stages.prompt_lengths(self.pipe, inputs))

    def noise(self, count: int) -> list[Any]:
        """One generator of noise for each image, all of the run's seed."""
        import torch

        return [torch.Generator(self.device).manual_seed(self.seed) for _ in range(count)]

    def read(self, images: Sequence[Any], lengths: Sequence[int] | None) -> list[Prediction]:
        """The images as predictions; `lengths` are the tokens of each prompt before it was cut, None where unknown."""
        # a thousand images of noise would fill the memory for nothing
        outputs = [image if self.keep else f"{image.width}x{image.height}" for image in images]
        if lengths is None:
            return [Prediction(output, units=1) for output in outputs]
        room = self.pipe.tokenizer.model_max_length
        return [
            Prediction(output, units=1, input_tokens=min(length, room), truncated=length > room)
            for output, length in zip(outputs, lengths, strict=True)
        ]
