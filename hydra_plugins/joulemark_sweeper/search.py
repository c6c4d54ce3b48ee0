"""Hydra's sweeper `joulemark`: hands the words of `-m sweep=…` to joulemark.sweep. Light: imported at each start."""

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
    """What `override /hydra/sweeper: joulemark` chooses; all that is searched stands in `conf/sweep`."""

    _target_: str = "hydra_plugins.joulemark_sweeper.search.SearchSweeper"


ConfigStore.instance().store(group="hydra/sweeper", name="joulemark", node=SearchConf, provider="joulemark")


class SearchSweeper(Sweeper):
    """Leaves the process with the sweep's exit code: Hydra has no word for one."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self._context = hydra_context
        self._config = config

    def sweep(self, arguments: Sequence[str]) -> Any:
        if self._config.hydra.runtime.choices["hydra/launcher"] != "fresh":
            from joulemark.sweep.cluster import workers

            sys.exit(workers.main(self._config, arguments))
        from hydra.core.override_parser.overrides_parser import OverridesParser

        from joulemark.sweep import coordinator

        overrides = OverridesParser.create(self._context.config_loader).parse_overrides(list(arguments))
        sys.exit(coordinator.main(self._config, overrides))
