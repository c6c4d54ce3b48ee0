"""Optional packages: what only one precision, task, store or cluster needs, and the extra that installs it."""

import sys
from importlib.util import find_spec
from pathlib import Path

from joulemark.core import paths
from joulemark.core.errors import UserError

# extra in pyproject.toml -> the modules that it brings
MODULES = {
    "quantization": ("torchao",),
    "speech": ("jiwer", "soundfile", "whisper_normalizer"),
    "detection": ("pycocotools",),
    "vision": ("torchvision",),
    "postgres": ("psycopg",),
    "slurm": ("submitit",),
    "ray": ("ray",),
    "serve": ("openai",),
    "telemetry": ("opentelemetry.exporter.otlp.proto.http",),
}
NOT_OF_SETUP = ("vision",)  # all others `make setup` takes; why not this one says the Makefile


def installed(module: str) -> bool:
    """Whether a package can be imported; does not import it."""
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # a package above it
        return False


def require(option: str, *modules: str, remedy: str | None = None) -> None:
    """Checks that the modules that an option needs are installed.

    `remedy` is what to type for one that no extra brings, in place of pip's line with its name.

    Raises:
        UserError: one is not; the line names the option, the module, and what to type.
    """
    for module in modules:
        if not installed(module):
            extra = next((extra for extra, brought in MODULES.items() if module in brought), None)
            todo = _remedy(extra) if extra else remedy or f"type pip install {module}"
            raise UserError(f"{option} needs the package {module}, which is not installed; {todo}")


def _remedy(extra: str) -> str:
    """What brings an extra: `make setup` where that fills this interpreter's environment, else pip."""
    if extra not in NOT_OF_SETUP and _of_make():
        return "type make setup"
    return f"type pip install 'joulemark[{extra}]'"


def _of_make() -> bool:
    """Whether this is the checkout's folder, its Makefile there, and the interpreter that of its .venv."""
    folder = Path.cwd()
    own = Path(sys.prefix).resolve() == (folder / ".venv").resolve()
    return paths.in_checkout() and own and (folder / "Makefile").is_file()


def require_driver(option: str, uri: str) -> None:
    """Checks that the driver of a database's address is installed; UserError as in `require`."""
    if uri.startswith("postgresql+psycopg:"):
        require(f"{option}=postgresql+psycopg://…", "psycopg")
