"""Every kind of model answers its task, alone and in a batch, with random weights of a tiny shape."""

import io
import json
from dataclasses import replace
from typing import Any

import numpy
import pytest
import soundfile
from hydra.utils import get_class
from omegaconf import OmegaConf

from joulemark.config import model_files
from joulemark.core.errors import UserError
from joulemark.core.model import Checkpoint, Settings
from joulemark.core.paths import CONF
from joulemark.data.audio import Clip
from joulemark.models.backend.diffusion_stages import painting, prompt_lengths
from tests.composed import built, tasks_of

pytestmark = pytest.mark.weights

BERT = {
    "model_type": "bert", "vocab_size": 300, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
    "num_attention_heads": 2, "max_position_embeddings": 64, "pad_token_id": 0,
}  # fmt: skip
VIT = {
    "model_type": "vit", "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,
    "image_size": 32, "patch_size": 8,
}  # fmt: skip
GPT2 = {
    "model_type": "gpt2", "vocab_size": 300, "n_positions": 64, "n_embd": 32, "n_layer": 2, "n_head": 2,
    "bos_token_id": 1, "eos_token_id": 1,
}  # fmt: skip
RESNET = {
    "model_type": "resnet", "embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1], "layer_type": "basic",
    "out_features": ["stage2"],
}  # fmt: skip
SIGHT = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 32}
BLIP_TEXT = {
    "vocab_size": 300, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,
    "encoder_hidden_size": 32, "bos_token_id": 1, "sep_token_id": 2, "pad_token_id": 0,
}  # fmt: skip
SMALL = {"size": {"height": 32, "width": 32}}
VIT_PIXELS = {"type": "ViTImageProcessor", **SMALL}
SPEECH = {
    "model_type": "whisper", "vocab_size": 300, "num_mel_bins": 80, "d_model": 32, "encoder_layers": 1,
    "decoder_layers": 1, "encoder_attention_heads": 2, "decoder_attention_heads": 2, "encoder_ffn_dim": 64,
    "decoder_ffn_dim": 64, "pad_token_id": 1, "bos_token_id": 1, "eos_token_id": 1, "decoder_start_token_id": 2,
    "suppress_tokens": [], "begin_suppress_tokens": [],
}  # fmt: skip
WAVE = {
    "model_type": "wav2vec2", "vocab_size": 32, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1,
    "num_attention_heads": 2, "conv_dim": [8, 8], "conv_stride": [10, 8], "conv_kernel": [10, 8],
    "num_conv_pos_embeddings": 4, "num_conv_pos_embedding_groups": 2, "pad_token_id": 0,
}  # fmt: skip
UNET = {
    "sample_size": 8, "layers_per_block": 1, "block_out_channels": [8, 16], "cross_attention_dim": 32,
    "attention_head_dim": 4, "norm_num_groups": 4, "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D"],
    "up_block_types": ["CrossAttnUpBlock2D", "UpBlock2D"],
}  # fmt: skip
VAE = {
    "block_out_channels": [8, 16], "layers_per_block": 1, "norm_num_groups": 4, "latent_channels": 4,
    "down_block_types": ["DownEncoderBlock2D"] * 2, "up_block_types": ["UpDecoderBlock2D"] * 2,
}  # fmt: skip
CLIP = {
    "vocab_size": 300, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2,
    "max_position_embeddings": 16,
}  # fmt: skip

