"""Options as Python values, and the configurations that they compose to outside any command of Hydra's."""

import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import PathLike, fspath
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig

from joulemark.config import compose as runs
from joulemark.config import hydra_errors, typed_options
from joulemark.config.run import Run
from joulemark.core.errors import UserError
from joulemark.core.paths import CONF

PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./:+-]*")  # values that Hydra's grammar reads as they are

_ONE_AT_A_TIME = threading.Lock()  # Hydra's state is the process's


def overrides_of(overrides: Sequence[str], options: Mapping[str, Any]) -> list[str]:
    """Hydra's overrides for keyword options: `model="bloomz", site={"zone": "FRA"}` -> `model=bloomz site.zone=FRA`.

    Raises:
        UserError: for an override that is not `key=value`, and for a value that YAML does not have
    """
    for override in overrides:
        if "=" not in override or override.startswith("-"):
            raise UserError(f"{override!r}: options are written batch_size=8")
    return [*overrides, *_dotted(options)]


def _dotted(options: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in options.items():
        if isinstance(value, Mapping):
            yield from _dotted(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}={_written(value, f'{prefix}{key}')}"


def _written(value: Any, key: str) -> str:
    """A value in Hydra's grammar."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str | PathLike):
        text = fspath(value)
        return text if PLAIN.fullmatch(text) and not _number(text) else _quoted(text)
    if isinstance(value, list | tuple):
        return f"[{','.join(_written(item, key) for item in value)}]"
    if isinstance(value, Mapping):
        return f"{{{','.join(f'{_written(name, key)}:{_written(item, key)}' for name, item in value.items())}}}"
    raise UserError(f"{key}={value!r}: a {type(value).__name__} is no option; give a text, number, list or mapping")


def _number(text: str) -> bool:
    """Whether Hydra would take the text, such as a sweep's id, for a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def _quoted(text: str) -> str:
    """In Hydra's single quotes, where a backslash is one unless a quote follows it."""
    return "'" + re.sub(r"(\\*)('|$)", lambda end: end[1] * 2 + ("\\'" if end[2] else ""), text) + "'"


@contextmanager
def conf_found() -> Iterator[None]:
    """Within it Hydra composes from the program's conf/, one thread at a time; its state is put back after it."""
    with _ONE_AT_A_TIME:
        theirs = GlobalHydra.instance().hydra
        GlobalHydra.instance().clear()
        try:
            with initialize_config_dir(str(CONF), version_base="1.3"):
                yield
        finally:
            GlobalHydra.instance().hydra = theirs


def run_of(overrides: Sequence[str]) -> Run:
    """The checked run of these overrides, outside any command.

    Raises:
        UserError: one line, for overrides of which there is no run
    """
    with conf_found():
        return runs.composed(overrides)


def composed(name: str, overrides: Sequence[str]) -> DictConfig:
    """A top configuration with Hydra's own part, within `conf_found`.

    Raises:
        UserError: one line, for overrides that do not compose
    """
    typed_options.check(overrides)
    try:
        return compose(name, overrides=list(overrides), return_hydra_config=True)
    except hydra_errors.COMPOSITION as error:
        raise UserError(hydra_errors.explain(error, name, overrides)) from None
