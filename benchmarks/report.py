"""python -m benchmarks.report [COUNT …]: what a report over so many runs and a comparison of two of them cost.

The runs are synthetic: two real settings of three processes each are saved through the store, then copied row by row in
the database itself with other models, settings and figures, since a thousand saves take minutes and are not what is
timed. Prints a line of JSON for each COUNT (default 1000 and 10000): seconds, megabytes at most, the page's megabytes,
and the load average beside them.
"""

import json
import os
import random
import shutil
import sqlite3
import sys
import tempfile
import time
import uuid
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks import processes

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")

# Types into the search field: milliseconds until count and table are painted, and until every chart in view is
TYPED = """(word) => new Promise((done) => {
  const field = document.getElementById("search"), charts = document.getElementById("charts");
  const began = performance.now(), painted = (then) => requestAnimationFrame(() => setTimeout(then));
  let table = 0;
  painted(() => { table = performance.now() - began; });
  field.value = word;
  field.dispatchEvent(new Event("input"));
  const wait = () => (table && charts.getAttribute("aria-busy") === "false"
    ? painted(() => done([table, performance.now() - began])) : setTimeout(wait, 5));
  wait();
})"""

DETAILED = 300  # of the copies so many have a record.json of their own
PROCESSES = 3  # of each of the two settings that are compared
AT_ONCE = 2000  # runs that are inserted at once
PER_CELL = 10_000  # runs of which some share a setting: four a cell, whatever the size of the store

MODELS = [f"model_{letter}" for letter in "abcdefghijklmnopqrst"]
BATCHES = (1, 2, 4, 8, 16, 32, 64, 128)
TASKS = ("text_classification", "summarization", "question_answering", "text_generation")
SPEED = {"fp32": 1.0, "bf16": 0.5, "fp16": 0.5, "int8": 0.4}
SHARES = {"gpu": 0.6, "cpu": 0.3, "ram": 0.1}
LATE = {"mean": 1.05, "p50": 1.0, "p90": 1.3, "p95": 1.4, "p99": 1.9}
STAGES = {"preprocessing": 0.1, "model": 0.85, "postprocessing": 0.05}


def fill(folder: Path, count: int, seed: int = 0) -> tuple[str, tuple[str, str]]:
    """A sqlite store with so many finished runs of four tasks; its URI and the ids of two that compare."""
    from joulemark.store import opening, records
    from tests.records import PARAMS, a_record

    uri = f"sqlite:///{folder / 'mlflow.db'}"
    opened, record = opening.open_store(uri, "text_classification"), a_record()
    settings = (record, replace(record, settings=replace(record.settings, batch_size=4)))
    saved = [
        records.save(opened, replace(setting, id=uuid.UUID(int=2 * number + at).hex), PARAMS)["run_id"]
        for number in range(PROCESSES)
        for at, setting in enumerate(settings)
    ]
    connection = sqlite3.connect(folder / "mlflow.db")
    connection.execute("pragma synchronous = off")
    draw = random.Random(seed)
    with connection:
        for began in range(0, count - len(saved), AT_ONCE):
            _copy(connection, saved[0], range(began, min(began + AT_ONCE, count - len(saved))), draw)
    connection.close()
    return uri, (saved[0], saved[1])


def _copy(connection: sqlite3.Connection, first: str, numbers: range, draw: random.Random) -> None:
    run = connection.execute("select * from runs where run_uuid = ?", (first,)).fetchone()
    columns = [row[1] for row in connection.execute("pragma table_info(runs)")]
    tags = dict(connection.execute("select key, value from tags where run_uuid = ?", (first,)).fetchall())
    metrics = dict(connection.execute("select key, value from latest_metrics where run_uuid = ?", (first,)).fetchall())
    params = dict(connection.execute("select key, value from params where run_uuid = ?", (first,)).fetchall())
    artifact = Path(run[columns.index("artifact_uri")].removeprefix("file://"))
    rows: dict[str, list[tuple[object, ...]]] = {"runs": [], "tags": [], "latest_metrics": [], "params": []}
    for number in numbers:
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


