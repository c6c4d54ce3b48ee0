"""Whether words can be a run, asked of joulemark.config.run.build itself: composed once for each choice of groups."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from joulemark.config import hydra_errors
from joulemark.config.compose import GROUPS, names_in, without_hydra
from joulemark.config.run import Run, RunSchema, build
from joulemark.core.errors import UserError
from joulemark.core.paths import CONF

# Keys of the run with one plain value: set in a composed configuration without composing again
PLAIN = frozenset(field.name for field in fields(RunSchema)) - {*GROUPS, "sweep", "tuned"}


class Judge:
    """Builds the run that words ask for; remembers what it composed and what it refused."""

    def __init__(self) -> None:
        self._composed: dict[tuple[str, ...], DictConfig] = {}
        self._refused: dict[tuple[str, ...], str | None] = {}

    def __call__(self, words: Sequence[str]) -> str | None:
        """Why these words cannot be a run; None where they can."""
        asked = tuple(words)
        if asked not in self._refused:
            try:
                self.run(asked)
                self._refused[asked] = None
            except UserError as error:
                self._refused[asked] = str(error)
        return self._refused[asked]

    def run(self, words: Sequence[str]) -> Run:
        """The run of these words; UserError, one line, where there can be none."""
        groups = tuple(word for word in words if word.partition("=")[0] not in PLAIN)
        try:
            if groups not in self._composed:
                self._composed[groups] = _compose(groups)
            config = self._composed[groups].copy()
            names = names_in(config.hydra.runtime.choices)
            without_hydra(config)
            for override in OverridesParser.create().parse_overrides([word for word in words if word not in groups]):
                OmegaConf.update(config, override.key_or_group, override.value())
        except hydra_errors.COMPOSITION as error:
            raise UserError(hydra_errors.explain(error, "run", list(words))) from None
        return build(config, names, list(words))


def _compose(words: Sequence[str]) -> DictConfig:
    def composed() -> Any:
        return compose("run", overrides=list(words), return_hydra_config=True)

    if GlobalHydra.instance().is_initialized():
        return composed()  # type: ignore[no-any-return]
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return composed()  # type: ignore[no-any-return]
