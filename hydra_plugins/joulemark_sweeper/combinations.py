"""Hydra's sweeper `combinations`: every combination of the overrides of -m, where a model may be an id of the Hub.

Hydra imports this at the start of every command, so nothing heavy is imported at the top.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from hydra._internal.core_plugins import basic_sweeper
from hydra.core.config_store import ConfigStore


@dataclass
class CombinationsConf(basic_sweeper.BasicSweeperConf):
    """What `override /hydra/sweeper: combinations` chooses: Hydra's own sweeper otherwise."""

    _target_: str = "hydra_plugins.joulemark_sweeper.combinations.Combinations"


ConfigStore.instance().store(group="hydra/sweeper", name="combinations", node=CombinationsConf, provider="joulemark")


class Combinations(basic_sweeper.BasicSweeper):
    """Hydra's own sweeper, which composes each job to check it: `model=owner/name` as the job itself composes it."""

    def validate_batch_is_legal(self, batch: Sequence[Sequence[str]]) -> None:
        from joulemark.config.hub_model import rewritten

        super().validate_batch_is_legal([rewritten(job) for job in batch])
