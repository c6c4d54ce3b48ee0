"""Slurm: runs as a job array through submitit; a job that left no outcome gets one with Slurm's reason.

submitit queries sacct alone, which many clusters lack; here squeue comes first, and sacct for jobs it no longer lists.
"""

import shutil
import subprocess
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic
from typing import Any

from joulemark.core import extras, tracking
from joulemark.core.errors import UserError
from joulemark.core.private_files import private_files
from joulemark.sweep.cluster import node
from joulemark.sweep.concealed import concealed_alike, in_environment
from joulemark.sweep.trial import Outcome

SOON_S = 2.0
QUERY_S = 10.0  # between two queries of Slurm; outcomes are files, checked every time
ARRIVAL_S = 20.0  # a file of another machine may arrive later than the state that its job is over
COMMANDS = ("sbatch", "srun", "squeue", "scancel")
ACTIVE = (
    "PENDING",
    "RUNNING",
    "CONFIGURING",
    "COMPLETING",
    "SUSPENDED",
    "REQUEUED",
    "RESIZING",
    "SIGNALING",
    "STOPPED",
)
# Status, exit code (as in Outcome) and reason of a run that left no outcome, by Slurm's state of its job
ENDS = {
    "CANCELLED": ("interrupted", -15, "was cancelled"),
    "PREEMPTED": ("interrupted", -15, "was preempted by another job"),
    "TIMEOUT": ("timed_out", -9, "was not done within its time"),
    "DEADLINE": ("timed_out", -9, "was not done before its deadline"),
    "NODE_FAIL": ("killed", -9, "lost its node"),
    "BOOT_FAIL": ("failed", 1, "found no node that starts"),
    "OUT_OF_MEMORY": ("killed", -9, "took more memory than it had requested"),
}


