"""The work of a request of a model that nobody loaded: counted op by op on its shape, without memory for a weight.

one pass        a batch of texts of one length, or of images as the preprocessor makes them
a generator     its prompt once, then one more token from the middle of its answer, as often as the answer has more

What depends on the inputs themselves (a router's experts, an answer that ends early) is not seen: the lengths are
given. Kinds that compute in another way have no recipe here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from joulemark.core.measurement import Work
from joulemark.core.model import Checkpoint, Model, Settings
from joulemark.hardware.devices import PLAIN
from joulemark.models.backend import context, flop_counting, preprocessing, quantization, weights
from joulemark.models.backend.checkpoint import fetch

ENCODERS = {
    "sequence_classifier": "AutoModelForSequenceClassification",
    "token_classifier": "AutoModelForTokenClassification",
    "span_extractor": "AutoModelForQuestionAnswering",
    "masked_lm": "AutoModelForMaskedLM",
}
GENERATORS = {"causal_lm": "AutoModelForCausalLM", "seq2seq_lm": "AutoModelForSeq2SeqLM"}
IMAGES = {"image_classifier": "AutoModelForImageClassification"}
RECIPES = {**ENCODERS, **GENERATORS, **IMAGES}

ON_DISK = ("embedded",)  # weights whose configuration is here without a download

SIDES = (640, 480)  # pixels of the picture whose preprocessed size is counted


@dataclass(frozen=True)
class Lengths:
    """How long a request is.

    Attributes:
        read: tokens that the model reads, with the padding of its batch; None where it reads none
        written: tokens that it writes; None where it writes none
    """

    read: float | None = None
    written: float | None = None


@dataclass(frozen=True)
class _Call:
    """A call of a hollow model, as the counter takes it."""

    model: Any
    run: Callable[[], Any]

    def __call__(self, batch: Sequence[Any]) -> Any:
        return self.run()


def work(model: Model, settings: Settings, lengths: Lengths) -> Work | None:
    """FLOPs and bytes of a request; None for a kind without a recipe, a checkpoint without a shape, unknown lengths."""
    if model.kind not in RECIPES or settings.precision not in PLAIN:  # quantized weights are counted once loaded
        return None
    lacking = {"read": lengths.read, "written": lengths.written if model.kind in GENERATORS else 0}
    checkpoint = _described(model.checkpoint)
    if checkpoint is None or (model.kind not in IMAGES and None in lacking.values()):
        return None
    hollow = _hollow(checkpoint, model.kind, settings)
    if model.kind in GENERATORS:
        return _generated(hollow, model.kind, settings, lengths)
    if model.kind in IMAGES:
        return _one_pass(hollow, "pixel_values", _pixels(checkpoint, settings.batch_size), settings)
    ids = _tokens(settings.batch_size, _within(hollow, lengths.read or 1))
    return _one_pass(hollow, "input_ids", ids, settings)


def _described(checkpoint: Checkpoint) -> Checkpoint | None:
    """The checkpoint as one whose configuration is known without its weights; None where it is not."""
    if "model_type" in checkpoint.shape:
        return replace(checkpoint, weights="random")
    return fetch(checkpoint) if checkpoint.weights in ON_DISK else None


def _hollow(checkpoint: Checkpoint, kind: str, settings: Settings) -> Any:
    """The model without memory for its weights, in the dtype of its precision."""
    quantization.preload()
    import torch
    import transformers

    transformers.logging.set_verbosity_error()
    auto = getattr(transformers, RECIPES[kind])
    dtype = getattr(torch, weights.DTYPES[settings.precision])
    return weights.hollow(auto, checkpoint, weights.open_config(checkpoint), dtype).eval()


def _within(hollow: Any, tokens: float) -> int:
    """Whole tokens that the architecture can read."""
    limit = context.positions(hollow)
    return max(1, round(tokens) if limit is None else min(round(tokens), limit))


def _tokens(rows: int, columns: int) -> Any:
    import torch

    return torch.zeros((rows, columns), dtype=torch.long, device="meta")


def _pixels(checkpoint: Checkpoint, batch: int) -> Any:
    import torch
    from PIL import Image

    processor = preprocessing.open_images(checkpoint)
    made = processor(images=[Image.new("RGB", SIDES)], return_tensors="pt")["pixel_values"]
    return torch.empty((batch, *made.shape[1:]), device="meta")


def _one_pass(hollow: Any, name: str, values: Any, settings: Settings) -> Work | None:
    import torch

    given = values.to(hollow.dtype) if values.is_floating_point() else values

    def once() -> Any:
        with torch.inference_mode():
            return hollow(**{name: given})

    return flop_counting.count(_Call(hollow, once), [None] * settings.batch_size)


def _generated(hollow: Any, kind: str, settings: Settings, lengths: Lengths) -> Work | None:
    """The prompt, then so many steps of one token each, all as the one in the middle."""
    import torch

    rows, read, written = settings.batch_size, _within(hollow, lengths.read or 1), max(1.0, lengths.written or 1)
    begin = _writing(kind, rows, read)

    def once(given: Mapping[str, Any]) -> Work | None:
        def run() -> Any:
            with torch.inference_mode():
                return hollow(**given, use_cache=True)

        return flop_counting.count(_Call(hollow, run), [None] * rows)

    prompt = once({**begin(0), **({"logits_to_keep": 1} if kind == "causal_lm" else {})})
    with torch.inference_mode():
        half = hollow(**begin(max(1, round(written / 2))), use_cache=True)
    step: dict[str, Any] = {"past_key_values": half.past_key_values}
    if kind == "causal_lm":
        step["input_ids"] = _tokens(rows, 1)
    else:
        step |= {"decoder_input_ids": _tokens(rows, 1), "encoder_outputs": (half.encoder_last_hidden_state,)}
    further = once(step)
    if prompt is None or further is None:
        return None
    steps = written - 1
    return Work(prompt.flops + steps * further.flops, prompt.bytes_read + steps * further.bytes_read)


def _writing(kind: str, rows: int, read: int) -> Callable[[int], dict[str, Any]]:
    """What a generator is given that has read its prompt and written so many tokens."""
    if kind == "causal_lm":
        return lambda written: {"input_ids": _tokens(rows, read + written)}
    prompt = _tokens(rows, read)
    return lambda written: {"input_ids": prompt, "decoder_input_ids": _tokens(rows, 1 + written)}
