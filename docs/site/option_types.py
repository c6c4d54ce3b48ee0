"""What type an option has: of the dataclass that its command checks it against, else of its default."""

import types
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import yaml

from joulemark.analysis.embodied import Embodied
from joulemark.analysis.impact.equivalences import Equivalence
from joulemark.analysis.impact.workload_mix import Mix
from joulemark.config.option_help import Option
from joulemark.config.run_schema import RunOptions
from joulemark.config.targets import PROTOCOLS, class_of
from joulemark.core.machine import Site
from joulemark.core.model import Checkpoint, Settings
from joulemark.core.paths import CONF
from joulemark.core.procedure import Procedure
from joulemark.core.serving import Limits
from joulemark.data.dataset import Dataset
from joulemark.hardware.devices import HardwareConf
from joulemark.measure.calibration import CalibrationOptions
from joulemark.reporting.build import ReportRequest
from joulemark.reporting.constraints import Constraints
from joulemark.reporting.explorer.build import ExplorerRequest
from joulemark.sweep.grid import Suite
from joulemark.sweep.options import SweepConf
from joulemark.sweep.rates.request import RateConf
from joulemark.telemetry.export import Export

# Where a key begins so, in the order in which they are looked up
SCHEMAS: Mapping[str, Sequence[type[Any]]] = {
    "": (RunOptions, Settings, ReportRequest, ExplorerRequest, CalibrationOptions),
    "constraints": (Constraints,),
    "embodied": (Embodied,),
    "equivalence": (Equivalence,),
    "export": (Export,),
    "hardware": (HardwareConf,),
    "limits": (Limits,),
    "mix": (Mix,),
    "model": (Checkpoint,),
    "protocol": (Procedure,),
    "site": (Site,),
    "suite": (Suite,),
    "sweep": (SweepConf, RateConf),
    "task": (Dataset,),
}
NAMES = {str: "text", int: "whole number", float: "number", bool: "true or false", Path: "path", type(None): "null"}
OF_TAG = {"seq": "list", "map": "mapping", **{kind.__name__: NAMES[kind] for kind in (str, int, float, bool)}}


def type_of(option: Option, group: str = "", choice: str = "") -> str:
    """The type of an option as a reader says it; empty where neither a schema nor a default has one."""
    head, _, name = option.key.rpartition(".")
    for schema in (*_targeted(group, choice), *SCHEMAS.get(head, ())):
        if (hint := _hints(schema).get(name)) is not None and (said := in_words(hint)):
            return said
    return _of_default(option.default)


def in_words(hint: Any) -> str:
    """A type of Python's in a reader's words; empty for Any."""
    if hint in NAMES:
        return NAMES[hint]
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(word for part in parts if (word := in_words(part))))
    if origin is Literal:
        return ", ".join(map(str, parts))
    kind = origin or hint
    if is_dataclass(kind) or (isinstance(kind, type) and issubclass(kind, Mapping)):
        return "mapping"
    return "list" if isinstance(kind, type) and issubclass(kind, Collection) else ""


def _targeted(group: str, choice: str) -> Sequence[type[Any]]:
    """The class that a choice names with `_target_`."""
    file = CONF / group / f"{choice}.yaml"
    if group not in PROTOCOLS or not file.is_file():
        return ()
    node = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    return (class_of({"_target_": node["_target_"]}, group),) if "_target_" in node else ()


def _hints(schema: type[Any]) -> Mapping[str, Any]:
    if not is_dataclass(schema):
        return {}
    hints = get_type_hints(schema)
    return {field.name: hints[field.name] for field in fields(schema)}


def _of_default(default: str) -> str:
    if "${" in default or default in ("…", "???", ""):
        return ""
    try:
        node = yaml.compose(default)
    except yaml.YAMLError:
        return ""
    return "" if node is None else OF_TAG.get(node.tag.rpartition(":")[2], "")
