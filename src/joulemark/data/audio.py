"""Sounds as the bytes of their files: decoding is part of an inference, as for anybody's service."""

import hashlib
import io
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from joulemark.core.errors import BadRowError
from joulemark.data.media import STANDARD, Media, bytes_of

SHORTEST_S = 0.1  # four of the frames of 25 ms that speech is analysed in; the convolutions of wav2vec 2 need one


@dataclass(frozen=True)
class Clip:
    """One sound file as bytes: decoding is part of an inference. Mono, samples in [-1, 1], `rate_hz` a second."""

    data: bytes = field(repr=False)
    rate_hz: int = 16000

    def open(self) -> Any:
        """The samples as a float32 array, of several channels their mean."""
        import soundfile

        samples, _ = soundfile.read(io.BytesIO(self.data), dtype="float32", always_2d=True)
        return samples.mean(axis=1)

    def __str__(self) -> str:
        """The digest of the bytes: what a record says of a clip."""
        return f"clip {hashlib.sha256(self.data).hexdigest()[:16]}"


def clip(value: Any, rate_hz: int, media: Media = STANDARD, folder: Path | None = None) -> Clip:
    """The clip in a row's field, a path from `folder`, that of the data file; within the limits of `media`.

    BadRowError where it does not decode to its end, has another rate (it is not resampled: the sound would be another
    one), is too short for a model of speech, or holds what is no number.
    """
    import numpy
    import soundfile

    read = Clip(bytes_of(value, "sound", media, folder), rate_hz)
    try:
        header = soundfile.info(io.BytesIO(read.data))
        if header.frames * header.channels > media.max_s * rate_hz:
            raise BadRowError(f"the clip is longer than {media.max_s:g} s; task.media.max_s=… allows more")
        samples = read.open()
    except (soundfile.SoundFileRuntimeError, TypeError) as error:  # TypeError: raw sound, without a header
        raise BadRowError(f"the clip does not decode ({_plain(error)})") from None
    if header.samplerate != rate_hz:
        raise BadRowError(
            f"the clip has {header.samplerate} samples a second, the task asks for {rate_hz}: "
            f"convert it (ffmpeg -i CLIP -ar {rate_hz} NEW.wav)"
        )
    if len(samples) == 0:
        raise BadRowError("the clip is empty: it holds no samples")
    if len(samples) < header.frames:
        raise BadRowError(f"the clip is truncated: {len(samples)} samples of {header.frames}")
    if len(samples) < SHORTEST_S * rate_hz:
        raise BadRowError(f"the clip is too short: {len(samples) / rate_hz:g} s, the least is {SHORTEST_S:g} s")
    if not numpy.isfinite(samples).all():
        raise BadRowError("the clip holds samples that are no numbers (NaN or infinite)")
    return read


def _plain(error: Exception) -> str:
    # libsndfile names the buffer by its address in memory, another one each time
    return re.sub(r"Error opening <_io\.BytesIO object at 0x[0-9a-f]+>: ", "", str(error))
