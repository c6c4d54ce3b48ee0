"""What was measured of served traffic: a timing for each request, and all of them together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from joulemark.core.quantities import Amount, Count, Moment, Share

# How a request ended
OUTCOMES = ("answered", "failed", "timed_out", "interrupted", "unsent")


@dataclass(frozen=True)
class Timing:
    """One request of the traffic; moments are seconds after the traffic began, None where it never came to that.

    Attributes:
        number: its place in the traffic
        sample: place of its input among the run's samples
        due_s: when it came: by its schedule, or when its user sent it
        sent_s: when it was handed to the engine, later than `due_s` by the load generator's own delay
        first_s: when the first part of its answer came
        finished_s: when the whole of it had come, or it was given up
        outcome: one of OUTCOMES
        reason: why it failed, in one line
        input_tokens: tokens of the prompt, as the engine counted
        output_tokens: tokens of the answer
    """

    number: int
    sample: int
    due_s: float
    sent_s: float | None = None
    first_s: float | None = None
    finished_s: float | None = None
    outcome: str = "unsent"
    reason: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None

    @property
    def ttft_s(self) -> float | None:
        """Time to first token, waiting included; None without one."""
        return None if self.first_s is None else self.first_s - self.due_s

    @property
    def tpot_s(self) -> float | None:
        """Mean time per output token after the first; None of an answer of one token, or that came whole."""
        if self.first_s is None or self.finished_s is None or (self.output_tokens or 0) < 2:
            return None
        return (self.finished_s - self.first_s) / ((self.output_tokens or 0) - 1)

    @property
    def latency_s(self) -> float | None:
        """Seconds from its coming to the whole answer; None of one that was not answered."""
        return self.finished_s - self.due_s if self.outcome == "answered" and self.finished_s is not None else None


@dataclass(frozen=True)
class SteadyWindow:
    """The part of the traffic in which the engine was as full as it gets: without filling up and running dry.

    Attributes:
        start_s: when it began, s after the traffic began
        end_s: when it ended
        requests: requests that finished within it
        output_tokens: tokens that came within it
        joules: component -> J within it; absent where they cannot be known
        method: component -> how: `trace` (power over time), `mean_power` (its mean over the whole window)
    """

    start_s: Amount
    end_s: Amount
    requests: Count
    output_tokens: Count
    joules: Mapping[str, float] = field(default_factory=dict)
    method: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Attribution:
    """How the window's energy was divided among its requests; the shares are rows of requests.parquet.

    Attributes:
        total_j: J of the window, all components that were read
        attributed_j: J that requests have a share of
        unattributed_j: J of moments in which none was under way; with `attributed_j` the total
        prefill_j: of `attributed_j`, J up to the first tokens; None where no engine tells them
        decode_j: of `attributed_j`, J after them
        method: how, in words
        refused: why there are no shares; None where there are
    """

    total_j: float | None = None
    attributed_j: float | None = None
    unattributed_j: float | None = None
    prefill_j: float | None = None
    decode_j: float | None = None
    method: str | None = None
    refused: str | None = None


@dataclass(frozen=True)
class Traffic:
    """All requests of a served run together.

    Distributions are sorted samples, s, at most 20,000 each, evenly spread over the ranks.

    Attributes:
        duration_s: from the first request's coming to the last answer
        began_at: when the first request was due at the earliest, ISO 8601, UTC
        asked_per_s: requests per second that the schedule asked for; None in a closed loop
        users: users of a closed loop; None in an open one
        sent: requests that were sent
        answered: requests whose whole answer came
        failed: requests that the engine failed
        timed_out: requests given up after the scenario's time
        interrupted: requests that were under way when the run was interrupted
        unsent: requests that the traffic ended before
        reasons: why requests failed, in words -> how many
        good: answered requests that kept every limit; None without limits, or where they cannot be known
        good_tokens: output tokens of these
        within: limit (`ttft_s`, `tpot_s`, `latency_s`) -> answered requests that kept it
        input_tokens: tokens of all prompts that were answered; None where they are not counted
        output_tokens: tokens of all answers; None where they are not counted
        token_count: how tokens were counted: `usage` (the engine's), `tokenizer`, `engine`; None where they were not
        ttft_s: times to first token
        tpot_s: mean times per output token of each answer
        itl_s: times between two parts of an answer, of all answers
        latency_s: times to the whole answer
        waiting_s: mean seconds between a request's coming and its being sent: the load generator's own delay
        mean_concurrency: mean number of requests under way
        busy_share: share of the time in which at least one request was under way, in [0, 1]
        kept_up: of an open loop's rate, the share that the engine kept up with: below one where requests had no answer,
            or where latency grew with the time of coming, as behind a queue that grows; None in a closed loop, of
            requests that came at once, and of too few answers to tell
        generator_cpu_s: processor seconds of the load generator itself; None where they are not known
        steady: the steady part; None where there is none, with the reason in `no_steady`
        no_steady: why there is no steady part
        attribution: the division of the energy among the requests
    """

    duration_s: Amount
    began_at: Moment | None = None
    asked_per_s: Amount | None = None
    users: Count | None = None
    sent: Count = 0
    answered: Count = 0
    failed: Count = 0
    timed_out: Count = 0
    interrupted: Count = 0
    unsent: Count = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    good: Count | None = None
    good_tokens: Count | None = None
    within: Mapping[str, int] = field(default_factory=dict)
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    token_count: str | None = None
    ttft_s: Sequence[Amount] = ()
    tpot_s: Sequence[Amount] = ()
    itl_s: Sequence[Amount] = ()
    latency_s: Sequence[Amount] = ()
    waiting_s: float | None = None
    mean_concurrency: Amount | None = None
    busy_share: Share | None = None
    kept_up: Share | None = None
    generator_cpu_s: Amount | None = None
    steady: SteadyWindow | None = None
    no_steady: str | None = None
    attribution: Attribution | None = None