@dataclass(frozen=True)
class SlurmConf:
    """What a job requests of Slurm, named as in Hydra's submitit plugin; None leaves it to the cluster."""

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
    _overrides: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _queried_s: float = float("-inf")
    _states: dict[str, str] = field(default_factory=dict)
    _over_s: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """UserError where this machine cannot reach a Slurm cluster."""
        extras.require("hydra/launcher=slurm", "submitit")
        for command in COMMANDS:
            if shutil.which(command) is None:
                raise UserError(f"hydra/launcher=slurm needs Slurm's command {command}, which is not on this machine")

    def submit(self, jobs: Sequence[Sequence[str]], cards: int) -> Sequence[str]:
        """One job array; UserError with Slurm's reason where it takes none."""
        import submitit

        arguments, secrets = concealed_alike(jobs)
        # A new Slurm installation counts its jobs from 1 again: files of an earlier one must not be taken for theirs
        self._folder = Path(self.conf.folder).absolute() / uuid.uuid4().hex[:10]
        with private_files():  # submitit keeps there what runs are made of
            self._folder.mkdir(parents=True)
        executor = submitit.SlurmExecutor(folder=self._folder / "%j", max_num_timeout=0)
        executor.update_parameters(**self._parameters(cards))
        try:
            with in_environment(secrets):  # which Slurm hands on; what submitit pickles lies in a shared folder
                submitted = executor.map_array(node.under_slurm, arguments)
        except submitit.core.utils.FailedJobError as error:
            raise UserError(f"Slurm refuses the job: {_last(str(error))}") from None
        self._jobs = {job.job_id: job for job in submitted}
        shown = [tuple(map(tracking.public_override, overrides)) for overrides in jobs]
        self._overrides = {job.job_id: overrides for job, overrides in zip(submitted, shown, strict=True)}
        return list(self._jobs)

    def _parameters(self, cards: int) -> dict[str, Any]:
        conf = self.conf
        parameters = {
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
            # a job of a minute would be warned as it begins
            "signal_delay_s": min(conf.signal_delay_s, conf.timeout_min * 30),
            "setup": list(conf.setup) or None,
            # srun of Slurm 22.05 and later does not take it from sbatch
            "srun_args": [f"--cpus-per-task={conf.cpus_per_task}"] if conf.cpus_per_task else None,
            # a requeued run would leave a second record: a lost one is reported, not repeated
            "additional_parameters": {"chdir": Path.cwd(), "no_requeue": True, **conf.additional_parameters},
        }
        return {key: value for key, value in parameters.items() if value is not None}

    def ended(self, jobs: Sequence[str]) -> dict[str, Outcome | None]:
        """Those of the jobs that are over, with their outcomes; None for one that was cancelled before it began."""
        self._query(jobs)
        outcomes: dict[str, Outcome | None] = {}
        for job in jobs:
            state = self._states.get(job, "")
            over = bool(state) and state not in ACTIVE
            if self._jobs[job].paths.result_pickle.exists():
                outcome = self._outcome(job)
                # Slurm's reason why it was stopped comes a moment later
                if outcome.stopped_by is None or over or self._arrived(job):
                    outcomes[job] = self._explained(job, outcome, state)
            elif over and (not self._began(job) or self._arrived(job)):
                outcomes[job] = self._lost(job, state)
        return outcomes

    def _began(self, job: str) -> bool:
        return bool(self._jobs[job].paths.stdout.exists())  # which Slurm opens as the job begins

    def _arrived(self, job: str) -> bool:
        """Whether what is still missing of a job that is over will not arrive any more."""
        self._soon()
        since_s = self._over_s.setdefault(job, monotonic())
        return monotonic() - since_s >= ARRIVAL_S

    def _query(self, jobs: Sequence[str]) -> None:
        if monotonic() - self._queried_s >= QUERY_S:
            self._states = states(jobs)
            self._queried_s = monotonic()

    def _soon(self) -> None:
        self._queried_s = min(self._queried_s, monotonic() - QUERY_S + SOON_S)

    def _outcome(self, job: str) -> Outcome:
        """The outcome that the job left; submitit's own failure becomes one, too."""
        error = self._jobs[job].exception()
        if error is not None:
            return Outcome(self._overrides[job], 1, "failed", f"Slurm job {job}: {_last(str(error))}")
        outcome: Outcome = self._jobs[job].result()
        return outcome

    def _explained(self, job: str, outcome: Outcome, state: str) -> Outcome:
        """The outcome of a signal with Slurm's reason; it is this run's alone and stops no other."""
        if outcome.stopped_by is None or outcome.status != "interrupted":  # it was done before the signal did anything
            return replace(outcome, stopped_by=None)
        status, _, why = ENDS.get(state, (outcome.status, 0, f"got {outcome.stopped_by}"))
        return replace(outcome, status=status, stopped_by=None, error=f"Slurm job {job} {why}; {outcome.error}")

    def _lost(self, job: str, state: str) -> Outcome | None:
        """The outcome of a job that left none; None where it was cancelled before it began."""
        began = self._began(job)
        if state == "CANCELLED" and not began:
            return None
        status, code, why = ENDS.get(state, ("failed", 1, "left no outcome"))
        log: Path = self._jobs[job].paths.stderr
        line = _last(log.read_text(errors="replace")) if log.exists() else ""
        error = f"Slurm job {job} {why} ({state})" + (f"; standard error: {line}; all of it: {log}" if line else "")
        return Outcome(self._overrides[job], code, status, error)

    def cancel(self, jobs: Sequence[str]) -> None:
        """Cancels the jobs; their runs leave records."""
        subprocess.run(["scancel", *jobs], check=False, capture_output=True)
        self._soon()  # not at once: Slurm takes a moment

    def close(self) -> None:
        """Removes the files of finished jobs; those of others are kept."""
        done = [job for job, submitted in self._jobs.items()
                if submitted.paths.result_pickle.exists() and self._outcome(job).status == "finished"]  # fmt: skip
        folders = [self._folder] if len(done) == len(self._jobs) else [self._jobs[job].paths.folder for job in done]
        for folder in folders:
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)


def states(jobs: Sequence[str]) -> dict[str, str]:
    """Slurm's state of each job (CANCELLED, TIMEOUT, …); UNKNOWN where Slurm no longer lists it.

    A job has no entry where Slurm does not answer.
    """
    arrays = ",".join(dict.fromkeys(job.partition("_")[0] for job in jobs))
    queue = _reported(["squeue", "--noheader", "--array", "--states=all", f"--jobs={arrays}", "--format=%i|%T"])
    by_job = dict(queue or [])
    missing = [job for job in jobs if job not in by_job]
    if missing:
        accounting = _reported(
            ["sacct", "--noheader", "--parsable2", "--allocations", f"--jobs={arrays}", "--format=JobID,State"]
        )
        by_job.update({job: state for job, state in accounting or [] if job in missing})
    # no answer now says nothing about the job: the next query will
    answered = queue is not None
    return {job: by_job.get(job) or "UNKNOWN" for job in jobs if job in by_job or answered}


def _reported(command: Sequence[str]) -> list[tuple[str, str]] | None:
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
    """The last line that is not blank."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip(" -")), "")
