"""Where a run is measured: the device, and the electricity it runs on."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Hardware:
    """The machine a run is measured on, resolved to its device before anything is loaded.

    `index` counts as NVML does (PCI bus order); `uuid`, `gpu_name` and `power_limit_w` are None without a GPU.
    `beside` holds (index, UUID) of each further GPU over which the model is spread, in the order of their indices: all
    bear the same name, and `power_limit_w` is their sum.
    `cpu_tdp_w` and `ram_w` feed the CPU and RAM power model; None leaves the estimate to the meter.
    """

    name: str
    device: str
    precisions: tuple[str, ...]
    index: int = 0
    uuid: str | None = None
    gpu_name: str | None = None
    power_limit_w: float | None = None
    cpu_tdp_w: float | None = None
    ram_w: float | None = None
    beside: tuple[tuple[int, str], ...] = ()

    @property
    def uuids(self) -> tuple[str, ...]:
        """Every GPU that the run uses; none on a processor."""
        return () if self.uuid is None else (self.uuid, *(uuid for _, uuid in self.beside))

    @property
    def indices(self) -> tuple[int, ...]:
        """The numbers of those GPUs, as their driver counts."""
        return () if self.uuid is None else (self.index, *(index for index, _ in self.beside))

    def device_name(self, cpu: str | None) -> str:
        """The GPU, how many of them where there are several, or the processor of that name."""
        name = self.gpu_name or cpu or self.device
        count = len(self.uuids)
        return f"{count} x {name}" if count > 1 else name


@dataclass(frozen=True)
class Site:
    """Where the electricity comes from; None is unknown and stays unknown.

    `zone` is an ISO 3166-1 alpha-3 code, `g_per_kwh` the zone's grams of CO2 equivalent per kWh, of which
    `factor_year`, `factor_basis` and `factor_source` say when, what and by whom. `heat_reuse` is the share of the heat,
    in [0, 1], that replaces other heating, `heat_replaces` that heating: `resistive` or `heat_pump`. A run of whose
    energy more than `estimated_limit`, in [0, 1], was estimated says so first.
    """

    name: str
    zone: str | None = None
    g_per_kwh: float | None = None
    factor_year: int | None = None
    factor_basis: str | None = None
    factor_source: str | None = None
    pue: float = 1.0
    price_per_kwh: float | None = None
    currency: str | None = None
    heat_reuse: float | None = None
    heat_replaces: str | None = None
    estimated_limit: float = 0.2
