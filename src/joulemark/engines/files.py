"""A checkpoint as files that a server of its own reads: where they lie, or written for the time that it runs."""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from joulemark.core import paths
from joulemark.core.errors import UserError
from joulemark.core.model import Checkpoint, Model, Settings
from joulemark.models.backend.checkpoint import fetch

BYTES = {"fp32": 4, "bf16": 2, "fp16": 2}  # a parameter, as random weights are written
WRITING_S = 3600.0  # the longest that writing random weights may take


@dataclass(frozen=True)
class Files:
    """Where a checkpoint's files are.

    Attributes:
        path: the folder
        checkpoint: the checkpoint, fetched
        close: removes what was written for it
    """

    path: Path
    checkpoint: Checkpoint
    close: Callable[[], None] = lambda: None


def files_of(model: Model, device: str, settings: Settings) -> Files:
    """The folder of a model's files: fetched, shipped, the user's, or written with random weights.

    Raises:
        UserError: there are none, they cannot be had, or no room is left for them
    """
    checkpoint = fetch(model.checkpoint)
    if checkpoint.path is not None:
        return Files(checkpoint.path, checkpoint)
    if checkpoint.weights != "random":
        raise UserError("model.weights=none: a server needs a model; type model.weights=hub")
    folder = Path(tempfile.mkdtemp(prefix="joulemark-weights-"))

    def close() -> None:
        shutil.rmtree(folder, ignore_errors=True)

    try:
        _check_room(folder, checkpoint, settings.precision)
        _written(folder, model, device, settings)
    except BaseException:
        close()
        raise
    return Files(folder, replace(checkpoint, weights=str(folder), path=folder), close)


def _check_room(folder: Path, checkpoint: Checkpoint, precision: str) -> None:
    needed = (checkpoint.parameters or 0) * BYTES.get(precision, 4)
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise UserError(
            f"model.weights=random: a server reads them from files, {needed / 1e9:.0f} GB, and {folder.parent} has "
            f"{free / 1e9:.0f} GB left; set TMPDIR to a folder on a larger disk"
        )


def _written(folder: Path, model: Model, device: str, settings: Settings) -> None:
    """Writes them by a process of its own, whose memory is free again afterwards, on the card too."""
    asked = {
        "folder": str(folder),
        "auto_class": next(iter(getattr(model, "loads", {})), "AutoModelForCausalLM"),
        "checkpoint": asdict(model.checkpoint),
        "device": device.partition(",")[0],
        "precision": settings.precision,
    }
    done = subprocess.run(
        paths.module("models.backend.random_files"),
        env=paths.child_environment(),
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=WRITING_S,
    )
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise UserError(f"model.weights=random: they cannot be written for a server: {lines[-1] if lines else '?'}")
