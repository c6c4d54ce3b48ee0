"""A whole record of a run that never was, on the fake clock: every field is filled, every joule known."""

from joulemark.core.record import Record
from joulemark.core.task import Inputs
from joulemark.measure import runner
from joulemark.measure.draft import draft
from joulemark.measure.instruments import Instruments
from tests.fakes import FakeClock, FakeMeter
from tests.measure.test_runner import SAMPLES, a_run

PARAMS = {"batch_size": "2", "model.checkpoint": "fake/model"}


def a_record() -> Record:
    """A finished run of six batches, CPU estimated and RAM constant."""
    clock = FakeClock()
    meters = [
        FakeMeter(clock, {"cpu": 50.0}, "sampler", "estimated"),
        FakeMeter(clock, {"ram": 5.0}, "rated", "constant"),
    ]
    run = a_run(clock, meters, config={"batch_size": 2, "model": {"checkpoint": "fake/model"}})
    begun = draft(run, Inputs(SAMPLES))
    return runner.bench(run, begun, SAMPLES, lambda step, record: None, Instruments(clock=clock))
