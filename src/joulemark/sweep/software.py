"""What a study is measured with: the program's code, the configuration as composed, and packages."""

import hashlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from joulemark.config.run import Run
from joulemark.config.run_schema import GIVEN
from joulemark.core.paths import PACKAGE
from joulemark.hardware import host

Software = Mapping[str, str | None]

SOFTWARE = "software"  # the attribute of a study that says what began it
CODE, CONFIGURATION = "code", "configuration"
ELSEWHERE = ("tracking_uri", *GIVEN)  # of a configuration: where a run is recorded and who makes it


def software(run: Run) -> dict[str, str | None]:
    """Digests of the code and of the reference's configuration, and the version of each package by its name."""
    values = {key: value for key, value in run.config.items() if key not in ELSEWHERE}
    return {
        CODE: _digest([host.code_digest(), *_own_modules(run)]),
        CONFIGURATION: _digest(values),
        **{name: host.version(name) for name in host.PACKAGES},
    }


def digest(of: Software) -> str:
    """Six digits, by which the studies of one line differ."""
    return _digest(dict(of))[:6]


def changes(before: Software, now: Software) -> str:
    """What differs, in words: `torch 2.11 and 2.12`; empty where nothing does, or nobody wrote down what was before."""
    names = [name for name in before if before[name] != now.get(name)]
    return ", ".join(
        name if name in (CODE, CONFIGURATION) else f"{name} {before[name] or 'absent'} and {now.get(name) or 'absent'}"
        for name in names
    )


def _own_modules(run: Run) -> list[str]:
    """The files of tasks, models and meters that are not of this package."""
    modules = {type(each).__module__ for each in (run.task, run.model, *run.meters)}
    files = {getattr(sys.modules.get(name), "__file__", None) for name in modules}
    own = sorted(file for file in files if file and not Path(file).resolve().is_relative_to(PACKAGE))
    return [hashlib.sha256(Path(file).read_bytes()).hexdigest() for file in own]


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:16]
