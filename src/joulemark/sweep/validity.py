"""Whether overrides make a valid run, by joulemark.config.run.build itself: composed once for each choice of groups."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from joulemark.config import hydra_errors
from joulemark.config.compose import names_in, without_hydra
from joulemark.config.hub_model import GROUPS, rewritten
from joulemark.config.run import Run, build
from joulemark.config.run_schema import RunSchema
from joulemark.core.errors import UserError
from joulemark.core.paths import CONF

# Options of the run with one plain value: set in a composed configuration without composing again
PLAIN = frozenset(field.name for field in fields(RunSchema)) - {*GROUPS, "sweep", "tuned"}


class Validity:
    """Builds the run of some overrides; remembers what it composed and why runs were refused."""

    def __init__(self) -> None:
        self._composed: dict[tuple[str, ...], DictConfig] = {}
        self._refusals: dict[tuple[str, ...], str | None] = {}

    def __call__(self, overrides: Sequence[str]) -> str | None:
        """Why a run with these overrides is refused; None where it is valid."""
        key = tuple(overrides)
        if key not in self._refusals:
            try:
                self.run(key)
                self._refusals[key] = None
            except UserError as error:
                self._refusals[key] = str(error)
        return self._refusals[key]

    def run(self, overrides: Sequence[str]) -> Run:
        """The run with these overrides; UserError, one line, where it is refused."""
        groups = tuple(override for override in overrides if override.partition("=")[0] not in PLAIN)
        plain = [override for override in overrides if override not in groups]
        try:
            if groups not in self._composed:
                self._composed[groups] = _compose(groups)
            config = self._composed[groups].copy()
            names = names_in(config.hydra.runtime.choices)
            without_hydra(config)
            for override in OverridesParser.create().parse_overrides(plain):
                OmegaConf.update(config, override.key_or_group, override.value())
        except hydra_errors.COMPOSITION as error:
            raise UserError(hydra_errors.explain(error, "run", list(overrides))) from None
        return build(config, names, list(overrides))


def _compose(overrides: Sequence[str]) -> DictConfig:
    def composed() -> Any:
        return compose("run", overrides=rewritten(overrides), return_hydra_config=True)

    if GlobalHydra.instance().is_initialized():
        return composed()  # type: ignore[no-any-return]
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return composed()  # type: ignore[no-any-return]
