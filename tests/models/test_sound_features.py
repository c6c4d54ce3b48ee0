"""What a speech model hears, computed by torch: transformers' own features but for rounding, on host and card."""

import io
from dataclasses import replace

import numpy
import pytest
import soundfile
import torch

from joulemark.core.errors import UserError
from joulemark.core.model import Checkpoint, Settings
from joulemark.data.audio import Clip
from joulemark.models.backend import preprocessing, sound_features
from joulemark.models.speech_recognizer import SpeechRecognizer
from tests.composed import built
from tests.models.test_kinds import SPEECH, WAVE

pytestmark = pytest.mark.weights

needs_card = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
RATE_HZ = 16000
WHISPER = Checkpoint("whisper", weights="random", processor={"type": "WhisperFeatureExtractor", "feature_size": 128})
WAV2VEC2 = Checkpoint("wav2vec2", weights="random", processor={"type": "Wav2Vec2FeatureExtractor"})
RAW = replace(WAV2VEC2, processor={"type": "Wav2Vec2FeatureExtractor", "do_normalize": False})
MASKED = {"padding": True, "return_attention_mask": True}
EXTRACTORS = {"whisper": (WHISPER, {}), "wav2vec2": (WAV2VEC2, MASKED), "raw": (RAW, MASKED)}


def clip(seconds, seed=0, level=0.1):
    """A tone that comes and goes in noise, with silence at its end."""
    time_s = numpy.arange(int(seconds * RATE_HZ)) / RATE_HZ
    noise = numpy.random.default_rng(seed).normal(0, 0.01, len(time_s))
    wave = level * numpy.sin(2 * numpy.pi * 440 * time_s) * (numpy.sin(5 * time_s) > 0) + noise
    wave[len(wave) * 3 // 4 :] = 0
    file = io.BytesIO()
    soundfile.write(file, wave.astype("float32"), RATE_HZ, "PCM_16", format="WAV")
    return Clip(file.getvalue(), RATE_HZ)


CLIPS = [clip(2.0), clip(0.4, 1), clip(31.0, 2), clip(1.1, 3, 0.9), clip(0.1, 4, 0.001)]


def made(checkpoint, options, how, device="cpu", workers=2):
    settings = Settings(preprocessing=how, preprocessing_workers=1 if how == "transformers" else workers)
    return preprocessing.sounds(checkpoint, settings, device, **options)


def features(checkpoint, options, how, clips=CLIPS, device="cpu"):
    sounds = made(checkpoint, options, how, device)
    return sounds.features(sounds.opened(clips), RATE_HZ)


@pytest.mark.parametrize("name", EXTRACTORS)
@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda:0", marks=needs_card)])
def test_the_features_are_those_of_transformers_but_for_rounding(name, device):
    usual, own = features(*EXTRACTORS[name], "transformers"), features(*EXTRACTORS[name], "device", device=device)
    assert own.keys() == usual.keys()
    for key, wanted in usual.items():
        assert own[key].device == torch.device(device)
        got, wanted = own[key].cpu(), torch.as_tensor(wanted)
        assert got.shape == wanted.shape
        apart = (got - wanted).abs().double()
        print(f"{name} {key} on {device}: largest {float(apart.max()):.1e}, mean {float(apart.mean()):.1e}")
        assert float(apart.max()) <= 1e-3
        assert float(apart.mean()) <= 1e-6


@pytest.mark.parametrize("name", EXTRACTORS)
def test_each_clip_has_the_features_that_it_has_alone(name):
    together = features(*EXTRACTORS[name], "fast")
    for place, one in enumerate(CLIPS[:2]):
        for key, alone in features(*EXTRACTORS[name], "fast", [one]).items():
            assert torch.allclose(together[key][place, ..., : alone.shape[-1]], alone[0], atol=1e-5)


def test_clips_are_decoded_in_their_order_by_several_threads():
    waves = made(WHISPER, {}, "fast", workers=3).opened(CLIPS * 5)
    assert [len(wave) for wave in waves] == [len(one.open()) for one in CLIPS * 5]
    assert all(numpy.array_equal(wave, one.open()) for wave, one in zip(waves, CLIPS * 5, strict=True))


def test_what_does_not_decode_is_what_the_call_says():
    with pytest.raises(soundfile.LibsndfileError):
        made(WHISPER, {}, "fast").opened([CLIPS[0], Clip(b"no sound")])


def test_clips_of_another_rate_are_refused_as_transformers_does():
    for how in ("transformers", "fast"):
        with pytest.raises(ValueError, match="sampl"):
            made(WHISPER, {}, how).features([numpy.zeros(800, "float32")], 8000)


@pytest.mark.parametrize("change", [{"dither": 0.5}, {"n_fft": 512}])
def test_an_extractor_that_computes_something_else_is_refused_in_one_line(change, monkeypatch):
    usual = preprocessing.open_sounds(WHISPER)
    if "n_fft" in change:  # the bands stay those of 400
        monkeypatch.setattr(sound_features, "FLOOR", 1e-3)
    else:
        usual = type(usual)(**change)
    monkeypatch.setattr(preprocessing, "open_sounds", lambda checkpoint: usual)
    with pytest.raises(UserError, match="WhisperFeatureExtractor computes; type preprocessing=transformers"):
        made(WHISPER, {}, "fast")


def test_the_record_is_told_what_prepared():
    assert made(WHISPER, {}, "fast").facts() == {
        "preprocessing": {"library": "torch", "version": torch.__version__, "device": "cpu"}
    }
    assert made(WHISPER, {}, "transformers").facts() == {}


@pytest.mark.parametrize(
    ("shape", "checkpoint", "head", "how"),
    [
        (WAVE, WAV2VEC2, "ctc", "fast"),
        pytest.param(WAVE, WAV2VEC2, "ctc", "device", marks=needs_card),
        pytest.param(SPEECH, WHISPER, "seq2seq", "device", marks=needs_card),
    ],
    ids=["wav2vec2", "wav2vec2 on the card", "whisper on the card"],
)
def test_a_model_predicts_the_same_from_either_features(shape, checkpoint, head, how):
    run = built(
        "model=whisper", "task=speech_recognition", "model.weights=random", "samples=2", "task.max_new_tokens=2"
    )
    bands = {"num_mel_bins": 128} if head == "seq2seq" else {}
    model = SpeechRecognizer(replace(checkpoint, shape={**shape, **bands}), "specialist", head=head)
    device = "cuda:0" if how == "device" else "cpu"
    outputs = [
        model.load(run.task, device, Settings(batch_size=2, preprocessing=one)).predict(CLIPS[:2])
        for one in ("transformers", how)
    ]
    assert outputs[0] == outputs[1]
