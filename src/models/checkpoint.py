"""Where weights come from: the Hub, the folder that ships with Joulemark, a folder of the user's, or a random draw.

Nothing here imports torch: a wrong id is refused before the heavy packages load.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from src import embedded, hub
from src.core import Checkpoint, UserError

# Weights as safetensors only: pickles run code, and the other formats are copies of the same numbers.
KEPT = ("*.safetensors", "*.json", "*.model", "*.txt", "*.jinja")
# Folders inside a repository hold exports and variants, except where the repository is a diffusers pipeline.
PIPELINE = "model_index.json"
# Of a pipeline: its parts, each in a folder, in full precision and once. Single-file copies lie at the top.
OF_PIPELINE = ("*.json", "*/*.json", "*/*.txt", "*/*.safetensors")
NOT_OF_PIPELINE = ("*.fp16.*", "*non_ema*", "*.onnx*", "*openvino*", "*flax*")
PICKLES = ("*.bin",)
NO_SAFETENSORS = (
    "has no .safetensors file; try a revision or a checkpoint that has one, or, if you trust its author, "
    "model.allow_pickle=true (such files can run code)"
)


def fetch(checkpoint: Checkpoint) -> Checkpoint:
    """The checkpoint with its files on this machine: `path` and the resolved commit as `revision` filled in.

    Random weights need no file and come back as they are. Without network a cached copy is used; otherwise a
    UserError of one line comes within ten seconds.
    """
    if checkpoint.path is not None:
        return checkpoint
    if checkpoint.weights == "random":
        if not {"model_type", "unet"} & set(checkpoint.shape):
            raise UserError("model.weights=random needs model.shape with its model_type; type model.weights=hub")
        return checkpoint
    if checkpoint.weights == "hub":
        path = _from_hub(checkpoint)
        return replace(checkpoint, path=path, revision=path.name)  # the cache names a snapshot by its commit
    if checkpoint.weights == "embedded":
        where = f"model.weights=embedded: the built-in checkpoint '{checkpoint.id}'"
        return replace(checkpoint, revision=None, path=_checked(embedded.WEIGHTS / checkpoint.id, where, False))
    where = f"model.weights={checkpoint.weights}: the folder"
    return replace(
        checkpoint, revision=None, path=_checked(Path(checkpoint.weights).expanduser(), where, checkpoint.allow_pickle)
    )


def _checked(folder: Path, where: str, allow_pickle: bool) -> Path:
    if not folder.is_dir():
        raise UserError(f"{where} does not exist; type hub, random, embedded or an existing folder")
    if not (folder / "config.json").is_file() and not (folder / PIPELINE).is_file():
        raise UserError(f"{where} has no config.json; give the folder that save_pretrained() wrote")
    formats = ("*.safetensors", *(PICKLES if allow_pickle else ()))
    if not any(found for kind in formats for found in folder.rglob(kind)):
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

    kept, ignored = [*KEPT], ["*/*"]
    info = hub.described("model", checkpoint.id, checkpoint.revision, "model.checkpoint")
    files = [sibling.rfilename for sibling in info.siblings or ()] if info else []
    if PIPELINE in files or (info is None and _is_cached_pipeline(checkpoint)):
        kept, ignored = [*OF_PIPELINE], [*NOT_OF_PIPELINE]
    if checkpoint.trust_remote_code:
        kept += ["*.py"]
    if checkpoint.allow_pickle and not _has_safetensors(files, kept, ignored):
        kept += [f"*/{kind}" if PIPELINE in files else kind for kind in PICKLES]
    if info is None:
        return _cached(checkpoint, kept, ignored)
    wanted = list(filter_repo_objects(files, allow_patterns=kept, ignore_patterns=ignored))
    if not any(file.endswith((".safetensors", *(kind[1:] for kind in PICKLES))) for file in wanted):
        raise UserError(f"model.checkpoint={checkpoint.id} {NO_SAFETENSORS}")
    found = [try_to_load_from_cache(checkpoint.id, file, revision=info.sha) for file in wanted]
    if all(isinstance(file, str) for file in found):  # all here: no second round of questions, no progress bar
        return Path(found[0]).parents[len(Path(wanted[0]).parts) - 1]
    return Path(
        snapshot_download(checkpoint.id, revision=checkpoint.revision, allow_patterns=kept, ignore_patterns=ignored)
    )


def _has_safetensors(files: Sequence[str], kept: Sequence[str], ignored: Sequence[str]) -> bool:
    from huggingface_hub.utils import filter_repo_objects

    wanted = filter_repo_objects(files, allow_patterns=list(kept), ignore_patterns=list(ignored))
    return any(file.endswith(".safetensors") for file in wanted)


def _is_cached_pipeline(checkpoint: Checkpoint) -> bool:
    from huggingface_hub import try_to_load_from_cache

    return isinstance(try_to_load_from_cache(checkpoint.id, PIPELINE, revision=checkpoint.revision), str)


def _cached(checkpoint: Checkpoint, kept: Sequence[str], ignored: Sequence[str]) -> Path:
    from huggingface_hub import errors, snapshot_download

    try:
        found = snapshot_download(
            checkpoint.id,
            revision=checkpoint.revision,
            local_files_only=True,
            allow_patterns=list(kept),
            ignore_patterns=list(ignored),
        )
    except errors.LocalEntryNotFoundError:
        raise _unreachable(checkpoint, "no connection") from None
    if not any(file.suffix in (".safetensors", ".bin") for file in Path(found).rglob("*")):
        raise _unreachable(checkpoint, "no connection, and the cached copy is incomplete")
    return Path(found)


def _unreachable(checkpoint: Checkpoint, why: str) -> UserError:
    return UserError(
        f"model.checkpoint={checkpoint.id} is not cached and the Hub cannot be reached ({why}); "
        "type model.weights=random for its energy without its answers, or model=embedded"
    )
