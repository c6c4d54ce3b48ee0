"""Where weights come from: the Hub, the folder that ships with Joulemark, a folder of the user's, or a random draw.

Nothing here imports torch: a wrong id is refused before the heavy packages load.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from joulemark.core.errors import UserError
from joulemark.core.model import Checkpoint
from joulemark.data import embedded, hub
from joulemark.models.backend import shape_limits

# Weights as safetensors only: pickles run code, and the other formats are copies of the same numbers.
KEPT = ("*.safetensors", "*.json", "*.model", "*.txt", "*.codes", "*.jinja")
# Folders inside a repository hold exports and variants, except where the repository is a diffusers pipeline.
PIPELINE = "model_index.json"
# Of a pipeline: its parts, each in a folder, in full precision and once. Single-file copies lie at the top.
OF_PIPELINE = ("*.json", "*/*.json", "*/*.txt", "*/*.safetensors")
NOT_OF_PIPELINE = ("*.fp16.*", "*non_ema*", "*.onnx*", "*openvino*", "*flax*")
PICKLES = ("pytorch_model*.bin", "diffusion_pytorch_model*.bin")  # what transformers and diffusers look for
NO_SAFETENSORS = (
    "no .safetensors file; try a revision or a checkpoint that has one, or, if you trust its author, "
    "model.allow_pickle=true (such files can run code)"
)
NO_WEIGHTS = "neither a .safetensors nor a .bin file; choose another checkpoint"


@dataclass(frozen=True)
class Plan:
    """What is downloaded of a checkpoint's repository: the commit, the files, and for a pipeline the parts it loads."""

    commit: str
    files: tuple[str, ...]
    parts: tuple[str, ...] | None


def fetch(checkpoint: Checkpoint) -> Checkpoint:
    """The checkpoint with its files on this machine: `path` and the resolved commit as `revision` filled in.

    A model without weights and random ones need no file and are returned unchanged. Without network a cached copy is
    used; otherwise a UserError of one line comes within ten seconds.
    """
    if checkpoint.path is not None or checkpoint.weights == "none":
        return checkpoint
    if checkpoint.weights == "random":
        if not {"model_type", "unet"} & set(checkpoint.shape):
            raise UserError("model.weights=random needs model.shape with its model_type; type model.weights=hub")
        return checkpoint
    if checkpoint.weights == "hub":
        path = _from_hub(checkpoint)
        shape_limits.check_folder(path, f"model.checkpoint={checkpoint.id}")
        return replace(checkpoint, path=path, revision=path.name)  # the cache names a snapshot by its commit
    if checkpoint.weights == "embedded":
        where = f"model.weights=embedded: the built-in checkpoint '{checkpoint.id}'"
        return replace(checkpoint, revision=None, path=_checked(embedded.WEIGHTS / checkpoint.id, where, checkpoint))
    where = f"model.weights={checkpoint.weights}: the folder"
    path = _checked(Path(checkpoint.weights).expanduser(), where, checkpoint)
    return replace(checkpoint, revision=None, path=path)


def chosen(files: Sequence[str], parts: Sequence[str] | None, checkpoint: Checkpoint, where: str) -> tuple[str, ...]:
    """Those of a repository's files that the checkpoint is loaded from; `parts` are those of a pipeline, else None.

    UserError where the weights, or those of one part, are there only in a format that is not allowed; `where` names the
    checkpoint.
    """
    if parts is None and "config.json" not in files:
        raise UserError(f"{where} has no config.json; give the folder that save_pretrained() wrote, or another id")
    inside = [file for file in files if parts is None or "/" not in file or file.partition("/")[0] in parts]
    kept, ignored = (KEPT, ("*/*",)) if parts is None else (OF_PIPELINE, NOT_OF_PIPELINE)
    wanted = _matching(inside, (*kept, *(["*.py"] if checkpoint.trust_remote_code else [])), ignored)
    lacking = []
    # A part with a config.json of its own is a model; schedulers, tokenizers and the like have none
    for part in [""] if parts is None else [f"{part}/" for part in parts if f"{part}/config.json" in files]:
        if _matching(wanted, [f"{part}*.safetensors"], ()):
            continue
        pickles = _matching(inside, [part + kind for kind in PICKLES], ignored) if checkpoint.allow_pickle else []
        wanted += pickles
        lacking += [] if pickles else [f"'{part[:-1]}'" if part else ""]
    if lacking:
        holder = " has" if parts is None else f": its part {lacking[0]} has"
        if len(lacking) > 1:
            holder = f": its parts {', '.join(lacking)} have"
        raise UserError(f"{where}{holder} {NO_WEIGHTS if checkpoint.allow_pickle else NO_SAFETENSORS}")
    return tuple(wanted)


