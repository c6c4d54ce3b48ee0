"""Each request's share of a window's energy, and what no request has a share of.

At every moment the idle power is divided equally among the requests under way, since each of them keeps the engine up,
and what is above it by the tokens that they have processed then, since a token asks for the same work of every request
(two FLOPs a parameter, Kaplan et al. 2020), be it of the prompt or of the answer. The tokens of the prompt are spread
evenly from the sending to the first token, those of the answer from the first to the last. Where no tokens are
processed, or nobody counts them, all power is divided equally. What is used while no request is under way is
unattributed.

Shares and the unattributed rest are the total.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import fsum

from joulemark.analysis.serving.columns import Columns
from joulemark.analysis.serving.division import Phases, divided, phases_of
from joulemark.analysis.serving.power import Power
from joulemark.core.traffic import Attribution


@dataclass(frozen=True)
class Shares:
    """The division of a window's energy among its requests.

    Attributes:
        attribution: its sums, or why there are none
        joules: J of each request, in the order of the timings; empty where there are no shares
        prefill_j: of that, J up to the first token of each; empty where prefill is not told apart
    """

    attribution: Attribution
    joules: Sequence[float] = ()
    prefill_j: Sequence[float] = ()


def shares(known: Columns, powers: Mapping[str, Power]) -> Shares:
    """The share of every request; none with the reason where the sensor does not resolve them."""
    total_j = fsum(float(power.joules[-1]) for power in powers.values()) if powers else None
    reason = refusal(known, powers)
    if reason is not None:
        return Shares(Attribution(total_j=total_j, refused=reason))
    phases = phases_of(known)
    prefill_j, decode_j, unattributed_j = divided(phases, powers)
    shown = phases.apart and not _unresolved_prefill(known, powers)
    joules = [a + b for a, b in zip(prefill_j, decode_j, strict=True)]
    attribution = Attribution(
        total_j=total_j,
        attributed_j=fsum(joules),
        unattributed_j=unattributed_j,
        prefill_j=fsum(prefill_j) if shown else None,
        decode_j=fsum(decode_j) if shown else None,
        method=_method(phases, powers, shown),
    )
    return Shares(attribution, _in_order(known, joules), _in_order(known, prefill_j) if shown else ())


def refusal(known: Columns, powers: Mapping[str, Power]) -> str | None:
    """Why the energy cannot be divided; None where it can.

    An estimate of power follows no request, so one component at least is measured. Half of the requests are under way
    for as long as the sensors resolve.
    """
    import numpy

    if not powers:
        return "the energy of the window is not available"
    measured = [power for power in powers.values() if power.measured]
    if not measured:
        return "all of the energy is estimated, and an estimate has no resolution in time"
    if not known.sent.any():
        return "no request was under way"
    resolution_s = max(power.resolution_s for power in measured)
    if numpy.isinf(resolution_s):
        return "a component's power was read once: it has no resolution in time; use a counter, or meter=trace"
    median_s = float(numpy.median((known.finished_s - known.sent_s)[known.sent]))
    if median_s < resolution_s:
        return f"half of the requests took less than {median_s:.3g} s, and the sensors resolve {resolution_s:.3g} s"
    return None


def _unresolved_prefill(known: Columns, powers: Mapping[str, Power]) -> bool:
    """Whether half of the prefills are shorter than what the sensors resolve."""
    import numpy

    resolution_s = max(power.resolution_s for power in powers.values() if power.measured)
    return float(numpy.median((known.first_s - known.sent_s)[known.sent & known.answered])) < resolution_s


def _method(phases: Phases, powers: Mapping[str, Power], shown: bool) -> str:
    """How it was done, in words."""
    rule = "idle power by time under way, the rest by tokens" if phases.by_tokens else "by time under way"
    how = {"trace": "power trace", "mean_power": "mean power"}
    parts = ", ".join(
        f"{component.upper()} {how[power.method]}{'' if power.measured else ' (estimated)'}"
        f"{'' if power.idle_w is not None else ', no idle power'}"
        for component, power in powers.items()
    )
    short = "; prefill is shorter than the sensors resolve" if phases.apart and not shown else ""
    return f"{rule}; {parts}{short}"


def _in_order(known: Columns, values: Sequence[float]) -> list[float]:
    """The values of the requests that were under way in the place of each among all, 0 for the others."""
    import numpy

    placed = numpy.zeros(len(known.sent))
    placed[known.sent] = values
    listed: list[float] = placed.tolist()
    return listed
