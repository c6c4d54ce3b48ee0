"""Points for Prometheus: a file for node_exporter's textfile collector, or the registry of a user's own server.

Names follow OpenTelemetry's rules for Prometheus: dots are underscores, the unit is a suffix, counters end in `_total`.
"""

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from joulemark.core.errors import UserError
from joulemark.telemetry.points import Instrument, Point

UNITS = {"J": "joules", "W": "watts", "s": "seconds", "{token}": "tokens"}


def check(path: str) -> None:
    """UserError where node_exporter would not read the file, or its folder is not there."""
    file = Path(path)
    if file.suffix != ".prom" or not file.absolute().parent.is_dir():
        raise UserError(
            f"export.prometheus={path}: must be a file that ends in .prom, in the folder that node_exporter reads "
            "(--collector.textfile.directory)"
        )


def write(points: Iterable[Point], path: str) -> str | None:
    """Writes the file, whole or not at all; why not, in one line, where the disk does not take it."""
    from prometheus_client import CollectorRegistry, write_to_textfile

    registry = CollectorRegistry()
    Registered(registry).add(points)
    try:
        write_to_textfile(path, registry)
    except OSError as error:
        return f"export.prometheus={path}: {error.strerror or error}"
    return None


class Registered:
    """Metrics in a registry of prometheus_client: counters grow with every addition.

    Attributes:
        registry: where they are registered; None: the process's own, which a server's /metrics shows
    """

    def __init__(self, registry: Any = None) -> None:
        from prometheus_client import REGISTRY

        self.registry = REGISTRY if registry is None else registry
        self._made: dict[tuple[str, tuple[str, ...]], Any] = {}

    def add(self, points: Iterable[Point]) -> None:
        """Counts points in."""
        for point in points:
            labels = {name.replace(".", "_"): value for name, value in sorted(point.attributes.items())}
            metric = self._metric(point.instrument, tuple(labels)).labels(**labels)
            if point.instrument.kind == "counter":
                metric.inc(point.value)
            elif point.instrument.kind == "gauge":
                metric.set(point.value)
            else:
                metric.observe(point.value)

    def _metric(self, instrument: Instrument, labels: tuple[str, ...]) -> Any:
        from prometheus_client import Counter, Gauge, Histogram

        key = (instrument.name, labels)
        if key not in self._made:
            cls = {"counter": Counter, "gauge": Gauge, "histogram": Histogram}[instrument.kind]
            more = {"buckets": instrument.bounds} if instrument.bounds else {}
            self._made[key] = cls(name_of(instrument), instrument.description, labels, registry=self.registry, **more)
        return self._made[key]


@cache
def registered() -> Registered:
    """The metrics in this process's own registry, made once."""
    return Registered()


def name_of(instrument: Instrument) -> str:
    """The name in Prometheus, without the suffix `_total`, which its client adds."""
    return f"{instrument.name.replace('.', '_')}_{UNITS[instrument.unit]}"
