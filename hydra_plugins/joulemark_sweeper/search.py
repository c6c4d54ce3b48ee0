"""Hydra's sweeper `joulemark`: hands the overrides of `-m sweep=…` to cli/sweep.py.

Hydra imports this at the start of every command, so nothing heavy is imported at the top.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


@dataclass
class SearchConf:
    """What `override /hydra/sweeper: joulemark` chooses; all that is searched is in `conf/sweep`."""

    _target_: str = "hydra_plugins.joulemark_sweeper.search.SearchSweeper"


ConfigStore.instance().store(group="hydra/sweeper", name="joulemark", node=SearchConf, provider="joulemark")


class SearchSweeper(Sweeper):
    """Leaves the process with the sweep's exit code: Hydra has no way to return one."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self._context = hydra_context
        self._config = config

    def sweep(self, arguments: Sequence[str]) -> Any:
        if self._config.hydra.runtime.choices["hydra/launcher"] != "fresh":
            from joulemark.cli import cluster_sweep

            sys.exit(cluster_sweep.main(self._config, arguments))
        from hydra.core.override_parser.overrides_parser import OverridesParser

        from joulemark.cli import sweep

        overrides = OverridesParser.create(self._context.config_loader).parse_overrides(list(arguments))
        sys.exit(sweep.main(self._config, overrides))
