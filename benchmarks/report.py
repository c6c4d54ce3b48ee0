"""python -m benchmarks.report [COUNT …]: how long a report over so many runs takes, how much memory, how large a page.

The runs are synthetic: one real record is saved through the store, then copied row by row in the database itself with
other models, settings and figures, since a thousand saves take minutes and are not what is timed. Prints a line of
JSON for each COUNT (default 1000 and 10000).
"""

import json
import random
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DETAILED = 300  # of the copies so many have a record.json of their own

MODELS = [f"model_{letter}" for letter in "abcdefghijklmnopqrst"]
PRECISIONS = ("fp32", "bf16", "fp16", "int8")
BATCHES = (1, 2, 4, 8, 16, 32, 64, 128)


def fill(folder: Path, count: int, seed: int = 0) -> str:
    """A sqlite store with so many finished runs of four tasks, and its URI; the same for the same seed."""
    from src import store
    from tests.records import PARAMS, a_record

    uri = f"sqlite:///{folder / 'mlflow.db'}"
    first = store.open_store(uri, "text_classification").save(a_record(), PARAMS)["run_id"]
    connection = sqlite3.connect(folder / "mlflow.db")
    draw = random.Random(seed)
    with connection:
        _copy(connection, first, count - 1, draw)
    connection.close()
    return uri


def _copy(connection: sqlite3.Connection, first: str, count: int, draw: random.Random) -> None:
    run = connection.execute("select * from runs where run_uuid = ?", (first,)).fetchone()
    columns = [row[1] for row in connection.execute("pragma table_info(runs)")]
    tags = dict(connection.execute("select key, value from tags where run_uuid = ?", (first,)).fetchall())
    metrics = dict(connection.execute("select key, value from latest_metrics where run_uuid = ?", (first,)).fetchall())
    params = dict(connection.execute("select key, value from params where run_uuid = ?", (first,)).fetchall())
    artifact = Path(run[columns.index("artifact_uri")].removeprefix("file://"))
    rows: dict[str, list[tuple[object, ...]]] = {"runs": [], "tags": [], "latest_metrics": [], "params": []}
    for number in range(count):
        run_id = uuid.UUID(int=draw.getrandbits(128)).hex
        own = artifact.parent.parent / run_id / "artifacts"
        if number < DETAILED:
            shutil.copytree(artifact, own)
        changed = {
            "run_uuid": run_id,
            "artifact_uri": own.as_uri(),
            "start_time": run[columns.index("start_time")] + number,
        }
        rows["runs"].append(tuple(changed.get(name, value) for name, value in zip(columns, run, strict=True)))
        one_tags, one_metrics, one_params = _drawn(draw, tags, metrics, params, number)
        rows["tags"] += [(key, value, run_id) for key, value in one_tags.items()]
        rows["latest_metrics"] += [(key, value, 0, 0, 0, run_id) for key, value in one_metrics.items()]
        rows["params"] += [(key, value, run_id) for key, value in one_params.items()]
    for name, values in rows.items():
        connection.executemany(f"insert into {name} values ({','.join('?' * len(values[0]))})", values)


def _drawn(draw, tags, metrics, params, number):  # type: ignore[no-untyped-def]
    """The tags, metrics and params of one copy: a model, a precision and a batch size with figures that go together."""
    model, precision, batch = draw.choice(MODELS), draw.choice(PRECISIONS), draw.choice(BATCHES)
    size = 1 + MODELS.index(model)
    wh = (
        0.2
        * size
        * {"fp32": 1, "bf16": 0.5, "fp16": 0.5, "int8": 0.4}[precision]
        / batch**0.7
        * draw.uniform(0.97, 1.03)
    )
    task = ("text_classification", "summarization", "question_answering", "text_generation")[number % 4]
    p50 = 0.002 * size * batch**0.4
    shares = {"gpu": 0.6, "cpu": 0.3, "ram": 0.1}
    own = {
        **{name: value for name, value in metrics.items() if not name.startswith("energy/")},
        "energy/total_wh_per_1k": wh,
        **{f"energy/{c}_wh_per_1k": wh * share for c, share in shares.items()},
        "energy/ci95_rel": draw.uniform(0.003, 0.03),
        "energy/modelled_share": 0.4,
        "quality/primary": min(0.99, 0.6 + 0.018 * size - (0.02 if precision == "int8" else 0) + draw.uniform(-0.01, 0.01)),
        **{f"latency/{name}_s": p50 * k for name, k in {"mean": 1.05, "p50": 1, "p90": 1.3, "p95": 1.4, "p99": 1.9}.items()},
        "floor/wh_per_1k": wh / draw.uniform(1.5, 20),
        **{f"phases/{name}_wh_per_1k": wh * part for name, part in {"preprocessing": 0.1, "model": 0.85, "postprocessing": 0.05}.items()},
        "memory/gpu_peak_bytes": 1e9 * size,
    }  # fmt: skip
    own["floor/ratio"] = wh / own["floor/wh_per_1k"]
    words = {
        **tags,
        "record.id": uuid.UUID(int=draw.getrandbits(128)).hex,
        "model": model,
        "task": task,
        "role": "general" if size % 5 == 0 else "specialist",
        "device": "NVIDIA H100 80GB HBM3",
        "method.gpu": "counter",
        "parameters": str(size * 10**8),
        "command": f"python -m src.run model={model} task={task} precision={precision} batch_size={batch}",
        "compare.key": tags["compare.key"][:11] + str(number % 4),
        "verdict": "sound",
        "flags": "",
    }
    return words, own, {**params, "precision": precision, "batch_size": str(batch)}


def timed(uri: str, out: Path) -> dict[str, float]:
    """Seconds, bytes at most and the page's bytes of one report in a process of its own."""
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "src.report", f"tracking_uri={uri}", f"out={out}"],
        cwd=ROOT, check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    return {
        "seconds": round(seconds, 2),
        "peak_mb": round(peak / 1e6),
        "page_mb": round((out / "report.html").stat().st_size / 1e6, 1),
    }


def main() -> None:
    """Fills a store for each count and times the report over it."""
    for word in sys.argv[1:] or ["1000", "10000"]:
        with tempfile.TemporaryDirectory() as folder:
            uri = fill(Path(folder), int(word))
            print(json.dumps({"runs": int(word), **timed(uri, Path(folder) / "report")}), flush=True)


if __name__ == "__main__":
    main()
