"""python -m benchmarks.samples [COUNT …] [OPTION=…]: the most memory of a run and its recorder, by its samples.

Each run classifies the lines of a file that are all different, in one window after a short warm-up (a further window
holds no more), and goes into a store of its own. The model is none: it answers at once and needs no torch, so that what
grows is seen beside little, and a million take minutes; `model=embedded` takes the embedded one. Prints a line of JSON
for each COUNT (default 1000, 10000, 100000): seconds, megabytes of both processes, alone and together
(`benchmarks/processes.py`), of record.json and of the file of requests, and the load average.
"""

import json
import os
import random
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks import processes

OPTIONS = ("model=embedded", "task=text_classification", "task.dataset=file", "batch_size=64", "protocol=smoke",
           "protocol.warmup_max_s=2", "protocol.stage_s=0")  # fmt: skip
WORDS = (
    "a the film story plot acting scene was is never always dull bright slow fine great awful moving cold warm".split()
)
CHILD = "--run"


def write(path: Path, count: int) -> None:
    """Lines of about a hundred characters, no two alike."""
    draw = random.Random(0)
    with path.open("w") as file:
        for number in range(count):
            text = f"{number} {' '.join(draw.choices(WORDS, k=18))}"
            file.write(json.dumps({"text": text, "label": draw.choice(("negative", "positive"))}) + "\n")


def measured(folder: Path, count: int, options: Sequence[str]) -> dict[str, Any]:
    """One run of so many samples in a process of its own."""
    write(folder / "texts.jsonl", count)
    store = f"tracking_uri=sqlite:///{folder / 'mlflow.db'}"
    words = (*OPTIONS, f"task.path={folder / 'texts.jsonl'}", f"samples={count}", store, *options)
    real = any(option.startswith("model=") for option in options)
    module = ("joulemark.cli.run",) if real else ("benchmarks.samples", CHILD)
    used = processes.used(*module, *words, codes=(0,))
    (record,) = folder.glob("artifacts/*/*/artifacts/record.json")
    files = {"record_mb": record, "requests_mb": record.with_name("requests.parquet")}
    return {**used, **{name: round(path.stat().st_size / 1e6, 2) for name, path in files.items() if path.exists()}}


def run_without_a_model(overrides: Sequence[str]) -> int:
    """One run as the command does it, with a model that is none and without torch."""
    from joulemark.cli import run
    from joulemark.config.options import run_of
    from joulemark.measure import runner
    from joulemark.models.backend import packages

    packages.import_packages = lambda checkpoint, settings, device: None
    runner._counted = lambda record, *_: record  # torch counts
    planned = run_of(overrides)
    return run.execute(replace(planned, model=NoModel(planned.model.checkpoint)))


@dataclass(frozen=True)
class NoModel:
    """Says `positive` to every text that ends in a vowel."""

    checkpoint: Any
    kind: str = "none"
    role: str = "specialist"
    capabilities: Any = field(default=None)

    def load(self, task: Any, device: str, settings: Any) -> Any:
        """A function that answers."""
        from joulemark.core.model import Loaded
        from joulemark.core.task import Prediction

        labels = {name: name for name in ("negative", "positive")}

        def predict(texts: Sequence[str]) -> list[Prediction]:
            return [Prediction("positive" if text[-1] in "aeiou" else "negative", 1, 19, labels=labels)
                    for text in texts]  # fmt: skip

        return Loaded(predict, {"parameters": 0})


def main() -> None:
    """Measures each count; words with `=` are options of the runs."""
    if sys.argv[1:2] == [CHILD]:
        sys.exit(run_without_a_model(sys.argv[2:]))
    options = tuple(word for word in sys.argv[1:] if "=" in word)
    for count in [int(word) for word in sys.argv[1:] if "=" not in word] or [1000, 10_000, 100_000]:
        with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
            costs = measured(Path(folder), count, options)
            print(json.dumps({"samples": count, **costs, "load": os.getloadavg()[0]}), flush=True)


if __name__ == "__main__":
    main()
