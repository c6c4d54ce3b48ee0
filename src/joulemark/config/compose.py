"""Overrides into a checked Run, in a command that has many: composed and built as the run itself will do it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hydra import compose
from omegaconf import DictConfig, OmegaConf, open_dict

from joulemark.config import hub_model, hydra_errors, typed_options
from joulemark.config.hub_model import GROUPS
from joulemark.config.run import Run, build
from joulemark.core.errors import UserError
from joulemark.core.machine import Hardware
from joulemark.hardware import devices


def composed(
    overrides: Sequence[str], resolve: Callable[[str, devices.HardwareConf], Hardware] = devices.resolve
) -> Run:
    """The run of these overrides; UserError, one line, where there is none.

    Hydra must know conf/, as it does in every command of ours (elsewhere: `initialize_config_dir`). `resolve` as in
    `config.build`.
    """
    typed_options.check(overrides)
    try:
        config = compose("run", overrides=hub_model.rewritten(overrides), return_hydra_config=True)
    except hydra_errors.COMPOSITION as error:
        raise UserError(hydra_errors.explain(error, "run", overrides)) from None
    names, typed = names_in(config.hydra.runtime.choices), typed_in(config.hydra)
    return build(without_hydra(config), names, typed, resolve)


def names_in(choices: Mapping[str, str | None]) -> dict[str, str]:
    """The choice of each group; UserError for a group without one."""
    for group in GROUPS:
        if not choices.get(group):
            raise UserError(f"{group} has no choice; type {group}=…")
    return {group: str(choices[group]) for group in GROUPS}


def typed_in(hydra: Any) -> list[str]:
    """The options as they were typed: a reference in one of them, `${samples}`, is not followed here."""
    typed: Any = OmegaConf.to_container(hydra.overrides.task, resolve=False)
    return [str(override) for override in typed]


def without_hydra(config: DictConfig) -> DictConfig:
    """The run's own keys of a composed configuration, from which Hydra's are taken away."""
    with open_dict(config):
        del config["hydra"]
    return config
