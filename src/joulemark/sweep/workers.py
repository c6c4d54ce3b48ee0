"""Workers: processes that measure for one study at the same time, one on each GPU.

A worker is the sweep's own line with a number, `python -m src.run -m …overrides sweep.worker=2`, on any machine that
reaches the study: with `storage=postgresql+psycopg://…`, or on this machine its journal. It claims its trials in the
study, waits there for the others, and gives no recommendation. So another launcher (Slurm, Ray) does the same
elsewhere:

    overrides = workers.overrides_of(typed, number=2)  of that worker, list[str]
    process = workers.start(overrides, environment)    here; elsewhere run PROGRAM with them in that way
    end = workers.ended(number, process)               asleep until it is over: how it ended

A worker exits with 0 when nothing is left to measure, 2 when it is refused, 130 or 143 when stopped. Its last line on
standard output is one JSON object: `status`, `sweep_id`, `worker`, `ended` (why it measured no more, null at the end),
`excluded` (points by their reason) and `error`. Several on one machine get `shared_host=true` beside their line.
Whoever started them recommends (sweep/coordinator.py).
"""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from joulemark.core import paths, process_tree, signals, tracking
from joulemark.core.errors import UserError
from joulemark.core.machine import REMOTE, Hardware
from joulemark.hardware.gpus import Gpu, amd_gpus, nvidia_gpus
from joulemark.sweep import trial
from joulemark.sweep.concealed import concealed

PROGRAM = (*paths.module("", "run"), "-m")
AUTO = "auto"


@dataclass(frozen=True)
class WorkerEnd:
    """How a worker ended.

    Attributes:
        number: of the worker
        code: its exit code
        killed: the name of the signal that killed it
        ended: why it measured no more; None where nothing was left
        error: in one line
        excluded: reasons of the points that it excluded, by their names
    """

    number: int
    code: int
    killed: str | None = None
    ended: str | None = None
    error: str | None = None
    excluded: Mapping[str, str] = field(default_factory=dict)


def overrides_of(typed: Sequence[str], number: int, shared: bool = False) -> list[str]:
    """The overrides of worker `number` of the sweep that was typed; `shared`: others run on its machine."""
    kept = [override for override in typed if not override.startswith(("sweep.workers=", "sweep.worker="))]
    return [*kept, f"sweep.worker={number}", *(["shared_host=true"] if shared else [])]


def start(
    overrides: Sequence[str], environment: Mapping[str, str] | None = None, program: Sequence[str] = PROGRAM
) -> "subprocess.Popen[str]":
    """A worker with these overrides on this machine, started from the main thread; on Linux it ends with this process.

    Its progress goes to this process's standard error.
    """
    arguments, secrets = concealed(overrides)
    return subprocess.Popen(
        [*program, *arguments],
        env=paths.child_environment({**(environment or {}), **secrets}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        errors="replace",
        process_group=0,  # else a terminal's Ctrl-C would come to it twice
        preexec_fn=process_tree.end_with_parent(os.getpid()),
    )


def ended(number: int, process: "subprocess.Popen[str]") -> WorkerEnd:
    """How a worker ended; sleeps until it is over."""
    out, _ = process.communicate()
    code = process.returncode
    last = trial.last_line(out)
    killed = signals.name(-code) if code < 0 else None
    silent = f"worker {number} ended with code {code} without a last line"
    error = last.get("error") or (None if last or killed else silent)
    return WorkerEnd(number, code, killed, last.get("ended"), error, last.get("excluded") or {})


def environments(
    requested: int | str, hardware: Hardware, keys: Sequence[str], storage: str | None
) -> tuple[Mapping[str, str], ...]:
    """The environment of each worker of this machine, which shows it its own GPU alone, by UUID.

    `hardware` is the device of one run, `keys` are the typed options.

    Raises:
        UserError: where there are fewer GPUs than workers.
    """
    if requested != AUTO and (isinstance(requested, bool) or not isinstance(requested, int) or requested < 1):
        raise UserError(f"sweep.workers={requested}: must be 1 or more, or auto for one on each GPU")
    if requested == 1 or (requested == AUTO and hardware.device in ("cpu", "mps", REMOTE)):
        return ({},)
    visible = _one_card_each(hardware, keys)
    count = len(visible) if requested == AUTO else int(requested)
    if visible and count > len(visible):
        raise UserError(
            f"sweep.workers={requested}: this machine shows {len(visible)} of '{hardware.gpu_name}', and two workers "
            f"on one would count each other's energy; type sweep.workers={len(visible)}"
        )
    if count > 1 and storage is not None and storage.startswith("sqlite"):
        raise UserError(
            f"storage={tracking.public(storage)}: sqlite holds one worker; leave storage out, or type storage=postgresql+psycopg://…"
        )
    return tuple(visible[:count]) if visible and count > 1 else tuple({} for _ in range(count))


def _one_card_each(hardware: Hardware, keys: Sequence[str]) -> list[Mapping[str, str]]:
    """The environment that shows one card, for each card of the run's product; none on a processor."""
    if hardware.device == "cpu":
        return []
    if hardware.device == REMOTE:
        raise UserError(
            f"sweep.workers: two on {hardware.machine} would count each other's energy; type sweep.workers=1"
        )
    if hardware.device == "mps":
        raise UserError("sweep.workers: a Mac has one GPU; type sweep.workers=1")
    if "hardware.index" in keys or hardware.beside:
        raise UserError("sweep.workers gives each worker a card of its own; leave hardware.index out")
    gpus = amd_gpus() if hardware.device == "rocm" else nvidia_gpus()
    return [_showing(gpu, hardware.device) for gpu in gpus if gpu.name == hardware.gpu_name]


def _showing(gpu: Gpu, device: str) -> Mapping[str, str]:
    if device == "rocm":
        return {"HIP_VISIBLE_DEVICES": str(gpu.index)}
    # The trial itself narrows this to the card's number as the driver counts: CodeCarbon needs that
    return {"CUDA_VISIBLE_DEVICES": gpu.uuid, "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
