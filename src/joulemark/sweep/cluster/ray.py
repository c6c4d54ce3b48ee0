"""Ray: each run a task of a Ray cluster; what Ray says of one that left no outcome becomes its outcome."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from joulemark.core import extras, signals
from joulemark.core.errors import UserError
from joulemark.sweep.cluster import node
from joulemark.sweep.trial import Outcome

# Where runs go and where weights come from; Slurm hands on the whole environment, a task of Ray has its node's
CARRIED = ("MLFLOW_", "HF_", "HUGGING_FACE_", "OMP_NUM_THREADS", "PG", "NO_PROXY", "HTTP_PROXY", "HTTPS_PROXY")
NEVER = "MLFLOW_RUN_ID"


@dataclass(frozen=True)
class RayConf:
    """What a task asks of Ray; the words are those of hydra/launcher=slurm where the thing is the same."""

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
    _words: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _cancelled: bool = False

    def __post_init__(self) -> None:
        """UserError where the package or a running cluster is absent."""
        extras.require("hydra/launcher=ray", "ray")
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "1")  # no GPU asked for is no GPU seen
        import ray

        try:
            with signals.handlers_kept():  # ray.init puts a handler of its own on SIGTERM
                ray.init(self.conf.address, log_to_driver=False, logging_level="ERROR", include_dashboard=None)
        except (ConnectionError, RuntimeError, ValueError) as error:
            said = str(error).strip().splitlines()
            raise UserError(
                f"hydra.launcher.address={self.conf.address}: no Ray cluster answers ({said[0] if said else error!r}); "
                "start one with ray start --head, or type hydra.launcher.address=HOST:6379"
            ) from None

    def submit(self, jobs: Sequence[Sequence[str]], cards: int) -> Sequence[str]:
        """One task for each, in a worker of its own, never tried again: a second record would not be the first one."""
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
        for words in jobs:
            reference = task.remote(list(words), carried(os.environ), limit_s)
            name = reference.task_id().hex()[:8] + f"-{len(self._tasks) + 1}"
            self._tasks[name], self._words[name] = reference, tuple(words)
        return list(self._tasks)

    def ended(self, jobs: Sequence[str]) -> dict[str, Outcome | None]:
        import ray

        done, _ = ray.wait([self._tasks[job] for job in jobs], num_returns=len(jobs), timeout=0)
        return {job: self._outcome(job) for job in jobs if self._tasks[job] in done}

    def _outcome(self, job: str) -> Outcome | None:
        """What the task sent, or Ray's word on why it sent nothing."""
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
        said = lines[-1] if status == "failed" else lines[0]
        return Outcome(self._words[job], code, status, f"Ray task {job} {why}: {said[:300] if lines else repr(error)}")

    def cancel(self, jobs: Sequence[str]) -> None:
        import ray

        for job in jobs:
            ray.cancel(self._tasks[job], force=False)

    def close(self) -> None:
        """Leaves the cluster, which goes on; one that was begun for this command (address=local) ends."""
        import ray

        with signals.handlers_kept():
            ray.shutdown()


def carried(environment: Mapping[str, str]) -> dict[str, str]:
    """What of this machine's environment a run on another one needs."""
    return {key: value for key, value in environment.items() if key.upper().startswith(CARRIED) and key != NEVER}
