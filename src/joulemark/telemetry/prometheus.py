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
        self._made: dict[str, Any] = {}

    def add(self, points: Iterable[Point]) -> None:
        """Counts points in."""
        for point in points:
            # Every label each time: to Prometheus an empty one is none
            labels = {_label(name): point.attributes.get(name, "") for name in point.instrument.attributes}
            metric = self._metric(point.instrument).labels(**labels)
            if point.instrument.kind == "counter":
                metric.inc(point.value)
            elif point.instrument.kind == "gauge":
                metric.set(point.value)
            else:
                metric.observe(point.value)

    def _metric(self, instrument: Instrument) -> Any:
        from prometheus_client import Counter, Gauge, Histogram

        if instrument.name not in self._made:
            cls = {"counter": Counter, "gauge": Gauge, "histogram": Histogram}[instrument.kind]
            more = {"buckets": instrument.bounds} if instrument.bounds else {}
            labels = [_label(name) for name in instrument.attributes]
            made = cls(name_of(instrument), instrument.description, labels, registry=self.registry, **more)
            self._made[instrument.name] = made
        return self._made[instrument.name]


def _label(attribute: str) -> str:
    return attribute.replace(".", "_")


@cache
def registered() -> Registered:
    """The metrics in this process's own registry, made once."""
    return Registered()


def name_of(instrument: Instrument) -> str:
    """The name in Prometheus, without the suffix `_total`, which its client adds."""
    return f"{instrument.name.replace('.', '_')}_{UNITS[instrument.unit]}"
