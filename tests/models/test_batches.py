"""The company in a batch changes no prediction: alone, eight at a time and sorted they are equal, or it is refused."""

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy
import pytest

from joulemark.core.errors import UserError
from joulemark.core.model import Checkpoint, Settings
from joulemark.core.task import Sample
from joulemark.data.batching import in_order_of_samples, order, split
from joulemark.models.causal_lm import CausalLM
from joulemark.models.image_classifier import ImageClassifier
from joulemark.models.masked_lm import MaskedLM
from joulemark.models.object_detector import ObjectDetector
from joulemark.models.sentence_encoder import SentenceEncoder
from joulemark.models.seq2seq_lm import Seq2SeqLM
from joulemark.models.sequence_classifier import SequenceClassifier
from joulemark.models.span_extractor import SpanExtractor
from joulemark.models.speech_recognizer import SpeechRecognizer
from joulemark.models.token_classifier import TokenClassifier
from tests.models import tiny

pytestmark = pytest.mark.weights

LENGTHS = (1, 40, 3, 17, 2, 9, 60, 5, 25, 4, 12)
RANDOM = numpy.random.default_rng(5)
WORDS = sorted(set(tiny.WORDS.split()))
TEXTS = [" ".join(RANDOM.choice(WORDS, length)) for length in LENGTHS]
ROWS = [text.split() for text in TEXTS]
PAIRS = list(zip(TEXTS, TEXTS[::-1], strict=True))
QUESTIONS = [{"question": " ".join(text.split()[:3]), "context": text} for text in TEXTS]

SIZES = {"vocab_size": tiny.VOCAB, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
         "intermediate_size": 64, "max_position_embeddings": 128, "pad_token_id": 3}  # fmt: skip
DECODER = {**SIZES, "num_key_value_heads": 2, "bos_token_id": 1, "eos_token_id": 2}
NO_PAD = {key: value for key, value in DECODER.items() if key != "pad_token_id"}
XLNET = {"model_type": "xlnet", "vocab_size": tiny.VOCAB, "d_model": 32, "n_layer": 2, "n_head": 4, "d_inner": 64,
         "pad_token_id": 3}  # fmt: skip
DEBERTA = {"model_type": "deberta-v2", **SIZES, "relative_attention": True, "pos_att_type": ["p2c", "c2p"],
           "position_buckets": 32, "type_vocab_size": 0, "position_biased_input": False}  # fmt: skip
LONGFORMER = {"model_type": "longformer", **SIZES, "attention_window": 8}
MODERNBERT = {"model_type": "modernbert", **SIZES, "global_attn_every_n_layers": 2, "local_attention": 16,
              "cls_token_id": 1, "sep_token_id": 2, "bos_token_id": 1, "eos_token_id": 2,
              "reference_compile": False}  # fmt: skip
BIG_BIRD = {"model_type": "big_bird", **SIZES, "block_size": 4, "num_random_blocks": 1}
LED = {"model_type": "led", **tiny.SHAPES["bart"], "max_encoder_position_embeddings": 128,
       "max_decoder_position_embeddings": 64, "attention_window": [8, 8]}  # fmt: skip


def shape(architecture: str) -> dict[str, Any]:
    return {"model_type": architecture, **tiny.SHAPES[architecture]}


