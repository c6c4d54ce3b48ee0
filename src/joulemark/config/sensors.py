"""From `conf/meter` to meters: one sensor by its own YAML, several by a list, or every sensor that belongs to auto.

    one sensor     _target_: package.module.Class, its parameters, and `auto: true` if meter=auto takes it too
    several        required: whether an absent one is an error
                   sensors: a list of them; the entry `auto` stands for every sensor whose YAML says `auto: true`

The YAML files of auto are found on Hydra's search path, so one in a user's own folder counts like those that ship.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from hydra import initialize_config_dir
from hydra._internal.config_repository import ConfigRepository
from hydra._internal.config_search_path_impl import ConfigSearchPathImpl
from hydra.core.global_hydra import GlobalHydra
from hydra.core.object_type import ObjectType
from hydra.utils import instantiate
from omegaconf import OmegaConf

from joulemark.config import search_path
from joulemark.config.targets import class_of
from joulemark.core.errors import UserError
from joulemark.core.measurement import METHODS, VENDORS, Capability, Meter
from joulemark.core.paths import CONF

AUTO = "auto"


def listed(node: Mapping[str, Any]) -> dict[str, Any]:
    """A composed node of `conf/meter` with its sensors spelt out, each a target with its parameters."""
    if "_target_" in node:
        return {"required": True, "sensors": [_sensor(node)]}
    sensors: list[dict[str, Any]] = []
    for entry in node["sensors"]:
        sensors += of_auto() if entry == AUTO else [entry]
    return {**node, "sensors": sensors}


def meters_of(sensors: Sequence[Mapping[str, Any]]) -> tuple[Meter, ...]:
    """The meters, most trusted first; UserError for one that states no valid capability, or a name that two share."""
    for sensor in sensors:
        class_of(sensor, "meter")
    # Not recursive: a parameter is a value, however it is written
    meters: list[Meter] = [instantiate(sensor, _recursive_=False) for sensor in sensors]
    for meter, sensor in zip(meters, sensors, strict=True):
        if problem := _problem(meter):
            raise UserError(f"{sensor['_target_']}: {problem}")
    names = [meter.name for meter in meters]
    if shared := sorted({name for name in names if names.count(name) > 1}):
        targets = ", ".join(
            str(sensor["_target_"]) for sensor, name in zip(sensors, names, strict=True) if name in shared
        )
        raise UserError(f"two sensors of one run have the name {shared[0]}: {targets}; give each a name of its own")
    return tuple(sorted(meters, key=lambda meter: (-meter.capability.trust, meter.name)))


def of_auto() -> list[dict[str, Any]]:
    """Every sensor of the group `meter` that says `auto: true`, in alphabetical order of its YAML."""
    state = GlobalHydra.instance()
    if not state.is_initialized():
        with initialize_config_dir(str(CONF), version_base="1.3"):
            return of_auto()
    folders = tuple((path, _changed(path)) for path in search_path.folders())
    return [dict(sensor) for sensor in _of_auto(folders)]


@cache  # a sweep asks thousands of times
def _of_auto(folders: tuple[tuple[str, int], ...]) -> tuple[Mapping[str, Any], ...]:
    """The sensors of auto in these folders, each folder with the time of its last change."""
    path = ConfigSearchPathImpl()
    for folder, _ in folders:
        path.append("sensors", folder)
    repository = ConfigRepository(path)
    sensors = []
    for name in repository.get_group_options("meter", ObjectType.CONFIG):
        result = repository.load_config(f"meter/{name}")
        node: Any = OmegaConf.to_container(result.config) if result else None
        if isinstance(node, Mapping) and "_target_" in node and node.get(AUTO):
            sensors.append(_sensor(node))
    return tuple(sensors)


def _changed(folder: str) -> int:
    """When the newest YAML of the folder's group `meter` was written; 0 for a folder without one."""
    files: Iterator[Path] = (Path(folder.removeprefix("file://")) / "meter").glob("*.yaml")
    return max((path.stat().st_mtime_ns for path in files), default=0)


def _sensor(node: Mapping[str, Any]) -> dict[str, Any]:
    return {str(key): value for key, value in node.items() if key != AUTO}


def _problem(meter: Any) -> str | None:
    """What a meter's class lacks to take part in a run; None for nothing."""
    if not isinstance(getattr(meter, "name", None), str):
        return "a meter needs a name"
    capability = getattr(meter, "capability", None)
    if not isinstance(capability, Capability):
        return "a meter states what it reads: capability = Capability({'cpu': ('sampled',)}, trust=50)"
    unknown = [method for methods in capability.evidence.values() for method in methods if method not in METHODS]
    if unknown:
        return f"evidence '{unknown[0]}' does not exist; choose from: {', '.join(METHODS)}"
    if capability.vendor is not None and capability.vendor not in VENDORS:
        return f"vendor '{capability.vendor}' does not exist; choose from: {', '.join(VENDORS)}"
    return None
