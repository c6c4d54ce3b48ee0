"""joulemark run: one measured run, from the options on the command line to a record in MLflow.

Options are refused before anything heavy is imported (exit code 2). A run that began leaves a record and exits with
0 finished, 1 failed, 129, 130 or 143 interrupted; its last line on standard output is one JSON object. With -m every
combination of the options is a run of its own (sweep/multirun.py).
"""

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from joulemark.cli import command_line, output
from joulemark.cli.measuring import Measuring
from joulemark.cli.progress import refuse, to_stderr
from joulemark.config import hub_model
from joulemark.config.compose import names_in, typed_in
from joulemark.config.run import Run, build
from joulemark.core import garbage, signals, tracking
from joulemark.core.errors import UserError
from joulemark.core.paths import CONF, program
from joulemark.core.record import Record
from joulemark.core.signals import Interrupted
from joulemark.core.task import Inputs

if TYPE_CHECKING:
    from joulemark.store.recorder import Recorder
    from joulemark.store.spool import Spool

Metrics = dict[str, float | None]
EXIT = {"finished": 0, "failed": 1, "interrupted": signals.exit_code("SIGINT")}


@hydra.main(config_path=str(CONF), config_name="run", version_base="1.3")
def command(config: DictConfig) -> None:
    """The run that Hydra composed; leaves the process with its exit code."""
    hydra_config = HydraConfig.get()
    try:
        if hydra_config.mode == RunMode.MULTIRUN:  # our own launchers never come here
            raise UserError(
                "hydra/launcher: only fresh, slurm and ray give each run a process of its own; leave it out"
            )
        if hydra_config.runtime.choices.get("sweep") != "none":
            raise UserError(
                f"sweep={hydra_config.runtime.choices.get('sweep')} is many runs: type -m before the options"
            )
        if config.storage is not None:
            raise UserError("storage=… is where a sweep keeps its study; type -m sweep=efficiency with it")
        if config.repeats != 1:
            from joulemark.cli import multirun

            sys.exit(multirun.launch([typed_in(hydra_config)])[1])
        code = execute(build(config, names_in(hydra_config.runtime.choices), typed_in(hydra_config)))
    except UserError as error:  # printed here: Hydra would put a preface before it
        code = refuse(error)
    sys.exit(code)


def execute(run: Run, measuring: Measuring | None = None) -> int:
    """Measures one run and records it; returns the exit code. `measuring` is what several runs of a process share.

    From here on a spool on a local disk holds the run's record, whatever becomes of this process.

    Raises:
        UserError: the inputs, the weights, the GPU or the store are not available.
        Interrupted: before anything was measured
    """
    for note in run.notes:
        to_stderr(note)
    signals.interrupt_on_stop()
    garbage.rest()  # until all is imported
    from joulemark.measure.draft import draft
    from joulemark.store import last_words
    from joulemark.store.spool import begun

    first = draft(run, shared_process=None if measuring is None else measuring.process)
    with begun(first, _params(run), run.tracking_uri) as spool, last_words.kept(spool):
        if measuring is not None:
            return _recorded(run, first, spool, measuring)
        with Measuring() as alone:
            return _recorded(run, first, spool, alone)


def _recorded(run: Run, first: Record, spool: "Spool", measuring: Measuring) -> int:
    """Measures the run that the spool was begun for; its exit code."""
    run, inputs = measuring.prepared(run)
    from joulemark.analysis import requests

    recorder = measuring.recording(run, spool)
    spool.update(_params(run))
    record = _measured(run, inputs, first, spool, measuring)
    recorder.keep(record)
    metrics = _show(record)
    for line in run.export.run(record, requests.each(record)):
        to_stderr(f"! {line}")
    link = recorder.deliver(more=measuring.resident is not None and record.status == "finished")
    _report(record, run, metrics, link)
    stopped = signals.stop_of(record.error) if record.status == "interrupted" else None
    return signals.exit_code(stopped) if stopped else EXIT[record.status]


