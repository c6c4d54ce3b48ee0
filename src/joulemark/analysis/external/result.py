"""What another tool or study says that a model took, with what was counted; SI inside, unknown is None."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

J_PER_KWH = 3.6e6
J_PER_WH = 3600.0

# How a component's energy came to be known, as far as its source says; `unknown` where it does not
METHODS = ("counter", "sampled", "estimated", "constant", "unknown")


@dataclass(frozen=True)
class ExternalResult:
    """One published result. Energies are in J and of all `inferences` together; what the source lacks is None.

    `gpu_j`, `cpu_j`, `ram_j` and `total_j` are as counted there, `boundary` says in one sentence what that is. Where
    `with_loading` is true they hold loading the model too, so nothing is known of the inferences alone. A result that
    stands for several runs has their number in `repeats`, their standard deviation in `sd_j` and means elsewhere.
    `hardware` is in the source's words. `latency_s` has statistics of a request by name (`mean`, `p50`, …).
    `began_s` is since the epoch. `facts` are further facts of the source. `digest` identifies what was read.
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
        """By how many inferences the energy may be divided; None where that would say something false."""
        return None if self.with_loading else self.inferences


@dataclass(frozen=True)
class Contents:
    """What a file holds: the results, and a line for each row that was left out or doubted."""

    results: tuple[ExternalResult, ...] = ()
    left_out: tuple[str, ...] = ()


def digest(format: str, content: Any) -> str:
    """The identity of a piece of a source: of its content alone, so that a file that was moved is the same."""
    text = json.dumps([format, content], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
