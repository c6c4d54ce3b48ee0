"""The real conf/ composed and built, as the command does it."""

import copy
from functools import cache

from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf

from joulemark.config import fit, model_files, run
from joulemark.config.compose import composed, names_in
from joulemark.core.coerce import typed
from joulemark.core.model import Capabilities
from joulemark.core.paths import CONF


def built(*words: str) -> run.Run:
    """The run that these words ask for."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return composed(words)


@cache
def node(group: str, name: str) -> DictConfig:
    """One choice of a group by itself; composed once in a process, so it must not be changed."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose(f"{group}/{name}")[group]


def tasks_of(model: str) -> list[str]:
    """The tasks that a model of conf/ can do."""
    return fit.tasks_of(typed(Capabilities, model_files.node(model)["capabilities"], "model.capabilities"))


@cache
def _frame() -> tuple[DictConfig, dict[str, str]]:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        frame = compose("run", return_hydra_config=True)
    names = names_in(frame.hydra.runtime.choices)
    OmegaConf.set_struct(frame, False)
    frame.pop("hydra")
    return frame, names


def pieced(model: str, task: str, size: str | None = None, dataset: str = "auto") -> run.Run:
    """The run of a model and a task, of choices composed once each: what `built` gives, in a tenth of the time."""
    frame, names = copy.deepcopy(_frame())
    frame.model, frame.task = copy.deepcopy(node("model", model)), copy.deepcopy(node("task", task))
    frame.task.dataset = dataset
    if size is not None:
        frame.model.size = size
    return run.build(frame, {**names, "model": model, "task": task})
