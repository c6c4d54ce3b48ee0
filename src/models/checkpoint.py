"""Where weights come from: the Hub, the folder that ships with Joulemark, a folder of the user's, or a random draw.

Nothing here imports torch: a wrong id is refused before the heavy packages load.
"""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from src import embedded, hub
from src.core import Checkpoint, UserError

# Weights as safetensors only: pickles run code, and the other formats are copies of the same numbers.
KEPT = ("*.safetensors", "*.json", "*.model", "*.txt", "*.jinja")
# Folders inside a repository hold exports and variants, except where the repository is a diffusers pipeline.
PIPELINE = "model_index.json"
NO_SAFETENSORS = "has no .safetensors file, the one format Joulemark reads; try a revision or a checkpoint that has"


def fetch(checkpoint: Checkpoint) -> Checkpoint:
    """The checkpoint with its files on this machine: `path` and the resolved commit as `revision` filled in.

    Random weights need no file and come back as they are. Without network a cached copy is used; otherwise a
    UserError of one line comes within ten seconds.
    """
    if checkpoint.path is not None:
        return checkpoint
    if checkpoint.weights == "random":
        if "model_type" not in checkpoint.shape:
            raise UserError("model.weights=random needs model.shape with its model_type; type model.weights=hub")
        return checkpoint
    if checkpoint.weights == "hub":
        path = _from_hub(checkpoint)
        return replace(checkpoint, path=path, revision=path.name)  # the cache names a snapshot by its commit
    if checkpoint.weights == "embedded":
        where = f"model.weights=embedded: the built-in checkpoint '{checkpoint.id}'"
        return replace(checkpoint, revision=None, path=_checked(embedded.WEIGHTS / checkpoint.id, where))
    where = f"model.weights={checkpoint.weights}: the folder"
    return replace(checkpoint, revision=None, path=_checked(Path(checkpoint.weights).expanduser(), where))


def _checked(folder: Path, where: str) -> Path:
    if not folder.is_dir():
        raise UserError(f"{where} does not exist; type hub, random, embedded or an existing folder")
    if not (folder / "config.json").is_file() and not (folder / PIPELINE).is_file():
        raise UserError(f"{where} has no config.json; give the folder that save_pretrained() wrote")
    if not any(folder.rglob("*.safetensors")):
        raise UserError(f"{where} {NO_SAFETENSORS}")
    return folder.resolve()


def _from_hub(checkpoint: Checkpoint) -> Path:
    """The folder of the snapshot, downloaded where it is not cached yet; every way this can fail in one line."""
    from huggingface_hub import errors

    try:
        return _snapshot(checkpoint)
    except (errors.HfHubHTTPError, errors.LocalEntryNotFoundError, *hub.network_errors()) as error:
        raise _unreachable(checkpoint, type(error).__name__) from None


def _snapshot(checkpoint: Checkpoint) -> Path:
    from huggingface_hub import snapshot_download, try_to_load_from_cache
    from huggingface_hub.utils import filter_repo_objects

    kept = [*KEPT, "*.py"] if checkpoint.trust_remote_code else [*KEPT]
    info = hub.described("model", checkpoint.id, checkpoint.revision, "model.checkpoint")
    if info is None:
        return _cached(checkpoint, kept)
    files = [sibling.rfilename for sibling in info.siblings or ()]
    ignored = None if PIPELINE in files else ["*/*"]
    wanted = list(filter_repo_objects(files, allow_patterns=kept, ignore_patterns=ignored))
    if not any(file.endswith(".safetensors") for file in wanted):
        raise UserError(f"model.checkpoint={checkpoint.id} {NO_SAFETENSORS}")
    found = [try_to_load_from_cache(checkpoint.id, file, revision=info.sha) for file in wanted]
    if all(isinstance(file, str) for file in found):  # all here: no second round of questions, no progress bar
        return Path(found[0]).parents[len(Path(wanted[0]).parts) - 1]
    return Path(
        snapshot_download(checkpoint.id, revision=checkpoint.revision, allow_patterns=kept, ignore_patterns=ignored)
    )


def _cached(checkpoint: Checkpoint, kept: Iterable[str]) -> Path:
    from huggingface_hub import errors, snapshot_download

    try:
        found = snapshot_download(
            checkpoint.id,
            revision=checkpoint.revision,
            local_files_only=True,
            allow_patterns=list(kept),
            ignore_patterns=["*/*"],
        )
    except errors.LocalEntryNotFoundError:
        raise _unreachable(checkpoint, "no connection") from None
    if not any(Path(found).rglob("*.safetensors")):
        raise _unreachable(checkpoint, "no connection, and the cached copy is incomplete")
    return Path(found)


def _unreachable(checkpoint: Checkpoint, why: str) -> UserError:
    return UserError(
        f"model.checkpoint={checkpoint.id} is not cached and the Hub cannot be reached ({why}); "
        "type model.weights=random for its energy without its answers, or model=embedded"
    )
