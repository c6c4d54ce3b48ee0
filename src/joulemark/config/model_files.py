"""The files of conf/model: which there are, and each merged as Hydra would compose it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from joulemark.config import yaml_file
from joulemark.core.paths import CONF, own_conf

FOLDER = CONF / "model"


def names() -> list[str]:
    """The models of conf/model."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def kinds() -> list[str]:
    """The kinds of model of conf/model/kind; a file there without a class holds what all have in common."""
    return sorted(path.stem for path in (FOLDER / "kind").glob("*.yaml") if "_target_" in yaml_file.read(path))


def node(name: str) -> dict[str, Any]:
    """One file (`bloomz`, `kind/causal_lm`) merged with those of its defaults list, as Hydra composes it."""
    merged = OmegaConf.merge(*_parts(FOLDER / f"{name}.yaml"))
    return OmegaConf.to_container(merged)  # type: ignore[return-value]


def ships(name: str) -> bool:
    """Whether the program's own conf/model has such a file."""
    return (FOLDER / f"{name}.yaml").is_file()


def exists(name: str) -> bool:
    """Whether the program's conf/model or the user's own has such a file.

    A name may come from a checkpoint's own files; one that leads out of the folder is none.
    """
    return ".." not in Path(name).parts and any(
        (folder / "model" / f"{name}.yaml").is_file() for folder in (CONF, own_conf())
    )


def kind_of(name: str) -> str:
    """The kind that a model's file builds on."""
    defaults = yaml_file.read(FOLDER / f"{name}.yaml").get("defaults", ())
    return next((entry for entry in defaults if entry.startswith("kind/")), "").partition("@")[0].partition("/")[2]


def _parts(path: Path) -> Iterator[dict[str, Any]]:
    own = yaml_file.read(path)
    for entry in own.pop("defaults", ["_self_"]):
        if entry == "_self_":
            yield own
            continue
        file, _, package = entry.partition("@")
        merged: Any = OmegaConf.to_container(OmegaConf.merge(*_parts(path.parent / f"{file}.yaml")))
        yield merged if package == "_here_" else {package: merged}
