"""What a run may be told of how its model is run, beside the task: each word, and where it cannot be.

Settings are what is compared, so they do not make two runs incomparable; the task stays what it is. All that can be
known without torch is refused here, in one line.
"""

import os
import shutil
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from joulemark.core import extras
from joulemark.core.errors import UserError
from joulemark.core.machine import Hardware
from joulemark.core.suggest import choose
from joulemark.data.batching import SORTS
from joulemark.hardware import host
from joulemark.hardware.devices import PLAIN

ATTENTIONS = ("auto", "eager", "sdpa", "flash_attention_2")
CACHES = ("dynamic", "static")
COMPILES = ("false", "true", "graphs")
# Where torch 2.13 (_inductor/cpp_builder.py) and Triton 3 (runtime/build.py) look for a compiler
CXX = ("g++", "clang++", "c++")
CC = ("gcc", "clang", "cc")
# What flash attention can compute in (the package's own README: "Datatype fp16 and bf16")
HALVES = ("bf16", "fp16")


def check(words: Mapping[str, Any], names: Mapping[str, str], nodes: Mapping[str, Any], device: Hardware) -> None:
    """Whether model, task and device can do what the words of the run ask; UserError for the first that they cannot.

    `nodes` holds the composed nodes of `model` and `task`, whose keys say what each can.
    """
    _check_batches(words, names, nodes)
    if words["precision"] not in device.precisions:
        raise UserError(f"{choose('precision', words['precision'], device.precisions)} (what this {device.device} can)")
    if words["precision"] not in PLAIN and not nodes["model"]["quantizes"]:
        raise UserError(
            f"precision={words['precision']}: model={names['model']} does sums on its weights that only plain ones "
            "allow; type precision=bf16"
        )
    if words["precision"] not in PLAIN:
        extras.require(f"precision={words['precision']}", "torchao")
    if device.beside and not nodes["model"]["shards"]:
        raise UserError(
            f"hardware.index={list(device.indices)}: model={names['model']} cannot be spread over several GPUs; "
            f"type hardware.index={device.index}"
        )
    _check_attention(words, names, nodes["model"], device)
    if words["cache"] not in CACHES:
        raise UserError(choose("cache", words["cache"], CACHES))
    if words["cache"] not in nodes["model"]["caches"]:
        raise UserError(f"cache={words['cache']}: model={names['model']} has no such cache; type cache=dynamic")
    if not isinstance(words["compile"], bool) and words["compile"] != "graphs":
        raise UserError(choose("compile", str(words["compile"]), COMPILES))
    if words["compile"]:
        word = f"compile={str(words['compile']).lower()}"
        _check_compiler(word, names, nodes["model"], device)
    _check_processes(words["preprocessing_workers"], names, nodes["model"])


def _check_compiler(word: str, names: Mapping[str, str], model: Mapping[str, Any], device: Hardware) -> None:
    """Inductor needs a compiler for C++ on the processor; on a GPU it is Triton, which needs one for C."""
    if not model["compiles"]:
        raise UserError(f"{word}: a model of the kind of model={names['model']} cannot be; type compile=false")
    if word == "compile=graphs":
        _check_graphs(names, model, device)
    if device.device == "mps":
        raise UserError(f"{word} is for the processor and for GPUs of NVIDIA and AMD; type compile=false")
    variable, compilers = ("CXX", CXX) if device.device == "cpu" else ("CC", CC)
    if not any(shutil.which(word) for word in (os.environ.get(variable), *compilers) if word):
        raise UserError(
            f"{word} needs a compiler ({', '.join(compilers)}, or {variable}=…), and this machine shows none; "
            "type compile=false"
        )
    if device.device != "cpu" and find_spec("triton") is None:
        raise UserError(f"{word} needs the package triton on a GPU, which is not here; type compile=false")


def _check_graphs(names: Mapping[str, str], model: Mapping[str, Any], device: Hardware) -> None:
    """A graph is recorded for each shape: of a model that writes token by token only its decoding has one."""
    if device.device not in ("cuda", "rocm"):
        raise UserError(
            f"compile=graphs records CUDA graphs, and this run is on the {device.device}; type compile=true"
        )
    if len(device.uuids) > 1:
        raise UserError("compile=graphs was not tried over several GPUs; type compile=true")
    if not model["graphs"]:
        instead = "cache=static compile=true" if "static" in model["caches"] else "compile=true"
        raise UserError(
            f"compile=graphs: model={names['model']} writes token by token, each after a longer text; type {instead}"
        )


def _check_attention(
    words: Mapping[str, Any], names: Mapping[str, str], model: Mapping[str, Any], device: Hardware
) -> None:
    asked = words["attention"]
    if asked not in ATTENTIONS:
        raise UserError(choose("attention", asked, ATTENTIONS))
    if asked not in model["attentions"]:
        raise UserError(f"attention={asked}: model={names['model']} leaves nothing to choose; type attention=auto")
    if asked != "flash_attention_2":
        return
    if device.device not in ("cuda", "rocm"):
        raise UserError(f"attention={asked} needs a GPU, and this run is on the {device.device}; type attention=sdpa")
    if words["precision"] not in HALVES:
        raise UserError(
            f"attention={asked} cannot compute in precision={words['precision']}; type precision=bf16 or attention=sdpa"
        )
    if find_spec("flash_attn") is None:
        raise UserError(f"attention={asked} needs the package flash_attn, which is not here; type attention=sdpa")


def _check_processes(asked: int, names: Mapping[str, str], model: Mapping[str, Any]) -> None:
    if asked == 1:
        return
    if not model["pictures"]:
        raise UserError(
            f"preprocessing_workers={asked}: model={names['model']} reads no pictures that are prepared one by one; "
            "type preprocessing_workers=1"
        )
    if asked > (cores := host.cores()):
        raise UserError(
            f"preprocessing_workers={asked}: this process may use {cores} cores; type preprocessing_workers={cores}"
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
