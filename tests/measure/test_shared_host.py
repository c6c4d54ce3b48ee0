"""A run beside others on its machine says so wherever its processor's and memory's joules stand."""

from joulemark.analysis import audit, caveats, description, named_metrics, result_table
from joulemark.config.run import command
from joulemark.core.task import Inputs
from joulemark.measure.draft import draft
from joulemark.store import run_page
from tests.composed import built
from tests.fakes import FakeClock, FakeMeter
from tests.measure.test_runner import SAMPLES, a_run, benched


def record_of(shared):
    clock = FakeClock()
    meters = [FakeMeter(clock, {"cpu": 50.0, "gpu": 100.0}, "counter", "counter")]
    return benched(a_run(clock, meters, shared_host=shared), clock)


def test_the_record_its_verdict_its_page_and_its_tags_say_that_processor_and_memory_are_shared():
    record = record_of(True)
    metrics = named_metrics.metrics(record)
    assert record.origin.shared_host is True
    assert "shared" in record.flags
    assert audit.verdict(record)[0] == "doubtful"
    assert "shared" in audit.verdict(record)[1]
    assert run_page.tags(record, metrics)["shared"] == "cpu, ram"
    evidence = {what.strip(): how for what, _, how in result_table.rows(record, metrics)}
    assert evidence["CPU"].endswith(", shared")
    assert "shared" not in evidence["GPU"]
    assert caveats.EXPLAINED["shared"] in description.markdown(record, metrics)


def test_a_run_alone_says_nothing_of_it():
    record = record_of(False)
    assert "shared" not in record.flags
    assert "shared" not in run_page.tags(record, named_metrics.metrics(record))


def test_a_run_that_never_began_says_it_too():
    clock = FakeClock()
    assert "shared" in draft(a_run(clock, shared_host=True), Inputs(SAMPLES)).flags


def test_being_shared_is_no_setting_of_the_run_and_not_in_the_line_that_asks_for_it_again():
    options = ["model=embedded_classifier", "hardware=cpu", "shared_host=true"]
    run = built(*options)
    assert run.shared_host
    assert "shared_host" not in run.chosen
    assert command(options) == "python -m src.run hardware=cpu model=embedded_classifier"
