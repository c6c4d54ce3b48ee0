"""A device's idle power and what a FLOP and a byte cost it, each kernel in a window of its own, by a counter alone.

open ── rest ── idle ──┬── warm up ── window ──┐
                       └───────────────────────┘  each precision's product, then a copy
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from joulemark.analysis import lower_bound, readings
from joulemark.core.calibration import Calibration, Rate
from joulemark.core.errors import UserError
from joulemark.core.machine import Hardware
from joulemark.core.measurement import Measurement, Meter
from joulemark.core.suggest import choose
from joulemark.hardware import devices, host
from joulemark.measure.instruments import Clock, Instruments
from joulemark.measure.window import Workload, measure_window

INSTEAD = "; type meter="  # a sensor's advice for runs, where an estimate will do
BURST_S = 0.1  # kernels are queued for so long between two readings of the clock, so that reading it costs nothing


@dataclass(frozen=True)
class CalibrationOptions:
    """How a device is calibrated: the values of `conf/calibrate.yaml`; None is the device's own default.

    Attributes:
        seconds: of each window
        idle_s: of the idle baseline
        rest_s: before the baseline, in which the clocks come down
        warmup_s: of each kernel, before its window
        precisions: whose product is measured; None for all that the device supports
        side: of the square matrices
        copy_bytes: that one copy moves
        lock_wait_s: longest wait for a device that is being measured
    """

    seconds: float
    idle_s: float
    rest_s: float
    warmup_s: float
    precisions: tuple[str, ...] | None = None
    side: int | None = None
    copy_bytes: int | None = None
    lock_wait_s: float = 0.0


@dataclass(frozen=True)
class Kernels:
    """The work that is measured: `joulemark.models.backend.microbenchmarks`, and a stand-in for it in tests.

    Attributes:
        wake: opens a device for this process
        product: makes the kernel of a matrix product, of device, precision and side
        copy: makes the kernel of a copy, of device and bytes
        release: frees the memory of kernels that are gone
        side: of the square matrices
        copy_bytes: that one copy moves
    """

    wake: Callable[[str], None]
    product: Callable[[str, str, int], Any]
    copy: Callable[[str, int], Any]
    release: Callable[[], None]
    side: int
    copy_bytes: int


def check(options: CalibrationOptions, device: Hardware) -> None:
    """Whether the options can be carried out on the device; UserError for what cannot be."""
    if device.beside:
        raise UserError(
            f"hardware.index={list(device.indices)}: a calibration is one card's; type hardware.index={device.index}, "
            "then each of the others"
        )
    if options.lock_wait_s < 0:
        raise UserError(f"lock_wait_s={options.lock_wait_s:g}: must be 0 or more")
    for precision in options.precisions or ():
        if precision not in (known := precisions(device)):
            raise UserError(f"{choose('precisions', precision, known)} (what is calibrated of this {device.device})")
    for name in ("seconds", "idle_s"):
        if getattr(options, name) <= 0:
            raise UserError(f"{name}={getattr(options, name)}: must be more than 0")
    for name, least in (("side", 1), ("copy_bytes", 4)):
        value = getattr(options, name)
        if value is not None and value < least:
            raise UserError(f"{name}={value}: must be {least} or more")
    if lower_bound.key(device) is None:
        raise UserError("this machine does not report its processor's name, by which a calibration is kept")


def counter(meters: Sequence[Meter], device: Hardware, known: Sequence[Meter] = ()) -> Meter:
    """The device's own counter among the meters, opened.

    Raises:
        UserError: before torch is imported, where none can be read; names those of `known` that count this device.
    """
    meter = next((meter for meter in meters if _counts(meter, device)), None)
    if meter is None:
        options = " or ".join(f"meter={meter.name}" for meter in known if _counts(meter, device))
        if not options:
            raise UserError(f"calibrate needs a counter, which the device {device.device} has not; type hardware=cpu")
        raise UserError(f"calibrate needs a counter: type {options}")
    try:
        meter.open(device)
    except UserError as error:
        raise UserError(
            f"calibrate needs a counter (a GPU's by NVML, or RAPL): {error}".partition(INSTEAD)[0]
        ) from None
    return meter


def _counts(meter: Meter, device: Hardware) -> bool:
    return meter.capability.reads(device) and meter.capability.counts("cpu" if device.uuid is None else "gpu")


def calibrate(options: CalibrationOptions, device: Hardware, kernels: Kernels, instruments: Instruments) -> Calibration:
    """Measures idle power, every product and the copy, each in a window of its own, by the one meter."""
    (meter,), clock = instruments.meters, instruments.clock
    component: Literal["gpu", "cpu"] = "cpu" if device.uuid is None else "gpu"
    where = devices.isolate(device)
    kernels.wake(where)
    instruments.progress("idle", 0.0)
    clock.sleep(options.rest_s)
    _, idle = instruments.metered(lambda: clock.sleep(options.idle_s))
    base = Measurement(idle=idle)
    idle_w, method = readings.idle_w(base, component), readings.method(idle, component)
    if idle_w is None or method is None:
        raise UserError(f"calibrate needs a counter: meter={meter.name} does not read this machine's {component}")
    rates = {
        name: _rate(name, kernel, options, base, component, instruments)
        for name, kernel in _work(options, device, where, kernels)
    }
    return Calibration(
        key=str(lower_bound.key(device)),
        device=device.gpu_name or host.cpu_name() or device.device,
        component=component,
        meter=meter.name,
        method=method,
        tick_s=getattr(meter, "tick_s", None),
        idle_w=idle_w,
        copy=rates.pop("copy"),
        products=rates,
        measured_at=datetime.now(UTC).isoformat(timespec="seconds"),
        side=kernels.side,
        driver=devices.gpu_state(device).get("driver"),
        torch=host.version("torch"),
    )


def precisions(device: Hardware) -> list[str]:
    """The precisions whose product has a price; weights in few bits have none, and so no lower bound."""
    return [precision for precision in device.precisions if precision in devices.PLAIN]


def _work(options: CalibrationOptions, device: Hardware, where: str, kernels: Kernels) -> Iterator[tuple[str, Any]]:
    """One kernel at a time: each needs the memory of the one before."""
    for precision in options.precisions or precisions(device):
        yield precision, kernels.product(where, precision, kernels.side)
        kernels.release()
    yield "copy", kernels.copy(where, kernels.copy_bytes)


def _rate(
    name: str, kernel: Any, options: CalibrationOptions, base: Measurement, component: str, instruments: Instruments
) -> Rate:
    """The joules of one kernel over a window that begins and ends with the counter's ticks.

    The stretch between the window's end and the next tick, at most one, is idle and taken off as in every run.
    """
    instruments.progress(name, 0.0)
    burst = _warm_up(kernel, options.warmup_s, instruments.clock)
    workload = Workload(kernel.run, [burst], units=lambda output, passes: 0, batch_sizes=[burst])
    window = measure_window(workload, options.seconds, replace(instruments, progress=lambda step, share: None))
    joules, idle_w = readings.window_j(base, window, component), readings.idle_w(base, component) or 0.0
    if joules is None or joules <= idle_w * window.duration_s:
        drew = "nothing" if joules is None else f"{joules / window.duration_s:.1f} W"
        raise UserError(
            f"the {component} drew {drew} in {name} and {idle_w:.1f} W idle: let nothing else run, try again"
        )
    return Rate(amount=kernel.amount * window.requests, duration_s=window.duration_s, gross_j=joules)


def _warm_up(kernel: Any, seconds: float, clock: Clock) -> int:
    """Runs the kernel until it is warm; returns how many times fill a burst."""
    kernel.run(1)  # its first call plans and loads
    began, times = clock.now(), 0
    while times == 0 or clock.now() - began < seconds:
        kernel.run(1)
        times += 1
    return max(1, round(BURST_S * times / max(clock.now() - began, 1e-9)))


def kernels(options: CalibrationOptions, device: Hardware) -> Kernels:
    """The kernels of a device; torch is imported."""
    from joulemark.models.backend import microbenchmarks

    return Kernels(
        wake=microbenchmarks.wake,
        product=microbenchmarks.product,
        copy=microbenchmarks.copy,
        release=microbenchmarks.release,
        side=options.side or microbenchmarks.SIDE[device.device],
        copy_bytes=options.copy_bytes or microbenchmarks.COPY_BYTES[device.device],
    )
