"""python -m benchmarks.explorer [COUNT …]: how long an explorer of so many rows takes to open, filter, sort and brush.

The rows are drawn, not measured, and come from no store. Prints a line of JSON for each COUNT (default 10000 and
100000): megabytes of the page and of its data, seconds to the first rows and to the chart, milliseconds of each act in
headless Chromium, where WebGL is drawn by the processor, and the load average beside them.
"""

import json
import os
import random
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

from joulemark.reporting.explorer.build import data, scope
from joulemark.reporting.explorer.columns import external
from joulemark.reporting.explorer.render import ExplorerPage, render
from joulemark.reporting.render import quoted
from joulemark.store.listing import StoredRun

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
TASKS = {
    "text_classification": "accuracy",
    "summarization": "rouge1",
    "chat": "accuracy",
    "image_classification": "top1",
}
CARDS = ("NVIDIA H100 80GB HBM3", "NVIDIA A100-SXM4-80GB", "NVIDIA L4", "AMD EPYC 9554")
SPEED = {"fp32": 1.0, "bf16": 0.5, "fp16": 0.5, "int8": 0.4}

# Does one thing and says after how many ms rows and count are painted, and after how many the chart is
ACT = """() => new Promise((done) => {
  const chart = document.getElementById("chart"), painted = (then) => requestAnimationFrame(() => setTimeout(then));
  const began = performance.now();
  let rows = 0;
  %s
  painted(() => { rows = performance.now() - began; });
  const drawn = () => rows && chart.getAttribute("aria-busy") === "false";
  const wait = () => (drawn() ? painted(() => done([rows, performance.now() - began])) : setTimeout(wait, 5));
  wait();
})"""
ACTS = {
    "search": 'const f = document.getElementById("search"); f.value = "model_1"; f.dispatchEvent(new Event("input"));',
    "search_cleared": 'const f = document.getElementById("search"); f.value = ""; f.dispatchEvent(new Event("input"));',
    "facet": 'location.hash = "in.task=chat&in.precision=bf16";',
    "all": 'location.hash = "x=total_wh_per_1k";',
    "sort": "document.querySelector('[data-sort=\"total_wh_per_1k\"]').click();",
    "sort_again": "document.querySelector('[data-sort=\"total_wh_per_1k\"]').click();",
    "sort_text": "document.querySelector('[data-sort=\"model\"]').click();",
    "brush": 'location.hash = "box=0.1,10,0.4,0.8";',
    "colour_by_number": 'location.hash = "colour=parameters";',
    "scroll": "document.querySelector('.window').scrollTop = 1e6;",
}


def rows(count: int, seed: int = 0) -> list[StoredRun]:
    """So many rows of two hundred models: a tenth of another program's, some in doubt, some of random weights."""
    draw = random.Random(seed)
    return [_row(draw, number) for number in range(count)]


