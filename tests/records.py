"""A whole record of a run that never was, on the fake clock: every field is filled, every joule known."""

from src import bench
from src.core import Inputs, Record
from src.draft import draft
from tests.fakes import FakeClock, FakeMeter
from tests.test_bench import SAMPLES, a_run

PARAMS = {"batch_size": "2", "model.checkpoint": "fake/model"}


def a_record() -> Record:
    """A finished run of six batches, CPU modelled and RAM constant."""
    clock = FakeClock()
    meters = [
        FakeMeter(clock, {"cpu": 50.0}, "sampler", "modelled"),
        FakeMeter(clock, {"ram": 5.0}, "rated", "constant"),
    ]
    run = a_run(clock, meters, config={"batch_size": 2, "model": {"checkpoint": "fake/model"}})
    begun = draft(run, Inputs(SAMPLES))
    return bench.bench(run, begun, SAMPLES, lambda phase, record: None, lambda phase, share: None, clock, lambda: 0.0)
