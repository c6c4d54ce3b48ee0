"""What a terminal shows of one run: whole lines, the answer first, then how sure, then what to type next."""

from dataclasses import replace

from joulemark.analysis import named_metrics, run_answer
from joulemark.core.answer import MOST
from joulemark.core.machine import Site
from tests.records import a_record

NEXT = (
    "to compare: -m with model=A,B repeats=3, then python -m src.report; ± is the 95 % interval within "
    "this one process, and two differ by "
    "more"
)


def lines(record):
    return run_answer.of(record, named_metrics.metrics(record)).brief()


def of(record):
    """The record of a machine with a name that does not depend on this one."""
    return replace(record, environment=replace(record.environment, cpu="EPYC"))


def test_a_run_answers_with_its_energy_first_then_its_verdict_in_words_then_what_to_type():
    assert lines(of(a_record())) == [
        "fake on text classification (fp32, batch 2): 5.09 ± 0.00 Wh per 1,000 inferences, all of it estimated",
        "EPYC: CPU 4.63 Wh (estimated) and RAM 463 mWh (constant)",
        "accuracy 0.500 (0.0945 to 0.905); 18.3 J per label; 36.7 J per correct prediction",
        "latency p50 500 ms, p99 500 ms; 3.00 requests/s",
        "emissions: no zone is known, type site.zone=FRA or another",
        "doubtful: 100% of this energy was estimated, not measured by a sensor (accepted: 20%)",
        NEXT,
    ]


def test_a_site_gives_emissions_and_money():
    site = Site("ours", zone="FRA", g_per_kwh=50.0, pue=1.2, price_per_kwh=0.2, currency="EUR")
    shown = lines(of(replace(a_record(), site=site)))
    assert "emissions 306 mg CO2e per 1,000 (FRA: 50 g/kWh, PUE 1.2); 0.001222 EUR per 1,000" in shown


def test_the_reasons_of_a_doubt_are_words_and_many_of_them_are_counted():
    record = a_record()
    flagged = replace(record, flags=(*record.flags, "throttled", "not_converged", "preliminary"))
    (doubt,) = [line for line in lines(of(flagged)) if line.startswith("doubtful: ")]
    assert doubt.startswith("doubtful: 100% of this energy was estimated, not measured by a sensor (accepted: 20%); ")
    assert doubt.endswith("; and 2 more")
    assert "next: protocol=standard, a result to quote" in lines(of(flagged))


def test_a_run_that_failed_answers_with_its_reason():
    failed = replace(of(a_record()), status="failed", error="out of memory at batch_size=2; type batch_size=1")
    said = "fake on text classification (fp32, batch 2): failed: out of memory at batch_size=2; type batch_size=1"
    assert lines(failed) == [said, "measured until then: 5.09 ± 0.00 Wh per 1,000 inferences, all of it estimated"]
    before = replace(failed, measurement=replace(failed.measurement, windows=()))
    assert lines(before) == [said, "nothing was measured"]


def test_no_run_has_more_lines_than_a_terminal_gets():
    record = replace(a_record(), flags=("contaminated", "estimated", "not_converged", "preliminary"))
    assert len(lines(record)) == MOST