def _row(draw: random.Random, number: int) -> StoredRun:
    size, batch, precision = draw.randrange(200), draw.choice((1, 2, 4, 8, 16, 32, 64)), draw.choice(list(SPEED))
    task, parameters = draw.choice(list(TASKS)), int(2e7 * 1.045**size)
    wh = 0.02 * 1.03**size * SPEED[precision] / batch**0.6 * draw.uniform(0.6, 1.6)
    p50 = 0.002 * 1.02**size * batch**0.4 * draw.uniform(0.8, 1.2)
    others, served = number % 10 == 0, number % 7 == 3
    rate = {
        "scenario": "server",
        "scenario.rate": str(draw.choice((1, 2, 4, 8))),
        "engine": draw.choice(("vllm", "continuous")),
    }
    metrics = {
        "energy/total_wh_per_1k": wh, "energy/gpu_wh_per_1k": wh * draw.uniform(0.6, 0.9),
        "energy/dynamic_wh_per_1k": wh * draw.uniform(0.3, 0.7), "energy/ci95_rel": draw.uniform(0.003, 0.1),
        "energy/j_per_unit": wh * 3.6 / draw.uniform(1, 50), "energy/j_per_correct": wh * 4,
        "energy/estimated_share": draw.random() / 2, "latency/p50_s": p50, "latency/p99_s": p50 * draw.uniform(1.2, 3),
        "throughput/requests_per_s": batch / p50, "throughput/units_per_s": 20 * batch / p50,
        "emissions/g_per_1k": wh * 0.056, "memory/gpu_peak_bytes": parameters * 4 * (1.2 + batch / 40),
        "quality/primary": min(0.99, 0.3 + 0.003 * size + draw.uniform(-0.08, 0.08)),
    }  # fmt: skip
    tags = {
        "task": task, "metric": TASKS[task], "model": f"model_{size}", "device": draw.choice(CARDS),
        "weights": "random" if number % 31 == 0 else "hub", "verdict": "sound", "protocol": "standard",
        "flags": "not_converged" if number % 23 == 0 else "shared" if number % 5 == 0 else "", "status": "finished",
        "parameters": str(parameters), "dataset": "embedded", "record.id": str(number), **(rate if served else {}),
    }  # fmt: skip
    if others:
        kept = ("energy/gpu_wh_per_1k", "quality/primary") if number % 20 else tuple(metrics)[:2]
        metrics = {name: metrics[name] for name in (*kept, "energy/total_wh_per_1k")[: 2 + number % 3]}
        tags = {name: tags[name] for name in ("task", "metric", "model", "parameters")} | {
            "external": "true", "format": draw.choice(("AI Energy Score", "CodeCarbon")), "boundary": "the GPU alone",
            "hardware": "H100", "flags": "external",
        }  # fmt: skip
    params = {} if others else {"precision": precision, "batch_size": str(batch)}
    run_id, began = uuid.UUID(int=draw.getrandbits(128)).hex, 1_790_000_000_000 + number * 60_000
    return StoredRun(run_id, "1", tags["model"], began, "FINISHED", metrics, tags, params)


def page(count: int) -> str:
    """The page of so many drawn rows."""
    drawn = rows(count)
    others = sum(map(external, drawn))
    held = data(drawn, "http://127.0.0.1:5000")
    return render(
        ExplorerPage("Drawn rows, not measured", scope(count - others, others), "Made by a benchmark.", 0, held)
    )


def timed(file: Path) -> dict[str, Any]:
    """Seconds to the first rows and to the chart, and for each act the ms to rows and to the chart."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        shown = browser.new_page(viewport={"width": 1400, "height": 1000})
        began = time.perf_counter()
        shown.goto(file.as_uri(), wait_until="commit")
        shown.wait_for_selector("#table tbody tr[data-row]")
        first = time.perf_counter() - began
        shown.wait_for_selector("#chart[aria-busy=false]", timeout=120_000)
        drawn = time.perf_counter() - began
        acts = {name: [round(ms) for ms in shown.evaluate(_act(script))] for name, script in ACTS.items()}
        browser.close()
    return {"rows_s": round(first, 2), "chart_s": round(drawn, 2), "ms_rows_chart": acts}


def _act(script: str) -> str:
    return ACT % script


def main() -> None:
    """Draws the rows of each count and times their page."""
    for word in sys.argv[1:] or ["10000", "100000"]:
        with tempfile.TemporaryDirectory() as folder:
            file, began = Path(folder) / "explorer.html", time.perf_counter()
            held = len(quoted(data(rows(int(word)), "")))
            file.write_text(page(int(word)), encoding="utf-8")
            made = round((time.perf_counter() - began) / 2, 1)
            size = {"page_mb": round(file.stat().st_size / 1e6, 1), "data_mb": round(held / 1e6, 1)}
            result = {"rows": int(word), "made_s": made, **size, **timed(file), "load": os.getloadavg()[0]}
            print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
