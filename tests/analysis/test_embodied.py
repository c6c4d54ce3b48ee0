"""Embodied emissions: time reserved over lifespan, resources reserved over all; nothing is assumed."""

from dataclasses import replace

import pytest

from joulemark.analysis.embodied import NOT_DECLARED, Embodied, checked, of_request, share_g
from joulemark.core.errors import UserError
from joulemark.core.machine import Hardware
from tests.reporting.exports.runs import H100, a_record

OURS = Embodied(gpu_kg=164.0, server_kg=5700.0, server_gpus=8, years=3.0)
LIFE_S = 3 * 365 * 24 * 3600


def test_the_specifications_own_example_gives_its_28_5_grams():
    # 1,000 kg, four years, reserved for an hour
    assert share_g(1000.0, 3600.0, 4.0) == pytest.approx(28.5, abs=0.05)


def test_a_run_reserves_its_gpus_and_their_share_of_the_server():
    grams, notes = of_request(a_record(), OURS, LIFE_S / 1000)
    assert grams == pytest.approx(164.0 + 5700.0 / 8)
    assert "0.125 x a server of 5700 kg" in notes
    two = replace(H100, beside=((1, "GPU-2"),))
    assert of_request(a_record(hardware=two), OURS, LIFE_S / 1000)[0] == pytest.approx(2 * (164.0 + 5700.0 / 8))


def test_a_run_on_the_processor_reserves_the_cores_it_may_use_and_no_gpu():
    host = replace(a_record().environment, usable_cores=4, cpu_cores=4)  # what a virtual machine shows of its host
    record = a_record(hardware=Hardware("cpu", "cpu", ("fp32",)), environment=host)
    assert of_request(record, replace(OURS, server_cores=16), LIFE_S / 1000)[0] == pytest.approx(5700.0 / 4)
    grams, notes = of_request(record, OURS, LIFE_S / 1000)
    assert grams is None
    assert any("type embodied.server_cores=…" in note for note in notes)


def test_what_is_not_declared_stays_unknown_and_is_named():
    assert of_request(a_record(), NOT_DECLARED, 1.0)[0] is None
    grams, notes = of_request(a_record(), Embodied(gpu_kg=164.0, years=3.0), LIFE_S / 1000)
    assert grams == pytest.approx(164.0)
    assert "server not declared: type embodied.server_kg=…" in notes
    grams, notes = of_request(a_record(), replace(OURS, server_gpus=None), LIFE_S / 1000)
    assert grams == pytest.approx(164.0)
    assert any("type embodied.server_gpus=…" in note for note in notes)


def test_emissions_without_a_lifespan_and_more_gpus_than_the_server_has_are_refused():
    with pytest.raises(UserError, match=r"type embodied\.years="):
        checked(Embodied(gpu_kg=164.0))
    with pytest.raises(UserError, match=r"embodied\.server_gpus=1: the run used 2 of its server"):
        of_request(a_record(hardware=replace(H100, beside=((1, "GPU-2"),))), replace(OURS, server_gpus=1), 1.0)
