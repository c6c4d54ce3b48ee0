"""Where a run is measured: the device, and the electricity it runs on."""

from dataclasses import dataclass

from joulemark.core.quantities import Amount, Factor, PositiveShare, Share


@dataclass(frozen=True)
class Hardware:
    """The machine a run is measured on, resolved to its device before anything is loaded.

    Attributes:
        name: the option that chose it
        device: `cuda`, `rocm`, `mps` or `cpu`; `remote`: another machine, of which only its own meters tell
        precisions: number formats that it supports
        index: number of the (first) GPU, as NVML counts: in PCI bus order
        uuid: UUID of the (first) GPU; None without a GPU
        gpu_name: marketing name of the GPUs; None without a GPU
        power_limit_w: power limit of all its GPUs together, W; None where not available
        cpu_tdp_w: power limit of the processor for the power model, W; None leaves the estimate to the meter
        ram_w: power of the memory for the power model, W; None leaves the estimate to the meter
        beside: (index, UUID) of each further GPU over which the model is spread, in the order of their indices; all
            have the same name
        machine: the other machine whose engine answers and whose meters are read; None: this one
    """

    name: str
    device: str
    precisions: tuple[str, ...]
    index: int = 0
    uuid: str | None = None
    gpu_name: str | None = None
    power_limit_w: Amount | None = None
    cpu_tdp_w: Amount | None = None
    ram_w: Amount | None = None
    beside: tuple[tuple[int, str], ...] = ()
    machine: str | None = None

    @property
    def uuids(self) -> tuple[str, ...]:
        """Every GPU that the run uses; none on a processor."""
        return () if self.uuid is None else (self.uuid, *(uuid for _, uuid in self.beside))

    @property
    def indices(self) -> tuple[int, ...]:
        """The numbers of those GPUs, as their driver counts."""
        return () if self.uuid is None else (self.index, *(index for index, _ in self.beside))

    def device_name(self, cpu: str | None) -> str:
        """The GPU, how many of them where there are several, or the processor of that name; another machine's name."""
        name = self.machine or self.gpu_name or cpu or self.device
        count = len(self.uuids)
        return f"{count} x {name}" if count > 1 else name


REMOTE = "remote"


def elsewhere(machine: str, name: str, precisions: tuple[str, ...]) -> Hardware:
    """Another machine: nothing of this one's card or processor is in it."""
    return Hardware(name, REMOTE, precisions, machine=machine)


@dataclass(frozen=True)
class Site:
    """Where the electricity comes from; None is unknown and stays unknown.

    Attributes:
        name: the option that chose it
        zone: ISO 3166-1 alpha-3 code
        g_per_kwh: emission factor, grams of CO2 equivalent per kWh
        factor_year: year that the factor holds for
        factor_basis: what the factor counts
        factor_source: who publishes the factor
        pue: power usage effectiveness of the building, at least 1
        price_per_kwh: price in `currency`
        currency: currency of the price
        heat_reuse: share of the heat that replaces other heating, in [0, 1]
        heat_replaces: that heating: `resistive` or `heat_pump`
        estimated_limit: share of estimated energy above which a run is flagged `estimated`, in [0, 1]
        market_g_per_kwh: emission factor of the contract (market-based), grams of CO2 equivalent per kWh
        utilization: share of the time for which a machine is reserved that it works as in the run, in (0, 1]
        spare: machines that stand by for each one in use, 0.1 for one in ten
        wue_l_per_kwh: litres of water that the site takes for a kWh of its computers
        wue_source_l_per_kwh: litres of water that the electricity took where it was generated, per kWh
    """

    name: str
    zone: str | None = None
    g_per_kwh: Amount | None = None
    factor_year: int | None = None
    factor_basis: str | None = None
    factor_source: str | None = None
    pue: Factor = 1.0
    price_per_kwh: Amount | None = None
    currency: str | None = None
    heat_reuse: Share | None = None
    heat_replaces: str | None = None
    estimated_limit: Share = 0.2
    market_g_per_kwh: Amount | None = None
    utilization: PositiveShare | None = None
    spare: Amount | None = None
    wue_l_per_kwh: Amount | None = None
    wue_source_l_per_kwh: Amount | None = None
