"""How a run is measured: the values of `conf/protocol`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Procedure:
    """How a run is measured: the values of `conf/protocol`, none of them a constant in code.

    A guard that is None did not exist when the run was measured, so nothing was guarded.

    Attributes:
        name: the option that chose it
        idle_s: seconds of the idle baseline; 0 for none
        idle_parts: equal parts of the baseline, whose spread is its interval
        warmup_batches: batches of the warm-up, at least
        warmup_max_s: seconds of the warm-up, at most
        converge_batches: batches of one cycle of the warm-up, whose median latency is compared with the cycle before
        converge_rel: relative change of that median below which the latency has converged
        window_s: seconds of a window, at least; it is made of whole passes over the inputs
        min_windows: windows, at least
        max_windows: windows, at most
        measure_max_s: seconds of all windows together after which none follows the `min_windows`
        ci95_rel: relative half-width of the within-run interval of energy per inference at which the windows end
        pause_s: seconds between two windows
        stage_s: seconds of the window of each stage of an inference; 0 for none
        stage_requests: requests of such a window, spread over the inputs
        lock_wait_s: seconds that a second run on the same GPU waits before it is refused
        busy_max: utilization in [0, 1] before the run above which its GPU counts as contaminated
        cool_c: degrees above the first window's temperature below which a window may begin
        cool_max_s: seconds that a window waits for that, at most
        stall_s: seconds that one call may take before the run is ended as hung
        audit_rel: relative difference allowed between two counters
        audit_long_s: seconds of a window below which two counters are not compared: one tick is a share of it
        audit_sampled_rel: relative difference allowed where one of them samples
        audit_clock_rel: relative difference allowed between a meter's clock and this program's
        audit_power_rel: relative excess allowed over the GPU's power limit
        preliminary: whether its figures are for screening only, and its runs say so
    """

    name: str
    idle_s: float
    idle_parts: int
    warmup_batches: int
    warmup_max_s: float
    converge_batches: int
    converge_rel: float
    window_s: float
    min_windows: int
    max_windows: int
    measure_max_s: float | None
    ci95_rel: float
    pause_s: float
    stage_s: float
    stage_requests: int
    lock_wait_s: float | None
    busy_max: float | None
    cool_c: float | None
    cool_max_s: float | None
    stall_s: float | None
    audit_rel: float | None
    audit_long_s: float | None
    audit_sampled_rel: float | None
    audit_clock_rel: float | None
    audit_power_rel: float | None
    preliminary: bool = False

    @property
    def measuring_s(self) -> tuple[float, float]:
        """The least and the most seconds that a run of fixed batches measures, by these limits."""
        least = self.idle_s + self.min_windows * self.window_s
        windows = self.max_windows * self.window_s
        most = min(windows, self.measure_max_s or windows)
        return least, self.idle_s + self.warmup_max_s + most + 3 * self.stage_s
