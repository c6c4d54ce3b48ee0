"""Writes 1,000 prompts as long as real ones, for runs on a machine without a network.

    python -m benchmarks.prompts mlruns/prompts.jsonl

Their lengths are those of AIEnergyScore/text_generation (1,000 prompts of WikiText, OSCAR and UltraChat, Apache-2.0,
commit 2dc92b2e) in tokens of Qwen's vocabulary: mean 367, median 123. Their words are drawn, the same each time, and
no two begin alike, so that none is answered from the pages of another. Any first N of them are spread over the lengths.
"""

import json
import random
import sys
from pathlib import Path

COUNT = 1000
# Percentiles 0 to 99 of the tokens of a prompt, and the ten longest
PERCENTILES = (
    *(2, 5, 6, 6, 7, 7, 8, 9, 10, 10, 11, 12, 13, 14, 16, 17, 18, 20, 21, 22, 25, 27, 29, 34, 39, 44, 51, 58, 62, 64),
    *(66, 70, 73, 75, 78, 80, 84, 87, 89, 91, 93, 95, 98, 100, 103, 106, 107, 112, 116, 118, 123, 126, 134, 139, 145),
    *(150, 155, 161, 166, 173, 182, 192, 198, 204, 210, 220, 226, 231, 241, 247, 267, 274, 288, 298, 307, 316, 329),
    *(347, 364, 376, 413, 452, 499, 529, 557, 591, 620, 644, 669, 713, 754, 849, 959, 1073, 1190, 1382, 1638, 2000),
    *(2603, 3927),
)
LONGEST = (3977, 4068, 4747, 4917, 5398, 6381, 6547, 7371, 12187, 18083)
# Each is one token of Qwen's vocabulary and of GPT-2's, at the beginning of a text and after a space
WORDS = "the of and to in for is on that by this with you it not or be are from at as your all have new more an was we"
STRIDE = 617  # prime to COUNT: a walk over all ranks that is even from its beginning


def lengths() -> list[int]:
    """The tokens of each prompt; between two percentiles on the straight line."""
    found = []
    for number in range(COUNT):
        place, rest = number * STRIDE % COUNT, COUNT - len(LONGEST)
        if place >= rest:
            found.append(LONGEST[place - rest])
            continue
        low, part = divmod(place * (len(PERCENTILES) - 1), rest)
        found.append(round(PERCENTILES[low] + part / rest * (PERCENTILES[low + 1] - PERCENTILES[low])))
    return found


def main() -> None:
    """Writes the file that is named."""
    path, draw, words = Path(sys.argv[1]), random.Random(0), WORDS.split()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        for length in lengths():
            file.write(json.dumps({"prompt": " ".join(draw.choices(words, k=length))}) + "\n")


if __name__ == "__main__":
    main()
