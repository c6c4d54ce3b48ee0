"""Small data and small trained weights that ship with the program, so that it runs without a network."""

import gzip
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

DATA = Path(__file__).with_name("data")
WEIGHTS = Path(__file__).with_name("weights")
# Tasks on the same images: scenes are told, and their objects found
PICTURES = {"image_classification": "digits", "object_detection": "scenes", "image_captioning": "scenes"}
TEXTS = {"masked_language_modelling": "text_generation"}  # the same news, cut and masked


def rows(task: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The embedded rows of a task with their place: texts from the files that ship, images and sounds made by rule."""
    if task in PICTURES:
        from joulemark.data.embedded import images

        return getattr(images, PICTURES[task])()  # type: ignore[no-any-return]
    if task == "speech_recognition":
        from joulemark.data.embedded import sounds

        return sounds.clips()
    return _texts(task)


def _texts(task: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    with gzip.open(DATA / f"{TEXTS.get(task, task)}.jsonl.gz", "rt", encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            yield f"row {number}", json.loads(line)
