"""Optional packages: what only one precision, task, store or cluster needs, and the extra that installs it."""

from importlib.util import find_spec

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


def installed(module: str) -> bool:
    """Whether a package can be imported; does not import it."""
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # a package above it
        return False


def require(option: str, *modules: str) -> None:
    """Checks that the modules that an option needs are installed.

    Raises:
        UserError: one is not; the line names the option, the module, and what to type.
    """
    for module in modules:
        if not installed(module):
            extra = next((extra for extra, brought in MODULES.items() if module in brought), None)
            source = f"'joulemark[{extra}]'" if extra else module
            raise UserError(f"{option} needs the package {module}, which is not installed; type pip install {source}")


def require_driver(option: str, uri: str) -> None:
    """Checks that the driver of a database's address is installed; UserError as in `require`."""
    if uri.startswith("postgresql+psycopg:"):
        require(f"{option}=postgresql+psycopg://…", "psycopg")
