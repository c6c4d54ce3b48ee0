"""A real OTLP export to a collector on loopback: what arrives is read with OpenTelemetry's own messages."""

import gzip
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from joulemark.core.extras import MODULES, installed
from joulemark.telemetry import otlp
from joulemark.telemetry.points import of_measurement
from tests.telemetry.test_points import measured

pytestmark = pytest.mark.skipif(not all(map(installed, MODULES["telemetry"])), reason="the extra telemetry is absent")


@pytest.fixture
def collector():
    bodies = []

    class Collector(BaseHTTPRequestHandler):
        status = 200

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            bodies.append((self.path, gzip.decompress(body) if self.headers["Content-Encoding"] == "gzip" else body))
            self.send_response(self.status)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Collector)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", bodies, Collector
    server.shutdown()


def test_the_joules_arrive_as_they_were_measured(collector):
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

    address, bodies, _ = collector
    assert otlp.send(of_measurement(measured()), address, {"joulemark.record.id": "a1"}) is None
    path, body = bodies[0]
    sent = ExportMetricsServiceRequest.FromString(body)
    metrics = {m.name: m for m in sent.resource_metrics[0].scope_metrics[0].metrics}
    assert path == "/v1/metrics"
    assert sorted(point.as_double for point in metrics["hw.energy"].sum.data_points) == [100.0, 500.0]
    assert any(a.value.string_value == "a1" for a in sent.resource_metrics[0].resource.attributes)


def test_a_collector_that_refuses_is_one_line(collector):
    address, _, handler = collector
    handler.status = 400
    assert "did not take them" in (otlp.send(of_measurement(measured()), address, {}) or "")
