"""Hydra's launcher `ray`: each job of -m is a run on a node of a Ray cluster (joulemark.sweep.cluster).

Hydra imports this at the start of every command, so nothing heavy is imported at the top.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobReturn

from .fresh import Fresh


@dataclass
class RayConf:
    """What `hydra/launcher=ray` holds; named as in `slurm` where the meaning is the same."""

    _target_: str = "hydra_plugins.joulemark_launcher.ray.RayLauncher"
    address: str = "auto"  # the cluster of this machine or of RAY_ADDRESS; HOST:6379; local: one for this command
    timeout_min: float | None = None
    gpus_per_node: int | None = None  # null: as many as the run's hardware names
    cpus_per_task: float = 1
    mem_gb: float | None = None
    resources: dict[str, float] = field(default_factory=dict)  # the cluster's own, such as {H100: 1}


ConfigStore.instance().store(group="hydra/launcher", name="ray", node=RayConf, provider="joulemark")


class RayLauncher(Fresh):
    """Runs every job on a node of a Ray cluster; leaves the command with its exit code unless all are finished."""

    def __init__(self, **options: Any) -> None:
        self._options = options

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        from joulemark.sweep.cluster.launchers import cluster

        return self.launched(job_overrides, cluster("ray", self._options))
