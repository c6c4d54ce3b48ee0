"""python -m src.embedded.make: writes the embedded data, and with --train the embedded weights, from one seed.

The data come out byte for byte alike everywhere; the weights agree up to the rounding of the processor they are
trained on, so what is checked of them is their quality.
"""

import argparse
import json
import shutil
from collections.abc import Callable
from random import Random
from typing import Any

import yaml

from src.embedded import DATA, WEIGHTS, grammar

SEED = 231116863  # the study's number on arXiv
ROWS = 1200
TASKS = ("text_classification", "summarization", "text_generation")

Row = dict[str, Any]


def data() -> dict[str, list[Row]]:
    """The rows of each task: distinct texts, in a fixed order."""
    makers: dict[str, Callable[[Random], Row]] = {
        "text_classification": lambda random: dict(zip(("text", "label"), grammar.review(random), strict=True)),
        "summarization": lambda random: dict(zip(("text", "summary"), grammar.news(random), strict=True)),
        "text_generation": lambda random: {"text": grammar.story(random)},
    }
    return {task: _distinct(task, makers[task]) for task in TASKS}


def _distinct(task: str, make: Callable[[Random], Row]) -> list[Row]:
    random, rows = Random(f"{SEED} {task}"), dict[str, Row]()
    while len(rows) < ROWS:
        row = make(random)
        rows.setdefault(row["text"], {"id": f"{task}-{len(rows):04d}", **row})
    return list(rows.values())


def text_of(rows: list[Row]) -> str:
    """The rows as the text of a jsonl file."""
    return "".join(json.dumps(row) + "\n" for row in rows)


def prompts() -> dict[str, str]:
    """The prompt of each task, as its YAML has it: what the general model is taught is what it is asked."""
    folder = DATA.parent.parent.parent / "conf" / "task"
    return {task: yaml.safe_load((folder / f"{task}.yaml").read_text())["prompt"] for task in TASKS}


def main() -> None:
    """Writes the data and, if asked, trains the weights (a quarter of an hour on two cores)."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--train", choices=("classifier", "general", "all"), help="also train these weights")
    asked = parser.parse_args()
    DATA.mkdir(exist_ok=True)
    rows = data()
    for task, found in rows.items():
        (DATA / f"{task}.jsonl").write_text(text_of(found))
    held_out = frozenset(row["text"] for found in rows.values() for row in found)
    if asked.train is None:
        return
    from src.embedded import train

    names = ("classifier", "general") if asked.train == "all" else (asked.train,)
    for name in names:
        print(name)
        shutil.rmtree(WEIGHTS / name, ignore_errors=True)
        if name == "classifier":
            train.classifier(held_out, WEIGHTS / name, SEED)
        else:
            train.general(held_out, prompts(), WEIGHTS / name, SEED)


if __name__ == "__main__":
    main()
