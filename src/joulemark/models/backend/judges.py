"""Models that look at generated images, outside the windows: the built-in classifier, or a CLIP checkpoint."""

from collections.abc import Mapping, Sequence
from math import isnan
from pathlib import Path
from statistics import fmean
from typing import Any

from joulemark.core.model import Checkpoint, Settings
from joulemark.core.task import Prediction, Sample
from joulemark.data import embedded
from joulemark.data.batching import split
from joulemark.models.backend import weights
from joulemark.models.backend.checkpoint import fetch

BATCH = 50
BLANKED = "blanked"  # images that the safety checker painted black


def mark_blanked(images: Sequence[Any], hidden: Sequence[bool] | None) -> None:
    """Notes on each image whether the safety checker blanked it; None of a pipeline without one."""
    for image, blanked in zip(images, hidden or (), strict=False):
        image.info[BLANKED] = bool(blanked)


def look(
    judge: str | None, device: str, checked: bool, samples: Sequence[Sample], predictions: Sequence[Prediction]
) -> Mapping[str, float | None]:
    """What the images are worth, and, where a safety checker `checked` them, how many it `blanked`."""
    scores = _judged(judge, device, samples, predictions)
    if not checked:
        return scores
    return {BLANKED: float(sum(prediction.output.info.get(BLANKED, False) for prediction in predictions)), **scores}


def _judged(
    judge: str | None, device: str, samples: Sequence[Sample], predictions: Sequence[Prediction]
) -> Mapping[str, float | None]:
    """`agreement`, the share of images that the built-in classifier calls by their label; or `clip_score`, the mean
    cosine of image and prompt in CLIP, times 100, never below 0 (Hessel et al. 2021, arXiv 2104.08718). NaN where CLIP
    gives one.

    No judge, no score.
    """
    if judge is None:
        return {}
    pairs = [(sample.target, prediction.output) for sample, prediction in zip(samples, predictions, strict=True)]
    batches = split(pairs, BATCH)
    if judge == "classifier":
        return {"agreement": fmean(score for batch in _agreements(batches) for score in batch)}
    return {"clip_score": fmean(score for batch in _clip_scores(judge, device, batches) for score in batch)}


def _agreements(batches: Sequence[Sequence[tuple[str, Any]]]) -> Any:
    import torch
    from transformers import AutoImageProcessor, AutoModelForImageClassification

    folder = embedded.WEIGHTS / "image_classifier"
    model = AutoModelForImageClassification.from_pretrained(folder, dtype=torch.float32).eval()
    processor = AutoImageProcessor.from_pretrained(folder, backend="pil")
    for batch in batches:
        pixels = processor(images=[image for _, image in batch], return_tensors="pt")["pixel_values"]
        with torch.inference_mode():
            chosen = model(pixels).logits.argmax(dim=-1).tolist()
        yield [float(model.config.id2label[number] == label) for number, (label, _) in zip(chosen, batch, strict=True)]


def _clip_scores(judge: str, device: str, batches: Sequence[Sequence[tuple[str, Any]]]) -> Any:
    import torch
    from transformers import AutoTokenizer, CLIPModel

    from joulemark.models.backend import preprocessing

    checkpoint = fetch(Checkpoint(judge, judge if Path(judge).is_dir() else "hub"))
    model = weights.open_weights("AutoModel", checkpoint, device, Settings())
    assert isinstance(model, CLIPModel)
    processor, tokenizer = preprocessing.open_images(checkpoint), AutoTokenizer.from_pretrained(checkpoint.path)
    for batch in batches:
        tokens = tokenizer(
            [text for text, _ in batch], padding=True, truncation=True, max_length=77, return_tensors="pt"
        )
        pixels = processor(images=[image for _, image in batch], return_tensors="pt")["pixel_values"]
        with torch.inference_mode():
            out = model(**tokens.to(device), pixel_values=pixels.to(device))
        cosines = torch.nn.functional.cosine_similarity(out.image_embeds, out.text_embeds)
        yield [clip_score(cosine) for cosine in cosines.tolist()]


def clip_score(cosine: float) -> float:
    """The CLIP score of one image and its prompt: times 100, never below 0. NaN, which `max` would make 0, stays."""
    return cosine if isnan(cosine) else max(0.0, 100.0 * cosine)
