"""`model=hub model.checkpoint=owner/name`: the kind of a checkpoint that has no file in conf/model."""

from collections.abc import Mapping, Sequence
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import OmegaConf

from joulemark.config import model_files
from joulemark.config.targets import class_of
from joulemark.core.coerce import typed, without
from joulemark.core.errors import UserError
from joulemark.core.model import Capabilities, fits
from joulemark.models.backend.identity import Identity, identify

GROUPS = ("model", "task", "scenario", "engine", "hardware", "meter", "protocol", "site")  # what a run is chosen from
NAMED = (*GROUPS, "sweep", "tuned")
EXAMPLE = "model=hub model.checkpoint=google/flan-t5-small"


def rewritten(overrides: Sequence[str]) -> list[str]:
    """The overrides as Hydra takes them.

    `model=owner/name` is `model=hub model.checkpoint=owner/name`, unless conf/model has it. `model.labels.LABEL_0=…`
    adds a label of the checkpoint, which no YAML need name.
    """
    result: list[str] = []
    for override in overrides:
        key, _, value = override.partition("=")
        _check_choice(override, key.lstrip("+~"))
        if (
            key == "model"
            and value.count("/") == 1
            and not set(value) & set(",[]{}$' ")
            and not model_files.exists(value)
        ):
            result += ["model=hub", f"model.checkpoint={value}"]
        elif key == "model.labels" or key.startswith("model.labels."):
            result.append(f"++{override}")
        else:
            result.append(override)
    return result


def _check_choice(override: str, key: str) -> None:
    """UserError for no key, and a group whose choice is no name: Hydra itself fails at both, in its own words."""
    if "=" in override and not key.strip():
        raise UserError(f"{override!r} is not key=value")
    group = key.partition("@")[0]
    if (group not in NAMED and "/" not in group) or "=" not in override:
        return
    try:
        value = OverridesParser.create().parse_override(override).value()
    except HydraException:
        return  # said when all is composed
    removed = override.startswith("~")
    if value is None or isinstance(value, bool | int | float | dict) or (removed and not isinstance(value, str)):
        raise UserError(f"{override}: {key} is chosen by its name; type {key}=…")


def resolved(node: Mapping[str, Any], task: Mapping[str, Any], task_name: str) -> dict[str, Any]:
    """The node of `model=hub` completed by the kind that loads its checkpoint and can do the task.

    Raises:
        UserError: no checkpoint, none on the Hub, or none of a kind that can do the task.
    """
    checkpoint = node["checkpoint"]
    if checkpoint == "???":
        raise UserError(f"model=hub needs a checkpoint of the Hub; type {EXAMPLE}")
    if node["weights"] != "hub":
        raise UserError(f"model.weights={node['weights']}: model=hub has no shape; type model.weights=hub")
    identity = identify(checkpoint, node["revision"])
    candidates = [_laid(kind, identity, node) for kind in model_files.kinds() if _loader(kind, identity)]
    if not candidates:
        raise UserError(
            f"model.checkpoint={checkpoint} is a {identity.architecture}, which no kind of conf/model/kind loads; "
            f"type another id, such as {EXAMPLE}"
        )
    task_class = class_of(task, "task")
    for candidate in candidates:
        capabilities = typed(Capabilities, candidate["capabilities"], "model.capabilities")
        if fits(capabilities, task_name, task_class.accepts, task_class.gives):
            return candidate
    return candidates[0]  # refused by the check of every model and task, which says what it does


def _loader(kind: str, identity: Identity) -> str | None:
    loads = class_of(model_files.node(f"kind/{kind}"), "model").loads
    return next((loader for loader in loads if loader in identity.loaders), None)


def _laid(kind: str, identity: Identity, node: Mapping[str, Any]) -> dict[str, Any]:
    values = model_files.node(f"kind/{kind}")
    loader = _loader(kind, identity)
    assert loader is not None
    architecture = f"architecture/{identity.model_type}"
    own = model_files.node(architecture) if model_files.exists(architecture) else {}
    merged: Any = OmegaConf.to_container(OmegaConf.merge(values, class_of(values, "model").loads[loader], own, node))
    return {**without(merged, "size", "sizes"), "label": node["checkpoint"]}
