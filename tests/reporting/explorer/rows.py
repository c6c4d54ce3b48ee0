"""Stored runs of this program and results of others for an explorer, and its page without a store."""

from joulemark.analysis.external.external_run import metrics, params, tags
from joulemark.analysis.external.result import ExternalResult
from joulemark.reporting.explorer.build import data, scope
from joulemark.reporting.explorer.render import ExplorerPage, render
from joulemark.store.listing import StoredRun
from tests.reporting.runs import a_run


def a_foreign_run(number: int = 0, **facts) -> StoredRun:
    """A result as `ingest` stores one of the AI Energy Score: the GPU's energy alone, no quality."""
    result = ExternalResult(
        **{"format": "ai_energy_score", "source": "/home/somebody/scores.csv", "digest": f"{number:032x}",
           "title": "theirs", "boundary": "the GPU alone", "model": "theirs", "task": "text_generation",
           "hardware": "H100", "inferences": 1000, "gpu_j": 3600.0, **facts}
    )  # fmt: skip
    return StoredRun(f"{number:032x}", "9", "theirs", 5_000, "FINISHED", metrics(result), tags(result), params(result))


def a_page(runs: list[StoredRun], title: str = "Everything") -> str:
    return render(ExplorerPage(title, scope(len(runs), 0), "Made by a test.", 0, data(runs, "http://127.0.0.1:5000")))


def some(count: int) -> list[StoredRun]:
    """Runs of two tasks and three models whose energies are 1, 2, … Wh; every tenth without a quality."""
    return [
        a_run(
            f"model_{number % 3}", number + 1.0, quality=None if number % 10 == 9 else 0.5 + number / 1000,
            precision=("fp32", "bf16")[number % 2], batch=2 ** (number % 5),
            task=("chat", "summarization")[number % 2], parameters=str(10**6 * (1 + number % 3)),
            flags="not_converged" if number % 7 == 0 else "",
        )
        for number in range(count)
    ]  # fmt: skip
