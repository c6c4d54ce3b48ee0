"""Why a run costs what it costs, and the one option to try next: a Record in, findings out, nothing measured anew.

the host's own stages take half of the time  ──▶ starved        larger batches, if they are of text
else the GPU is idle between short kernels    ──▶ launch-bound   more requests a launch, then CUDA graphs
else it is busy, and bytes take the longer    ──▶ memory-bound   more requests a reading of the weights
else it is busy                               ──▶ compute-bound  cheaper FLOPs
"""

from collections.abc import Mapping
from dataclasses import dataclass

from joulemark.analysis import energy_metrics, named_metrics, requests
from joulemark.analysis.lower_bound import LowerBound
from joulemark.core.record import Record

# Preparing inputs for half of the time makes the host the slowest part, whatever the GPU does.
HOST_SHARE = 0.5
# A GPU that is busy for this share of the time is at work; NVML counts a moment as busy when any kernel runs, so even
# 0.9 may hide empty multiprocessors, but below it there are gaps between kernels.
BUSY = 0.9
# Beside a busy clock: a card that draws less than a tenth of the way from idle to its limit does next to nothing.
# On an H100, batch 1: resnet-18 0 %, gpt2 1 %; Stable Diffusion 2.1 in fp32 92 %.
NEAR_IDLE = 0.1
# One of the host's cores at work all the time is how a thread that launches kernels looks.
CORE_BUSY = 0.9
# How many times more requests to try at once: on an H100 the energy per request fell to a third and less.
MORE = 8
# An image takes thousands of times the FLOPs of a token and fills a card sooner (SDXL: 1.4 times less at 4).
MORE_IMAGES = 4
# What a precision costs less than, in order of trying: bf16 has the range of fp32, so it seldom changes a prediction.
CHEAPER = {"fp32": ("bf16", "fp16", "tf32"), "tf32": ("bf16", "fp16")}


@dataclass(frozen=True)
class Finding:
    """One thing that decides the energy.

    Attributes:
        what: what it is, in one clause
        evidence: the numbers that show it
        try_options: options to type next; None where none helps
    """

    what: str
    evidence: str
    try_options: str | None = None

    @property
    def sentence(self) -> str:
        """All of it in one line."""
        return f"{self.what}: {self.evidence}" + (f"; try {self.try_options}" if self.try_options else "")


@dataclass(frozen=True)
class Signs:
    """What a record tells of the device at work; None is not available.

    Attributes:
        busy: share of the time that the GPU was busy, in [0, 1]
        mean_w: mean power of the GPU, W
        idle_w: its idle power with the model loaded, W
        power_share: where the mean power lies between idle (0) and the power limit (1)
        cores: how many cores of the host were at work
        host_share: share of the time that the host's own stages take, in [0, 1]
        host_stage: the longer of the host's stages
    """

    busy: float | None
    mean_w: float | None
    idle_w: float | None
    power_share: float | None
    cores: float | None
    host_share: float | None
    host_stage: str | None = None


def findings(record: Record) -> list[Finding]:
    """What the energy of a run on a GPU is decided by, the weightiest first; empty where too little is known.

    A run without a GPU has none: its processor is host and device at once. Nor has one on several: their layers wait
    for each other, so a card that idles says nothing about the host. Nor a contaminated one: its watts are others'.
    """
    unclear = len(record.hardware.uuids) > 1 or "contaminated" in record.flags
    if record.hardware.device != "cuda" or unclear or not record.measurement.windows:
        return []
    signs, bound = read(record), named_metrics.lower_bound_of(record)
    host = _starved(record, signs)
    if host:
        return [host]
    if signs.busy is None or signs.power_share is None:
        return []
    if signs.busy < BUSY or signs.power_share < NEAR_IDLE:
        return [_launches(record, signs)]
    return [_memory(record, bound, signs) if bound and bound.byte_s > bound.flop_s else _compute(record, signs)]


def read(record: Record) -> Signs:
    """The signs of a record."""
    power, environment = energy_metrics.power_metrics(record.measurement), record.environment
    mean_w, idle_w, limit_w = power["power/gpu_mean_w"], power["power/idle_w"], record.hardware.power_limit_w
    share = None
    if mean_w is not None and idle_w is not None and limit_w and limit_w > idle_w:
        share = (mean_w - idle_w) / (limit_w - idle_w)
    stage, host_share = _host(energy_metrics.stage_metrics(record.measurement))
    load, count = power["utilization/cpu"], environment.cpu_cores
    return Signs(
        busy=power["utilization/gpu"],
        mean_w=mean_w,
        idle_w=idle_w,
        power_share=share,
        cores=load * count if load is not None and count else None,
        host_share=host_share,
        host_stage=stage,
    )


