"""The stages of a diffusion pipeline: the prompt to embeddings, noise to latents, latents to images.

whole            pipe(prompt)
text_encoding    pipe.encode_prompt(prompt)
denoising        pipe(embeddings, output_type="latent")
image_decoding   the autoencoder's decoder, the safety checker where there is one, and the image's pixels
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from joulemark.core.model import Stage
from joulemark.core.task import Prediction
from joulemark.models.backend import judges
from joulemark.models.backend.stages import staged

# What `encode_prompt` gives back, in order, under the names by which the pipeline takes it
EMBEDDINGS = {
    "StableDiffusionPipeline": ("prompt_embeds", "negative_prompt_embeds"),
    "StableDiffusionXLPipeline": (
        "prompt_embeds",
        "negative_prompt_embeds",
        "pooled_prompt_embeds",
        "negative_pooled_prompt_embeds",
    ),
}


class Painter(Protocol):
    """A predictor that paints with `pipe`, called with `settings`."""

    @property
    def pipe(self) -> Any:
        """The diffusers pipeline."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """The keyword arguments of each call of the pipeline."""

    def noise(self, count: int, /) -> Any:
        """One generator of noise for each image, all of the run's seed."""

    def read(self, images: Sequence[Any], lengths: Sequence[int] | None, /) -> list[Prediction]:
        """The predictions in what the model gave, as host values."""


def painting(painter: Painter, device: str) -> tuple[Stage, ...]:
    """The stages of a Stable Diffusion pipeline, 1 to XL; none of any other, whose parts are not known here."""
    names = EMBEDDINGS.get(type(painter.pipe).__name__)
    if names is None:
        return ()
    return staged(
        device,
        text_encoding=lambda prompts: (_encoded(painter, names, prompts), prompt_lengths(painter.pipe, prompts)),
        denoising=lambda given: (_denoised(painter, given[0]), given[1]),
        image_decoding=lambda given: painter.read(_decoded(painter.pipe, given[0]), given[1]),
    )


def prompt_lengths(pipe: Any, prompts: Sequence[str]) -> list[int] | None:
    """The tokens of each prompt with its marks, before CLIP cuts it at 77; None for a pipeline whose text encoder is
    not known here. Where there are two encoders, both cut the same tokens at the same place.
    """
    if type(pipe).__name__ not in EMBEDDINGS:
        return None
    return [
        len(ids) for ids in pipe.tokenizer(list(prompts), truncation=False, padding=False, verbose=False)["input_ids"]
    ]


def _encoded(painter: Painter, names: Sequence[str], prompts: Sequence[str]) -> dict[str, Any]:
    import torch

    pipe = painter.pipe
    guided = painter.settings["guidance_scale"] > 1 and pipe.unet.config.time_cond_proj_dim is None
    with torch.inference_mode():
        embeddings = pipe.encode_prompt(
            prompt=list(prompts), device=pipe.device, num_images_per_prompt=1, do_classifier_free_guidance=guided
        )
    return {name: value for name, value in zip(names, embeddings, strict=True) if value is not None}


def _denoised(painter: Painter, embeddings: Mapping[str, Any]) -> Any:
    noise = painter.noise(len(embeddings["prompt_embeds"]))
    return painter.pipe(**embeddings, generator=noise, output_type="latent", **painter.settings).images


def _decoded(pipe: Any, latents: Any) -> Any:
    """The images of latents, as the pipelines themselves make them after their last step."""
    import torch

    with torch.inference_mode():
        # SDXL's autoencoder overflows in half precision; its pipeline alone minds that
        upcast = "XL" in type(pipe).__name__ and pipe.vae.dtype == torch.float16 and pipe.vae.config.force_upcast
        if upcast:
            pipe.vae.to(dtype=torch.float32)
            latents = latents.to(torch.float32)
        images = pipe.vae.decode(latents / pipe.vae.config.scaling_factor, return_dict=False)[0]
        if upcast:
            pipe.vae.to(dtype=torch.float16)
        hidden: Sequence[bool] = [False] * len(images)
        if getattr(pipe, "safety_checker", None) is not None:
            images, hidden = pipe.run_safety_checker(images, pipe.device, latents.dtype)
        drawn = pipe.image_processor.postprocess(
            images, output_type="pil", do_denormalize=[not nsfw for nsfw in hidden]
        )
        judges.mark_blanked(drawn, hidden)
        return drawn