CLASS, TAG = "AutoModelForSequenceClassification", "AutoModelForTokenClassification"
READ, FILL = "AutoModelForQuestionAnswering", "AutoModelForMaskedLM"
WRITE, ANSWER = "AutoModelForCausalLM", "AutoModelForSeq2SeqLM"
KINDS: dict[str, tuple[Any, Sequence[Any]]] = {
    CLASS: (SequenceClassifier, TEXTS), TAG: (TokenClassifier, ROWS), READ: (SpanExtractor, QUESTIONS),
    FILL: (MaskedLM, TEXTS), "AutoModel": (SentenceEncoder, PAIRS), WRITE: (CausalLM, TEXTS),
    ANSWER: (Seq2SeqLM, TEXTS),
}  # fmt: skip
EQUAL = [
    *((CLASS, shape) for shape in (
        {"model_type": "bert", **SIZES}, shape("roberta"), shape("distilbert"), DEBERTA, LONGFORMER, XLNET, MODERNBERT,
        {"model_type": "albert", **SIZES, "embedding_size": 16}, {"model_type": "mpnet", **SIZES},
        shape("gpt2"), {"model_type": "qwen2", **NO_PAD}, {"model_type": "llama", **NO_PAD}, shape("bloom"),
    )),
    *((TAG, shape) for shape in ({"model_type": "bert", **SIZES}, shape("roberta"), XLNET)),
    *((READ, shape) for shape in ({"model_type": "bert", **SIZES}, shape("roberta"), XLNET)),
    *((FILL, shape) for shape in ({"model_type": "bert", **SIZES}, shape("roberta"))),
    *(("AutoModel", shape) for shape in ({"model_type": "bert", **SIZES}, {"model_type": "mpnet", **SIZES})),
    *((WRITE, shape) for shape in (
        shape("gpt2"), shape("bloom"), shape("mamba"), shape("olmoe"),
        {"model_type": "qwen3", **DECODER, "head_dim": 8}, {"model_type": "mistral", **DECODER, "sliding_window": 8},
    )),
    *((ANSWER, shape) for shape in (shape("t5"), shape("bart"), LED)),
]  # fmt: skip
EQUAL_ENCODER = ("AutoModel", {"model_type": "bert", **SIZES})
REFUSED = [
    (CLASS, {"model_type": "fnet", **SIZES}), (TAG, {"model_type": "fnet", **SIZES}),
    (READ, {"model_type": "fnet", **SIZES}), (FILL, {"model_type": "fnet", **SIZES}),
    ("AutoModel", {"model_type": "fnet", **SIZES}), (CLASS, {"model_type": "convbert", **SIZES, "embedding_size": 16}),
    (READ, BIG_BIRD), (WRITE, shape("rwkv")),
    (WRITE, {"model_type": "recurrent_gemma", "vocab_size": tiny.VOCAB, "hidden_size": 32, "num_hidden_layers": 3,
             "num_attention_heads": 4, "intermediate_size": 64, "lru_width": 32, "attention_window_size": 8}),
]  # fmt: skip


def named(case: tuple[str, dict[str, Any]]) -> str:
    return f"{case[1]['model_type']} {KINDS[case[0]][0].__name__}"


def write(folder: Path, auto: str, shape: dict[str, Any]) -> Checkpoint:
    """A checkpoint without a padding token where the shape has none."""
    checkpoint = tiny.write(folder, auto, shape, pad="pad_token_id" in shape)
    if auto == FILL:
        file = folder / "tokenizer_config.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), "mask_token": "w150"}))
    return checkpoint


def load(kind: Any, checkpoint: Checkpoint, batch_size: int, **options: Any) -> Any:
    return kind(checkpoint, "specialist", **options).load(tiny.Ask(), "cpu", Settings(batch_size=batch_size))


def comparable(prediction: Any) -> Any:
    return round(prediction.output, 4) if isinstance(prediction.output, float) else prediction


def in_batches(loaded: Any, inputs: Sequence[Any], places: Sequence[int]) -> list[Any]:
    rows = [row for batch in split([inputs[place] for place in places], 8) for row in loaded.predict(batch)]
    return [comparable(prediction) for prediction in in_order_of_samples(rows, places)]


@pytest.mark.parametrize("case", EQUAL, ids=named)
def test_predictions_are_the_same_alone_in_eights_and_sorted(case: tuple[str, Any], tmp_path: Path) -> None:
    auto, shape = case
    kind, inputs = KINDS[auto]
    checkpoint = write(tmp_path, auto, shape)
    single = load(kind, checkpoint, 1)
    alone = [comparable(single.predict([text])[0]) for text in inputs]
    assert len({str(prediction) for prediction in alone}) > 1, "answers that do not depend on the input prove nothing"
    loaded = load(kind, checkpoint, 8)
    assert in_batches(loaded, inputs, range(len(inputs))) == alone
    by_length = order([Sample(str(place), text) for place, text in enumerate(inputs)], "length")
    assert by_length != list(range(len(inputs)))
    assert in_batches(loaded, inputs, by_length) == alone


@pytest.mark.parametrize("case", REFUSED, ids=named)
def test_what_padding_changes_is_refused_with_the_reason_and_free_alone(case: tuple[str, Any], tmp_path: Path) -> None:
    auto, shape = case
    kind, inputs = KINDS[auto]
    checkpoint = write(tmp_path, auto, shape)
    assert load(kind, checkpoint, 1).predict(inputs[:1])
    with pytest.raises(
        UserError, match=r"^batch_size=8: this .*padded batches change.*type batch_size=1.*random"
    ) as why:
        load(kind, checkpoint, 8)
    assert shape["model_type"] in str(why.value)
    assert "\n" not in str(why.value)
    random = Checkpoint("tiny", weights="random", shape=shape)
    assert len(load(kind, random, 8).predict(inputs[:8])) == 8


