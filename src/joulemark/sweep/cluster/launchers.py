"""From the words of `hydra/launcher=slurm` or `ray` to the cluster they mean."""

from collections.abc import Mapping
from typing import Any

from omegaconf import OmegaConf

from joulemark.core.coerce import typed
from joulemark.sweep.cluster.place import Cluster


def cluster(name: str, words: Mapping[str, Any]) -> Cluster:
    """The cluster, spoken to; UserError, one line, for words that cannot be and where none answers."""
    plain = {key: OmegaConf.to_container(one) if OmegaConf.is_config(one) else one for key, one in words.items()}
    plain.pop("_target_", None)
    if name == "slurm":
        from joulemark.sweep.cluster.slurm import Slurm, SlurmConf

        slurm = typed(SlurmConf, plain, "hydra.launcher")
        return Cluster(Slurm(slurm), slurm.gpus_per_node)
    from joulemark.sweep.cluster.ray import Ray, RayConf

    ray = typed(RayConf, plain, "hydra.launcher")
    return Cluster(Ray(ray), ray.gpus_per_node)
