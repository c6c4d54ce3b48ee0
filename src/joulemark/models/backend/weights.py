"""A checkpoint as a torch module on its device: real weights from files, or random ones at the real shape."""

import errno
import re
from typing import Any

from joulemark.core.errors import UserError
from joulemark.core.model import Checkpoint, Settings
from joulemark.models.backend import compilation, placement, quantization, stand_in_tokenizer, weight_checks
from joulemark.models.backend.tokenization import text_shape

# precision word -> name of the torch dtype; tf32 keeps fp32 in memory and rounds inside each product
DTYPES = {"fp32": "float32", "tf32": "float32", "bf16": "bfloat16", "fp16": "float16", **quantization.COMPUTED}

# How transformers says that it has not written an architecture's attention that way
NO_ATTENTION = re.compile(r"does not support (an attention implementation|Flash Attention)")


def open_config(checkpoint: Checkpoint) -> Any:
    """The transformers config: from the checkpoint's files, or from its `shape` for random weights."""
    from transformers import AutoConfig

    if checkpoint.weights != "random":
        try:
            return AutoConfig.from_pretrained(
                checkpoint.path, local_files_only=True, trust_remote_code=checkpoint.trust_remote_code
            )
        except (OSError, ValueError, KeyError) as error:
            raise weight_checks.unreadable("config.json", error, checkpoint) from None
    shape = dict(checkpoint.shape)
    try:
        return AutoConfig.for_model(shape.pop("model_type"), **shape)
    except ValueError as error:
        raise UserError(f"model.shape: {str(error).splitlines()[0]}") from None


def open_weights(auto_class: str, checkpoint: Checkpoint, device: str, settings: Settings) -> Any:
    """The model in evaluation mode on `device` ("cpu", "cuda:0", "cuda:0,cuda:1"), as `settings` say.

    `auto_class` is a transformers class such as "AutoModelForCausalLM". UserError where the checkpoint is of another
    kind, is not whole (weight_checks.py), or cannot be spread over the cards. Sets the process-wide tf32 switches, and
    silences transformers' log and progress bars.
    """
    quantization.preload()
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    dtype = set_precision(settings.precision)
    auto = getattr(transformers, auto_class)
    config = open_config(checkpoint)
    try:
        options = {} if settings.attention == "auto" else {"attn_implementation": settings.attention}
        model = draw(auto, checkpoint, config, device, dtype, **options) if checkpoint.weights == "random" else None
        if model is None:
            model = _read(
                auto, checkpoint, config, placed_on(auto, checkpoint, config, device, dtype), dtype, **options
            )
            weight_checks.check_finite(model, checkpoint, settings.precision)
    except ValueError as error:
        if settings.attention != "auto" and NO_ATTENTION.search(str(error)):
            raise UserError(
                f"attention={settings.attention}: transformers has none for a {config.model_type}; type attention=auto"
            ) from None
        if "Unrecognized configuration class" not in str(error):
            raise
        raise UserError(
            f"model.checkpoint={checkpoint.id} is a {config.model_type}, which {auto_class} cannot load; "
            "choose a model of that kind"
        ) from None
    quantization.quantize(model, settings.precision, device)
    compilation.compile_forward(model, settings)
    return model.eval()


def _read(auto: Any, checkpoint: Checkpoint, config: Any, places: Any, dtype: Any, **options: Any) -> Any:
    """The model with the tensors of its files, all of which are there; `new_weights` are those of a new head."""
    from safetensors import SafetensorError

    try:
        model, loading_info = auto.from_pretrained(
            checkpoint.path,
            config=config,
            dtype=dtype,
            device_map=places,
            local_files_only=True,
            use_safetensors=None if checkpoint.allow_pickle else True,
            trust_remote_code=checkpoint.trust_remote_code,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # refused with their names
            **options,
        )
    except (OSError, SafetensorError) as error:
        if getattr(error, "errno", None) == errno.ENOMEM:
            raise
        raise weight_checks.unreadable("weights", error, checkpoint) from None
    model.new_weights = weight_checks.check_tensors(model, loading_info, auto.__name__, checkpoint)
    return model