def test_the_texts_of_one_pair_do_not_pad_each_other_where_padding_would_change_a_vector(tmp_path: Path) -> None:
    encoder = load(SentenceEncoder, write(tmp_path, "AutoModel", {"model_type": "fnet", **SIZES}), 1).predict
    assert encoder.separately
    short, long = TEXTS[0], TEXTS[1]
    first = encoder.infer(encoder.prepare([(short, long)]))
    alone = [encoder._vectors(encoder.prepare([(text, text)])[0].tensors)[0].detach() for text in (short, long)]
    assert first[1][0] == pytest.approx(float(alone[0] @ alone[1] / (alone[0].norm() * alone[1].norm())), abs=1e-5)
    (prediction,) = encoder.read(first)
    assert prediction.input_tokens == sum(part.lengths[0] for part in first[0])
    assert not load(SentenceEncoder, write(tmp_path / "bert", *EQUAL_ENCODER), 1).predict.separately


def test_a_tokenizer_that_ends_each_text_does_not_pad_with_that_end(tmp_path: Path) -> None:
    from tokenizers.processors import TemplateProcessing

    checkpoint = tiny.write(tmp_path, CLASS, {"model_type": "llama", **NO_PAD}, pad=False)
    tokenizer = tiny.tokenizer(pad=False)
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 2)])
    tokenizer.save_pretrained(tmp_path)
    single, loaded = load(SequenceClassifier, checkpoint, 1), load(SequenceClassifier, checkpoint, 8)
    alone = [single.predict([text])[0] for text in TEXTS]
    assert in_batches(loaded, TEXTS, range(len(TEXTS))) == alone
    model, own = loaded.predict.model, loaded.predict.tokenizer
    ids = own(TEXTS[3], return_tensors="pt")["input_ids"]
    assert ids[0, -1] == 2 != model.config.pad_token_id  # the end is read, not taken for padding
    hidden = model.model(ids).last_hidden_state[0, -1]
    assert int(model.score(hidden).argmax()) == int(model(ids).logits.argmax())


def test_a_padding_token_that_was_added_to_the_tokenizer_alone_is_none_of_the_models(tmp_path: Path) -> None:
    checkpoint = tiny.write(tmp_path, WRITE, shape("gpt2"), pad=False)
    tokenizer = tiny.tokenizer(pad=False)
    tokenizer.add_special_tokens({"pad_token": "[PAD]"})
    assert tokenizer.pad_token_id == tiny.VOCAB
    tokenizer.save_pretrained(tmp_path)
    loaded = load(CausalLM, checkpoint, 8)
    assert in_batches(loaded, TEXTS, range(len(TEXTS))) == [loaded.predict([text])[0] for text in TEXTS]


WAVE = {
    "vocab_size": 32, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,
    "conv_dim": [8, 8], "conv_stride": [10, 8], "conv_kernel": [10, 8], "num_conv_pos_embeddings": 4,
    "num_conv_pos_embedding_groups": 2, "pad_token_id": 0,
}  # fmt: skip


def clip(seconds: float) -> Any:
    import soundfile

    from joulemark.data.audio import Clip

    count = int(16000 * seconds)
    wave = RANDOM.normal(0, 0.2, count) * numpy.sin(numpy.arange(count) / RANDOM.integers(3, 90))
    file = io.BytesIO()
    soundfile.write(file, wave.astype("float32"), 16000, format="WAV")
    return Clip(file.getvalue())


def speech(folder: Path, shape: dict[str, Any], mask: bool) -> Checkpoint:
    import transformers

    checkpoint = tiny.write(folder, "AutoModelForCTC", {**WAVE, **shape})
    for file in folder.glob("*token*"):
        file.unlink()
    marks = ["<pad>", "<s>", "</s>", "<unk>", "|", "'", *map(chr, range(97, 123))]
    (folder / "vocab.json").write_text(json.dumps({mark: number for number, mark in enumerate(marks)}))
    transformers.Wav2Vec2CTCTokenizer(str(folder / "vocab.json")).save_pretrained(folder)
    transformers.Wav2Vec2FeatureExtractor(do_normalize=True, return_attention_mask=mask).save_pretrained(folder)
    return checkpoint


@pytest.mark.parametrize("architecture", ["wav2vec2", "hubert", "wavlm"])
@pytest.mark.parametrize("mask", [True, False])
def test_clips_of_unequal_length_are_heard_alike_alone_and_together(
    architecture: str, mask: bool, tmp_path: Path
) -> None:
    shape = {"model_type": architecture, "feat_extract_norm": "layer", "do_stable_layer_norm": True}
    checkpoint = speech(tmp_path, shape, mask)
    clips = [clip(seconds) for seconds in (0.3, 1.0, 0.7, 1.9, 0.5)]
    single = load(SpeechRecognizer, checkpoint, 1, head="ctc")
    alone = [single.predict([heard])[0] for heard in clips]
    assert len({prediction.output for prediction in alone}) == len(clips)
    assert load(SpeechRecognizer, checkpoint, 5, head="ctc").predict(clips) == alone


