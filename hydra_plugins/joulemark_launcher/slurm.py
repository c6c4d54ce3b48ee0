"""Hydra's launcher `slurm`: each job of -m is a run on a node of a Slurm cluster (joulemark.sweep.cluster).

Hydra imports this at the start of every command, so nothing heavy is imported at the top.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobReturn

from .fresh import Fresh


@dataclass
class SlurmConf:
    """What `hydra/launcher=slurm` holds, named as in Hydra's submitit plugin; null leaves it to the cluster."""

    _target_: str = "hydra_plugins.joulemark_launcher.slurm.SlurmLauncher"
    folder: str = "mlruns/slurm"  # logs and files of jobs: on a file system that the nodes share
    timeout_min: int = 60
    partition: str | None = None
    qos: str | None = None
    account: str | None = None
    constraint: str | None = None
    gpus_per_node: int | None = None  # null: as many as the run's hardware names
    cpus_per_task: int | None = None
    mem_gb: float | None = None
    exclusive: bool = False  # the whole node: CPU and RAM figures are then the run's alone
    array_parallelism: int = 256
    signal_delay_s: int = 60  # so long before its time is up a run is stopped and leaves its record
    setup: list[str] = field(default_factory=list)  # shell lines before the run
    additional_parameters: dict[str, Any] = field(default_factory=dict)  # any other of sbatch's


ConfigStore.instance().store(group="hydra/launcher", name="slurm", node=SlurmConf, provider="joulemark")


class SlurmLauncher(Fresh):
    """Runs every job on a node of a Slurm cluster; leaves the command with its exit code unless all are finished."""

    def __init__(self, **options: Any) -> None:
        self._options = options

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        from joulemark.sweep.cluster.launchers import cluster

        return self.launched(job_overrides, cluster("slurm", self._options))
