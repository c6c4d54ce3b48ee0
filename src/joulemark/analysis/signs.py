"""What a record tells of its device at work: how busy it was, what it drew, and how long the host took."""

from collections.abc import Mapping
from dataclasses import dataclass

from joulemark.analysis import energy_metrics
from joulemark.core.record import Record


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


def drawn(signs: Signs) -> str:
    """The power above idle as a clause; empty where it is not known."""
    if signs.mean_w is None or signs.idle_w is None:
        return ""
    over = f", and it drew {signs.mean_w - signs.idle_w:.0f} W more than idle"
    return over if signs.power_share is None else f"{over}, {max(signs.power_share, 0.0):.0%} of what it could"