def _host(phases: Mapping[str, float | None]) -> tuple[str | None, float | None]:
    """The longer of the host's own two stages, and the share of an inference's time that both take; None where the
    stages are not known."""
    seconds = {
        name.removeprefix("stages/").removesuffix("_s"): value
        for name, value in phases.items()
        if name.endswith("_s") and value is not None
    }
    own = {name: seconds[name] for name in ("preprocessing", "postprocessing") if name in seconds}
    if not own or not sum(seconds.values()):
        return None, None
    return max(own, key=lambda name: own[name]), sum(own.values()) / sum(seconds.values())


def _starved(record: Record, signs: Signs) -> Finding | None:
    """The host's own work is what takes the time."""
    if signs.host_share is None or signs.host_share < HOST_SHARE or (signs.busy or 0.0) >= BUSY:
        return None
    # A tokenizer takes the texts of a batch on all cores; sounds are prepared one after the other
    text = requests.summary(record).counts_tokens
    option = _more_at_once(record) if text else _more_processes(record)
    return Finding(
        f"the GPU is starved by the host's {signs.host_stage}",
        f"the host's own work is {signs.host_share:.0%} of the time{_power(signs)}"
        + ("" if option else "; no option makes it faster, so compare models by energy/gpu_dynamic_wh_per_1k"),
        option,
    )


def _launches(record: Record, signs: Signs) -> Finding:
    """Kernels are shorter than what it takes to launch them."""
    busy = "" if signs.busy is None else f"it was busy {signs.busy:.0%} of the time"
    core = ", one CPU core all of it" if signs.cores is not None and CORE_BUSY <= signs.cores < 2 else ""
    options = [_more_at_once(record), _graphs(record)]
    if record.settings.batch_size >= MORE:
        options.reverse()
    return Finding(
        "the GPU waits for the host to launch its work", f"{busy}{core}{_power(signs)}", options[0] or options[1]
    )


def _memory(record: Record, bound: LowerBound, signs: Signs) -> Finding:
    """Reading the weights takes longer than computing with them."""
    return Finding(
        "the GPU waits for its memory",
        f"at its best it reads a request's weights in {bound.byte_s:.3g} s and computes with them in "
        f"{bound.flop_s:.3g} s{_power(signs)}",
        _more_at_once(record),
    )


def _compute(record: Record, signs: Signs) -> Finding:
    """The card's arithmetic is what takes the time: only cheaper FLOPs help, or fewer."""
    supported = record.hardware.precisions
    cheaper = next((p for p in CHEAPER.get(record.settings.precision, ()) if p in supported), None)
    return Finding(
        "the GPU itself is the limit",
        f"it was busy {signs.busy:.0%} of the time{_power(signs)}"
        + ("" if cheaper else "; only a lighter model costs less"),
        f"precision={cheaper}" if cheaper else None,
    )


def _more_at_once(record: Record) -> str | None:
    """The option for a larger batch; None where the run has no more requests than its batch holds."""
    batch, samples = record.settings.batch_size, record.task.samples
    wanted = min(batch * (MORE_IMAGES if record.model.kind == "text_to_image" else MORE), samples)
    return f"batch_size={wanted}" if wanted > batch else None


def _graphs(record: Record) -> str | None:
    """The options that make the card launch its own work; None where the run is compiled or its model cannot be.

    On an H100, half precision: distilbert 3.9 times less at batch 1, 1.8 at 64; bloomz-560m 4.4 times at 1, 3.7 at 16.
    """
    capabilities = record.model.capabilities
    if capabilities is None or not capabilities.compiles or record.settings.compile:
        return None
    if "static" in capabilities.caches:
        return "cache=static compile=true"
    return "compile=graphs" if capabilities.graphs else None


def _more_processes(record: Record) -> str | None:
    """The options for preprocessing more images in parallel; None for other inputs, or where all cores that the run may
    use do so already."""
    if record.model.capabilities is None or not record.model.capabilities.reads_images:
        return None
    processes, batch = record.settings.preprocessing_workers, record.settings.batch_size
    cores = record.environment.usable_cores or record.environment.cpu_cores or 1
    wanted = min(processes * MORE, cores)
    if wanted <= processes:
        return None
    return (
        f"preprocessing_workers={wanted}" if batch >= wanted else f"batch_size={wanted} preprocessing_workers={wanted}"
    )


def _power(signs: Signs) -> str:
    if signs.mean_w is None or signs.idle_w is None:
        return ""
    over = f", and it drew {signs.mean_w - signs.idle_w:.0f} W more than idle"
    return over if signs.power_share is None else f"{over}, {max(signs.power_share, 0.0):.0%} of what it could"
