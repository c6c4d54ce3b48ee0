"""Embedded images: scikit-learn's handwritten digits, and scenes of coloured shapes drawn by rule.

The digits are the test set of "Optical recognition of handwritten digits" (E. Alpaydin, C. Kaynak, UCI, CC BY 4.0), as
scikit-learn ships it. The first HELD_OUT of them are what is measured on; only the others are trained on.
"""

import io
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

from joulemark.data.embedded import SEED, WORDS

HELD_OUT = 1000
SIDE = 64
COLOURS = {"red": (214, 39, 40), "green": (44, 160, 44), "blue": (31, 119, 180), "yellow": (230, 200, 40)}
SHAPES = ("circle", "square", "triangle")

Row = tuple[str, Mapping[str, Any]]


def digits(held_out: bool = True) -> Iterator[Row]:
    """Handwritten digits as PNG files of 32 x 32 pixels with their names; those to measure, or those to train on."""
    from PIL import Image
    from sklearn.datasets import load_digits

    known = load_digits()
    images, labels = (side[:HELD_OUT] if held_out else side[HELD_OUT:] for side in (known.images, known.target))
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        drawn = Image.fromarray((image * 255 / 16).astype("uint8")).resize((32, 32), Image.Resampling.BICUBIC)
        yield f"digit {number}", {"id": f"digit-{number:04d}", "image": _png(drawn), "label": WORDS[int(label)]}


def scenes(count: int = 1200, seed: int = SEED) -> Iterator[Row]:
    """Scenes of one to three shapes, each with its objects and a caption that names them from left to right."""
    random = Random(f"{seed} scenes")
    for number in range(count):
        image, objects, caption = scene(random)
        row = {"id": f"scene-{number:04d}", "image": _png(image), "objects": objects, "captions": [caption]}
        yield f"scene {number}", row


def scene(random: Random) -> tuple[Any, list[dict[str, Any]], str]:
    """One scene as a PIL image of SIDE x SIDE pixels, its objects from left to right, and its caption."""
    from PIL import Image, ImageDraw

    grey = random.randint(0, 70)
    image = Image.new("RGB", (SIDE, SIDE), (grey, grey, grey))
    draw = ImageDraw.Draw(image)
    count = random.randint(1, 3)
    objects, phrases = [], []
    for place in range(count):  # one in each column, so that left and right are never in doubt
        width = SIDE // count
        side = random.randint(12, min(24, width - 2))
        left = place * width + random.randint(0, width - side - 1)
        top = random.randint(0, SIDE - side - 1)
        shape, colour = random.choice(SHAPES), random.choice(list(COLOURS))
        box = (left, top, left + side, top + side)
        if shape == "circle":
            draw.ellipse(box, fill=COLOURS[colour])
        elif shape == "square":
            draw.rectangle(box, fill=COLOURS[colour])
        else:
            draw.polygon([(left, top + side), (left + side, top + side), (left + side // 2, top)], fill=COLOURS[colour])
        objects.append({"bbox": [left, top, side + 1, side + 1], "category": shape})
        phrases.append(f"a {colour} {shape}")
    return image, objects, " left of ".join(phrases)


def _png(image: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()
