"""What an answer and a token of reasoning cost, from joules that are known."""

from dataclasses import replace

from joulemark.analysis import named_metrics
from joulemark.analysis.requests import Summarizer
from joulemark.core.record import Request
from joulemark.core.traffic import Traffic
from tests.analysis.test_named_metrics import record


def request(reasoning, output):
    return Request("a", "x", None, None, 1, 1.0, output_tokens=output, reasoning_tokens=reasoning)


def summary(*requests):
    taken = Summarizer()
    for each in requests:
        taken.add(each)
    return taken.counted()


THOUGHT = (request(30, 40), request(50, 50), request(0, 10))  # the second never came to its answer


def test_tokens_of_reasoning_are_summed_and_a_request_that_never_ended_it_gave_no_answer():
    assert (summary(*THOUGHT).reasoning_tokens, summary(*THOUGHT).answers) == (80, 2)


def test_all_energy_is_divided_by_the_tokens_of_reasoning_and_by_the_answers():
    known = replace(record(), requests=THOUGHT)  # 400 W for ten seconds, three requests a pass: 4,000 J / 3 a request
    metrics = named_metrics.metrics(known)
    assert metrics["energy/j_per_reasoning_token"] == 4000 / 80
    assert metrics["energy/j_per_answer"] == 4000 / 2


def test_of_traffic_the_windows_own_requests_count():
    measured = replace(record().measurement, windows=record().measurement.windows[:1], traffic=Traffic(10.0))
    known = replace(record(), requests=THOUGHT[:1], measurement=measured)  # two of three failed
    assert named_metrics.metrics(known)["energy/j_per_answer"] == 4000 / 1


def test_without_reasoning_there_is_nothing_to_divide_by_and_a_record_without_the_count_has_no_such_metric():
    metrics = named_metrics.metrics(replace(record(), requests=(request(0, 10),)))
    assert metrics["energy/j_per_reasoning_token"] is None
    assert metrics["energy/j_per_answer"] is not None
    assert "energy/j_per_answer" not in named_metrics.metrics(replace(record(), requests=(request(None, 10),)))
