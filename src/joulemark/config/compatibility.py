"""Which settings go with which model, task and device; all that can be checked without torch, each refusal one line.

Settings are what is compared, so they do not make two runs incomparable; the task stays what it is.
"""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib.util import find_spec

from joulemark.core import extras
from joulemark.core.errors import UserError
from joulemark.core.machine import Hardware
from joulemark.core.model import Model, Settings
from joulemark.core.suggest import choose
from joulemark.hardware import host
from joulemark.hardware.devices import PLAIN

# Where torch 2.13 (_inductor/cpp_builder.py) and Triton 3 (runtime/build.py) look for a compiler
CXX = ("g++", "clang++", "c++")
CC = ("gcc", "clang", "cc")
# What flash attention can compute in (the package's own README: "Datatype fp16 and bf16")
HALVES = ("bf16", "fp16")


@dataclass(frozen=True)
class Combination:
    """What is to go together in one run.

    Attributes:
        names: the choice of each group, for the messages
        texts: whether the task's inputs have characters by which they can be sorted
    """

    settings: Settings
    samples: int
    model: Model
    texts: bool
    device: Hardware
    names: Mapping[str, str]

    @property
    def model_name(self) -> str:
        """The option that chose the model."""
        return f"model={self.names['model']}"


def check(run: Combination) -> None:
    """Refuses the first setting that the model, the task or the device does not support.

    Raises:
        UserError: the setting, why not, and what to type instead.
    """
    _check_values(run.settings)
    _check_batches(run)
    _check_precision(run)
    if run.device.beside and not run.model.capabilities.shards:
        raise UserError(
            f"hardware.index={list(run.device.indices)}: {run.model_name} cannot be spread over several GPUs; "
            f"type hardware.index={run.device.index}"
        )
    _check_attention(run)
    if run.settings.cache not in run.model.capabilities.caches:
        raise UserError(f"cache={run.settings.cache}: {run.model_name} has no such cache; type cache=dynamic")
    if run.settings.compile == "cudagraphs":
        _check_recording(run)
    elif run.settings.compile:
        _check_compiler(run)
    _check_workers(run)
    _check_feeding(run)


def _check_values(settings: Settings) -> None:
    """Refuses a value that no model and no device supports."""
    for setting in fields(settings):
        value, allowed = getattr(settings, setting.name), setting.metadata["values"]
        known = [entry for entry in allowed if entry == value and type(entry) is type(value)]  # compile=1 is not true
        if setting.name != "precision" and allowed and not known:
            raise UserError(choose(setting.name, str(value), [str(entry).lower() for entry in allowed]))


def _check_precision(run: Combination) -> None:
    precision, supported = run.settings.precision, run.device.precisions
    (setting,) = (setting for setting in fields(run.settings) if setting.name == "precision")
    if precision not in setting.metadata["values"]:
        raise UserError(choose("precision", precision, supported, setting.metadata["synonyms"]))
    if precision not in supported:
        raise UserError(
            f"precision={precision} is not supported by this {run.device.device}; "
            f"choose from: {', '.join(sorted(supported))}"
        )
    if precision not in PLAIN and not run.model.capabilities.quantizes:
        raise UserError(
            f"precision={precision}: {run.model_name} computes with its weights in ways that quantized ones do not "
            "support; type precision=bf16"
        )
    if precision not in PLAIN:
        extras.require(f"precision={precision}", "torchao")


def _check_compiler(run: Combination) -> None:
    """Inductor needs a compiler for C++ on the processor; on a GPU it is Triton, which needs one for C."""
    override, device = f"compile={str(run.settings.compile).lower()}", run.device.device
    if not run.model.capabilities.compiles:
        raise UserError(f"{override}: {run.model_name} does not support torch.compile; type compile=false")
    if run.settings.compile == "graphs":
        _check_graphs(run)
    if device == "mps":
        raise UserError(f"{override} is for the processor and for GPUs of NVIDIA and AMD; type compile=false")
    variable, compilers = ("CXX", CXX) if device == "cpu" else ("CC", CC)
    if not any(shutil.which(compiler) for compiler in (os.environ.get(variable), *compilers) if compiler):
        raise UserError(
            f"{override} needs a compiler ({', '.join(compilers)}, or {variable}=…), and this machine has none; "
            "type compile=false"
        )
    if device != "cpu" and find_spec("triton") is None:
        raise UserError(f"{override} needs the package triton on a GPU, which is not installed; type compile=false")


def _check_recording(run: Combination) -> None:
    """CUDA graphs of what is not compiled: neither a compiler nor Triton is needed."""
    if not run.model.capabilities.compiles:
        raise UserError(f"compile=cudagraphs: {run.model_name} has not been tried as CUDA graphs; type compile=false")
    _check_graphs(run)


