"""Why a run costs what it costs, and the one option to try next: a Record in, findings out, nothing measured anew.

the host's own stages take half of the time  ──▶ starved        faster preprocessing, ahead of the card
else the GPU is idle between short kernels    ──▶ launch-bound   more requests a launch, then CUDA graphs
else it is busy, and bytes take the longer    ──▶ memory-bound   more requests a reading of the weights
else it is busy                               ──▶ compute-bound  cheaper FLOPs

Beside that each part of the energy (analysis/breakdown.py) that is large and that an option removes, the largest first.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from joulemark.analysis import advice, breakdown, named_metrics
from joulemark.analysis.breakdown import BETWEEN, BEYOND, BOUND, MODEL, POSTPROCESSING, PREPROCESSING, Breakdown
from joulemark.analysis.lower_bound import LowerBound
from joulemark.analysis.signs import Signs, drawn, read
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
# Of a request's energy: a part below it is not worth an option, and within what two processes differ by.
LARGE = 0.1


@dataclass(frozen=True)
class Finding:
    """One thing that decides the energy.

    Attributes:
        what: what it is, in one clause
        evidence: the numbers that show it
        options: lines of options that help, the one to try first first; each is a run of its own
        joules: what it takes of a request, gross; None where its part of the energy is not known
    """

    what: str
    evidence: str
    options: tuple[str, ...] = ()
    joules: float | None = None

    @property
    def try_options(self) -> str | None:
        """The options to type next; None where none helps."""
        return self.options[0] if self.options else None

    @property
    def then(self) -> str:
        """What to try after them, as text; empty where nothing is left."""
        return f"; then {', or '.join(self.options[1:])}" if self.options[1:] else ""

    @property
    def sentence(self) -> str:
        """All of it in one line."""
        return f"{self.what}: {self.evidence}" + (f"; try {self.try_options}{self.then}" if self.options else "")


def findings(record: Record) -> list[Finding]:
    """What the energy of a run on a GPU is decided by, the weightiest first; empty where too little is known.

    A run without a GPU has none: its processor is host and device at once. Nor has one on several: their layers wait
    for each other, so a card that idles says nothing about the host. Nor a contaminated one: its watts are others'.
    """
    unclear = len(record.hardware.uuids) > 1 or "contaminated" in record.flags
    if record.hardware.device != "cuda" or unclear or not record.measurement.windows:
        return []
    parts, signs = breakdown.of(record), read(record)
    limit = _limit(record, signs, parts)
    if limit is None:
        return []
    others = [each for each in _removable(record, parts) if each.options and each.options[0] not in limit.options]
    return sorted([limit, *others], key=lambda each: each.joules or 0.0, reverse=True)


def _limit(record: Record, signs: Signs, parts: Breakdown | None) -> Finding | None:
    """What the GPU waits for; None where it is not known whether it waits."""
    bound = named_metrics.lower_bound_of(record)
    host = _starved(record, signs, parts)
    if host:
        return host
    if signs.busy is None or signs.power_share is None:
        return None
    if signs.busy < BUSY or signs.power_share < NEAR_IDLE:
        return _launches(record, signs, parts)
    if bound and bound.byte_s > bound.flop_s:
        return _memory(record, bound, signs, parts)
    return _compute(record, signs, parts)


def _removable(record: Record, parts: Breakdown | None) -> list[Finding]:
    """Every large part of the energy that an option removes."""
    if parts is None:
        return []
    host, idle = parts.joules(PREPROCESSING, POSTPROCESSING), parts.joules(BETWEEN)
    found = [
        _part("the host prepares inputs while the GPU waits", host, parts, advice.preparing_faster(record)),
        _part("the GPU waits between its stages", idle, parts, advice.less_waiting(record)),
        _padding(record, parts),
    ]
    return [each for each in found if each is not None]


def _part(what: str, joules: float | None, parts: Breakdown, options: Sequence[str]) -> Finding | None:
    if joules is None or joules < LARGE * parts.total_j:
        return None
    return Finding(what, f"{joules / parts.total_j:.0%} of a request's energy", tuple(options), joules)


def _padding(record: Record, parts: Breakdown) -> Finding | None:
    """Tokens that only fill a batch up to its longest text; of a model that writes its answer the prefill is not known
    apart, so it has none."""
    model_j, options = parts.joules(BOUND, BEYOND, MODEL), advice.less_padding(record)
    one_pass = any(stage.name == MODEL for stage in record.measurement.stages)
    tokens = advice.padded_tokens(record) if options and one_pass and model_j is not None else None
    if model_j is None or tokens is None:
        return None
    share = 1 - tokens[0] / tokens[1]
    if share * model_j < LARGE * parts.total_j:
        return None
    evidence = f"{share:.0%} of the tokens that the model computes fill a batch up to its longest text"
    return Finding("batches are padded", evidence, tuple(options), share * model_j)


def _starved(record: Record, signs: Signs, parts: Breakdown | None) -> Finding | None:
    """The host's own work is what takes the time."""
    if signs.host_share is None or signs.host_share < HOST_SHARE or (signs.busy or 0.0) >= BUSY:
        return None
    options = tuple(advice.preparing_faster(record))
    return Finding(
        f"the GPU is starved by the host's {signs.host_stage}",
        f"the host's own work is {signs.host_share:.0%} of the time{drawn(signs)}"
        + ("" if options else "; no option makes it faster, so compare models by energy/gpu_dynamic_wh_per_1k"),
        options,
        parts.joules(PREPROCESSING, POSTPROCESSING) if parts else None,
    )


def _launches(record: Record, signs: Signs, parts: Breakdown | None) -> Finding:
    """Kernels are shorter than what it takes to launch them."""
    busy = "" if signs.busy is None else f"it was busy {signs.busy:.0%} of the time"
    core = ", one CPU core all of it" if signs.cores is not None and CORE_BUSY <= signs.cores < 2 else ""
    beyond = parts.joules(BEYOND if parts.bounded else MODEL) if parts else None
    return Finding(
        "the GPU waits for the host to launch its work",
        f"{busy}{core}{drawn(signs)}",
        tuple(advice.fewer_launches(record)),
        beyond,
    )


def _memory(record: Record, bound: LowerBound, signs: Signs, parts: Breakdown | None) -> Finding:
    """Reading the weights takes longer than computing with them."""
    return Finding(
        "the GPU waits for its memory",
        f"at its best it reads a request's weights in {bound.byte_s:.3g} s and computes with them in "
        f"{bound.flop_s:.3g} s{drawn(signs)}",
        tuple(advice.more_at_once(record)),
        parts.joules(BOUND, BEYOND, MODEL) if parts else None,
    )


def _compute(record: Record, signs: Signs, parts: Breakdown | None) -> Finding:
    """The card's arithmetic is what takes the time: only cheaper FLOPs help, or fewer."""
    options = tuple(advice.cheaper_precision(record))
    return Finding(
        "the GPU itself is the limit",
        f"it was busy {signs.busy:.0%} of the time{drawn(signs)}"
        + ("" if options else "; only a lighter model costs less"),
        options,
        parts.joules(BOUND, BEYOND, MODEL) if parts else None,
    )
