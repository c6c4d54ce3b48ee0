"""Embedded sounds: numbers dialled in the tones of a telephone (DTMF, ITU-T Q.23), to be written down in words."""

import io
import math
import wave
from array import array
from collections.abc import Iterator, Mapping
from functools import cache
from random import Random
from typing import Any

from joulemark.data.embedded import SEED, WORDS

RATE_HZ = 16000
TONE_S, PAUSE_S = 0.25, 0.08
LOW_HZ, HIGH_HZ = (697, 770, 852), (1209, 1336, 1477)


def clips(count: int = 1200) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Wav files of three to seven dialled digits, each with its words."""
    random = Random(f"{SEED} clips")
    for number in range(count):
        digits = [random.randrange(10) for _ in range(random.randint(3, 7))]
        text = " ".join(WORDS[digit] for digit in digits)
        yield f"clip {number}", {"id": f"clip-{number:04d}", "audio": dialled(digits), "text": text}


def dialled(digits: list[int]) -> bytes:
    """The digits as a mono wav file of 16-bit samples."""
    silence = array("h", bytes(2 * int(PAUSE_S * RATE_HZ)))
    samples = array("h")
    for digit in digits:
        samples += _tone(digit) + silence
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE_HZ)
        out.writeframes(samples.tobytes())
    return file.getvalue()


@cache
def _tone(digit: int) -> "array[int]":
    # The keypad: 1 2 3 / 4 5 6 / 7 8 9 / * 0 #
    low, high = (941, HIGH_HZ[1]) if digit == 0 else (LOW_HZ[(digit - 1) // 3], HIGH_HZ[(digit - 1) % 3])
    return array(
        "h",
        (
            int(8000 * (math.sin(2 * math.pi * low * t / RATE_HZ) + math.sin(2 * math.pi * high * t / RATE_HZ)))
            for t in range(int(TONE_S * RATE_HZ))
        ),
    )
