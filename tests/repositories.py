"""What the loopback Hub holds: tiny checkpoints and a few rows in the true schema, under the ids of the real ones."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow
from pyarrow import parquet

from tests.models.tiny import WORDS, saved

Files = Mapping[str, bytes]

# model of conf/ -> its id, and the tiny architecture that stands in for it
CHECKPOINTS = {
    "bloomz": ("bigscience/bloomz-560m", "bloom", "AutoModelForCausalLM"),
    "gpt2": ("openai-community/gpt2", "gpt2", "AutoModelForCausalLM"),
    "distilgpt2": ("distilbert/distilgpt2", "gpt2", "AutoModelForCausalLM"),
    "flan_t5": ("google/flan-t5-base", "t5", "AutoModelForSeq2SeqLM"),
    "bart_large_cnn": ("facebook/bart-large-cnn", "bart", "AutoModelForSeq2SeqLM"),
    "distilbert_sst2": (
        "distilbert/distilbert-base-uncased-finetuned-sst-2-english",
        "distilbert",
        "AutoModelForSequenceClassification",
    ),
}


def checkpoint(model: str, folder: Path) -> tuple[str, Files]:
    """The id of a model of `conf/model` and the files of a tiny checkpoint of its kind."""
    repository, architecture, auto = CHECKPOINTS[model]
    saved(folder / model, architecture, auto)
    return repository, {path.name: path.read_bytes() for path in (folder / model).iterdir()}


def sentence(number: int) -> str:
    """A short text, another one for each number."""
    words = WORDS.split()
    return (
        " ".join(words[(number + step * (number % 5 + 1)) % len(words)] for step in range(24)) + f" w{number % 90 + 30}"
    )


def datasets(rows: int) -> dict[str, Files]:
    """Every dataset of the three tasks, by id, each with its files as the Hub has them."""
    texts = [sentence(i) for i in range(rows)]
    labels = pyarrow.array([i % 2 for i in range(rows)], pyarrow.int64())
    hidden = pyarrow.array([-1] * rows, pyarrow.int64())
    ids = [f"{i:08x}" for i in range(rows)]
    short = [" ".join(text.split()[:6]) for text in texts]
    # WikiText's layout: blank lines and titles between the paragraphs
    lines = [line for text in texts for line in ("", f" = {text.split()[0]} = \n", f" {text} {text} \n")]
    csv = "id,dialogue,summary\n" + "".join(
        f'{i},"A: {t}\r\nB: yes",{s}\n' for i, t, s in zip(ids, texts, short, strict=True)
    )
    news = {"article": texts, "highlights": short, "id": ids}
    long = [f"{text} {text}" for text in texts]
    return {
        "stanfordnlp/sst2": _parquet("data", {"test": {"idx": range(rows), "sentence": texts, "label": hidden},
                                              "validation": {"idx": range(rows), "sentence": texts, "label": labels}}),
        "stanfordnlp/imdb": _parquet("plain_text", {"test": {"text": texts, "label": labels}}),
        "cornell-movie-review-data/rotten_tomatoes": _parquet("", {"validation": {"text": texts, "label": labels}}),
        "knkarthick/samsum": {"train.csv": csv.encode(), "test.csv": csv.encode()},
        "abisee/cnn_dailymail": _configured("3.0.0", dict.fromkeys(("train", "test"), news)),
        "EdinburghNLP/xsum": _parquet("data", {"test": {"document": texts, "summary": short, "id": ids}}),
        "Salesforce/wikitext": _configured("wikitext-103-raw-v1", {"test": {"text": lines}, "train": {"text": lines}}),
        # What the Hub keeps under refs/convert/parquet beside a repository's script
        "bookcorpus/bookcorpus": {"plain_text/train/0000.parquet": _bytes({"text": long})},
        "oscar-corpus/oscar": {
            "unshuffled_deduplicated_en/partial-train/0000.parquet": _bytes({"id": range(rows), "text": long}),
            "unshuffled_deduplicated_af/train/0000.parquet": _bytes({"id": range(rows), "text": ["verkeerd"] * rows}),
        },
    }  # fmt: skip


def _parquet(folder: str, splits: Mapping[str, Mapping[str, Any]]) -> Files:
    prefix = f"{folder}/" if folder else ""
    return {f"{prefix}{split}-00000-of-00001.parquet": _bytes(columns) for split, columns in splits.items()}


def _configured(name: str, splits: Mapping[str, Mapping[str, Any]]) -> Files:
    """A repository whose card names its configurations, of which the first is not the one that is asked for."""
    lines = ["---", "configs:"]
    for config in ("other", name):
        lines += [f"- config_name: {config}", "  data_files:"]
        for split in splits:
            lines += [f"  - split: {split}", f"    path: {config}/{split}-*"]
    other = {
        split: {column: list(values)[::-1] for column, values in columns.items()} for split, columns in splits.items()
    }
    return {"README.md": "\n".join([*lines, "---", ""]).encode(), **_parquet("other", other), **_parquet(name, splits)}


def _bytes(columns: Mapping[str, Sequence[Any]]) -> bytes:
    file = io.BytesIO()
    parquet.write_table(pyarrow.table({name: pyarrow.array(values) if not isinstance(values, pyarrow.Array) else values
                                       for name, values in columns.items()}), file)  # fmt: skip
    return file.getvalue()
