"""What a terminal shows of a report: the recommendation, how sure it is and what to type, in whole lines."""

from pathlib import Path

from joulemark.core.answer import MOST
from joulemark.reporting import report_answer
from joulemark.reporting.build import Report
from joulemark.reporting.selection import LeftOut
from tests.reporting.runs import a_page, a_run, showcase

ZONE = "for CO2e and money: python -m src.report site.zone=FRA site.price_per_kwh=0.2 site.currency=EUR"


def lines(runs, left_out=(), **bounds):
    page = a_page(runs, left_out, **bounds)
    made = Report(Path("/x"), page.recommendations, len(runs), left_out, constraints=tuple(page.constraints))
    return report_answer.of(made).brief()


def cell(model, *values, **more):
    return [a_run(model, value, value * 0.01, compare__cell=model, **more) for value in values]


def test_an_established_lead_is_said_with_its_costs_the_runner_up_and_the_test():
    metrics = {"emissions/g_per_1k": 0.05, "quality/ci95_low": 0.85, "quality/ci95_high": 0.95}
    runs = [*cell("small", 0.99, 1.0, 1.01, metrics=metrics), *cell("large", 3.97, 4.0, 4.03)]
    assert lines(runs) == [
        "text classification: Run small with fp32, batch 1.",
        "energy per 1,000 1.00 ± 0.02 Wh, emissions per 1,000 50.0 ± 1.2 mg CO2e, accuracy 0.900 (0.850 to 0.950)",
        "runner-up: large with fp32, batch 1: 4.00× (3.92× to 4.08×) the energy, accuracy 0.900.",
        "latency p95 13.0 ms",
        "The least energy of 2 choices with accuracy at most 5 % below the best: lead established over the other.",
        "Judged by Welch's test, the error of all comparisons together held at 5 %.",
        "The 95 % interval between 3 fresh processes is ± 2.5 %.",
        "run it again: python -m src.run model=small precision=fp32 batch_size=1",
    ]


def test_one_process_each_indicates_and_says_what_establishes():
    shown = lines([a_run("small", 1.0), a_run("large", 4.0)])
    assert shown[0] == "text classification: Indicated, not established: small with fp32, batch 1."
    assert shown[4] == (
        "The least energy of 2 choices with accuracy at most 5 % below the best: indicated, not established, since "
        "that takes three processes of each, repeats=3."
    )
    assert shown[6:] == ["next: the same runs with repeats=3, three fresh processes of each setting in turn", ZONE]


def test_a_tie_is_a_set():
    runs = [*cell("one", 0.9, 1.0, 1.1), *cell("two", 0.91, 1.0, 1.12)]
    assert lines(runs)[0] == "text classification: Tied: one and two with fp32, batch 1."


def test_several_groups_have_a_line_each_and_those_of_one_task_are_told_apart_by_what_differs():
    shown = lines(showcase())
    assert [line.partition(": ")[0] for line in shown[:3]] == [
        "question answering", "text classification, NVIDIA H100 80GB HBM3", "text classification, AMD EPYC",
    ]  # fmt: skip
    assert shown[0] == (
        "question answering: Run distilbert_sst2 with bf16, batch 64: 9.53 ± 0.09 mWh per 1,000, f1 0.892 "
        "(lead established)"
    )
    assert shown[4] == (
        "of 4 groups: 2 lead established, 2 only choice; constraints: quality at most 5 % below the best"
    )
    assert len(shown) <= MOST


def test_two_groups_that_read_the_same_are_told_apart_by_their_ids():
    runs = [a_run("one", 1.0, compare__key="a"), a_run("one", 2.0, compare__key="b")]
    names = {line.partition(": ")[0] for line in lines(runs)[:2]}
    assert len(names) == 2


def test_without_runs_it_says_so_and_what_to_do():
    assert lines([]) == ["There is no run to report on.", "measure one: python -m src.run"]
    left_out = (LeftOut("1", "run", "chat", "failed: out of memory"),)
    assert lines([], left_out) == ["There is no run to report on.", "the page says why each was left out"]
