"""A record of a served run whose every joule and moment is known: 100 W for 10 s, of which 40 W are idle."""

from dataclasses import replace

from joulemark.analysis.serving.attribution import shares
from joulemark.analysis.serving.columns import columns
from joulemark.analysis.serving.gaps import Gaps
from joulemark.analysis.serving.power import powers
from joulemark.analysis.serving.steady import steady_window
from joulemark.core.environment import Environment
from joulemark.core.machine import Hardware, Site
from joulemark.core.measurement import Measurement, Reading, Window
from joulemark.core.model import Settings
from joulemark.core.record import ModelFacts, Record, TaskFacts
from joulemark.core.serving import EngineFacts, Limits, ScenarioFacts, Schedule
from tests.analysis.serving.timings import concurrent, summary
from tests.fakes import procedure

LIMITS = Limits(ttft_s=0.5)
SCENARIO = ScenarioFacts("concurrency", {"users": 2, "limits": {"ttft_s": 0.5, "tpot_s": None, "percentile": 99.0}})


def reading(seconds, watts):
    return Reading("fake", seconds, gpu_j=watts * seconds, method={"gpu": "counter"})


def served(timings=None, schedule=None, idle=True, **changes) -> Record:
    """Two users with three requests each, of 100 and 11 tokens, unless other timings are given."""
    timings = concurrent(2, 3) if timings is None else timings
    schedule = schedule or Schedule(len(timings), users=2)
    known = columns(timings)
    window = Window(10.0, (reading(10.0, 100.0),), 1, 6, 66, [1.0] * 6)
    measured = Measurement(
        idle=(reading(5.0, 40.0),) if idle else (), batch_sizes=(1,) * 6, windows=(window,), converged=None
    )
    power = powers(measured, window)
    gaps = Gaps()
    for _ in range(60):
        gaps.add(0.075)
    steady, no_steady = steady_window(known, 2, power)
    traffic = summary(timings, LIMITS, schedule, gaps, "usage", 0.5)
    traffic = replace(traffic, steady=steady, no_steady=no_steady, attribution=shares(known, power).attribution)
    record = Record(
        id="r",
        status="finished",
        started_at="2026-11-30T00:00:00+00:00",
        model=ModelFacts("m", weights="hub"),
        task=TaskFacts("t", "token", "accuracy", 6),
        hardware=Hardware("cuda", "cuda", ("fp32",)),
        protocol=procedure(),
        site=Site("france", zone="FRA", g_per_kwh=56.0, pue=1.25),
        settings=Settings(),
        environment=Environment(),
        measurement=replace(measured, traffic=traffic),
        scores={"primary": 0.5, "accuracy": 0.5},
        engine=EngineFacts("continuous", "5.17", {"max_batch_tokens": 256}),
        scenario=SCENARIO,
    )
    return replace(record, **changes)
