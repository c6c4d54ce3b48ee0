"""Hydra's sweeper `rates`: hands the overrides of `-m sweep=serving` to cli/rate_sweep.py.

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
class RatesConf:
    """What `override /hydra/sweeper: rates` chooses; all that is searched is in `conf/sweep/serving.yaml`."""

    _target_: str = "hydra_plugins.joulemark_sweeper.rates.RateSweeper"


ConfigStore.instance().store(group="hydra/sweeper", name="rates", node=RatesConf, provider="joulemark")


class RateSweeper(Sweeper):
    """Leaves the process with the sweep's exit code: Hydra has no way to return one."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self._context = hydra_context
        self._config = config

    def sweep(self, arguments: Sequence[str]) -> Any:
        from hydra.core.override_parser.overrides_parser import OverridesParser

        from joulemark.cli import rate_sweep

        overrides = OverridesParser.create(self._context.config_loader).parse_overrides(list(arguments))
        sys.exit(rate_sweep.main(self._config, overrides))
