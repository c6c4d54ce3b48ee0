"""python -m benchmarks.mlflow_view [COUNT …]: how long MLflow's own server and page take with so many runs.

The runs are those of `benchmarks.report`, in one sqlite store, served by `mlflow server` with one worker on loopback,
as `make ui` does. Prints a line of JSON for each COUNT (default 10000): seconds of a page of 100 runs by MLflow's
`runs/search` (the newest, a further page, the least energy first, a model's), the median of three, and as `_cpu_s` what
the server's processors spent on it, which other work on the machine does not lengthen; of the experiment's page until
it shows rows, in headless Chromium, newest first and by energy, where Chromium is there; the server's megabytes, and
the load average.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from benchmarks.report import CHROMIUM, fill
from joulemark.cli.ui import QUIET

PAGE = 100  # runs that MLflow's page asks for at once
ENERGY = "metrics.`energy/total_wh_per_1k`"
TIMES = 3
LONGEST_S = 300
ROW = "a[href*='/runs/']"


@contextmanager
def served(uri: str, folder: Path) -> Iterator[tuple[str, psutil.Process]]:
    """MLflow's server of this store on loopback; its address and process."""
    from tests.store.test_store import free_port

    port = free_port()
    line = [sys.executable, "-m", "mlflow", "server", "--workers", "1", "--host", "127.0.0.1", "--port", str(port)]
    environment = {**os.environ, **QUIET, "MLFLOW_BACKEND_STORE_URI": uri}
    with open(folder / "server.log", "w") as log:
        process = subprocess.Popen(line, stdout=log, stderr=log, env=environment, cwd=folder)
    address, until = f"http://127.0.0.1:{port}", time.monotonic() + LONGEST_S
    try:
        while time.monotonic() < until and process.poll() is None:
            with suppress(OSError):
                urllib.request.urlopen(f"{address}/health", timeout=2)
                break
            time.sleep(0.2)
        yield address, psutil.Process(process.pid)
    finally:
        for child in psutil.Process(process.pid).children(recursive=True):
            child.kill()
        process.kill()
        process.wait()


def asked(address: str, **query: Any) -> tuple[float, dict[str, Any]]:
    """Seconds of one `runs/search`, and its reply."""
    body = json.dumps({"max_results": PAGE, **query}).encode()
    request = urllib.request.Request(
        f"{address}/api/2.0/mlflow/runs/search", body, {"Content-Type": "application/json"}
    )
    began = time.perf_counter()
    with urllib.request.urlopen(request, timeout=LONGEST_S) as reply:
        found = json.load(reply)
    return time.perf_counter() - began, found


def searched(address: str, experiment: str, server: psutil.Process) -> dict[str, float]:
    """Seconds of each kind of page, the median of three, and of the server's processors."""
    newest = {"experiment_ids": [experiment], "order_by": ["attributes.start_time DESC"]}
    _, first = asked(address, **newest)  # the first one opens the store
    kinds = {
        "newest": newest,
        "next_page": {**newest, "page_token": first["next_page_token"]},
        "by_energy": {**newest, "order_by": [f"{ENERGY} ASC"]},
        "of_a_model": {**newest, "filter": "tags.model = 'model_a'"},
    }
    found: dict[str, float] = {}
    for name, query in kinds.items():
        before = _spent_s(server)
        found[f"{name}_s"] = _median(lambda query=query: asked(address, **query)[0])
        found[f"{name}_cpu_s"] = round((_spent_s(server) - before) / TIMES, 2)
    return found


def opened(address: str, experiment: str) -> dict[str, float]:
    """Seconds from a fresh page of the experiment to its first row, in headless Chromium, the median of three."""
    from playwright.sync_api import sync_playwright

    path = f"{address}/#/experiments/{experiment}/runs"
    orders = {"page_newest_s": path, "page_by_energy_s": f"{path}?orderByKey={ENERGY}&orderByAsc=true"}
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])

        def rows(url: str) -> float:
            page = browser.new_page(viewport={"width": 1440, "height": 1000})
            began = time.perf_counter()
            page.goto(url, timeout=LONGEST_S * 1000)
            page.wait_for_selector(ROW, timeout=LONGEST_S * 1000)
            seconds = time.perf_counter() - began
            page.close()
            return seconds

        found = {name: _median(lambda url=url: rows(url)) for name, url in orders.items()}
        browser.close()
    return found


def _family(server: psutil.Process) -> list[psutil.Process]:
    return [server, *server.children(recursive=True)]


def _spent_s(server: psutil.Process) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in _family(server))


def _median(call: Callable[[], float]) -> float:
    return round(statistics.median(call() for _ in range(TIMES)), 2)


def main() -> None:
    """Fills a store for each count and times MLflow over it."""
    from joulemark.store import opening

    for word in sys.argv[1:] or ["10000"]:
        with tempfile.TemporaryDirectory() as folder:
            uri, _ = fill(Path(folder), int(word))
            experiment = opening.reader(uri).get_experiment_by_name("text_classification").experiment_id
            with served(uri, Path(folder)) as (address, server):
                costs = searched(address, experiment, server)
                costs |= opened(address, experiment) if Path(CHROMIUM).exists() else {}
                resident = sum(process.memory_info().rss for process in _family(server))
            load = os.getloadavg()[0]
            print(
                json.dumps({"runs": int(word), **costs, "server_mb": round(resident / 1e6), "load": load}), flush=True
            )


if __name__ == "__main__":
    main()
