"""Where things are: the configuration that ships with the program, and the folder that a user's records go to."""

import hashlib
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

PACKAGE = Path(__file__).resolve().parents[1]
_ROOT = PACKAGE.parents[1]

# The root of the checkout that this code lies in; None where it is installed
CHECKOUT = _ROOT if PACKAGE.parent.name == "src" and (_ROOT / "conf" / "run.yaml").is_file() else None

# A wheel carries conf/ within the package
CONF = CHECKOUT / "conf" if CHECKOUT else PACKAGE / "conf"

# How a command line begins, in the checkout's folder and anywhere else; a record keeps the one it was started with
PREFIXES = ("python -m src.", "joulemark ")

LONGEST_NAME = 100  # characters of a file's name before it is cut: file systems take 255 bytes


def home() -> Path:
    """The absolute folder of records, calibrations and reports: `JOULEMARK_HOME`, else `mlruns` in this folder."""
    return Path(os.environ.get("JOULEMARK_HOME") or "mlruns").expanduser().absolute()


def own_conf() -> Path:
    """The absolute folder of a user's own configuration, which is searched after the program's."""
    return Path("conf").absolute()


def file_name(text: str) -> str:
    """A name from a store or a file as that of one file or folder: nothing in it leads elsewhere, and two stay two."""
    name = quote(text, safe="", errors="surrogatepass") or "%"
    if name.startswith("."):
        name = f"%2E{name[1:]}"
    digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:12]
    return name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}-{digest}"


def in_checkout() -> bool:
    """Whether the current folder is the checkout's root, the only place where `python -m src.…` and `make` work."""
    return CHECKOUT is not None and Path.cwd() == CHECKOUT


def program(command: str) -> str:
    """What a person types for a command here: `python -m src.run` in the checkout, `joulemark run` elsewhere."""
    return f"{PREFIXES[0] if in_checkout() else PREFIXES[1]}{command}"


def options_of(line: str) -> str:
    """The options of a stored command line, by which lines typed in the checkout and elsewhere are compared."""
    for prefix in PREFIXES:
        line = line.removeprefix(prefix)
    return line


def module(name: str, *arguments: str) -> list[str]:
    """The command line of a child process that runs a module of this package."""
    return [sys.executable, "-m", f"joulemark.{name}" if name else "joulemark", *arguments]


def child_environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment for a child, which then runs this very code, installed or not."""
    own: Sequence[str] = (str(PACKAGE.parent), *([str(CHECKOUT)] if CHECKOUT else []))
    given = [part for part in os.environ.get("PYTHONPATH", "").split(os.pathsep) if part and part not in own]
    return {**os.environ, "PYTHONPATH": os.pathsep.join([*own, *given]), **(more or {})}
