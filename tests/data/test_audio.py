"""Clips: whatever their file's format, the same samples; or the reason why not."""

import io

import numpy
import pytest
import soundfile

from joulemark.core.errors import BadRowError
from joulemark.data.audio import clip

SINE = (numpy.sin(numpy.arange(4000) / 9) * 0.5).astype("float32")


def file_of(samples, kind="WAV", subtype=None, rate_hz=16000):
    file = io.BytesIO()
    soundfile.write(file, samples, rate_hz, format=kind, subtype=subtype)
    return file.getvalue()


@pytest.mark.parametrize(
    ("kind", "subtype", "step"),
    [("WAV", "PCM_U8", 2**-7), ("WAV", "PCM_16", 2**-14), ("WAV", "PCM_24", 2**-22), ("WAV", "PCM_32", 2**-22),
     ("WAV", "FLOAT", 0), ("WAV", "DOUBLE", 0), ("FLAC", "PCM_24", 2**-22), ("AIFF", "PCM_16", 2**-14)],
)  # fmt: skip
def test_every_width_of_samples_gives_the_same_sound(kind, subtype, step):
    given = clip(file_of(SINE, kind, subtype), 16000).open()
    assert given.dtype == numpy.float32
    assert numpy.abs(given - SINE).max() <= step


def test_several_channels_become_their_mean():
    given = clip(file_of(numpy.stack([SINE, 0 * SINE], -1), subtype="FLOAT"), 16000).open()
    assert numpy.allclose(given, SINE / 2)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (file_of(SINE, rate_hz=44100), r"44100 samples a second, .*for 16000: convert it \(ffmpeg -i CLIP -ar 16000"),
        (file_of(SINE[:1599]), "the clip is too short: 0.0999375 s, the least is 0.1 s"),
        (file_of(SINE[:1]), "the clip is too short"),
        (file_of(numpy.where(SINE > 0.49, numpy.nan, SINE), subtype="FLOAT"), r"no numbers \(NaN or infinite\)"),
        (file_of(numpy.where(SINE > 0.49, numpy.inf, SINE), subtype="FLOAT"), r"no numbers \(NaN or infinite\)"),
        ({"array": [0.0], "sampling_rate": 16000}, "holds no sound, but an array of samples; give the file's bytes"),
    ],
)
def test_a_clip_that_no_model_can_hear_is_not_usable(data, says):
    with pytest.raises(BadRowError, match=says):
        clip(data, 16000)


def test_a_tenth_of_a_second_is_long_enough():
    assert len(clip(file_of(SINE[:1600]), 16000).open()) == 1600


def test_a_path_starts_from_the_folder_that_is_given(tmp_path):
    (tmp_path / "a.wav").write_bytes(file_of(SINE))
    assert clip("a.wav", 16000, folder=tmp_path).data == file_of(SINE)
    with pytest.raises(BadRowError, match=r"'a\.wav'; a row that comes from no file opens none here$"):
        clip("a.wav", 16000)
