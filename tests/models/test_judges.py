"""What a judge of images makes of its model's numbers; torchmetrics and transformers itself are the reference."""

import math
from statistics import fmean
from types import SimpleNamespace

import pytest

from joulemark.core.task import Prediction, Sample
from joulemark.models.backend import judges
from tests.models import tiny

IMAGES = (
    [Sample("a", "a cat", "a cat"), Sample("b", "a dog", "a dog")],
    [Prediction("image", 1), Prediction("image", 1)],
)


def test_a_clip_score_is_never_below_zero_and_nan_is_no_zero():
    assert judges.clip_score(0.31) == pytest.approx(31.0)
    assert judges.clip_score(-0.2) == 0.0
    assert math.isnan(judges.clip_score(math.nan))


@pytest.mark.parametrize(("cosines", "mean"), [((0.2, 0.4), 30.0), ((0.2, math.nan), math.nan)])
def test_the_score_of_a_run_is_the_mean_and_nan_where_one_image_has_none(monkeypatch, cosines, mean):
    monkeypatch.setattr(judges, "_clip_scores", lambda *_: [[judges.clip_score(cosine) for cosine in cosines]])
    assert judges.look("openai/clip", "cpu", False, *IMAGES) == pytest.approx({"clip_score": mean}, nan_ok=True)
    assert judges.look(None, "cpu", False, *IMAGES) == {}


@pytest.fixture
def clip(tmp_path):
    """A tiny CLIP of random weights in a folder, its parts, and pairs of a picture and a text."""
    import numpy
    import transformers
    from PIL import Image

    part = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    text = {**part, "vocab_size": tiny.VOCAB, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 3}
    shape = {"text_config": text, "vision_config": {**part, "image_size": 32, "patch_size": 8}, "projection_dim": 16}
    tiny.write(tmp_path, "AutoModel", {"model_type": "clip", **shape})
    processor = transformers.CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    processor.save_pretrained(tmp_path)
    draw = numpy.random.default_rng(0)
    pictures = [Image.fromarray(draw.integers(0, 255, (40, 48, 3), dtype=numpy.uint8)) for _ in range(12)]
    texts = [" ".join(draw.choice(tiny.WORDS.split(), 4)) for _ in pictures]
    model = transformers.CLIPModel.from_pretrained(tmp_path).eval()
    return SimpleNamespace(
        folder=str(tmp_path),
        model=model,
        processor=processor,
        tokenizer=tiny.tokenizer(),
        pairs=list(zip(texts, pictures, strict=True)),
    )


def judged(folder, pairs):
    samples = [Sample(str(number), text, text) for number, (text, _) in enumerate(pairs)]
    return judges.look(folder, "cpu", False, samples, [Prediction(picture, 1) for _, picture in pairs])["clip_score"]


def cosines(clip):
    """The cosine of each pair by transformers: its own similarity less the temperature."""
    import torch

    texts, pictures = map(list, zip(*clip.pairs, strict=True))
    tokens = clip.tokenizer(texts, padding=True, return_tensors="pt")
    pixels = clip.processor(images=pictures, return_tensors="pt")["pixel_values"]
    with torch.inference_mode():
        similarity = clip.model(**tokens, pixel_values=pixels).logits_per_image / clip.model.logit_scale.exp()
    return similarity.diagonal().tolist()


@pytest.mark.weights
def test_a_clip_score_is_the_cosine_of_transformers_itself_pair_by_pair_and_never_below_zero(clip):
    known = cosines(clip)
    assert min(known) < 0 < max(known)
    assert judged(clip.folder, clip.pairs) == pytest.approx(fmean(max(0.0, 100 * cosine) for cosine in known), abs=1e-3)


@pytest.mark.weights
def test_a_clip_score_is_that_of_torchmetrics(clip):
    import numpy
    import torch
    from PIL import Image
    from torchmetrics.functional.multimodal import clip_score

    class Features:
        """The model as torchmetrics asks it: features as tensors, where transformers 5 gives them among others."""

        config = clip.model.config

        def to(self, device):
            return self

        def get_image_features(self, pixels):
            return clip.model.get_image_features(pixels).pooler_output

        def get_text_features(self, ids, mask):
            return clip.model.get_text_features(ids, mask).pooler_output

    def processor(text=None, images=None, **options):
        if text is not None:
            return clip.tokenizer(text, **options)
        return clip.processor(
            [Image.fromarray(image.permute(1, 2, 0).numpy()) for image in images], return_tensors="pt"
        )

    # torchmetrics sets the mean to zero, the paper each pair: alike where no cosine is below it
    pairs = [pair for pair, cosine in zip(clip.pairs, cosines(clip), strict=True) if cosine > 0]
    texts, pictures = map(list, zip(*pairs, strict=True))
    tensors = [torch.from_numpy(numpy.array(picture)).permute(2, 0, 1) for picture in pictures]
    with torch.inference_mode():
        expected = clip_score(tensors, texts, lambda: (Features(), processor)).item()
    assert judged(clip.folder, pairs) == pytest.approx(expected, abs=1e-3)
    assert expected > 1
