"""What preparing texts takes by each library, and how close whole requests come to what their model alone costs.

    python -m benchmarks.feeding tokens [--texts 512] [--words 14] [--rounds 30]     # anywhere
    python -m benchmarks.feeding check [model=… task=… …]                            # on a GPU, before any timing
    python -m benchmarks.repeatability benchmarks/feeding.txt OUT --times 10         # runs, in turns, on a GPU
    python -m benchmarks.feeding ratios OUT                                          # of those runs

`tokens` prepares the same batches through `tokenization.encode` by transformers' usual call and by the Rust library
directly, in turns, in one process, and compares every id; seconds, and seconds of all cores, which a busy host leaves
nearly as they are. `check` compares the predictions of a run's inputs with and
without batches prepared ahead. `ratios` divides the card's energy, and the seconds, of a whole request by those of the
model's own stages of the same run, which were measured alone: 1 would be a card that waits for nothing. Where the card
is calibrated it says beside it which share of the model's own energy its lower bound is.
"""

import argparse
import json
import random
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from hydra import initialize_config_dir

from joulemark.analysis import breakdown, energy_metrics, named_metrics
from joulemark.analysis import readings as energy
from joulemark.config.compose import composed
from joulemark.core.measurement import Window
from joulemark.core.model import Checkpoint, Settings
from joulemark.core.paths import CONF
from joulemark.core.record import Record
from joulemark.hardware import devices
from joulemark.measure.instruments import Clock
from joulemark.measure.pipeline import overlapped
from joulemark.models.backend.fast_tokenizer import chosen
from joulemark.models.backend.stand_in_tokenizer import open_stand_in
from joulemark.models.backend.tokenization import Encoded, encode

ROOM = 512
WORDS = (
    "a good film with bad music and the best end of all year long story he she it was never so dull or bright".split()
)


def main() -> int:
    """One of the three."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parts = parser.add_subparsers(dest="part", required=True)
    of_tokens = parts.add_parser("tokens")
    of_tokens.add_argument("--texts", type=int, default=512)
    of_tokens.add_argument("--words", type=int, default=14)
    of_tokens.add_argument("--rounds", type=int, default=30)
    parts.add_parser("check").add_argument("words", nargs="*", default=[])
    parts.add_parser("ratios").add_argument("out", type=Path)
    asked = parser.parse_args()
    if asked.part == "tokens":
        return tokens(asked.texts, asked.words, asked.rounds)
    return check(asked.words) if asked.part == "check" else ratios(asked.out)


def tokens(count: int, words: int, rounds: int) -> int:
    """Times both ways in turns, each beginning as often as the other, and prints medians and their ratio."""
    dice = random.Random(0)
    texts = [" ".join(dice.choices(WORDS, k=words)) for _ in range(count)]
    usual = open_stand_in({"model_type": "distilbert", "vocab_size": 30_522})
    fast = chosen(usual, Settings(preprocessing="fast"), Checkpoint("distilbert"), ROOM, "cpu")
    took: dict[str, list[tuple[float, float]]] = {"transformers": [], "fast": []}
    for number in range(rounds + 1):
        made: dict[str, Encoded] = {}
        each = [("transformers", usual), ("fast", fast)]
        for name, tokenizer in each[:: 1 if number % 2 else -1]:
            began, busy = time.perf_counter(), time.process_time()
            made[name] = encode(tokenizer, texts, ROOM)
            took[name].append(((time.perf_counter() - began) * 1000, (time.process_time() - busy) * 1000))
        assert _same(made["transformers"], made["fast"]), "ids differ"
    for place, what in enumerate(("ms", "ms of processor time")):
        # the first of each starts the library's threads
        each_ms = {name: [values[place] for values in values_of[1:]] for name, values_of in took.items()}
        for name, values in each_ms.items():
            print(f"{name}: {_quartiles(values)} {what} for {count} texts")
        pairs = [one / other for one, other in zip(each_ms["transformers"], each_ms["fast"], strict=True)]
        print(f"transformers / fast: {_quartiles(pairs)}")
    return 0


def _quartiles(values: list[float]) -> str:
    low, middle, high = statistics.quantiles(values, n=4)
    return f"median {middle:.4g} (middle half {low:.4g} to {high:.4g})"


def _same(usual: Encoded, fast: Encoded) -> bool:
    alike = all(bool((tensor == fast.tensors[name]).all()) for name, tensor in usual.tensors.items())
    return alike and (usual.lengths, usual.truncated) == (fast.lengths, fast.truncated)


def check(words: list[str]) -> int:
    """Whether batches prepared ahead have the predictions of calls in turn, on the device of this machine."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        run = composed(words)
    device = devices.isolate(run.hardware)
    inputs = [sample.input for sample in run.task.samples(run.samples, run.seed).samples]
    size = run.settings.batch_size
    batches = [inputs[start : start + size] for start in range(0, len(inputs), size)] * 3
    loaded = run.model.load(run.task, device, run.settings)
    if loaded.steps is None:
        print("this kind of model has no steps")
        return 1
    expected = [loaded.predict(batch) for batch in batches]
    with closing(overlapped(loaded.steps, iter(batches), max(1, run.settings.prefetch), Clock())) as calls:
        given = [call.result for call in calls]
    differing = sum(one != other for one, other in zip(_flat(expected), _flat(given), strict=True))
    print(f"{differing} of {len(_flat(given))} predictions differ on {device} (prefetch={run.settings.prefetch})")
    print(json.dumps({**loaded.facts, **loaded.later_facts()}.get("preprocessing")))
    return 1 if differing else 0


