"""The warnings of a run in sentences: what each flag means, which sensors were not available, and why."""

from joulemark.analysis import audit, energy_metrics, flags
from joulemark.analysis.serving import overload
from joulemark.core.record import Record

ROWS_LISTED = 3  # skipped rows that are named before a run begins
FOREMOST = "estimated"  # the flag that stands before all numbers

EXPLAINED = {
    "early_stopped": "stopped early: another setting of the sweep is better whatever further windows would show",
    "estimated": "more of this energy was estimated, not measured by a sensor, than the site accepts",
    "preliminary": "a screening protocol, too short to quote: protocol=standard gives a result to quote",
    "contaminated": "other processes used the processor or GPU that was measured",
    "no_quality": "the predictions have no quality",
    "power_capped": "the GPU's power limit held its clock, which is normal at full load",
    "throttled": "the GPU reduced its clock: its energy is that of a throttled GPU",
    "random_weights": "random weights: the energy is real, the predictions are meaningless, so there is no quality",
    "host_busy": "others used the host's processors: CPU and RAM energy includes theirs, GPU energy does not",
    "incomplete_windows": "in some windows a component's energy was not available; they are left out of every mean",
    "partial_total": "the total does not hold every component of this machine",
    "stages_disagree": "the energies of the stages do not add up to that of a whole inference: do not use them",
    "suspended": "the process or the machine was stopped within a window, which was left out and measured again",
    flags.SHARED_PROCESS: "its process measured other settings of a sweep, too: it is no evidence of its own",
    flags.CARRY_OVER: "its process gave another figure for its first setting at its end, so this one is doubtful",
    "shared": "other runs shared the machine: CPU and RAM energy includes theirs, GPU energy does not",
    "one_class": "every reference is of one class, as in the first rows of a file sorted by label, so the quality says "
    "little: task.shuffle=0 draws from all rows",
    "sorted_rows": "the rows that were taken are not like the rest, as in a file sorted by label: task.shuffle=0 draws "
    "from all rows",
    "skipped_rows": "rows of the data could not be used and were replaced by further rows",
    "stand_in_tokenizer": "the family's own vocabulary does not ship: texts have the tokens of another one",
    flags.HOST_DECODED: "the host decoded images that the GPU was to decode",
    "truncated": "inputs were longer than the model's context and were truncated",
    "not_converged": "the within-run interval is wider than the protocol asks",
    flags.ERRORS: "requests failed or timed out: their energy is in the total, their tokens are not",
    flags.OVERLOADED: "the load was not carried",
    flags.UNSENT: "the traffic ended by its own time limit before every request was sent",
    "warmup_not_converged": "the latency had not converged when the first window began",
}

# Meters of one vendor's GPUs in records of schema 1 and 2, which list them as absent on any device; newer ones do not
VENDOR_METERS_BEFORE_3 = {"nvml": "cuda", "trace": "cuda", "amd": "rocm"}


def warnings(record: Record) -> list[str]:
    """Each flag with its meaning and evidence, then each sensor that was not available with its reason and remedy."""
    known = (f"{flag}: {sentence}" for flag, sentence in explained(record).items() if flag != FOREMOST)
    return [*known, *_of_calls(record), *absent(record)]


def explained(record: Record) -> dict[str, str]:
    """What each flag of a record means, with its evidence."""
    evidence = {
        **_of_shared_process(record),
        "sorted_rows": f" ({record.task.sampling_bias})",
        "contaminated": f" ({_others(record)})",
        "host_busy": f" ({_host_share(record)})",
        "partial_total": f" (not available: {', '.join(map(str.upper, flags.missing_components(record)))})",
        "no_quality": f": {record.no_quality}",
        **_of_traffic(record),
        flags.HOST_DECODED: f" ({flags.host_decoded(record)})",
        "throttled": f" ({', '.join(audit.held_back(record.measurement))})",
    }
    known = {flag: f"{EXPLAINED.get(flag, flag)}{evidence.get(flag, '')}" for flag in record.flags}
    share = energy_metrics.estimated_share(record.measurement)
    if FOREMOST in known and share is not None:
        accepted = f"accepted: {record.site.estimated_limit:.0%}"
        known[FOREMOST] = f"{share:.0%} of this energy was estimated, not measured by a sensor ({accepted})"
    return known