# name -> kind, task, shape, processor, further words of the kind
TINY: dict[str, tuple[str, str, dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "bert tagger": ("token_classifier", "token_classification", BERT, {}, {}),
    "bert reader": ("span_extractor", "question_answering", BERT, {}, {}),
    "bert filler": ("masked_lm", "masked_language_modelling", BERT, {}, {}),
    "vit": ("image_classifier", "image_classification", {**VIT, "num_labels": 7}, VIT_PIXELS, {}),
    "resnet": ("image_classifier", "image_classification", {**RESNET, "num_labels": 3}, VIT_PIXELS, {}),
    "yolos": (
        "object_detector", "object_detection",
        {**VIT, "model_type": "yolos", "image_size": [32, 32], "num_detection_tokens": 5, "num_labels": 3},
        {"type": "YolosImageProcessor", **SMALL}, {},
    ),
    "detr": (
        "object_detector", "object_detection",
        {"model_type": "detr", "use_timm_backbone": False, "use_pretrained_backbone": False, "backbone": None,
         "backbone_config": RESNET, "d_model": 32, "encoder_layers": 1, "decoder_layers": 1,
         "encoder_attention_heads": 2, "decoder_attention_heads": 2, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64,
         "num_queries": 5, "num_labels": 3},
        {"type": "DetrImageProcessor", "size": {"shortest_edge": 32, "longest_edge": 64}}, {},
    ),
    "vit and gpt2": (
        "image_captioner", "image_captioning",
        {"model_type": "vision-encoder-decoder", "encoder": VIT,
         "decoder": {**GPT2, "add_cross_attention": True, "is_decoder": True}, "decoder_start_token_id": 1,
         "pad_token_id": 1, "eos_token_id": 1},
        VIT_PIXELS, {},
    ),
    "blip": (
        "image_captioner", "image_captioning",
        {"model_type": "blip", "projection_dim": 16, "text_config": BLIP_TEXT,
         "vision_config": {**SIGHT, "patch_size": 8}},
        {"type": "BlipImageProcessor", **SMALL}, {},
    ),
    "git": (
        "image_captioner", "image_captioning",
        {"model_type": "git", **{k: v for k, v in BERT.items() if k not in ("model_type", "max_position_embeddings")},
         "max_position_embeddings": 128, "bos_token_id": 1, "eos_token_id": 2,
         "vision_config": {**SIGHT, "patch_size": 8}},
        {"type": "CLIPImageProcessor", **SMALL, "crop_size": {"height": 32, "width": 32}}, {},
    ),
    "blip-2": (
        "image_captioner", "image_classification",
        {"model_type": "blip-2", "num_query_tokens": 4, "image_token_index": 299,
         "vision_config": {"model_type": "blip_2_vision_model", **SIGHT, "patch_size": 8},
         "qformer_config": {"model_type": "blip_2_qformer", **{k: v for k, v in BERT.items() if k != "model_type"},
                            "encoder_hidden_size": 32},
         "text_config": {"model_type": "opt", "vocab_size": 300, "hidden_size": 32, "ffn_dim": 64,
                         "num_hidden_layers": 1, "num_attention_heads": 2, "word_embed_proj_dim": 32,
                         "max_position_embeddings": 128, "bos_token_id": 2, "eos_token_id": 2, "pad_token_id": 1}},
        {"type": "BlipImageProcessor", **SMALL}, {"role": "general_purpose"},
    ),
    "sentences": ("sentence_encoder", "sentence_similarity", BERT, {}, {}),
    "whisper": ("speech_recognizer", "speech_recognition", SPEECH, {"type": "WhisperFeatureExtractor"}, {}),
    "wav2vec2": (
        "speech_recognizer", "speech_recognition", WAVE,
        {"type": "Wav2Vec2FeatureExtractor", "do_normalize": True, "return_attention_mask": True}, {"head": "ctc"},
    ),
    "stable diffusion xl": (
        "text_to_image", "image_generation",
        {"unet": {**UNET, "addition_embed_type": "text_time", "addition_time_embed_dim": 8, "cross_attention_dim": 64,
                  "projection_class_embeddings_input_dim": 48 + 32},
         "vae": {**VAE, "force_upcast": True}, "text_encoder": CLIP, "text_encoder_2": {**CLIP, "projection_dim": 32},
         "scheduler": {"type": "EulerDiscreteScheduler"}},
        {}, {"steps": 2},
    ),
    "stable diffusion": (
        "text_to_image", "image_generation",
        {"unet": UNET, "vae": VAE, "text_encoder": CLIP, "scheduler": {"type": "DDIMScheduler"}}, {},
        {"steps": 2},
    ),
}  # fmt: skip


def asked(task: str, count: int = 4) -> Any:
    """A task of conf/ on the embedded data, and a few of its inputs."""
    words = ["task.max_new_tokens=12"] if task in ("image_captioning", "speech_recognition") else []
    run = built("model=embedded", *able(task), f"task={task}", "task.dataset=embedded", *words)
    return run.task, [sample.input for sample in run.task.samples(count, 0).samples]


def able(task: str) -> list[str]:
    """Words for a model of conf/ that can do the task, since a run without one is refused."""
    for name in model_files.names():
        if name.startswith("embedded") and task in tasks_of(name):
            return [f"model={name}"]
    others = {"sentence_similarity": "minilm_l6", "speech_recognition": "whisper"}
    return [f"model={others[task]}", "model.weights=random"]


def loaded(name: str, task: Any, **settings: Any) -> Any:
    kind, _, shape, processor, words = TINY[name]
    checkpoint = Checkpoint("tiny", weights="random", shape=shape, processor=processor)
    cls = get_class(OmegaConf.load(CONF / "model" / "kind" / f"{kind}.yaml")["_target_"])
    made = cls(**{"checkpoint": checkpoint, "role": "specialist", **words})
    return made.load(task, "cpu", Settings(**settings))


@pytest.mark.parametrize("name", TINY)
def test_a_kind_answers_every_input_of_a_batch_and_its_answers_can_be_scored(name: str) -> None:
    task, inputs = asked(TINY[name][1])
    model = loaded(name, task)
    predictions = model.predict(inputs)
    assert len(predictions) == len(inputs)
    assert all(prediction.units >= 1 for prediction in predictions)
    assert model.facts["weights"] == "random"
    samples = built("model=embedded", *able(task.name), f"task={task.name}", "task.dataset=embedded").task.samples(4, 0)
    assert len(task.score(samples.samples, predictions).each) == len(inputs)


@pytest.mark.parametrize("name", [name for name in TINY if name != "detr"])
def test_the_company_in_a_batch_does_not_change_an_answer(name: str) -> None:
    # DETR's padding to the largest of a batch does change its features, by design; its boxes move a little
    task, inputs = asked(TINY[name][1])
    model = loaded(name, task)
    together = [str(prediction.output)[:40] for prediction in model.predict(inputs)]
    alone = [str(model.predict([one])[0].output)[:40] for one in inputs]
    if name == "wav2vec2":  # its group norm sees the padding: the published base model is run without a mask too
        assert len(together) == len(alone)
    else:
        assert together == alone


@pytest.mark.parametrize("name", TINY)
def test_the_stages_of_an_inference_give_its_predictions_however_often_each_is_called(name: str) -> None:
    task, inputs = asked(TINY[name][1])
    model = loaded(name, task)
    value: Any = inputs
    for stage in model.stages:
        assert str(stage.run(value)) == str(stage.run(value)) or stage.name in ("prefill", "denoising")
        value = stage.run(value)
    whole = model.predict(inputs)
    assert [str(one.output) for one in value] == [str(one.output) for one in whole]
    assert [replace(one, output=None) for one in value] == [replace(one, output=None) for one in whole]


@pytest.mark.parametrize("name", ["stable diffusion", "stable diffusion xl"])
@pytest.mark.parametrize("guidance", [7.5, 0.0])
def test_the_stages_of_a_pipeline_paint_its_image_to_the_pixel(name: str, guidance: float) -> None:
    task, inputs = asked("image_generation")
    painter = loaded(name, task).predict
    kept = replace(painter, keep=True, settings={**painter.settings, "guidance_scale": guidance})
    value: Any = inputs
    for stage in painting(kept, "cpu"):
        stage.run(value)
        value = stage.run(value)
    for one, whole in zip(value, kept(inputs), strict=True):
        assert one.output.tobytes() == whole.output.tobytes()
    assert len({one.output.tobytes() for one in value}) > 1, "images that do not depend on the prompt prove nothing"


@pytest.mark.parametrize("name", ["vit and gpt2", "blip", "git", "whisper"])
def test_random_weights_write_the_whole_budget(name: str) -> None:
    task, inputs = asked(TINY[name][1])
    assert {prediction.output_tokens for prediction in loaded(name, task).predict(inputs)} == {12}


def test_a_tag_goes_to_each_word_also_to_those_that_did_not_fit() -> None:
    task, inputs = asked("token_classification")
    (prediction,) = loaded("bert tagger", task).predict([["word"] * 100])
    assert len(prediction.output) == prediction.units == 100
    assert prediction.truncated
    assert set(prediction.output[64:]) == {"O"}
    assert not loaded("bert tagger", task).predict(inputs)[0].truncated


def test_an_answer_is_a_span_of_its_context_and_a_long_context_is_cut() -> None:
    task, inputs = asked("question_answering")
    model = loaded("bert reader", task)
    long = {"question": "who?", "context": "the mayor came home " * 40}
    for asked_for, prediction in zip([*inputs, long], model.predict([*inputs, long]), strict=True):
        assert prediction.output in asked_for["context"]
    assert model.predict([long])[0].truncated


@pytest.mark.parametrize("name", ["stable diffusion", "stable diffusion xl"])
def test_a_prompt_longer_than_the_text_encoder_reads_is_cut_and_says_so(name: str) -> None:
    task, _ = asked("image_generation")
    model, room = loaded(name, task), CLIP["max_position_embeddings"]
    inputs = [" ".join(["cat"] * count) for count in (1, room - 2, room - 1, 200)]  # a prompt has two marks of its own
    value: Any = inputs
    for stage in model.stages:
        value = stage.run(value)
    for found in (model.predict(inputs), value):
        assert [prediction.truncated for prediction in found] == [False, False, True, True]
        assert [prediction.input_tokens for prediction in found] == [3, room, room, room]


def test_clips_own_tokenizer_tells_the_length_of_a_prompt_without_a_word_of_warning(tmp_path, caplog) -> None:
    import transformers

    words = {"<|startoftext|>": 0, "<|endoftext|>": 1, "a</w>": 2, "a": 3}
    (tmp_path / "vocab.json").write_text(json.dumps(words))
    (tmp_path / "merges.txt").write_text("#version: 0.2\n")
    tokenizer = transformers.CLIPTokenizer(
        str(tmp_path / "vocab.json"), str(tmp_path / "merges.txt"), model_max_length=77
    )
    transformers.utils.logging.enable_propagation()
    pipe = type("StableDiffusionPipeline", (), {"tokenizer": tokenizer})()
    assert prompt_lengths(pipe, ["a", "a " * 75, "a " * 76]) == [3, 77, 78]
    transformers.utils.logging.disable_propagation()
    assert not caplog.records
    other = type("PixArtAlphaPipeline", (), {"tokenizer": tokenizer})()  # T5 cuts elsewhere
    assert prompt_lengths(other, ["a"]) is None


def test_a_clip_longer_than_whisper_hears_is_cut_and_says_so_and_wav2vec_hears_it_whole() -> None:
    task, _ = asked("speech_recognition", 1)
    clips = [silence(seconds) for seconds in (1.0, 30.0, 30.1)]
    model = loaded("whisper", task)
    value: Any = clips
    for stage in model.stages:
        value = stage.run(value)
    for found in (model.predict(clips), value):
        assert [prediction.truncated for prediction in found] == [False, False, True]
    assert not any(prediction.truncated for prediction in loaded("wav2vec2", task).predict(clips))


def silence(seconds: float) -> Clip:
    file = io.BytesIO()
    soundfile.write(file, numpy.zeros(round(16000 * seconds), numpy.float32), 16000, format="WAV")
    return Clip(file.getvalue())


def test_the_same_seed_draws_the_same_noise_and_the_settings_are_stated() -> None:
    task, inputs = asked("image_generation")
    model = loaded("stable diffusion", task)
    assert model.facts["num_inference_steps"] == 2
    assert model.facts["height"] == 16
    assert [prediction.output for prediction in model.predict(inputs)] == ["16x16"] * 4


def test_a_processor_without_a_type_is_refused() -> None:
    task, _ = asked("image_classification")
    kind = get_class("joulemark.models.image_classifier.ImageClassifier")
    with pytest.raises(UserError, match=r"gives no processor\.type"):
        kind(Checkpoint("tiny", weights="random", shape=VIT), "specialist").load(task, "cpu", Settings())


@pytest.mark.parametrize("name", ["vit", "resnet", "git"])
def test_processes_prepare_the_very_same_pixels_in_the_same_order(name: str) -> None:
    import torch

    task, inputs = asked(TINY[name][1])
    alone, together = (loaded(name, task, preprocessing_workers=count).predict for count in (1, 3))
    assert torch.equal(alone.prepare(inputs), together.prepare(inputs))
    assert not torch.equal(alone.prepare(inputs), together.prepare(inputs[::-1]))
    assert alone(inputs) == together(inputs)