def _flat(batches: list[list[Any]]) -> list[Any]:
    return [prediction for batch in batches for prediction in batch]


def ratios(out: Path) -> int:
    """Prints, for each line of the list, whole request over model alone: energy of the card, and seconds."""
    from joulemark.store import loading

    found: dict[str, list[Ratios]] = defaultdict(list)
    store = f"sqlite:///{(out / 'mlflow.db').resolve()}"
    for line in (out / "repeats.jsonl").read_text().splitlines():
        kept = json.loads(line)
        if kept["last"] is None or kept["last"]["run_id"] is None:
            continue
        _, record = loading.load(kept["last"]["run_id"], store)
        if own := [stage.window for stage in record.measurement.stages if stage.name not in breakdown.APART]:
            found[kept["words"]].append(_ratios(record, own))
    for words, values in found.items():
        print(f"n={len(values)}  {words}")
        for name, each in zip(Ratios._fields, zip(*values, strict=True), strict=True):
            known = [value for value in each if value is not None]
            print(f"    {name}: {_spread(known) if known else 'n/a'}")
    return 0 if found else 1


class Ratios(NamedTuple):
    """What one run shows; None where no meter of the card, or no calibration, tells it."""

    wh_per_1k: float | None
    alone_wh_per_1k: float | None
    energy_over_model: float | None
    seconds_over_model: float
    bound_of_model: float | None
    requests_per_s: float


def _ratios(record: Record, alone: Sequence[Window]) -> Ratios:
    """Of one run: the card's energy, that of its model's stages, whole over model, and the bound over the model."""
    measured = record.measurement
    whole_j = energy_metrics.component_j(measured, "gpu")
    each_j = [energy.window_j(measured, window, "gpu") for window in alone]
    known = [joules / window.requests for joules, window in zip(each_j, alone, strict=True) if joules]
    model_j = sum(known) if len(known) == len(alone) else None
    bound = named_metrics.lower_bound_of(record)
    requests = sum(window.requests for window in measured.windows)
    seconds = sum(window.duration_s for window in measured.windows)
    return Ratios(
        energy_metrics.wh_per_1k(whole_j),
        energy_metrics.wh_per_1k(model_j),
        whole_j / model_j if whole_j is not None and model_j else None,
        seconds / requests / sum(window.duration_s / window.requests for window in alone),
        bound.total_j / model_j if bound and model_j else None,
        requests / seconds,
    )


def _spread(values: list[float]) -> str:
    middle = statistics.median(values)
    return f"{middle:.4g} ({min(values):.4g} to {max(values):.4g})" if len(values) > 1 else f"{middle:.4g}"


if __name__ == "__main__":
    sys.exit(main())
