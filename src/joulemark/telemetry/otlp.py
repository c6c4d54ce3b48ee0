"""Points to an OpenTelemetry collector, by OTLP over HTTP: `export.otlp=http://localhost:4318`."""

from collections.abc import Iterable, Mapping
from typing import Any

from joulemark.core import extras
from joulemark.core.errors import UserError
from joulemark.telemetry.points import INSTRUMENTS, Instrument, Point

TIMEOUT_S = 10.0


def check(address: str) -> None:
    """UserError where the address is none, or the exporter is not installed."""
    if not address.startswith(("http://", "https://")):
        raise UserError(f"export.otlp={address}: must be the address of a collector, such as http://localhost:4318")
    extras.require(f"export.otlp={address}", "opentelemetry.exporter.otlp.proto.http")


def send(points: Iterable[Point], address: str, resource: Mapping[str, str]) -> str | None:
    """Sends all points at once; why not, in one line, where the collector did not take them."""
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics.export import MetricExportResult

    data = collected(points, resource)
    if data is None:
        return None
    exporter = OTLPMetricExporter(endpoint=f"{address.rstrip('/')}/v1/metrics", timeout=TIMEOUT_S)
    try:
        result = exporter.export(data, timeout_millis=TIMEOUT_S * 1000)
    except Exception as error:  # of the network; telemetry takes nothing from a run
        return f"export.otlp={address}: {type(error).__name__}: {str(error)[:200]}"
    finally:
        exporter.shutdown()
    return None if result is MetricExportResult.SUCCESS else f"export.otlp={address}: the collector did not take them"


def collected(points: Iterable[Point], resource: Mapping[str, str]) -> Any:
    """The points as OpenTelemetry's metrics data; None where there is no point."""
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader
    from opentelemetry.sdk.resources import Resource

    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], Resource({"service.name": "joulemark", **resource}), shutdown_on_exit=False)
    meter = provider.get_meter("joulemark")
    made = {instrument.name: _made(meter, instrument) for instrument in INSTRUMENTS}
    for point in points:
        record = made[point.instrument.name]
        record(point.value, dict(point.attributes))
    data = reader.get_metrics_data()
    provider.shutdown()
    return data


def _made(meter: Any, instrument: Instrument) -> Any:
    """What records a value of the instrument."""
    texts = {"unit": instrument.unit, "description": instrument.description}
    if instrument.kind == "counter":
        return meter.create_counter(instrument.name, **texts).add
    if instrument.kind == "gauge":
        return meter.create_gauge(instrument.name, **texts).set
    bounds = list(instrument.bounds)
    return meter.create_histogram(instrument.name, **texts, explicit_bucket_boundaries_advisory=bounds).record
