"""Which study a sweep is: what it is measured on, by what software, and which of its options make it another one."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from joulemark.config.run import Run
from joulemark.core.errors import UserError
from joulemark.core.machine import Hardware
from joulemark.hardware import host
from joulemark.sweep.objectives import Goals
from joulemark.sweep.options import SweepConf
from joulemark.sweep.software import Software, digest
from joulemark.sweep.space import Dimension


def device(hardware: Hardware) -> str:
    """What a run is measured on, distinct from others of its kind: UUIDs, or the name of processor or other machine."""
    return hardware.machine or ", ".join(hardware.uuids) or host.cpu_name() or hardware.device


def product(run: Run) -> str:
    """What a run is measured on by its product's name: workers on other cards of that product share one study."""
    return run.hardware.device_name(host.cpu_name())


def study_name(resume: str | None, line: str, used: Software, folder: Path, storage: str | None) -> str:
    """The study of this line and software: trials of other code, configuration or packages are no results of it."""
    if resume is None:
        return f"{line}{digest(used)}"
    if not resume.startswith(line):
        raise UserError(f"sweep.resume={resume}: a study of another line; those of this one begin with {line}")
    if storage is None and not (folder / f"{resume}.journal").is_file():
        raise UserError(f"sweep.resume={resume}: there is no such study in {folder}; leave it out to begin one")
    return resume


def digest_of(
    conf: SweepConf, fixed: Sequence[str], dimensions: Sequence[Dimension], chosen: Goals, measured_on: str
) -> str:
    """What makes two command lines the same study: all but the budget, who measures, and where runs and study go."""
    irrelevant = ("tracking_uri=", "shared_host=", "early_stop_against=")
    relevant = sorted(override for override in fixed if not override.lstrip("+").startswith(irrelevant))
    spaces = [asdict(dimension) for dimension in dimensions]
    stages = [conf.screening, conf.feeding, conf.finals]
    parts = [relevant, spaces, conf.reference, asdict(chosen), stages, conf.seed, measured_on]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:10]
