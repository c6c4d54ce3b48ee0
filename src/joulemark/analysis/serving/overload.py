"""Whether the load was carried: by the engine that was to keep up with it, and by what made it."""

from statistics import fmean

from joulemark.core.traffic import Traffic

# Of the asked rate, at least: less is a queue that grows, behind which no percentile of a short run holds for a day
KEPT_UP = 0.95
LATE = 0.05  # of the mean time to first token, that the load generator may send too late
GENERATOR_CPU = 0.5  # of the traffic's time, that the load generator may compute: beyond it sends late, unseen


def reasons(traffic: Traffic) -> list[str]:
    """Why the load was not that which was asked for, in words; empty where it was, as far as is known."""
    found = []
    if traffic.kept_up is not None and traffic.kept_up < KEPT_UP:
        found.append(f"{traffic.kept_up:.0%} of {traffic.asked_per_s or 0:.4g} requests/s were kept up with")
    waited_s = fmean(traffic.ttft_s or traffic.latency_s or [0.0])
    if traffic.waiting_s is not None and waited_s > 0 and traffic.waiting_s > LATE * waited_s:
        found.append(f"the load generator sent {traffic.waiting_s:.2g} s late, of {waited_s:.2g} s to the first token")
    if traffic.generator_cpu_s is not None and traffic.generator_cpu_s > GENERATOR_CPU * traffic.duration_s > 0:
        share = traffic.generator_cpu_s / traffic.duration_s
        found.append(f"the load generator computed {share:.0%} of the time")
    return found