def placed_on(auto: Any, checkpoint: Checkpoint, config: Any, device: str, dtype: Any) -> dict[str, Any] | None:
    """Where transformers is to put each part: straight on the device, or spread over the cards; None on the CPU.

    28 GB need not pass through the host's memory first.
    """
    if device == "cpu":
        return None
    names = placement.devices(device)
    if len(names) == 1:
        return {"": device}
    return placement.spread(hollow(auto, checkpoint, config, dtype), names, placement.free_bytes(names))


def hollow(auto: Any, checkpoint: Checkpoint, config: Any, dtype: Any) -> Any:
    """The model without memory for its weights: their names and shapes."""
    import torch

    with torch.device("meta"):
        return auto.from_config(config, dtype=dtype, trust_remote_code=checkpoint.trust_remote_code)


def draw(auto: Any, checkpoint: Checkpoint, config: Any, device: str, dtype: Any, **options: Any) -> Any:
    """Seeded weights drawn on the device by the architecture's own initialisation: real-looking, never constant.

    Power depends on the values (arXiv 2212.08805), so zeros or uninitialised memory would not do.
    """
    import torch

    torch.manual_seed(checkpoint.seed)
    spread = len(placement.devices(device)) > 1
    if spread:
        # a checkpoint that lacks every tensor: transformers draws each on the card where it is to lie
        places = placed_on(auto, checkpoint, config, device, dtype)
        cls = type(hollow(auto, checkpoint, config, dtype))
        model = cls.from_pretrained(None, config=config, state_dict={}, dtype=dtype, device_map=places, **options)
    else:
        with torch.device(device):
            model = auto.from_config(config, dtype=dtype, trust_remote_code=checkpoint.trust_remote_code, **options)
    if text_shape(checkpoint.shape).get("tie_word_embeddings") is False:
        _untie(getattr(model, "language_model", model))
    # wav2vec 2 makes a parameter by an old way that knows no default device, and its place decides where inputs go
    return model if spread else model.to(device)


def _untie(model: Any) -> None:
    """Gives the output a matrix of its own.

    transformers 5 ties every T5 and unties it only when it meets both tensors in the files, as in flan-t5.
    """
    import torch

    inner, outer = model.get_input_embeddings(), model.get_output_embeddings()
    if outer is not None and outer.weight is inner.weight:
        fresh = torch.randn_like(outer.weight) * inner.weight.std()
        outer.weight = torch.nn.Parameter(fresh, requires_grad=False)


def set_precision(precision: str) -> Any:
    """The torch dtype of a precision word; switches TensorFloat-32 on for `tf32` and off for all others.

    Uses the `fp32_precision` switches (torch 2.9 and later): mixing them with `allow_tf32` raises.
    """
    import torch

    inside = "tf32" if precision == "tf32" else "ieee"
    torch.backends.cuda.matmul.fp32_precision = inside
    torch.backends.cudnn.conv.fp32_precision = inside  # type: ignore[attr-defined, unused-ignore]
    torch.backends.cudnn.rnn.fp32_precision = inside  # type: ignore[attr-defined, unused-ignore]
    return getattr(torch, DTYPES[precision])


def facts(model: Any, checkpoint: Checkpoint, settings: Settings) -> dict[str, Any]:
    """What was loaded, as JSON values; `parameters` counts every one, the head included, tied ones once."""
    import torch

    return {
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "dtype": str(model.dtype).removeprefix("torch."),
        "tf32": settings.precision == "tf32",
        "float32_matmul": torch.backends.cuda.matmul.fp32_precision,
        "weights": checkpoint.weights,
        "revision": checkpoint.revision,
        "architecture": type(model).__name__,
        "attention": getattr(model.config, "_attn_implementation", None),
        "vocabulary": getattr(model.config, "vocab_size", None),
        **(stand_in_tokenizer.facts(text_shape(checkpoint.shape)) if checkpoint.weights == "random" else {}),
        **({"new_weights": new} if (new := getattr(model, "new_weights", None)) else {}),
        **(quantization.facts(model) if settings.precision in quantization.COMPUTED else {}),
        **compilation.facts(settings, str(model.device)),
        **({"parameters_by_device": placed} if len(placed := placement.by_device(model)) > 1 else {}),
    }
