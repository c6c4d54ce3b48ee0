"""A YAML file of conf/ read without Hydra, which takes longer for a hundred of them than a user waits."""

from pathlib import Path
from typing import Any

import yaml

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's is ten times faster, where PyYAML was built with it


def read(path: Path) -> dict[str, Any]:
    """The values of a file, its defaults list among them."""
    values: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), LOADER) or {}
    return values
