"""joulemark calibrate: one minute that reads this device's tick, its idle power, its pJ per FLOP and per byte.

How it is measured says measure/calibration.py. It is kept by the device's name (analysis/lower_bound.py); nothing is
subtracted. In a pipe the last line is one JSON object. Exit code 0; 1 where no disk keeps it; 2 for a mistake in the
options or no counter.
"""

import sys
from dataclasses import asdict
from typing import Any

import hydra
from omegaconf import DictConfig, OmegaConf

from joulemark.analysis import lower_bound
from joulemark.cli import command_line, output
from joulemark.cli.progress import refuse, to_stderr
from joulemark.config import sensors
from joulemark.core.answer import Answer
from joulemark.core.calibration import Calibration
from joulemark.core.coerce import typed
from joulemark.core.errors import UserError
from joulemark.core.paths import CONF, program
from joulemark.hardware import devices
from joulemark.hardware.gpu_lock import held
from joulemark.measure.calibration import CalibrationOptions, calibrate, check, counter, kernels
from joulemark.measure.instruments import Instruments


@hydra.main(config_path=str(CONF), config_name="calibrate", version_base="1.3")
def command(config: DictConfig) -> None:
    """The calibration that Hydra composed; leaves the process with its exit code."""
    try:
        code = run(config)
    except UserError as error:
        code = refuse(error)
    sys.exit(code)


def run(config: DictConfig) -> int:
    """Calibrates, keeps and prints; returns the exit code."""
    from joulemark.cli.console import Status

    values: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
    groups = {key: values.pop(key) for key in ("hardware", "meter")}
    options = typed(CalibrationOptions, values, "")
    device = devices.resolve("this", typed(devices.HardwareConf, groups["hardware"], "hardware"))
    check(options, device)
    with held(device, options.lock_wait_s, wait_option="lock_wait_s=600"):
        meters = sensors.meters_of(sensors.listed(groups["meter"])["sensors"])
        meter = counter(meters, device, sensors.meters_of(sensors.of_auto()))
        try:
            with Status() as progress:
                calibration = calibrate(
                    options, device, kernels(options, device), Instruments((meter,), progress=progress)
                )
        finally:
            meter.close()
    output.show(answer(calibration), lambda: show(calibration))  # before anything is tried with it
    code = keep(calibration)
    output.last(summary(calibration))
    return code


def keep(calibration: Calibration) -> int:
    """Keeps the calibration and says where; 1, and why, where the disk does not take it: the older one stays."""
    try:
        output.link(f"kept in {lower_bound.save(calibration)}")
    except OSError as error:
        to_stderr(f"! not kept: {lower_bound.place(calibration.key)}: {error.strerror or error}; then calibrate again")
        return 1
    return 0


def answer(calibration: Calibration) -> Answer:
    """Idle power, what a FLOP of each precision and a byte cost, how that was read, and what it is for."""
    idle_w = calibration.idle_w
    prices = [
        f"{name}: {rate.pj:.3g} pJ per {'byte' if name == 'copy' else 'FLOP'}, {rate.dynamic_pj(idle_w):.3g} above idle"
        for name, rate in calibration.rates.items()
    ]
    read = f"read by {_meter(calibration)}, on {calibration.device}"
    then = f"next: {program('run')} shows the lower bound of its model's work on this device"
    return Answer([f"idle {idle_w:.1f} W", *prices], [read], [then])


def _meter(calibration: Calibration) -> str:
    """What read it, and how often that moves."""
    tick = "" if calibration.tick_s is None else f", tick {calibration.tick_s * 1000:.0f} ms"
    return f"{calibration.meter}: {calibration.method}{tick}"


def summary(calibration: Calibration) -> dict[str, Any]:
    """The calibration as JSON values, with the prices of a FLOP and a byte, gross and above idle."""
    prices = {
        name: {"per_s": rate.per_s, "pj": rate.pj, "net_pj": rate.dynamic_pj(calibration.idle_w)}
        for name, rate in calibration.rates.items()
    }
    facts = {key: value for key, value in asdict(calibration).items() if key not in ("products", "copy")}
    return {**facts, "rates": prices}


def show(calibration: Calibration) -> None:
    """Prints a row for each kernel: its rate, its mean power, what one FLOP or byte costs, and how that is known."""
    from rich.table import Table

    from joulemark.core import console

    title = f"{calibration.device} · idle {calibration.idle_w:.1f} W · {_meter(calibration)}"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for name in ("what", "rate", "mean W", "gross", "above idle", "evidence"):
        table.add_column(name, justify="left" if name in ("what", "evidence") else "right", no_wrap=True)
    for name, rate in calibration.rates.items():
        unit = "byte" if name == "copy" else "FLOP"
        table.add_row(
            "copy, read + written" if name == "copy" else f"product {name}, {calibration.side}^3",
            f"{rate.per_s / 1e12:.4g} T{'B' if name == 'copy' else 'FLOP'}/s",
            f"{rate.gross_j / rate.duration_s:.4g}",
            f"{rate.pj:.4g} pJ/{unit}",
            f"{rate.dynamic_pj(calibration.idle_w):.4g} pJ/{unit}",
            f"{calibration.method}, {rate.duration_s:.3g} s",
        )
    console.show(table)


def main() -> int:
    """The command; a user's mistake is one line on standard error and exit code 2."""
    try:
        return command_line.start(command, "calibrate")
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