def parts_of(index: Mapping[str, Any]) -> tuple[str, ...]:
    """The parts that a pipeline's `model_index.json` has loaded; one that is `[null, null]` is left out."""
    return tuple(name for name, value in index.items() if isinstance(value, list) and value and value[0])


def _matching(files: Sequence[str], kept: Sequence[str], ignored: Sequence[str]) -> list[str]:
    from huggingface_hub.utils import filter_repo_objects

    return list(filter_repo_objects(files, allow_patterns=list(kept), ignore_patterns=list(ignored)))


def _checked(folder: Path, where: str, checkpoint: Checkpoint) -> Path:
    if not folder.is_dir():
        raise UserError(f"{where} does not exist; type hub, random, embedded or an existing folder")
    chosen(*_in_folder(folder), checkpoint, where)
    shape_limits.check_folder(folder, where)
    return folder.resolve()


def _in_folder(folder: Path) -> tuple[list[str], tuple[str, ...] | None]:
    """The files of a folder, and the parts of the pipeline that it holds."""
    files = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    if PIPELINE not in files:
        return files, None
    return files, parts_of(json.loads((folder / PIPELINE).read_text(encoding="utf-8")))


def plan(checkpoint: Checkpoint) -> Plan | None:
    """What would be downloaded of a checkpoint on the Hub; None where it cannot be reached.

    UserError for a repository that is gated, missing or misnamed, and for weights in a format that is not allowed.
    """
    about = hub.described("model", checkpoint.id, checkpoint.revision, "model.checkpoint")
    if about is None:
        return None
    files = [sibling.rfilename for sibling in about.siblings or ()]
    parts = parts_of(hub.json_of(checkpoint.id, PIPELINE, about.sha)) if PIPELINE in files else None
    return Plan(about.sha, chosen(files, parts, checkpoint, f"model.checkpoint={checkpoint.id}"), parts)


def _from_hub(checkpoint: Checkpoint) -> Path:
    """The folder of the snapshot, downloaded where it is not cached yet; every way this can fail in one line."""
    from huggingface_hub import errors

    try:
        return _snapshot(checkpoint)
    except (errors.HfHubHTTPError, errors.LocalEntryNotFoundError, *hub.network_errors()) as error:
        refused = hub.refusal(error, "model", checkpoint.id, checkpoint.revision, "model.checkpoint")
        raise refused or _unreachable(checkpoint, type(error).__name__) from None


def _snapshot(checkpoint: Checkpoint) -> Path:
    from huggingface_hub import snapshot_download, try_to_load_from_cache

    planned = plan(checkpoint)
    if planned is None:
        return _cached(checkpoint)
    cached = [try_to_load_from_cache(checkpoint.id, file, revision=planned.commit) for file in planned.files]
    if all(isinstance(file, str) for file in cached):  # all here: no second round of questions, no progress bar
        return Path(cached[0]).parents[len(Path(planned.files[0]).parts) - 1]
    return Path(snapshot_download(checkpoint.id, revision=checkpoint.revision, allow_patterns=list(planned.files)))


def _cached(checkpoint: Checkpoint) -> Path:
    """The folder of a snapshot that was downloaded before, whole."""
    from huggingface_hub import errors, snapshot_download

    folder = hub.cached(checkpoint.id, checkpoint.revision)
    if folder is None:
        raise _unreachable(checkpoint, "no connection")
    files, parts = _in_folder(folder)
    try:
        chosen(files, parts, checkpoint, "")
        # the client knows from the day of the download which files there should be, of a sharded checkpoint all
        kept = KEPT if parts is None else [f"{part}/{kind}" for part in parts for kind in KEPT]
        snapshot_download(
            checkpoint.id,
            revision=checkpoint.revision,
            local_files_only=True,
            allow_patterns=list(kept),
            ignore_patterns=["*/*"] if parts is None else list(NOT_OF_PIPELINE),
        )
    except (UserError, errors.LocalEntryNotFoundError):
        raise _unreachable(checkpoint, "no connection, and the cached copy is incomplete") from None
    return folder


def _unreachable(checkpoint: Checkpoint, why: str) -> UserError:
    return UserError(
        f"model.checkpoint={checkpoint.id} is not cached and the Hub cannot be reached ({why}); "
        "type model.weights=random for its energy without its answers, or model=embedded"
    )
