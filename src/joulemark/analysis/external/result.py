"""What another tool or study says that a model took, with what was counted; SI inside, unknown is None."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# How a component's energy came to be known, as far as its source says; `unknown` where it does not
METHODS = ("counter", "sampled", "estimated", "constant", "unknown")


@dataclass(frozen=True)
class ExternalResult:
    """One published result; what its source lacks is None.

    Energies are of all `inferences` together, as counted by the source.

    Attributes:
        format: name of the format
        source: the file
        digest: identity of the content, 32 hexadecimal digits
        title: heading of the result
        boundary: what was counted, in one sentence
        model: id of the checkpoint
        task: name of the task
        dataset: name of the dataset
        hardware: the hardware as the source names it
        inferences: number of inferences
        gpu_j: energy of the GPUs, J
        cpu_j: energy of the processor, J
        ram_j: energy of the memory, J
        total_j: energy of all that was counted, J
        methods: component -> how its energy is known, one of METHODS
        with_loading: whether the energies include loading the model, so that those of the inferences are unknown
        load_j: energy of loading the model, J
        sd_j: standard deviation of `total_j` over the repeats, J
        repeats: number of runs that the result is the mean of
        emissions_g: grams of CO2 equivalent
        factor_g_per_kwh: emission factor, grams of CO2 equivalent per kWh
        duration_s: duration, s
        gpu_w: mean power of the GPUs, W
        rates: throughputs as stated by name (`requests_per_s`, `units_per_s`); without them of the duration
        users: requests that were on their way at once
        rate_per_s: requests that came in a second
        latency_s: statistics of a request's latency by name (`mean`, `p50`, …), s
        quality: value of the metric
        metric: name of the metric
        parameters: number of parameters of the model
        began_s: time of the start, s since the epoch
        facts: further facts of the source
    """

    format: str
    source: str
    digest: str
    title: str
    boundary: str
    model: str | None = None
    task: str | None = None
    dataset: str | None = None
    hardware: str | None = None
    inferences: int | None = None
    gpu_j: float | None = None
    cpu_j: float | None = None
    ram_j: float | None = None
    total_j: float | None = None
    methods: Mapping[str, str] = field(default_factory=dict)
    with_loading: bool = False
    load_j: float | None = None
    sd_j: float | None = None
    repeats: int | None = None
    emissions_g: float | None = None
    factor_g_per_kwh: float | None = None
    duration_s: float | None = None
    gpu_w: float | None = None
    rates: Mapping[str, float] = field(default_factory=dict)
    users: int | None = None
    rate_per_s: float | None = None
    latency_s: Mapping[str, float] = field(default_factory=dict)
    quality: float | None = None
    metric: str | None = None
    parameters: int | None = None
    began_s: float | None = None
    facts: Mapping[str, str] = field(default_factory=dict)

    def component_j(self, component: str) -> float | None:
        """The energy of one of core.COMPONENTS."""
        return {"gpu": self.gpu_j, "cpu": self.cpu_j, "ram": self.ram_j}[component]

    @property
    def per_inference(self) -> int | None:
        """By how many inferences the energy may be divided; None where that would be wrong."""
        return None if self.with_loading else self.inferences


@dataclass(frozen=True)
class Contents:
    """What a file holds.

    Attributes:
        results: the results, in order
        left_out: one line for each row that was left out or is doubtful
    """

    results: tuple[ExternalResult, ...] = ()
    left_out: tuple[str, ...] = ()


def digest(format: str, content: Any) -> str:
    """The identity of a piece of a source: of its content alone, so that a file that was moved is the same."""
    text = json.dumps([format, content], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
