"""Requests whose every moment is known, and ones drawn at random."""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from joulemark.analysis.serving import traffic
from joulemark.analysis.serving.columns import columns
from joulemark.core.traffic import Timing, Traffic

# of a property: a busy machine fails no test
unhurried = settings(max_examples=50, deadline=None, database=None, suppress_health_check=list(HealthCheck))


def answered(number=0, due_s=0.0, sent_s=None, first_s=None, finished_s=1.0, tokens=(10, 10)) -> Timing:
    """An answered request that was sent as it came, unless another moment is given."""
    sent_s = due_s if sent_s is None else sent_s
    return Timing(number, number, due_s, sent_s, first_s, finished_s, "answered", None, *tokens)


def concurrent(users: int, each: int, seconds: float = 1.0, first: float = 0.25, tokens=(100, 11)) -> list[Timing]:
    """A closed loop: each user sends the next request once the last is answered; one user starts after the other."""
    timings = []
    for user in range(users):
        for turn in range(each):
            due_s = user * seconds / users + turn * seconds
            timings.append(answered(len(timings), due_s, due_s, due_s + first, due_s + seconds, tokens))
    return timings


moments = st.floats(0, 100, allow_nan=False)
lengths = st.one_of(st.just(0.0), st.floats(1e-9, 50, allow_nan=False))
counts = st.one_of(st.none(), st.integers(0, 10_000))


@st.composite
def timing(draw, tokens=counts):
    """Any request: answered or not, streamed or not, with phases of any length, of none as well."""
    due_s = draw(moments)
    sent_s = due_s + draw(lengths)
    first_s = sent_s + draw(lengths)
    finished_s = first_s + draw(lengths)
    outcome = draw(st.sampled_from(("answered", "answered", "failed", "timed_out", "unsent")))
    if outcome == "unsent":
        return Timing(0, 0, due_s)
    streamed = outcome == "answered" or draw(st.booleans())
    return Timing(
        0, 0, due_s, sent_s, first_s if streamed else None, finished_s, outcome, None, draw(tokens), draw(tokens)
    )


def summary(timings, *more, **options) -> Traffic:
    """The traffic of these timings."""
    return traffic.summary(timings, columns(timings), *more, **options)
