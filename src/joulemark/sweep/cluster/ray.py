"""Ray: each run a task of a Ray cluster; one that left no outcome gets one with Ray's reason."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from joulemark.core import extras, signals, tracking
from joulemark.core.errors import UserError
from joulemark.sweep.cluster import node
from joulemark.sweep.concealed import Unseen, concealed
from joulemark.sweep.trial import Outcome

# Where runs go and where weights come from; Slurm hands on the whole environment, a task of Ray has its node's
CARRIED = ("MLFLOW_", "HF_", "HUGGING_FACE_", "OMP_NUM_THREADS", "PG", "NO_PROXY", "HTTP_PROXY", "HTTPS_PROXY")
NEVER = "MLFLOW_RUN_ID"


@dataclass(frozen=True)
class RayConf:
    """What a task requests of Ray; named as in hydra/launcher=slurm where the meaning is the same.

    Attributes:
        address: of the cluster; `auto` finds one on this machine
        timeout_min: of a run; None: no limit
        gpus_per_node: of a task; None: as many as the run's hardware names
        cpus_per_task: number of CPUs
        mem_gb: memory; None: not reserved
        resources: the cluster's own
    """

    address: str = "auto"
    timeout_min: float | None = None
    gpus_per_node: int | None = None
    cpus_per_task: float = 1
    mem_gb: float | None = None
    resources: Mapping[str, float] = field(default_factory=dict)


@dataclass
class Ray:
    """The queue of sweep/cluster/place.py that is a Ray cluster's."""

    conf: RayConf
    name: str = "Ray"
    _tasks: dict[str, Any] = field(default_factory=dict)
    _overrides: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """UserError where the package or a running cluster is absent."""
        extras.require("hydra/launcher=ray", "ray")
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "1")  # without a GPU requested none is visible
        import ray

        try:
            with signals.handlers_kept():  # ray.init puts a handler of its own on SIGTERM
                ray.init(self.conf.address, log_to_driver=False, logging_level="ERROR", include_dashboard=None)
        except (ConnectionError, RuntimeError, ValueError) as error:
            reason = (str(error).strip().splitlines() or [repr(error)])[0]
            raise UserError(
                f"hydra.launcher.address={self.conf.address}: no Ray cluster answers ({reason}); "
                "start one with ray start --head, or type hydra.launcher.address=HOST:6379"
            ) from None

    def submit(self, jobs: Sequence[Sequence[str]], cards: int) -> Sequence[str]:
        """One task for each, in a worker of its own, never retried: a retry would leave a second record."""
        import ray

        memory = {} if self.conf.mem_gb is None else {"memory": round(self.conf.mem_gb * 1e9)}
        task = ray.remote(
            num_cpus=self.conf.cpus_per_task,
            num_gpus=cards,
            resources=dict(self.conf.resources) or None,
            max_retries=0,
            max_calls=1,
            **memory,
        )(node.under_ray)
        limit_s = None if self.conf.timeout_min is None else self.conf.timeout_min * 60
        for overrides in jobs:
            arguments, secrets = concealed(overrides)
            reference = task.remote(arguments, Unseen({**carried(os.environ), **secrets}), limit_s)
            name = reference.task_id().hex()[:8] + f"-{len(self._tasks) + 1}"
            self._tasks[name], self._overrides[name] = reference, tuple(map(tracking.public_override, overrides))
        return list(self._tasks)

    def ended(self, jobs: Sequence[str]) -> dict[str, Outcome | None]:
        """Those of the tasks that are over, with their outcomes; None for one that was cancelled before it began."""
        import ray

        done, _ = ray.wait([self._tasks[job] for job in jobs], num_returns=len(jobs), timeout=0)
        return {job: self._outcome(job) for job in jobs if self._tasks[job] in done}

    def _outcome(self, job: str) -> Outcome | None:
        """The outcome that the task returned, or one with Ray's reason why it returned none."""
        import ray
        from ray import exceptions

        try:
            outcome: Outcome = ray.get(self._tasks[job])
        except (exceptions.TaskCancelledError, exceptions.TaskUnschedulableError):
            return None  # before it began: a run that had begun leaves its own outcome
        except exceptions.OutOfMemoryError as error:
            return self._lost(job, "killed", -signals.SIGKILL, "took the node's memory", error)
        except (exceptions.WorkerCrashedError, exceptions.NodeDiedError, exceptions.ObjectLostError) as error:
            return self._lost(job, "killed", -signals.SIGKILL, "lost its worker or its node", error)
        except exceptions.RayError as error:
            return self._lost(job, "failed", 1, "failed", error)
        return outcome if outcome.stopped_by is None else replace(outcome, stopped_by=None)

    def _lost(self, job: str, status: str, code: int, why: str, error: BaseException) -> Outcome:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        detail = (lines[-1] if status == "failed" else lines[0])[:300] if lines else repr(error)
        return Outcome(self._overrides[job], code, status, f"Ray task {job} {why}: {detail}")

    def cancel(self, jobs: Sequence[str]) -> None:
        """Cancels the tasks; their runs leave records."""
        import ray

        for job in jobs:
            ray.cancel(self._tasks[job], force=False)

    def close(self) -> None:
        """Disconnects from the cluster, which goes on; one that was started for this command (address=local) ends."""
        import ray

        with signals.handlers_kept():
            ray.shutdown()


def carried(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment variables that a run on another machine needs."""
    return {key: value for key, value in environment.items() if key.upper().startswith(CARRIED) and key != NEVER}
