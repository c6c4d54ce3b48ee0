"""One line for each mistake that Hydra finds in a command's options: what is wrong, and the nearest valid option."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from joulemark.config.renamed import new_name
from joulemark.core import tracking
from joulemark.core.paths import CONF, program
from joulemark.core.suggest import choose, nearest

COMPOSITION = (HydraException, OmegaConfBaseException)


def explain(error: Exception, name: str, overrides: Sequence[str]) -> str:
    """The sentence for one of Hydra's errors, without passwords; `name` is the top configuration, `overrides` the
    options typed."""
    return tracking.without_secrets(_explained(error, name, overrides), *tracking.addresses_of(overrides))


def _explained(error: Exception, name: str, overrides: Sequence[str]) -> str:
    text = str(error)
    if isinstance(error, MissingConfigException) and error.options is not None:
        group, _, choice = (error.missing_cfg_file or "").rpartition("/")
        return choose(group, choice, error.options)
    if isinstance(error, OverrideParseException):
        return f"{error.override!r} is not key=value; quote what the shell or Hydra would read otherwise: 'key=\"a b\"'"
    twice = re.search(r"Multiple values for (\w+)|^(\w+) appears more than once", text)
    if twice:
        group = twice[1] or twice[2]
        return f"{group} has a choice already; type {group}=… instead of +{group}=…"
    key = _key(text)
    if key is not None and re.search(r"is not in struct|not in '|No match in the defaults", _all_text(error)):
        return unknown_key(key, name, overrides)
    value = re.search(r"Value '(.*)' of type '\w+' could not be converted to (\w+)", _all_text(error))
    if value:
        where = re.search(r"full_key: (\S+)", _all_text(error))
        kind = {"Integer": "a whole number", "Float": "a number", "Boolean": "true or false"}.get(value[2], value[2])
        return f"{where[1] if where else key}={value[1]} is not {kind}"
    return " ".join(_all_text(error).split())


def _key(text: str) -> str | None:
    match = re.search(r"Could not (?:override|append to config\.|delete from config\.).*?'([^']+)'", text)
    return match[1] if match else None


def _all_text(error: BaseException) -> str:
    parts = [str(error)]
    while error.__cause__ is not None:
        error = error.__cause__
        parts.append(str(error))
    return "\n".join(parts)


def unknown_key(key: str, name: str, overrides: Sequence[str]) -> str:
    """One sentence for a key that does not exist, with the nearest one that does."""
    renamed = new_name(key, name)
    if renamed is not None:
        scale = ", a share: 0.8 is 80 %" if renamed == "constraints.quality" else ""
        return f"{key} is now called {renamed}; type {renamed}=…{scale}"
    known = _known_keys(name, [override for override in overrides if re.split("[=@]", override.lstrip("+~"))[0] != key])
    close = nearest(key, known)
    if close is None:  # `model.revison` has its best match among the keys beside it
        close = nearest(key.rpartition(".")[2], [k.rpartition(".")[2] for k in known])
    if close is None and name == "suite" and key in _known_keys("run", ()):
        return f"{key} is an option of each run: type 'overrides=[\"{key}=…\"]'"
    hint = f"did you mean {close}=…?" if close else f"{program(name)} --help-all lists them"
    return f"unknown key {key}; {hint}"


def _known_keys(name: str, overrides: Sequence[str]) -> list[str]:
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(CONF), version_base="1.3"):
            config: Any = OmegaConf.to_container(compose(name, overrides=list(overrides)))
    except COMPOSITION:  # a second mistake beside the first: the keys of the plain command must do
        return _known_keys(name, ()) if overrides else []
    return _dotted(config)


def _dotted(values: Mapping[str, Any], prefix: str = "") -> list[str]:
    keys = []
    for key, value in values.items():
        keys.append(f"{prefix}{key}")
        if isinstance(value, Mapping):
            keys += _dotted(value, f"{prefix}{key}.")
    return keys
