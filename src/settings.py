"""What a run may be told of how its model is run, beside the task: each word, and where it cannot be.

Settings are what is compared, so they do not make two runs incomparable; the task stays what it is. All that can be
known without torch is refused here, in one line.
"""

from collections.abc import Mapping
from typing import Any

from src.batches import SORTS
from src.core import Hardware, UserError
from src.words import choose


def check(words: Mapping[str, Any], names: Mapping[str, str], nodes: Mapping[str, Any], device: Hardware) -> None:
    """Whether model, task and device can do what the words of the run ask; UserError for the first that they cannot.

    `nodes` holds the composed nodes of `model` and `task`, whose keys say what each can.
    """
    _check_batches(words, names, nodes)
    if words["precision"] not in device.precisions:
        raise UserError(f"{choose('precision', words['precision'], device.precisions)} (what this {device.device} can)")
    if device.beside and not nodes["model"]["shards"]:
        raise UserError(
            f"hardware.index={list(device.indices)}: model={names['model']} cannot be spread over several GPUs; "
            f"type hardware.index={device.index}"
        )


def _check_batches(words: Mapping[str, Any], names: Mapping[str, str], nodes: Mapping[str, Any]) -> None:
    model, task = nodes["model"], nodes["task"]
    if words["batch_size"] > 1 and not model["pads"] and model["weights"] != "random":
        raise UserError(
            f"batch_size={words['batch_size']}: model={names['model']} reads padding as text, which would change its "
            "answers; type batch_size=1, or model.weights=random for the energy alone"
        )
    if words["sort"] not in SORTS:
        raise UserError(choose("sort", words["sort"], SORTS))
    if words["sort"] != "none" and not task["texts"]:
        raise UserError(f"sort={words['sort']}: the inputs of task={names['task']} are no texts; type sort=none")