def _of_calls(record: Record) -> list[str]:
    """Requests that alone are beyond the budget of a batch, and calls that no CUDA graph was recorded for."""
    facts = record.model.facts
    over, eager, known = (facts.get(name, 0) for name in ("over_batch_tokens", "eager_calls", "cuda_graphs"))
    budget = f"{over} requests have more than batch_tokens={record.settings.batch_tokens} tokens alone"
    graphs = f"{eager} calls ran without a CUDA graph: the batches have more than {known} shapes"
    return [
        *([f"over_budget: {budget}: each is a batch of its own"] if over else []),
        *([f"eager_calls: {graphs}, which pad_to_multiple_of makes fewer"] if eager else []),
    ]


def _of_shared_process(record: Record) -> dict[str, str]:
    """How old the idle baseline is, and by which scatter one window was enough, where they are of earlier runs."""
    age_s, half = record.measurement.idle_age_s, record.measurement.window_half_rel
    idle = "" if age_s is None else f" (the idle baseline is {age_s:.0f} s old)"
    window = "" if half is None else f" (one window, ± {half:.1%} by the scatter of the process's earlier windows)"
    return {flags.SHARED_PROCESS: idle, flags.EARLY_STOPPED: window}


def _of_traffic(record: Record) -> dict[str, str]:
    """How many requests failed and why, and what was not carried."""
    traffic = record.measurement.traffic
    if traffic is None:
        return {}
    why = [f"{count} x {reason}" for reason, count in list(traffic.reasons.items())[:ROWS_LISTED]]
    return {
        flags.ERRORS: f" ({'; '.join([f'{traffic.failed} failed, {traffic.timed_out} timed out', *why])})",
        flags.OVERLOADED: f": {'; '.join(overload.reasons(traffic))}",
        flags.UNSENT: f" ({traffic.unsent} were not)",
    }


def _others(record: Record) -> str:
    """Who used the processor or GPU that was measured, as far as it is known."""
    processes = audit.others(record.measurement)
    if not processes and record.hardware.device == "cpu":
        return _host_share(record)
    return f"process {', '.join(map(str, processes)) or 'hidden'}"


def _host_share(record: Record) -> str:
    share = flags.others_cpu_share(record.measurement)
    return "share unknown" if share is None else f"{share:.0%} of the host's cores"


def of_inputs(record: Record) -> list[str]:
    """What is known of the inputs before the model is loaded: rows that are skipped, and how the rest were taken."""
    skipped = record.task.skipped or ()
    more = [f"skipped: {len(skipped) - ROWS_LISTED} further rows"] if len(skipped) > ROWS_LISTED else []
    one_class = [f"one_class: {EXPLAINED['one_class']}"] if "one_class" in record.flags else []
    bias = f"sorted_rows: {EXPLAINED['sorted_rows']} ({record.task.sampling_bias})"
    order = [bias] if "sorted_rows" in record.flags else []
    return [*(f"skipped: {row}" for row in skipped[:ROWS_LISTED]), *more, *one_class, *order]


def absent(record: Record) -> list[str]:
    """Why each sensor that this device could have was not available."""
    reasons, device = record.environment.meters_absent, record.hardware.device
    return [
        f"not available: {reason}"
        for name, reason in reasons.items()
        if VENDOR_METERS_BEFORE_3.get(name, device) == device
    ]


def foremost(record: Record) -> list[str]:
    """The warning that stands before every number: more of the energy was estimated than the site accepts."""
    return [f"{FOREMOST}: {explained(record)[FOREMOST]}"] if FOREMOST in record.flags else []
