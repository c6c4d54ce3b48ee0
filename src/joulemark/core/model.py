"""What answers: a checkpoint, the settings it is run with, and the model once it is on its device."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Protocol

from joulemark.core.task import Predict, Prediction, Sample, Task


@dataclass(frozen=True)
class Stage:
    """One part of an inference, which can be measured alone.

    Attributes:
        name: name of the stage
        run: takes what the stage before it gave (the first one a batch of inputs), leaves that as it was, and returns
            when the device is done: it can be called again with the same value
    """

    name: str
    run: Callable[[Any], Any]


# For each input the tokens that a model reads of it, alone, and the most that it writes
TokenCounts = Callable[[Sequence[Any]], Sequence[tuple[int, int]]]


@dataclass(frozen=True)
class Steps:
    """One inference in three steps, each of which can be under way for another batch; together they are `predict`.

    Attributes:
        prepare: the inputs of one batch as the model's tensors, on the host; may be called in any thread
        infer: gives a prepared batch to the device, and may return before the device is done; called in one thread
        read: the predictions in what `infer` gave; returns when they are on the host, and does not wait for what the
            device was given after it
        threads: in how many threads at a time `prepare` may be called
    """

    prepare: Callable[[Sequence[Any]], Any]
    infer: Callable[[Any], Any]
    read: Callable[[Any], list[Prediction]]
    threads: int = 1


@dataclass(frozen=True)
class Loaded:
    """A model on its device, ready to predict.

    Attributes:
        predict: all of one inference: applies the task's prompt, tokenizes, runs the model and decodes
        facts: what was loaded (parameters, revision, dtype, attention, …), JSON values only
        stages: the parts of an inference in order, which together give the same predictions
        judge: gives further metrics of measured calls, those that need a model to compute (perplexity of the
            references, a classifier's view of an image), outside any window; None where there are none
        later_facts: facts that are known only after calls, JSON values only: what prepared their inputs where
            `preprocessing` is not transformers' (library, version, device, images by decoder, how many of them the host
            took instead), graphs that were recorded
        peak_memory_bytes: the device allocator's high-water mark since the load, summed over several GPUs, whose marks
            need not be of one moment; None without an accelerator
        steps: the same inference as steps that may overlap; None where it cannot be taken apart
        tokens: counts the tokens of inputs, those of padding to a multiple included; None where inputs have none
    """

    predict: Predict
    facts: Mapping[str, Any]
    stages: tuple[Stage, ...] = ()
    judge: Callable[[Sequence[Sample], Sequence[Prediction]], Mapping[str, float | None]] | None = None
    later_facts: Callable[[], Mapping[str, Any]] = dict
    peak_memory_bytes: Callable[[], int | None] = lambda: None
    steps: Steps | None = None
    tokens: TokenCounts | None = None


@dataclass(frozen=True)
class Checkpoint:
    """Which weights, and where they come from.

    Attributes:
        id: id on the Hub, or the name of embedded weights
        weights: `hub`, `embedded`, `random`, `none` or a local folder
        revision: commit on the Hub, resolved by `joulemark.models.backend.checkpoint.fetch`
        trust_remote_code: whether code of the repository may run
        allow_pickle: whether weights in PyTorch's old format are taken, whose files can run code when they are read
        shape: keyword arguments of the transformers config with its `model_type`
        processor: keyword arguments of the image or sound preprocessor with its class as `type`
        parameters: published number of parameters, as a rule without the head
        seed: seed of random weights
        path: folder of the files, filled in by `joulemark.models.backend.checkpoint.fetch`
    """

    id: str
    weights: str = "hub"
    revision: str | None = None
    trust_remote_code: bool = False
    allow_pickle: bool = False
    shape: Mapping[str, Any] = field(default_factory=dict)
    processor: Mapping[str, Any] = field(default_factory=dict)
    parameters: int | None = None
    seed: int = 0
    path: Path | None = None


def _setting(
    default: Any,
    meaning: str,
    values: Sequence[Any] = (),
    synonyms: Mapping[str, str] | None = None,
    enters_load: bool = True,
) -> Any:
    metadata = {
        "meaning": meaning,
        "values": tuple(values),
        "synonyms": dict(synonyms or {}),
        "enters_load": enters_load,
    }
    return field(default=default, metadata=metadata)


# What other programs call the precisions
PRECISION_SYNONYMS = {
    **dict.fromkeys(("float32", "float", "single", "full", "32", "f32"), "fp32"),
    **dict.fromkeys(("tensorfloat32", "tfloat32"), "tf32"),
    **dict.fromkeys(("bfloat16", "brain_float16"), "bf16"),
    **dict.fromkeys(("float16", "half", "16", "f16"), "fp16"),
    **dict.fromkeys(("8bit", "8-bit", "8", "w8", "q8"), "int8"),
    **dict.fromkeys(("4bit", "4-bit", "4", "w4", "q4", "nf4", "fp4"), "int4"),
    **dict.fromkeys(("float8", "f8", "e4m3"), "fp8"),
}


@dataclass(frozen=True)
class Settings:
    """How a model is run on its device: what may be chosen without changing what is asked of it.

    The single list of the settings: the schema of a run, the saved settings of a sweep, the record, the params, the
    report and --help-all are derived from these fields. Each field's metadata holds its `meaning` in one line, the
    `values` allowed (empty where the type alone says it), `synonyms` of other programs, and whether the loaded model
    depends on it (`enters_load`) or only the batches that it is given do.

    Attributes:
        precision: number format of the weights and sums, one of those that the device supports
        batch_size: requests per forward pass, at least 1
        sort: order in which requests form batches
        attention: transformers' name of an attention implementation; `auto` is the checkpoint's own choice
        cache: whether a generator's keys and values grow with the answer or have a fixed size from the start
        compile: whether torch compiles the forward pass, with a static cache that of decoding; `graphs` also records it
            as CUDA graphs, `cudagraphs` records it as it is, without compiling
        preprocessing: what makes tensors of the inputs: `transformers` its usual calls; `fast` the libraries beneath
            them on the host (the Rust tokenizer, torchvision); `device` the GPU, for images and sounds
        preprocessing_workers: host processes that prepare the inputs of a batch in parallel, at least 1; threads with
            `fast`, and with `device` for what the GPU does not decode
        prefetch: batches that are prepared ahead while the device works on an earlier one; 0: in turn
        pad_to_multiple_of: texts of a batch are padded to a multiple of so many tokens, at least 1
        batch_tokens: most tokens of a forward pass, padding included, within batch_size requests; 0: no limit
    """

    precision: str = _setting(
        "fp32",
        "fp32, tf32, bf16, fp16; for the weights alone int8, int4, fp8; as far as the device supports them",
        ("fp32", "tf32", "bf16", "fp16", "int8", "int4", "fp8"),
        PRECISION_SYNONYMS,
    )
    batch_size: int = _setting(1, "requests per forward pass", enters_load=False)
    sort: str = _setting(
        "none",
        "length: batches of texts of similar length, the longest first",
        ("none", "length"),
        enters_load=False,
    )
    attention: str = _setting(
        "auto",
        "attention implementation: auto is the checkpoint's own, flash_attention_2 needs its package",
        ("auto", "eager", "sdpa", "flash_attention_2"),
    )
    cache: str = _setting(
        "dynamic", "key-value cache of a generator: grows with the answer, or static", ("dynamic", "static")
    )
    compile: bool | str = _setting(
        False,
        "true: torch.compile of the forward pass (of decoding with cache=static); graphs: also as CUDA graphs; "
        "cudagraphs: CUDA graphs alone, nothing compiled",
        (False, True, "graphs", "cudagraphs"),
    )
    preprocessing: str = _setting(
        "transformers",
        "transformers: its usual calls; fast: Rust tokenizer, torchvision on the host; device: on the GPU",
        ("transformers", "fast", "device"),
    )
    preprocessing_workers: int = _setting(
        1, "host processes (threads with preprocessing=fast, device) that prepare the inputs of a batch in parallel"
    )
    prefetch: int = _setting(0, "batches prepared ahead while the device works; 0: in turn", enters_load=False)
    pad_to_multiple_of: int = _setting(1, "texts are padded to a multiple of so many tokens: fewer shapes to record")
    batch_tokens: int = _setting(
        0, "most tokens of a forward pass, within batch_size requests; 0: no limit", enters_load=False
    )


# The settings that decide only which batches are made, and when: runs that differ in these can share a loaded model
BATCHING = tuple(setting.name for setting in fields(Settings) if not setting.metadata["enters_load"])


@dataclass(frozen=True)
class Capabilities:
    """What a kind of model can do, and what its way of computing allows; a checkpoint may narrow it.

    Attributes:
        accepts: inputs, of the same vocabulary as `Task.accepts`
        gives: outputs, of the same vocabulary as `Task.gives`
        tasks: names of the only tasks that a checkpoint was trained for; empty where input and output decide
        pads: False where the architecture ignores the attention mask, so padded batches change its predictions
        shards: whether its layers can be spread over several GPUs
        attentions: values of `attention` it supports
        caches: values of `cache` it supports
        compiles: whether torch.compile was tried and works
        graphs: whether its forward pass has one shape, so that CUDA graphs of it can be recorded
        reads_images: whether it reads images that are preprocessed one by one, which workers can do in parallel
        preprocessings: values of `preprocessing` it supports
        overlaps: whether its inputs can be prepared while it works on others
        token_budgets: whether its batches can be made by tokens, and padded to a multiple of them
        quantizes: False where its forward pass takes its weights apart, which int8, int4 and fp8 ones do not allow
    """

    accepts: tuple[str, ...] = ()
    gives: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    pads: bool = True
    shards: bool = True
    attentions: tuple[str, ...] = ("auto", "eager", "sdpa", "flash_attention_2")
    caches: tuple[str, ...] = ("dynamic",)
    compiles: bool = True
    graphs: bool = True
    reads_images: bool = False
    preprocessings: tuple[str, ...] = ("transformers",)
    overlaps: bool = False
    token_budgets: bool = False
    quantizes: bool = True


class Model(Protocol):
    """A kind of model with one checkpoint: a description that is cheap to make until `load` is called.

    Attributes:
        role: `specialist` (takes the bare input) or `general_purpose` (takes the task's prompt)
    """

    @property
    def kind(self) -> str:
        """The kind's name, a file of conf/model/kind."""

    @property
    def checkpoint(self) -> Checkpoint:
        """Which weights, and where they come from."""

    @property
    def role(self) -> str:
        """`specialist` (takes the bare input) or `general_purpose` (takes the task's prompt)."""

    @property
    def capabilities(self) -> Capabilities:
        """What this kind and architecture can do."""

    def load(self, task: Task, device: str, settings: Settings) -> Loaded:
        """The model on its device, for this task; the only expensive step."""


def fits(capabilities: Capabilities, name: str, accepts: str, gives: str) -> bool:
    """Whether a model with these capabilities can do a task with this name, input and output."""
    trained = not capabilities.tasks or name in capabilities.tasks
    return trained and accepts in capabilities.accepts and gives in capabilities.gives
