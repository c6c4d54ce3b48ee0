"""How large a model may say it is: a configuration is a few bytes, what is built of it minutes and all the memory.

Far beyond what was ever published: the deepest transformer has 1,000 layers (DeepNet, arXiv 2203.00555), the most
experts 2,048 (Switch-C, arXiv 2101.03961), the largest vocabularies and widths are below a million.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from joulemark.core.errors import UserError

LIMITS = (
    (re.compile(r"(layers?|blocks?|depths?|stages)$"), 1_000),
    (re.compile(r"(experts|heads|groups)$"), 10_000),
    (re.compile(r"(size|dim|dims|d_model|d_ff|d_kv|n_embd|n_inner|channels|features|labels)$"), 4_000_000),
)
LARGEST_FILE = 50 * 10**6  # bytes of a config.json; published ones with every label written out are below one million


def check(shape: Mapping[str, Any], where: str) -> None:
    """UserError for a shape of more layers, experts or widths than any model has; `where` names it."""
    for key, value in _numbers(shape):
        for pattern, most in LIMITS:
            if pattern.search(key.rpartition(".")[2]) and value > most:
                raise UserError(f"{where}: {key}={value} is more than any model has; the most that is built is {most}")


def check_folder(folder: Path, where: str) -> None:
    """The same for the configurations of a checkpoint's folder, of a pipeline that of each part."""
    for file in (*folder.glob("config.json"), *folder.glob("*/config.json")):
        if file.stat().st_size > LARGEST_FILE:
            raise UserError(f"{where}: {file.name} has {file.stat().st_size / 1e6:.0f} MB; no configuration has")
        try:
            values = json.loads(file.read_text(encoding="utf-8"))
        except (ValueError, RecursionError):
            continue  # said when it is opened, with the reason
        if isinstance(values, dict):
            check(values, f"{where}, {file.relative_to(folder)}")


def _numbers(values: Mapping[str, Any], prefix: str = "", depth: int = 0) -> Iterator[tuple[str, float]]:
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and depth < 8:
            yield from _numbers(value, f"{name}.", depth + 1)
        for each in value if isinstance(value, list | tuple) else (value,):
            if isinstance(each, int | float) and not isinstance(each, bool):
                yield name, each
