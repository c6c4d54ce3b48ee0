"""python -m joulemark.data.embedded.make: writes the embedded data, with --train the weights, from one seed.

The data come out byte for byte alike everywhere; the weights agree up to the rounding of the processor they are
trained on, so what is checked of them is their quality.
"""

import argparse
import gzip
import json
import shutil
from collections.abc import Callable
from random import Random
from typing import Any

import yaml

from joulemark.core.paths import CONF
from joulemark.data.embedded import DATA, SEED, WEIGHTS, WORDS, chats, grammar

ROWS = 1200
# What the general model is taught: the tasks that are asked by prompt
ASKED = ("text_classification", "summarization", "text_generation", "question_answering")

Row = dict[str, Any]


def data() -> dict[str, list[Row]]:
    """The rows of each task with texts: distinct, in a fixed order."""
    return {task: _distinct(task, make) for task, make in MAKERS.items()}


def _question(random: Random) -> Row:
    context, question, answer = grammar.question(random)
    return {"question": question, "context": context, "answers": [answer]}


def _tagged(random: Random) -> Row:
    _, words, tags = grammar.tagged(random)
    return {"tokens": words, "tags": tags}


def _drawing(random: Random) -> Row:
    digit = random.choice(WORDS)
    style = random.choice(("neat", "hasty", "bold", "thin", "large", "small", "slanted", "round", "square", "faint"))
    hand = random.choice(grammar.PEOPLE)
    place = random.choice(grammar.PLACES)
    return {"prompt": f"{digit} written by a {style} hand, the {hand} of {place}", "label": digit}


MAKERS: dict[str, Callable[[Random], Row]] = {
    "text_classification": lambda random: dict(zip(("text", "label"), grammar.review(random), strict=True)),
    "summarization": lambda random: dict(zip(("text", "summary"), grammar.news(random), strict=True)),
    "text_generation": lambda random: {"text": grammar.story(random)},
    "question_answering": _question,
    "token_classification": _tagged,
    "sentence_similarity": lambda random: dict(zip(("first", "second", "score"), grammar.pair(random), strict=True)),
    "image_generation": _drawing,
    "chat": lambda random: {"messages": chats.chat(random)},
}


def _distinct(task: str, make: Callable[[Random], Row]) -> list[Row]:
    random, rows = Random(f"{SEED} {task}"), dict[str, Row]()
    while len(rows) < ROWS:
        row = make(random)
        rows.setdefault(key(row), {"id": f"{task}-{len(rows):04d}", **row})
    return list(rows.values())


def key(row: Row) -> str:
    """What of a row is the model's to read: no two rows share it, and none of it is trained on."""
    if "tokens" in row:
        return " ".join(row["tokens"])
    if "messages" in row:
        return json.dumps(row["messages"][:-1])
    return str(next(row[field] for field in ("text", "context", "prompt", "first") if field in row))


def text_of(rows: list[Row]) -> str:
    """The rows as the text of a jsonl file."""
    return "".join(json.dumps(row) + "\n" for row in rows)


def prompts() -> dict[str, str]:
    """The prompt of each task, as its YAML has it: what the general model is taught is what it is asked."""
    folder = CONF / "task"
    return {task: yaml.safe_load((folder / f"{task}.yaml").read_text())["prompt"] for task in ASKED}


def prompt_for(random: Random, digit: str) -> str:
    """A prompt for a drawing of the digit, as in the data."""
    while True:
        row = _drawing(random)
        if row["label"] == digit:
            return str(row["prompt"])


def main() -> None:
    """Writes the data and, if asked, trains the weights."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--train", choices=(*TRAINED, "all"), help="also train these weights")
    options = parser.parse_args()
    DATA.mkdir(exist_ok=True)
    rows = data()
    for task, entries in rows.items():
        # without a time in the head, so that the same text is the same file
        (DATA / f"{task}.jsonl.gz").write_bytes(gzip.compress(text_of(entries).encode(), mtime=0))
    held_out = frozenset(key(row) for value in rows.values() for row in value)
    for name in () if options.train is None else TRAINED if options.train == "all" else (options.train,):
        print(name, flush=True)
        shutil.rmtree(WEIGHTS / name, ignore_errors=True)
        _train(name, held_out)


TRAINED = (
    "classifier",
    "general",
    "general_llama",
    "tagger",
    "reader",
    "filler",
    "image_classifier",
    "detector",
    "captioner",
    "painter",
)


def _train(name: str, held_out: frozenset[str]) -> None:
    from joulemark.data.embedded import train, train_images

    folder = WEIGHTS / name
    if name in ("general", "general_llama"):
        getattr(train, name)(held_out, prompts(), folder, SEED)
    elif name == "painter":
        train_images.painter(prompt_for, folder, SEED)
    elif name == "image_classifier":
        train_images.classifier(folder, SEED)
    elif name in ("detector", "captioner"):
        getattr(train_images, name)(folder, SEED)
    else:
        getattr(train, name)(held_out, folder, SEED)


if __name__ == "__main__":
    main()
