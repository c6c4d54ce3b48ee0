"""Addresses with a password in a child's environment, which only its user can read: `ps` shows arguments to all.

A store's address goes by the variable that MLflow has for it, a study's by one of ours.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import environ

from joulemark.core import tracking
from joulemark.core.errors import UserError

VARIABLES = {"tracking_uri": "MLFLOW_TRACKING_URI", "storage": tracking.STORAGE}


def concealed(overrides: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """The overrides without addresses that hold a secret, and the environment in which a child finds those."""
    kept, environment = [], {}
    for override in overrides:
        key = override.partition("=")[0].lstrip("+")
        address = _value(override) if key in VARIABLES else None
        if address is not None and tracking.secret(address):
            environment[VARIABLES[key]] = address
        else:
            kept.append(override)
    return kept, environment


def concealed_alike(jobs: Sequence[Sequence[str]]) -> tuple[list[list[str]], dict[str, str]]:
    """The same of jobs that get one environment.

    Raises:
        UserError: their addresses differ
    """
    pairs = [concealed(overrides) for overrides in jobs]
    environments = {tuple(sorted(environment.items())) for _, environment in pairs}
    if len(environments) > 1:
        raise UserError("tracking_uri: jobs of one array share one store's password; type one address for all of them")
    return [overrides for overrides, _ in pairs], dict(*environments)


@contextmanager
def in_environment(values: Mapping[str, str]) -> Iterator[None]:
    """Within it this process's environment has these values, for what hands it on whole."""
    before = {key: environ.get(key) for key in values}
    environ.update(values)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                del environ[key]
            else:
                environ[key] = value


class Unseen(dict[str, str]):
    """An environment that no log, traceback or dashboard shows."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(self)})"

    __str__ = __repr__


def _value(override: str) -> str | None:
    """The text that an override gives its option; None where it is no text."""
    if "://" not in override:
        return None
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.core.override_parser.types import QuotedString
    from hydra.errors import HydraException

    try:
        value = OverridesParser.create().parse_override(override).value()
    except HydraException:  # the child refuses it, and shows none of it
        return override.partition("=")[2]
    value = value.text if isinstance(value, QuotedString) else value
    return value if isinstance(value, str) else None
