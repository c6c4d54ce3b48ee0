"""How a run is measured: the values of `conf/protocol`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Procedure:
    """How a run is measured: the values of `conf/protocol`, none of them a constant in code.

    The idle baseline of `idle_s` is read in `idle_parts` equal parts, whose spread is its interval.
    Windows repeat until the 95 % interval of energy per inference is narrower than `ci95_rel` of its mean,
    at least `min_windows` and at most `max_windows` times; once the windows have taken `measure_max_s` together, no
    further one follows the `min_windows`. Each is made of whole passes and lasts `window_s` or more.
    Warm-up runs `warmup_batches` or more, until the median latency of its last `converge_batches` differs by less
    than `converge_rel` from the `converge_batches` before, or `warmup_max_s` is over.
    Then each stage of an inference has a window of its own of `stage_s` (0: none), over batches of `stage_requests`
    requests in all, spread over the inputs.

    Guards: a second run on the same card waits `lock_wait_s` and is then refused; a card that is busier than
    `busy_max`, in [0, 1], before the run begins is contaminated; before each window the card may cool for `cool_max_s`
    until it is within `cool_c` degrees of where it began; a call that has not ended after `stall_s` ends the run.
    Audit: two sensors of one window may differ by `audit_rel` (counters, of which windows below `audit_long_s` are let
    off: one tick is a share of them), `audit_sampled_rel` (samples), clocks by
    `audit_clock_rel`, and mean power may pass the card's limit by `audit_power_rel`; more fails the run.
    One that is `preliminary` gives figures to choose by, not to quote, and its runs say so.
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
    measure_max_s: float
    ci95_rel: float
    pause_s: float
    stage_s: float
    stage_requests: int
    lock_wait_s: float
    busy_max: float
    cool_c: float
    cool_max_s: float
    stall_s: float
    audit_rel: float
    audit_long_s: float
    audit_sampled_rel: float
    audit_clock_rel: float
    audit_power_rel: float
    preliminary: bool = False