def _check_graphs(run: Combination) -> None:
    """A graph is recorded for each shape: of a model that writes token by token only its decoding has one."""
    instead = "true" if run.settings.compile == "graphs" else "false"
    if run.device.device not in ("cuda", "rocm"):
        raise UserError(
            f"compile={run.settings.compile} records CUDA graphs, and this run is on the {run.device.device}; "
            f"type compile={instead}"
        )
    if len(run.device.uuids) > 1:
        raise UserError(f"compile={run.settings.compile} is not supported over several GPUs; type compile={instead}")
    if not run.model.capabilities.graphs:
        options = "cache=static compile=true" if "static" in run.model.capabilities.caches else "compile=true"
        raise UserError(
            f"compile={run.settings.compile}: {run.model_name} writes token by token, each after a longer text; "
            f"type {options}"
        )


def _check_attention(run: Combination) -> None:
    attention = run.settings.attention
    if attention not in run.model.capabilities.attentions:
        raise UserError(
            f"attention={attention}: {run.model_name} has no choice of attention implementations; type attention=auto"
        )
    if attention != "flash_attention_2":
        return
    if run.device.device not in ("cuda", "rocm"):
        raise UserError(
            f"attention={attention} needs a GPU, and this run is on the {run.device.device}; type attention=sdpa"
        )
    if run.settings.precision not in HALVES:
        raise UserError(
            f"attention={attention} cannot compute in precision={run.settings.precision}; "
            "type precision=bf16 or attention=sdpa"
        )
    if find_spec("flash_attn") is None:
        raise UserError(
            f"attention={attention} needs the package flash_attn, which is not installed; type attention=sdpa"
        )


def _check_workers(run: Combination) -> None:
    workers, able = run.settings.preprocessing_workers, run.model.capabilities
    if workers == 1:
        return
    media = bool({"image", "audio"} & set(able.accepts))  # a batch is shared out; of texts each has one of its own
    in_threads = "fast" in able.preprocessings and (media or able.overlaps)
    if not able.reads_images and not (in_threads and run.settings.preprocessing != "transformers"):
        raise UserError(
            f"preprocessing_workers={workers}: {run.model_name} reads no images that are preprocessed one by one; "
            f"type preprocessing_workers=1{' or preprocessing=fast' if in_threads else ''}"
        )
    if not media and not run.settings.prefetch:
        raise UserError(
            f"preprocessing_workers={workers}: each prepares a batch of texts, of which there is one at a time with "
            f"prefetch=0; type preprocessing_workers=1 or prefetch={workers}"
        )
    if workers > (cores := host.cores()):
        raise UserError(
            f"preprocessing_workers={workers}: this process may use {cores} cores; type preprocessing_workers={cores}"
        )


def _check_feeding(run: Combination) -> None:
    """How inputs reach the device: what the kind of model supports of it."""
    settings, able = run.settings, run.model.capabilities
    if settings.preprocessing not in able.preprocessings:
        raise UserError(
            f"preprocessing={settings.preprocessing}: {run.model_name} has {', '.join(able.preprocessings)}; "
            "type preprocessing=transformers"
        )
    if settings.preprocessing == "device" and run.device.device not in ("cuda", "rocm"):
        raise UserError(
            f"preprocessing=device needs a GPU, and this run is on the {run.device.device}; type preprocessing=fast"
        )
    if settings.preprocessing != "transformers" and "image" in able.accepts:
        extras.require(f"preprocessing={settings.preprocessing}", "torchvision")
    if settings.prefetch and not able.overlaps:
        raise UserError(
            f"prefetch={settings.prefetch}: {run.model_name} prepares no batch while it works on another; "
            "type prefetch=0"
        )
    for name, plain in (("batch_tokens", 0), ("pad_to_multiple_of", 1)):
        if getattr(settings, name) != plain and not able.token_budgets:
            raise UserError(
                f"{name}={getattr(settings, name)}: {run.model_name} has no batches of tokens; type {name}={plain}"
            )


def _check_batches(run: Combination) -> None:
    batch, sort = run.settings.batch_size, run.settings.sort
    if batch > run.samples:
        raise UserError(
            f"batch_size={batch} is more than samples={run.samples}, so no batch would be full; "
            f"type batch_size={run.samples}, or more samples"
        )
    if batch > 1 and not run.model.capabilities.pads and run.model.checkpoint.weights != "random":
        raise UserError(
            f"batch_size={batch}: {run.model_name} ignores the attention mask, so padded batches change its "
            "predictions; type batch_size=1, or model.weights=random for the energy alone"
        )
    multiple = run.settings.pad_to_multiple_of
    if multiple > 1 and not run.model.capabilities.pads and run.model.checkpoint.weights != "random":
        raise UserError(
            f"pad_to_multiple_of={multiple}: {run.model_name} ignores the attention mask, so padding changes its "
            "predictions; type pad_to_multiple_of=1, or model.weights=random for the energy alone"
        )
    if sort != "none" and not run.texts:
        raise UserError(f"sort={sort}: the inputs of task={run.names['task']} are no texts; type sort=none")
