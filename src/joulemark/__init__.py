"""Joulemark: how many joules does a useful answer cost, on this hardware, for this task?

    import joulemark as jm

    record = jm.run(model="embedded", task="summarization", samples=100)   # as `joulemark run`, in a process of its own
    record.metrics["energy/total_wh_per_1k"], record.evidence

    with jm.meter() as window:                                             # any code: training, a server's client, …
        ...
    window.joules, window.evidence, window.interval

    jm.compare(record, jm.load("run id")).verdict
    jm.report(tasks=["summarization"]).recommendations

Importing it imports nothing heavy, and no function of it prints or installs a signal handler.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from joulemark.api import (
        CodeMeter,
        Comparison,
        MeteredWindow,
        Record,
        Report,
        RunError,
        UserError,
        compare,
        load,
        meter,
        report,
        run,
    )

__all__ = [
    "CodeMeter",
    "Comparison",
    "MeteredWindow",
    "Record",
    "Report",
    "RunError",
    "UserError",
    "compare",
    "load",
    "meter",
    "report",
    "run",
]


def __getattr__(name: str) -> Any:
    """A public name, imported when it is first used."""
    if name not in __all__:
        raise AttributeError(f"module 'joulemark' has no attribute {name!r}")
    from joulemark import api

    return getattr(api, name)


def __dir__() -> list[str]:
    return sorted([*__all__, *globals()])
