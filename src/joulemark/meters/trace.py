"""The GPU's power over time, sampled by a process of its own, so that the measuring process does nothing for it.

    python -m src.run                          python -m joulemark.meters.backend.power_sampler
    ─────────────────                          ────────────────────────────
    open  ───── card, rate ──────────────────▶ finds the card, reports which power it can read; asleep on its pipe
    start ───── "s" ────▶ waits for ◀── "."    first sample
          the work                             a sample every 1/hz, asleep in between
    stop  ───── "e" ────▶ waits for ◀─ samples last sample
    close, or killed: the pipe closes ───────▶ exits

The window of a reading goes from its first sample to its last. Both clocks are one: `time.perf_counter` is system-wide.
"""

import json
import os
import select
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, ClassVar

from joulemark.core import paths
from joulemark.core.errors import UserError
from joulemark.core.machine import Hardware
from joulemark.core.measurement import Capability, Reading
from joulemark.meters import nvml
from joulemark.meters.backend.power_sampler import START, STARTED, STOP

READY_S = 30.0  # the longest wait for an reply: a new process on a busy machine, a driver that wakes up
MAX_HZ = 50.0  # the sensor itself refreshes every 20 to 100 ms


@dataclass
class Trace:
    """Samples the run's NVIDIA cards `hz` times a second and gives the integral of their power, method `sampled`.

    The integral is the trapezoid one. Several cards are read one after the other for each sample, which is their sum.

    The reading's `sensor` says what was sampled: `instant` power where the GPU reports it (on an H100 it sees 25 of
    every 100 ms, arXiv 2312.02741), else `average`, the driver's own mean, of the last second on Ampere and later.
    `driver` is the import path of the pynvml module in the sampling process.
    """

    hz: float = 10.0
    driver: str = "pynvml"
    name: str = field(default="trace", init=False)
    capability: ClassVar[Capability] = Capability({"gpu": ("sampled",)}, trust=60, vendor="nvidia")
    sensor: str | None = field(default=None, init=False)
    _process: Any = field(default=None, init=False, repr=False)
    _running: bool = field(default=False, init=False, repr=False)

    @property
    def pid(self) -> int | None:
        """The sampling process; None when there is none."""
        return self._process.pid if self._process else None

    def open(self, hardware: Hardware) -> None:
        """Starts the sampling process; UserError without a GPU, or where it reports no power."""
        if not 0 < self.hz <= MAX_HZ:
            raise UserError(f"meter.hz={self.hz:g}: samples a second, above 0 and up to {MAX_HZ:g}")
        nvml.needs_card(self.name, hardware)
        import numpy  # noqa: F401 - before the first window, not after it

        self._process = subprocess.Popen(
            paths.module("meters.backend.power_sampler", ",".join(hardware.uuids), str(self.hz), self.driver),
            env=paths.child_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,  # Ctrl-C is the measuring process's to handle
        )
        reply = json.loads(self._reply())
        if "error" in reply:
            self.close()
            raise UserError(reply["error"])
        self.sensor = reply["sensor"]

    def start(self) -> None:
        """Waits for the first sample; the work may begin when it returns."""
        self._send(START)
        if (reply := self._reply()) != STARTED:
            raise RuntimeError(f"meter trace: the power could not be read: {json.loads(reply)['error']}")
        self._running = True

    def stop(self) -> Reading:
        """The joules between the first sample and the last; RuntimeError where the sampling failed in between."""
        if not self._running:
            raise RuntimeError("meter trace: stop without start")
        import numpy

        self._running = False
        self._send(STOP)
        reply = json.loads(self._reply())
        if "error" in reply:
            raise RuntimeError(f"meter trace: the power could not be read: {reply['error']}")
        began_s = reply["samples"][0][0]
        trace = tuple((at_s - began_s, watts) for at_s, watts in reply["samples"])
        seconds, watts = zip(*trace, strict=True)
        return Reading(
            meter=self.name,
            duration_s=seconds[-1],
            gpu_j=float(numpy.trapezoid(watts, seconds)),
            method={"gpu": "sampled"},
            sensor=self.sensor,
            trace=trace,
        )

    def close(self) -> None:
        """Ends the sampling process, at the latest after some seconds by force."""
        process, self._process, self._running = self._process, None, False
        if process is None:
            return
        process.stdin.close()
        try:
            process.wait(READY_S)
        except subprocess.TimeoutExpired:  # stuck in the driver
            process.kill()
            process.wait()
        process.stdout.close()

    def _send(self, command: bytes) -> None:
        with suppress(BrokenPipeError):  # it has exited, which the missing reply reports
            self._process.stdin.write(command)

    def _reply(self) -> bytes:
        """The next line of the sampling process; RuntimeError where none comes."""
        line, until_s = b"", time.monotonic() + READY_S
        while not line.endswith(b"\n"):
            left_s = until_s - time.monotonic()
            ready = left_s > 0 and select.select([self._process.stdout], [], [], left_s)[0]
            part = os.read(self._process.stdout.fileno(), 1 << 16) if ready else b""
            if not part:
                raise RuntimeError("meter trace: the sampling process " + ("died" if ready else "does not reply"))
            line += part
        return line
