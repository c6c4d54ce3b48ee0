"""Slurm: runs as a job array through submitit, and Slurm's own word on jobs that left no outcome.

submitit asks sacct alone, which many clusters have not; here squeue is asked first, and sacct where it has forgotten.
"""

import shutil
import subprocess
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic
from typing import Any

from joulemark.core import extras
from joulemark.core.errors import UserError
from joulemark.sweep.cluster import node
from joulemark.sweep.trial import Outcome

SOON_S = 2.0
ASK_S = 10.0  # between two questions to Slurm; outcomes are files, looked for every time
SETTLE_S = 20.0  # a file of another machine may come later than the word that its job is over
COMMANDS = ("sbatch", "srun", "squeue", "scancel")
GOING = ("PENDING", "RUNNING", "CONFIGURING", "COMPLETING", "SUSPENDED", "REQUEUED", "RESIZING", "SIGNALING", "STOPPED")
# How a run ended that could not say it, and the exit code as Outcome has it, by Slurm's state of its job
ENDS = {
    "CANCELLED": ("interrupted", -15, "was cancelled"),
    "PREEMPTED": ("interrupted", -15, "gave way to another job"),
    "TIMEOUT": ("timed_out", -9, "was not done within its time"),
    "DEADLINE": ("timed_out", -9, "was not done before its deadline"),
    "NODE_FAIL": ("killed", -9, "lost its node"),
    "BOOT_FAIL": ("failed", 1, "found no node that starts"),
    "OUT_OF_MEMORY": ("killed", -9, "took more memory than it had asked for"),
}


