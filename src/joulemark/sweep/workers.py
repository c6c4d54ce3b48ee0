"""Workers: processes that measure for one study at the same time, one on each GPU.

A worker is the sweep's own line with a number, `python -m src.run -m …words sweep.worker=2`, on any machine that
reaches the study: with `storage=postgresql+psycopg://…`, or on this machine its journal. It claims its trials in the
study, waits there for the others, and prints no answer. So another launcher (Slurm, Ray) does the same elsewhere:

    words = workers.line(typed, number=2)          the words of that worker, list[str]
    process = workers.start(words, environment)    here; elsewhere run PROGRAM with them in that way
    end = workers.ended(number, process)           asleep until it is over: what it says of itself

A worker exits with 0 when nothing is left to measure, 2 for what cannot be, 130 or 143 stopped. Its last line on
standard output is one JSON object: `status`, `sweep_id`, `worker`, `ended` (why it measured no more, null at the end),
`left_out` (points by their reason) and `error`. Several on one machine get `shared_host=true` beside their line.
Whoever started them prints the answer (sweep/coordinator.py).
"""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from joulemark.core import paths, signals
from joulemark.core.errors import UserError
from joulemark.core.machine import Hardware
from joulemark.hardware.gpus import Gpu, amd_gpus, nvidia_gpus
from joulemark.sweep import trial

PROGRAM = (*paths.module("", "run"), "-m")
AUTO = "auto"


@dataclass(frozen=True)
class Ended:
    """What a worker says at its end; `killed` is the signal that ended it without a word."""

    number: int
    code: int
    killed: str | None = None
    ended: str | None = None
    error: str | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)


def line(typed: Sequence[str], number: int, shared: bool = False) -> list[str]:
    """The words of worker `number` of the sweep that was typed; `shared`: others run on its machine."""
    kept = [word for word in typed if not word.startswith(("sweep.workers=", "sweep.worker="))]
    return [*kept, f"sweep.worker={number}", *(["shared_host=true"] if shared else [])]


def start(
    words: Sequence[str], environment: Mapping[str, str] | None = None, program: Sequence[str] = PROGRAM
) -> "subprocess.Popen[str]":
    """A worker of these words on this machine, started from the main thread; on Linux it ends with this process.

    Its progress goes to this process's standard error.
    """
    return subprocess.Popen(
        [*program, *words],
        env=paths.child_environment(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        errors="replace",
        process_group=0,  # else a terminal's Ctrl-C would come to it twice
        preexec_fn=signals.end_with_parent(os.getpid()),
    )


def ended(number: int, process: "subprocess.Popen[str]") -> Ended:
    """What became of a worker; sleeps until it is over."""
    out, _ = process.communicate()
    code = process.returncode
    last = trial.last_line(out)
    killed = signals.name(-code) if code < 0 else None
    error = last.get("error") or (None if last or killed else f"worker {number} ended with code {code} without a word")
    return Ended(number, code, killed, last.get("ended"), error, last.get("left_out") or {})


def environments(
    asked: int | str, hardware: Hardware, keys: Sequence[str], storage: str | None
) -> tuple[Mapping[str, str], ...]:
    """What each worker of this machine gets to see: its own GPU alone, by UUID; UserError where there are too few.

    `hardware` is the device of one run, `keys` those that were typed.
    """
    if asked != AUTO and (isinstance(asked, bool) or not isinstance(asked, int) or asked < 1):
        raise UserError(f"sweep.workers={asked}: must be 1 or more, or auto for one on each GPU")
    if asked == 1 or (asked == AUTO and hardware.device in ("cpu", "mps")):
        return ({},)
    seen = _pinned(hardware, keys)
    count = len(seen) if asked == AUTO else int(asked)
    if seen and count > len(seen):
        raise UserError(
            f"sweep.workers={asked}: this machine shows {len(seen)} of '{hardware.gpu_name}', and two workers on one "
            f"would count each other; type sweep.workers={len(seen)}"
        )
    if count > 1 and storage is not None and storage.startswith("sqlite"):
        raise UserError(
            f"storage={storage}: sqlite holds one worker; leave storage out, or type storage=postgresql+psycopg://…"
        )
    return tuple(seen[:count]) if seen and count > 1 else tuple({} for _ in range(count))


def _pinned(hardware: Hardware, keys: Sequence[str]) -> list[Mapping[str, str]]:
    """The environment that shows one card, for each card of the run's product; none on a processor."""
    if hardware.device == "cpu":
        return []
    if hardware.device == "mps":
        raise UserError("sweep.workers: a Mac has one GPU; type sweep.workers=1")
    if "hardware.index" in keys or hardware.beside:
        raise UserError("sweep.workers gives each worker a card of its own; leave hardware.index out")
    gpus = amd_gpus() if hardware.device == "rocm" else nvidia_gpus()
    return [_showing(gpu, hardware.device) for gpu in gpus if gpu.name == hardware.gpu_name]


def _showing(gpu: Gpu, device: str) -> Mapping[str, str]:
    if device == "rocm":
        return {"HIP_VISIBLE_DEVICES": str(gpu.index)}
    # The trial itself narrows this to the card's number as the driver counts : CodeCarbon needs that
    return {"CUDA_VISIBLE_DEVICES": gpu.uuid, "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
