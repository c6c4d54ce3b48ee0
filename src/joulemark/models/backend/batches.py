"""Whether the company in a batch changes a prediction: tried on the loaded model before a run in batches begins.

Texts and sounds of unequal length are padded and masked, and not every architecture heeds the mask (RWKV, FNet,
wav2vec 2 with group norm). Images that keep their proportions are padded to the largest, which convolutions see (DETR).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from joulemark.core.errors import UserError
from joulemark.core.model import Checkpoint, Settings
from joulemark.models.backend.compilation import eagerly
from joulemark.models.backend.tokenization import Encoded, taken

SHORT, LONG = "a good film", "a long story of an old house by the sea, and of all who lived there, one after another"
# Of the largest output: what rounding may change. In half precision a batch of another shape adds in another order.
FULL_REL, HALF_REL = 1e-3, 0.25
SIDES = ((64, 192), (192, 64))  # pixels, of two images whose proportions differ


def padded(settings: Settings) -> bool:
    """Whether inputs are padded at all: to the longest of their batch, or to a multiple."""
    return settings.batch_size > 1 or settings.pad_to_multiple_of > 1


def in_batches(settings: Settings, checkpoint: Checkpoint) -> bool:
    """Whether predictions are made of padded inputs; of random weights only the energy counts."""
    return padded(settings) and checkpoint.weights != "random"


def refusal(settings: Settings, reason: str) -> UserError:
    """The refusal of a batch that would change predictions."""
    name, what = ("batch_size", "padded batches change") if settings.batch_size > 1 else (
        "pad_to_multiple_of", "padding changes")  # fmt: skip
    return UserError(
        f"{name}={getattr(settings, name)}: {reason}, so {what} its predictions; type {name}=1, or "
        "model.weights=random for the energy alone"
    )


def check_padding(
    model: Any,
    checkpoint: Checkpoint,
    settings: Settings,
    encode: Callable[[Sequence[Any]], Mapping[str, Any]],
    run: Callable[[Mapping[str, Any]], Any],
    pair: Sequence[Any] = (SHORT, LONG),
) -> None:
    """Tries a short input alone and padded beside a longer one; UserError where its output differs.

    `encode` gives the tensors of a batch with their `attention_mask`, `run` the output of the model, rows first.
    """
    if in_batches(settings, checkpoint) and (reason := padding_matters(model, settings, encode, run, pair)):
        raise refusal(settings, reason)


def padding_matters(
    model: Any,
    settings: Settings,
    encode: Callable[[Sequence[Any]], Mapping[str, Any]],
    run: Callable[[Mapping[str, Any]], Any],
    pair: Sequence[Any] = (SHORT, LONG),
) -> str | None:
    """Why the output of a short input changes beside a longer one; None where it does not."""
    if getattr(model.config, "attention_type", None) == "block_sparse":  # BigBird: for good, from its first short batch
        return f"this {model.config.model_type} chooses its attention by the longest text of a batch"
    import torch

    with torch.inference_mode(), eagerly(model):
        alone, together = _unpadded(encode(pair[:1])), encode(pair)
        expected, output = run(alone)[0].float().cpu(), run(together)[0].float().cpu()
    mask = together["attention_mask"][0].bool().cpu()
    if output.shape != expected.shape and output.shape[:1] == mask.shape:  # one output for each token
        output = output[mask]
    if differ(expected, output, settings):
        return f"this {model.config.model_type} does not heed the attention mask"
    return None


def _unpadded(tensors: Mapping[str, Any]) -> dict[str, Any]:
    """The tensors of one row, (1, tokens), without the columns that its mask leaves out."""
    kept = tensors["attention_mask"][0].bool()
    return {name: value[:, kept] if value.shape[1:2] == kept.shape else value for name, value in tensors.items()}


def differ(expected: Any, output: Any, settings: Settings) -> bool:
    """Whether two outputs differ by more than rounding; not where one is not finite, which is no matter of batches."""
    if expected.shape != output.shape:
        return True
    limit = (FULL_REL if settings.precision == "fp32" else HALF_REL) * float(expected.abs().max())
    return float((expected - output).abs().max()) > limit


def check_encoder(
    predict: Any,
    checkpoint: Checkpoint,
    settings: Settings,
    pair: Sequence[Any] = (SHORT, LONG),
    encoded: Callable[[Any], Encoded] = lambda prepared: prepared,
) -> None:
    """`check_padding` of an encoder by its own preparation; `encoded` is the batch in what `prepare` gave."""
    check_padding(
        predict.model,
        checkpoint,
        settings,
        lambda rows: encoded(predict.prepare(rows)).tensors,
        lambda tensors: predict.model(**taken(predict.model, tensors, predict.accepted))[0],
        pair,
    )


def first_logits(model: Any) -> Callable[[Mapping[str, Any]], Any]:
    """What a generator thinks of the first new token of each row."""

    def run(tensors: Mapping[str, Any]) -> Any:
        names = ("input_ids", "attention_mask")
        output = model.generate(
            **{name: tensors[name].to(model.device) for name in names},
            max_new_tokens=1,
            min_new_tokens=1,
            output_logits=True,
            return_dict_in_generate=True,
        )
        return output.logits[0]

    return run


def check_images(processor: Any, checkpoint: Checkpoint, settings: Settings) -> None:
    """UserError where the preprocessor gives images of unequal proportions unequal sizes, and several make a batch."""
    if not in_batches(settings, checkpoint) or _one_size(processor):
        return
    raise refusal(settings, f"model.checkpoint={checkpoint.id} reads images in their own proportions")


def _one_size(processor: Any) -> bool:
    from PIL import Image

    shapes = {
        tuple(processor(images=[Image.new("RGB", side)], return_tensors="pt")["pixel_values"].shape) for side in SIDES
    }
    return len(shapes) == 1
