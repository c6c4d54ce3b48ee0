"""Where a run's figures go beside its store: nowhere unless it is asked for, and only once it is measured."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

from joulemark.core.measurement import Measurement
from joulemark.core.quantities import Count
from joulemark.core.record import Record, Request
from joulemark.telemetry import otlp, prometheus
from joulemark.telemetry.points import Point, of_measurement, of_record

REGISTRY = "registry"  # of prometheus_client in this process, for `with jm.meter()` in a server


@dataclass(frozen=True)
class Export:
    """What else is told of a run.

    Attributes:
        otlp: address of an OpenTelemetry collector (OTLP over HTTP); None: none
        prometheus: file for node_exporter's textfile collector, or `registry`; None: none
        traces: requests of a run that become traces in MLflow
    """

    otlp: str | None = None
    prometheus: str | None = None
    traces: Count = 0

    def check(self) -> None:
        """UserError for an address, a file or a package that cannot be."""
        if self.otlp is not None:
            otlp.check(self.otlp)
        if self.prometheus is not None and self.prometheus != REGISTRY:
            prometheus.check(self.prometheus)

    def run(self, record: Record, requests: Iterable[Request]) -> list[str]:
        """Tells of a run; a line for each address that did not take it, which takes nothing from the run."""
        if self.otlp is None and self.prometheus is None:
            return []
        return self._told(list(of_record(record, requests)), record)

    def window(self, measured: Measurement) -> list[str]:
        """Tells of a stretch of metered code; lines as above."""
        return self._told(list(of_measurement(measured)), None)

    def _told(self, points: list[Point], record: Record | None) -> list[str]:
        resource = {} if record is None else {"joulemark.record.id": record.id}
        sent = [] if self.otlp is None else [otlp.send(points, self.otlp, resource)]
        written = []
        if self.prometheus == REGISTRY:
            prometheus.registered().add(points)
        elif self.prometheus is not None:
            written = [prometheus.write(points, self.prometheus)]
        return [line for line in chain(sent, written) if line is not None]
