"""A diffusers pipeline on its device: from its files, or of random weights at the shapes of its YAML."""

import inspect
from collections.abc import Mapping
from typing import Any

from joulemark.core.errors import UserError
from joulemark.core.model import Checkpoint, Settings
from joulemark.models.backend import pipeline_files, quantization, weights
from joulemark.models.backend.stand_in_tokenizer import open_stand_in

# Parts of a pipeline that are torch modules, in the order in which they work; a shape names those it has.
TEXT = ("text_encoder", "text_encoder_2")


class StandInClipTokenizer:
    """CLIP's way of calling a tokenizer, 77 tokens to a prompt, with the vocabulary of CLIP itself."""

    def __init__(self, vocab_size: int, length: int) -> None:
        self.model_max_length = length
        self.added_tokens_encoder: dict[str, int] = {}
        self._end = vocab_size - 1  # CLIP finds the end of a text by its highest id
        ends = {"bos_token_id": vocab_size - 2, "eos_token_id": vocab_size - 1}
        self._stand_in = open_stand_in({"model_type": "clip_text_model", "vocab_size": vocab_size, **ends})

    def __call__(self, texts: str | list[str], **options: Any) -> Any:
        import torch
        from transformers import BatchEncoding

        rows = self._stand_in([texts] if isinstance(texts, str) else list(texts))["input_ids"]
        if options.get("truncation") is False and options.get("padding") is False:  # wanted is a prompt's own length
            return BatchEncoding({"input_ids": [[self._end - 1, *row, self._end] for row in rows]})
        length = self.model_max_length
        ids = [([self._end - 1, *row[: length - 2]] + [self._end] * length)[:length] for row in rows]
        return BatchEncoding({"input_ids": torch.tensor(ids), "attention_mask": torch.ones(len(ids), length).long()})

    def tokenize(self, text: str) -> list[str]:
        """The words of a prompt, which diffusers searches for textual inversions."""
        return text.split()

    def batch_decode(self, ids: Any, **options: Any) -> list[str]:
        """Nothing: it is called only for what a prompt lost."""
        return ["" for _ in ids]


def open_pipeline(checkpoint: Checkpoint, device: str, settings: Settings) -> Any:
    """The pipeline in the dtype of its precision, without a progress bar; UserError where it takes no prompt."""
    quantization.preload()
    import diffusers
    import transformers

    for library in (diffusers.utils.logging, transformers.logging):
        library.set_verbosity_error()
        library.disable_progress_bar()
    dtype = weights.set_precision(settings.precision)
    if checkpoint.weights == "random":
        pipe = _random(checkpoint, device, dtype)
    else:
        pipe = pipeline_files.read(checkpoint, dtype, settings.precision)
    if "prompt" not in inspect.signature(pipe.__call__).parameters:
        raise UserError(f"model.checkpoint={checkpoint.id} is a {type(pipe).__name__}, which takes no prompt")
    pipe.set_progress_bar_config(disable=True)
    pipe = pipe.to(device)
    quantization.quantize(pipe.unet, settings.precision, device)  # the denoiser, which does nearly all of the work
    return pipe


def _random(checkpoint: Checkpoint, device: str, dtype: Any) -> Any:
    import diffusers
    import torch

    torch.manual_seed(checkpoint.seed)
    with torch.device(device):
        parts = {name: part.to(dtype).eval() for name, part in modules(checkpoint.shape).items()}
    shape = checkpoint.shape
    for number, name in zip(("", "_2"), TEXT, strict=True):
        if name in shape:
            config = parts[name].config
            parts[f"tokenizer{number}"] = StandInClipTokenizer(config.vocab_size, config.max_position_embeddings)
    scheduler = {key: value for key, value in shape["scheduler"].items() if value is not None}
    parts["scheduler"] = getattr(diffusers, scheduler.pop("type"))(**scheduler)
    if "text_encoder_2" in shape:
        return diffusers.StableDiffusionXLPipeline(**parts, add_watermarker=False)
    checks = {"safety_checker": parts.pop("safety_checker", None), "feature_extractor": _clip_images(shape)}
    return diffusers.StableDiffusionPipeline(**parts, **checks, requires_safety_checker=False)


def modules(shape: Mapping[str, Any]) -> dict[str, Any]:
    """The torch modules of a shape by name: `unet`, `vae`, `text_encoder`, and where it has them `text_encoder_2` and
    `safety_checker`."""
    import diffusers
    from diffusers.pipelines.stable_diffusion import StableDiffusionSafetyChecker
    from transformers import CLIPConfig, CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    made = {
        "unet": diffusers.UNet2DConditionModel(**_tupled(shape["unet"])),
        "vae": diffusers.AutoencoderKL(**_tupled(shape["vae"])),
        "text_encoder": CLIPTextModel(CLIPTextConfig(**_tupled(shape["text_encoder"]))),
    }
    if "text_encoder_2" in shape:
        made["text_encoder_2"] = CLIPTextModelWithProjection(CLIPTextConfig(**_tupled(shape["text_encoder_2"])))
    if "safety_checker" in shape:
        made["safety_checker"] = StableDiffusionSafetyChecker(CLIPConfig(**_tupled(shape["safety_checker"])))
    return made


def _tupled(node: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in node.items()}


def _clip_images(shape: Mapping[str, Any]) -> Any:
    if "safety_checker" not in shape:
        return None
    from transformers import CLIPImageProcessorPil

    return CLIPImageProcessorPil()


def call_options(pipe: Any, steps: int | None, guidance: float | None, pixels: int | None) -> dict[str, Any]:
    """What the pipeline is called with: the given values, else its own defaults, all of them stated."""
    defaults = inspect.signature(pipe.__call__).parameters
    side = pixels or int(pipe.unet.config.sample_size) * int(pipe.vae_scale_factor)
    return {
        "num_inference_steps": defaults["num_inference_steps"].default if steps is None else steps,
        "guidance_scale": defaults["guidance_scale"].default if guidance is None else guidance,
        "height": side,
        "width": side,
    }


def facts(pipe: Any, checkpoint: Checkpoint, settings: Settings) -> dict[str, Any]:
    """What was loaded, as JSON values; `parameters` counts those of every part."""
    import torch

    parts = {name: part for name, part in pipe.components.items() if isinstance(part, torch.nn.Module)}
    return {
        "parameters": sum(p.numel() for part in parts.values() for p in part.parameters()),
        "parts": {name: sum(p.numel() for p in part.parameters()) for name, part in parts.items()},
        "dtype": str(pipe.unet.dtype).removeprefix("torch."),
        "tf32": settings.precision == "tf32",
        "float32_matmul": torch.backends.cuda.matmul.fp32_precision,
        "weights": checkpoint.weights,
        "revision": checkpoint.revision,
        "architecture": type(pipe).__name__,
        "scheduler": type(pipe.scheduler).__name__,
        **(quantization.facts(pipe.unet) if settings.precision in quantization.COMPUTED else {}),
    }