@pytest.mark.parametrize("architecture", ["wav2vec2", "hubert"])
def test_group_norm_over_padded_clips_is_refused(architecture: str, tmp_path: Path) -> None:
    checkpoint = speech(tmp_path, {"model_type": architecture, "feat_extract_norm": "group"}, mask=False)
    assert load(SpeechRecognizer, checkpoint, 1, head="ctc").predict([clip(0.5)])
    with pytest.raises(UserError, match=rf"^batch_size=2: this {architecture} normalizes over a whole clip"):
        load(SpeechRecognizer, checkpoint, 2, head="ctc")


class Picture:
    """An image as a task gives it."""

    def __init__(self, width: int, height: int) -> None:
        self.pixels = RANDOM.integers(0, 255, (height, width, 3)).astype("uint8")

    def open(self) -> Any:
        from PIL import Image

        return Image.fromarray(self.pixels)


VIT = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "patch_size": 8}
YOLOS = {"model_type": "yolos", **VIT, "image_size": [32, 32], "num_detection_tokens": 5, "num_labels": 3}
DETR = {
    "model_type": "detr", "use_timm_backbone": False, "use_pretrained_backbone": False, "backbone": None,
    "backbone_config": {"model_type": "resnet", "embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1],
                        "layer_type": "basic", "out_features": ["stage2"]},
    "d_model": 32, "encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2, "decoder_attention_heads": 2,
    "encoder_ffn_dim": 64, "decoder_ffn_dim": 64, "num_queries": 5, "num_labels": 3,
}  # fmt: skip
PICTURES = [Picture(*size) for size in ((48, 64), (64, 48), (40, 40), (90, 30))]
FIXED, PROPORTIONAL = {"height": 32, "width": 32}, {"shortest_edge": 32, "longest_edge": 64}


def detector(folder: Path, shape: dict[str, Any], size: dict[str, int]) -> Checkpoint:
    import transformers

    checkpoint = tiny.write(folder, "AutoModelForObjectDetection", shape)
    name = "YolosImageProcessorPil" if shape is YOLOS else "DetrImageProcessorPil"
    getattr(transformers, name)(size=size).save_pretrained(folder)
    return checkpoint


@pytest.mark.parametrize("shape", [YOLOS, DETR], ids=["yolos", "detr"])
def test_images_of_unequal_proportions_are_seen_alike_or_refused(shape: dict[str, Any], tmp_path: Path) -> None:
    checkpoint = detector(tmp_path / "fixed", shape, FIXED)
    single, loaded = load(ObjectDetector, checkpoint, 1), load(ObjectDetector, checkpoint, 4)
    for picture, together in zip(PICTURES, loaded.predict(PICTURES), strict=True):
        (alone,) = single.predict([picture])
        assert [found["label"] for found in together.output] == [found["label"] for found in alone.output]
        boxes = [[found["box"] for found in prediction.output] for prediction in (together, alone)]
        assert numpy.allclose(*boxes, atol=1e-4)
    checkpoint = detector(tmp_path / "proportional", shape, PROPORTIONAL)
    assert load(ObjectDetector, checkpoint, 1).predict(PICTURES[:1])
    with pytest.raises(UserError, match=r"^batch_size=4: .*own proportions.*type batch_size=1"):
        load(ObjectDetector, checkpoint, 4)


def test_an_image_classifier_is_batched_where_its_images_become_one_size(tmp_path: Path) -> None:
    import transformers

    checkpoint = tiny.write(tmp_path, "AutoModelForImageClassification", {"model_type": "vit", **VIT, "image_size": 32,
                                                                          "num_labels": 7})  # fmt: skip
    transformers.ViTImageProcessorPil(size=FIXED).save_pretrained(tmp_path)
    loaded = load(ImageClassifier, checkpoint, 4)
    assert loaded.predict(PICTURES) == [loaded.predict([picture])[0] for picture in PICTURES]
    transformers.CLIPImageProcessorPil(size={"shortest_edge": 32}, do_center_crop=False).save_pretrained(tmp_path)
    with pytest.raises(UserError, match=r"^batch_size=4: .*own proportions"):
        load(ImageClassifier, checkpoint, 4)