def _drawn(
    draw: random.Random, tags: dict[str, str], metrics: dict[str, float], params: dict[str, str], number: int
) -> tuple[dict[str, str], dict[str, float], dict[str, str]]:
    """The tags, metrics and params of one copy: a model, a precision and a batch size with figures that go together."""
    model, precision, batch = draw.choice(MODELS), draw.choice(list(SPEED)), draw.choice(BATCHES)
    size, task = 1 + MODELS.index(model), TASKS[number % len(TASKS)]
    wh = 0.2 * size * SPEED[precision] / batch**0.7 * draw.uniform(0.97, 1.03)
    p50, floor_wh = 0.002 * size * batch**0.4, wh / draw.uniform(1.5, 20)
    right = 0.6 + 0.018 * size - (0.02 if precision == "int8" else 0) + draw.uniform(-0.01, 0.01)
    read = {
        **{name: value for name, value in metrics.items() if not name.startswith("energy/")},
        "energy/total_wh_per_1k": wh,
        **{f"energy/{component}_wh_per_1k": wh * share for component, share in SHARES.items()},
        "energy/ci95_rel": draw.uniform(0.003, 0.03),
        "energy/estimated_share": 0.4,
        "quality/primary": min(0.99, right),
        **{f"latency/{name}_s": p50 * factor for name, factor in LATE.items()},
        "lower_bound/wh_per_1k": floor_wh,
        "lower_bound/ratio": wh / floor_wh,
        **{f"stages/{name}_wh_per_1k": wh * share for name, share in STAGES.items()},
        "memory/gpu_peak_bytes": 1e9 * size,
    }
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
        "compare.key": tags["compare.key"][:11] + str(number % len(TASKS)),
        "compare.cell": f"{model} {precision} {batch} {task} {number // PER_CELL}",
        "verdict": "sound",
        "flags": "",
    }
    # As many params as a run has
    chosen = {**params, **{f"protocol.key_{at}": "1.0" for at in range(60)}}
    return words, read, {**chosen, "precision": precision, "batch_size": str(batch)}


def timed(uri: str, out: Path) -> dict[str, Any]:
    """Seconds, megabytes at most and the page's megabytes of one report in a process of its own."""
    used = processes.used("joulemark.cli.report", f"tracking_uri={uri}", f"out={out}")
    page = out / "report.html"
    return {
        **used,
        "page_mb": round(page.stat().st_size / 1e6, 1),
        **(filtered(page) if Path(CHROMIUM).exists() else {}),
    }


def compared(uri: str, ids: Sequence[str]) -> dict[str, Any]:
    """Seconds and megabytes at most of one comparison in a process of its own."""
    used = processes.used("joulemark.cli.compare", *ids, f"--tracking-uri={uri}")
    return {f"compare_{name}": value for name, value in used.items()}


def filtered(page: Path) -> dict[str, Any]:
    """Milliseconds from a filter to the page that shows it, in headless Chromium: the slowest of several, and the first
    view's seconds."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        shown = browser.new_page(viewport={"width": 1440, "height": 1000})
        began = time.perf_counter()
        shown.goto(page.as_uri())
        shown.wait_for_selector("#table tbody tr")
        opened = time.perf_counter() - began
        shown.evaluate("document.getElementById('filters').scrollIntoView()")
        shown.wait_for_selector("#chart-quality .main-svg")
        shown.wait_for_timeout(1500)
        took = [shown.evaluate(TYPED, word) for word in ("model_a", "", "bf16", "batch 8", "")]
        browser.close()
    table, charts = ([round(one[at]) for one in took] for at in (0, 1))
    return {"opens_s": round(opened, 2), "filter_ms": table, "charts_ms": charts}


def main() -> None:
    """Fills a store for each count and times the report over it."""
    for word in sys.argv[1:] or ["1000", "10000"]:
        with tempfile.TemporaryDirectory() as folder:
            uri, ids = fill(Path(folder), int(word))
            costs = {**compared(uri, ids), **timed(uri, Path(folder) / "report")}
            print(json.dumps({"runs": int(word), **costs, "load": os.getloadavg()[0]}), flush=True)


if __name__ == "__main__":
    main()
