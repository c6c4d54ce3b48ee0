"""Writes 512 JPEG files of 640 x 480 pixels and the data file that names them, for runs on a machine without a network.

    python -m benchmarks.images mlruns/images
    python -m src.run task=image_classification task.dataset=file task.path=mlruns/images/images.jsonl …

Each is a smooth scene with grain, saved as a camera does (quality 90, half the colours): about 110 kB, the same bytes
each time. They show nothing, so they are for random weights.
"""

import json
import sys
from pathlib import Path

COUNT, SIZE = 512, (640, 480)
PATCH, GRAIN = 40, 9.0  # pixels of a patch of the scene; deviation of the grain, in levels of 255


def main() -> None:
    """Writes the folder that is named."""
    import numpy
    from PIL import Image

    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "images.jsonl").open("w") as rows:
        for number in range(COUNT):
            draw = numpy.random.default_rng(number)
            patches = draw.integers(0, 256, (SIZE[1] // PATCH, SIZE[0] // PATCH, 3), dtype="uint8")
            scene = numpy.asarray(Image.fromarray(patches).resize(SIZE, Image.Resampling.BICUBIC), dtype="float32")
            grainy = (scene + draw.normal(0, GRAIN, (SIZE[1], SIZE[0], 1))).clip(0, 255).astype("uint8")
            Image.fromarray(grainy).save(folder / f"{number:04d}.jpg", quality=90, subsampling="4:2:0")
            rows.write(json.dumps({"id": f"image-{number:04d}", "image": f"{number:04d}.jpg"}) + "\n")


if __name__ == "__main__":
    main()
