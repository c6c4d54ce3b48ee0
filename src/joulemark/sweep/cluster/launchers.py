"""From the options of `hydra/launcher=slurm` or `ray` to their cluster."""

from collections.abc import Mapping
from typing import Any

from omegaconf import OmegaConf

from joulemark.core.coerce import typed
from joulemark.sweep.cluster.place import Cluster


def cluster(name: str, options: Mapping[str, Any]) -> Cluster:
    """The connected cluster; UserError, one line, for options that are refused and where no cluster answers."""
    plain = {
        key: OmegaConf.to_container(value) if OmegaConf.is_config(value) else value for key, value in options.items()
    }
    plain.pop("_target_", None)
    if name == "slurm":
        from joulemark.sweep.cluster.slurm import Slurm, SlurmConf

        slurm = typed(SlurmConf, plain, "hydra.launcher")
        return Cluster(Slurm(slurm), slurm.gpus_per_node)
    from joulemark.sweep.cluster.ray import Ray, RayConf

    ray = typed(RayConf, plain, "hydra.launcher")
    return Cluster(Ray(ray), ray.gpus_per_node)