def _measured(run: Run, inputs: Inputs, first: Record, spool: "Spool", measuring: Measuring) -> Record:
    from joulemark.analysis import caveats
    from joulemark.cli.console import Status
    from joulemark.core import stats
    from joulemark.hardware import host
    from joulemark.measure import runner
    from joulemark.measure.draft import draft
    from joulemark.measure.instruments import Instruments
    from joulemark.models.backend.packages import import_packages

    recorder, gpu = measuring.recorder, measuring.gpu(run)
    assert recorder is not None
    begun = draft(run, inputs, first, measuring.process)
    recorder.draft(begun, "inputs")
    garbage.give_back()  # of reading the inputs
    for line in caveats.of_inputs(begun):
        to_stderr(line)

    def watch(phase: str, record: Record) -> None:
        if phase == "meters":
            # Beside the recorder's own imports: both take seconds
            import_packages(run.model.checkpoint, run.settings, run.hardware.device)
            run.task.score((), ())  # the metric's library, which would be imported between the last inference and exit
            stats.import_packages()  # of every result, likewise
            garbage.resume()
            recorder.wait_ready()  # asleep from here on, so nothing of it runs beside what is measured
            _tell_of_earlier(recorder)
        recorder.draft(record, phase)

    with Status(gpu.power_w) as progress:

        def beating(phase: str, share: float) -> None:
            recorder.beat()
            progress(phase, share)

        instruments = Instruments(
            busy_s=host.busy_s,
            own_busy_s=host.own_busy_s,
            suspensions=signals.Suspensions(),
            progress=beating,
            watch_traffic=progress.traffic,
        )
        record = runner.bench(
            run,
            begun,
            inputs.samples,
            watch,
            instruments,
            gpu,
            files=lambda: spool.files,
            resident=measuring.resident,
        )
    signals.ignore_stops()  # what was measured is being written: a second Ctrl-C must not lose it
    garbage.give_back()  # of scoring, before the recorder takes memory of its own
    return record


def _params(run: Run) -> dict[str, str]:
    return {key: str(value) for key, value in run.chosen.items()}


def _tell_of_earlier(recorder: "Recorder") -> None:
    if recorder.delivered:
        to_stderr(f"delivered: {recorder.delivered} records of earlier runs, which had waited")
    if recorder.lost:
        to_stderr(f"! {recorder.lost}; the record will wait on this machine")


def _show(record: Record) -> Metrics:
    """Prints what was measured before the store is told, which may take a while or fail; the metrics."""
    from joulemark.analysis import named_metrics
    from joulemark.cli import console

    metrics = named_metrics.metrics(record)
    console.report(record, metrics)
    return metrics


def _report(record: Record, run: Run, metrics: Metrics, link: Mapping[str, Any]) -> None:
    from joulemark.analysis import diagnosis, feeding

    output.link(_where(run, link))
    findings = diagnosis.findings(record) if record.status == "finished" else []
    tried = [line for finding in findings for line in finding.options]
    moves = feeding.moves(record) if record.status == "finished" else []
    last: dict[str, Any] = {
        "status": record.status,
        "run_id": link.get("run_id"),
        "record_id": record.id,
        "unsaved": link.get("unsaved"),
        "url": link.get("url"),
        "model": run.label,
        "task": run.task.name,
        "error": record.error,
        "flags": record.flags,
        "metrics": metrics,
        "try": tried,
        **({"feeding": [(move.options, move.share) for move in moves]} if moves else {}),
        **({} if record.origin.shared_process is None else {"process": record.origin.shared_process}),
    }
    output.last(last)


def _where(run: Run, link: Mapping[str, Any]) -> str:
    """Where the run is to be seen, or where its record waits."""
    if "unsaved" in link:
        waits = f"the record waits in {link['unsaved']}: the next run delivers it, or {program('sync')}"
        return f"not in the store yet: {link['error']}\n{waits}"
    if link.get("url"):
        return f"Open this run: {link['url']}"
    return f"Open this run: {tracking.ui_command(run.tracking_uri)}, then http://127.0.0.1:5000/{link['ui_path']}"


def main() -> int:
    """The command; a user's mistake is one line on standard error and exit code 2."""
    try:
        sys.argv[1:] = hub_model.rewritten(sys.argv[1:])
        return command_line.start(command, "run")
    except UserError as error:  # of the many runs of -m
        return refuse(error)
    except (Interrupted, KeyboardInterrupt) as stop:  # before anything was measured
        name = str(stop) or "SIGINT"
        to_stderr(f"interrupted by {name} before anything was measured")
        return signals.exit_code(name)


if __name__ == "__main__":
    sys.exit(main())