@dataclass(frozen=True)
class SlurmConf:
    """What a job asks of Slurm, in the words of Hydra's submitit plugin; None leaves it to the cluster."""

    folder: str = "mlruns/slurm"
    timeout_min: int = 60
    partition: str | None = None
    qos: str | None = None
    account: str | None = None
    constraint: str | None = None
    gpus_per_node: int | None = None
    cpus_per_task: int | None = None
    mem_gb: float | None = None
    exclusive: bool = False
    array_parallelism: int = 256
    signal_delay_s: int = 60
    setup: tuple[str, ...] = ()
    additional_parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Slurm:
    """The queue of sweep/cluster/place.py that is a Slurm cluster's."""

    conf: SlurmConf
    name: str = "Slurm"
    _folder: Path | None = None  # of this submission alone
    _jobs: dict[str, Any] = field(default_factory=dict)
    _words: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _asked_s: float = float("-inf")
    _states: dict[str, str] = field(default_factory=dict)
    _over_s: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """UserError where this machine cannot speak to a Slurm cluster."""
        extras.require("hydra/launcher=slurm", "submitit")
        for command in COMMANDS:
            if shutil.which(command) is None:
                raise UserError(f"hydra/launcher=slurm needs Slurm's command {command}, which is not on this machine")

    def submit(self, jobs: Sequence[Sequence[str]], cards: int) -> Sequence[str]:
        """One job array; UserError with Slurm's reason where it takes none."""
        import submitit

        # Slurm that was set up anew counts its jobs from 1 again: what an earlier one left must not be taken for theirs
        self._folder = Path(self.conf.folder).absolute() / uuid.uuid4().hex[:10]
        self._folder.mkdir(parents=True)
        executor = submitit.SlurmExecutor(folder=self._folder / "%j", max_num_timeout=0)
        executor.update_parameters(**self._parameters(cards))
        try:
            made = executor.map_array(node.under_slurm, [list(words) for words in jobs])
        except submitit.core.utils.FailedJobError as error:  # what sbatch said
            raise UserError(f"Slurm takes no job: {_last(str(error))}") from None
        self._jobs = {job.job_id: job for job in made}
        self._words = {job.job_id: tuple(words) for job, words in zip(made, jobs, strict=True)}
        return list(self._jobs)

    def _parameters(self, cards: int) -> dict[str, Any]:
        conf = self.conf
        asked = {
            "job_name": "joulemark",
            "time": conf.timeout_min,
            "nodes": 1,
            "ntasks_per_node": 1,
            "partition": conf.partition,
            "qos": conf.qos,
            "account": conf.account,
            "constraint": conf.constraint,
            "gpus_per_node": cards or None,
            "cpus_per_task": conf.cpus_per_task,
            "mem": None if conf.mem_gb is None else f"{round(conf.mem_gb * 1024)}M",
            "exclusive": conf.exclusive or None,
            "array_parallelism": conf.array_parallelism,
            # a job of a minute would be asked to end as it begins
            "signal_delay_s": min(conf.signal_delay_s, conf.timeout_min * 30),
            "setup": list(conf.setup) or None,
            # srun of Slurm 22.05 and later does not take it from sbatch
            "srun_args": [f"--cpus-per-task={conf.cpus_per_task}"] if conf.cpus_per_task else None,
            # the same run a second time would be another record: a lost one is told, not repeated
            "additional_parameters": {"chdir": Path.cwd(), "no_requeue": True, **conf.additional_parameters},
        }
        return {key: value for key, value in asked.items() if value is not None}

    def ended(self, jobs: Sequence[str]) -> dict[str, Outcome | None]:
        self._ask(jobs)
        found: dict[str, Outcome | None] = {}
        for job in jobs:
            state = self._states.get(job, "")
            over = bool(state) and state not in GOING
            if self._jobs[job].paths.result_pickle.exists():
                outcome = self._left(job)
                # why it was stopped is Slurm's to say, a moment later
                if outcome.stopped_by is None or over or self._settled(job):
                    found[job] = self._explained(job, outcome, state)
            elif over and (not self._began(job) or self._settled(job)):
                found[job] = self._lost(job, state)
        return found

    def _began(self, job: str) -> bool:
        return bool(self._jobs[job].paths.stdout.exists())  # which Slurm opens as the job begins

    def _settled(self, job: str) -> bool:
        """Whether what is still missing of a job that is over will not come any more."""
        self._soon()
        since_s = self._over_s.setdefault(job, monotonic())
        return monotonic() - since_s >= SETTLE_S

    def _ask(self, jobs: Sequence[str]) -> None:
        if monotonic() - self._asked_s >= ASK_S:
            self._states = states(jobs)
            self._asked_s = monotonic()

    def _soon(self) -> None:
        self._asked_s = min(self._asked_s, monotonic() - ASK_S + SOON_S)

    def _left(self, job: str) -> Outcome:
        """The outcome that the job left; submitit's own failure is one, too."""
        error = self._jobs[job].exception()
        if error is not None:
            return Outcome(self._words[job], 1, "failed", f"Slurm job {job}: {_last(str(error))}")
        outcome: Outcome = self._jobs[job].result()
        return outcome

    def _explained(self, job: str, outcome: Outcome, state: str) -> Outcome:
        """What the outcome says of a signal is completed by Slurm's word; it is this run's alone and stops no other."""
        if outcome.stopped_by is None or outcome.status != "interrupted":  # it was done before the signal did anything
            return replace(outcome, stopped_by=None)
        status, _, why = ENDS.get(state, (outcome.status, 0, f"got {outcome.stopped_by}"))
        return replace(outcome, status=status, stopped_by=None, error=f"Slurm job {job} {why}; {outcome.error}")

    def _lost(self, job: str, state: str) -> Outcome | None:
        """The outcome of a job that left none; None where it was taken back before it began."""
        began = self._began(job)
        if state == "CANCELLED" and not began:
            return None
        status, code, why = ENDS.get(state, ("failed", 1, "left no outcome"))
        log: Path = self._jobs[job].paths.stderr
        said = _last(log.read_text(errors="replace")) if log.exists() else ""
        words = f"Slurm job {job} {why} ({state})" + (f"; last said: {said}; all of it: {log}" if said else "")
        return Outcome(self._words[job], code, status, words)

    def cancel(self, jobs: Sequence[str]) -> None:
        subprocess.run(["scancel", *jobs], check=False, capture_output=True)
        self._soon()  # not at once: Slurm takes a moment

    def close(self) -> None:
        """Nothing is held. What finished jobs left on the way is of no use to anybody; that of others is kept."""
        done = [job for job, made in self._jobs.items()
                if made.paths.result_pickle.exists() and self._left(job).status == "finished"]  # fmt: skip
        folders = [self._folder] if len(done) == len(self._jobs) else [self._jobs[job].paths.folder for job in done]
        for folder in folders:
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)


def states(jobs: Sequence[str]) -> dict[str, str]:
    """Slurm's state of each job (CANCELLED, TIMEOUT, …); UNKNOWN where it has forgotten it, none where it is silent."""
    arrays = ",".join(dict.fromkeys(job.partition("_")[0] for job in jobs))
    queue = _said(["squeue", "--noheader", "--array", "--states=all", f"--jobs={arrays}", "--format=%i|%T"])
    found = dict(queue or [])
    missing = [job for job in jobs if job not in found]
    if missing:
        kept = _said(
            ["sacct", "--noheader", "--parsable2", "--allocations", f"--jobs={arrays}", "--format=JobID,State"]
        )
        found.update({job: state for job, state in kept or [] if job in missing})
    # silent now is no word about the job: it is asked again
    known = queue is not None
    return {job: found.get(job) or "UNKNOWN" for job in jobs if job in found or known}


def _said(command: Sequence[str]) -> list[tuple[str, str]] | None:
    """Job and state of each line; None where the command failed. `CANCELLED by 1000` is CANCELLED."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode and "Invalid job id" not in done.stderr:
        return None
    lines = [line.partition("|") for line in done.stdout.splitlines() if "|" in line]
    return [(job.strip(), state.split()[0].rstrip("+") if state.split() else "") for job, _, state in lines]


def _last(text: str) -> str:
    """The last line that says something."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip(" -")), "")
