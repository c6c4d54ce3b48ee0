"""Hydra's launcher `fresh`: each job of -m is a `python -m src.run` of its own (cli/multirun.py).

Hydra imports this at the start of every command, so nothing heavy is imported at the top.
"""

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, read_write


@dataclass
class FreshConf:
    """What `hydra/launcher=fresh` holds."""

    _target_: str = "hydra_plugins.joulemark_launcher.fresh.Fresh"


ConfigStore.instance().store(group="hydra/launcher", name="fresh", node=FreshConf, provider="joulemark")


class Fresh(Launcher):
    """Runs every job in a fresh process; leaves the command with its exit code unless all are finished."""

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Keeps the sweep's id, and gives Hydra's sweeper, which must write multirun.yaml, a folder that goes away."""
        from joulemark.core.errors import UserError

        if config.hydra.sweeper.get("max_batch_size"):
            raise UserError("hydra.sweeper.max_batch_size: all runs are checked before the first; leave it out")
        self._sweep_id = config.sweep_id
        if not config.hydra.sweep.dir:
            self._folder = tempfile.TemporaryDirectory(prefix="joulemark-")
            with read_write(config):
                config.hydra.sweep.dir = self._folder.name

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """What became of each job, in order."""
        return self.launched(job_overrides)

    def launched(self, jobs: Sequence[Sequence[str]], place: Any = None) -> Sequence[JobReturn]:
        """The same at a place of sweep/multirun.py; None is this machine."""
        from joulemark.cli.multirun import launch

        outcomes, code = launch(jobs, self._sweep_id, place)
        if code:
            sys.exit(code)
        return [
            JobReturn(overrides=outcome.overrides, status=JobStatus.COMPLETED, _return_value=outcome)
            for outcome in outcomes
        ]
