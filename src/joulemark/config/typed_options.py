"""What an option may do: set a value, or choose a file of conf/ by its name; it names no code and reaches nowhere."""

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from joulemark.config.targets import RESERVED
from joulemark.core.errors import UserError
from joulemark.core.paths import CONF, own_conf

# Of Hydra's own options those that say where runs are made; its others load files, call functions, set the environment
HYDRA = ("hydra/launcher", "hydra/sweeper", "hydra.launcher", "hydra.sweeper", "hydra.run.dir", "hydra.sweep.dir")
MAY_GO = ("hydra.", "sweep.")  # what may be taken away with ~: a dimension of a sweep's space
NAMES_CODE = re.compile(rf"(?:{'|'.join(RESERVED)})['\"]?\s*:")
UPWARDS = re.compile(r"(?:^|[^\w.])\.\.(?:$|[^\w.])")


def check(overrides: Sequence[str]) -> None:
    """Refuses what no option of ours is.

    Raises:
        UserError: an option of Hydra's that runs or loads something, a class, a choice outside conf/
    """
    for override in overrides:
        typed, equals, value = override.partition("=")
        key = typed.lstrip("+~").partition("@")[0]
        if typed.startswith("~") and "." in key and not key.startswith(MAY_GO):
            raise UserError(f"{typed}: an option cannot be taken away; leave {typed} out, or type {key}=…")
        if not equals or typed.startswith("-"):
            continue
        if not key:
            raise UserError(f"{override!r} is not key=value")
        if key.partition(".")[0].partition("/")[0] == "hydra" and not _allowed(key):
            further = "; type --config-dir FOLDER" if key == "hydra.searchpath" else ""
            raise UserError(f"{key}: of Hydra's options only {', '.join(HYDRA)} may be typed{further}")
        if key.rpartition(".")[2] in RESERVED or NAMES_CODE.search(value):
            group = key.partition(".")[0]
            raise UserError(f"{key}: a class is named in a YAML of conf/{group} here or of --config-dir, not typed")
        if (key in _groups(own_conf()) or "/" in key) and UPWARDS.search(value):
            raise UserError(f"{key}={value}: a choice is a file below conf/{key}; type its name")


def _allowed(key: str) -> bool:
    return any(key == known or key.startswith(f"{known}.") for known in HYDRA)


@cache
def _groups(own: Path) -> frozenset[str]:
    """The groups of the program's conf/ and the user's."""
    return frozenset(
        path.name for folder in (CONF, own) if folder.is_dir() for path in folder.iterdir() if path.is_dir()
    )
