"""What a sweep recommends is confirmed by fresh processes of it and of the reference, none of them the search's."""

from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from joulemark.analysis.verdict import ENERGY
from joulemark.core.cell import Cell
from joulemark.sweep.confirmation import confirm
from joulemark.sweep.storage import open_study
from joulemark.sweep.trial import Outcome
from tests.sweep.landscape import SPACE, wanted

BEST, REFERENCE = ("batch_size=8",), ("batch_size=1",)


@dataclass
class Machine:
    """Gives each setting its energies, one a process."""

    energies: dict
    flags: tuple = ()
    stopped_by: str | None = None
    calls: list = field(default_factory=list)

    def __call__(self, overrides, limit_s):
        (point,) = (each for each in overrides if each.startswith("batch_size="))
        self.calls.append(point)
        energy = self.energies[point][self.calls.count(point) - 1]
        metrics = {ENERGY: energy, "energy/run_wh": 0.05}
        return Outcome(tuple(overrides), 0, "finished", metrics=metrics, flags=self.flags,
                       stopped_by=self.stopped_by)  # fmt: skip


def a_result(repeats=3, best=BEST, others=(), study=None):
    recommended = None if best is None else SimpleNamespace(point=best)
    return SimpleNamespace(
        request=SimpleNamespace(repeats=repeats, plan=SimpleNamespace(full=("model=m",), finalists=4)),
        recommendation=SimpleNamespace(recommended=recommended, front=others, tied=()),
        reference=SimpleNamespace(point=REFERENCE),
        cost=SimpleNamespace(wh=10.0),
        study=study,
    )


def confirmed(best, reference, **options):
    machine = Machine({"batch_size=8": best, "batch_size=1": reference}, **options)
    return machine, confirm(a_result(len(best)), machine, lambda sentence: None)


def test_both_settings_are_measured_in_turn_and_the_ratio_and_saving_have_intervals():
    machine, result = confirmed((1.0, 1.02, 0.98), (4.0, 4.1, 3.9))
    assert machine.calls == ["batch_size=8", "batch_size=1"] * 3
    assert result.verdict.outcome == "A"
    assert result.verdict.least < 4.0 < result.verdict.most
    assert result.saving.low < 3.0 < result.saving.high
    soonest, latest = result.payback
    assert soonest < 10.3 / 3.0 * 1000 < latest  # these six processes cost, too
    assert result.cost_wh == pytest.approx(10.3)
    assert result.cells == {BEST: Cell((1.0, 1.02, 0.98)), REFERENCE: Cell((4.0, 4.1, 3.9))}
    assert any("pays the sweep back after" in line for line in result.sentences())


def test_what_was_luck_is_not_established():
    _, result = confirmed((1.0, 1.5, 0.8), (1.1, 0.9, 1.4))
    assert result.verdict.outcome == "tie"
    assert result.payback[1] is None
    assert "tie" in result.sentences()[0]


def test_processes_that_decide_nothing_are_left_out_and_named():
    _, result = confirmed((1.0, 1.02, 0.98), (4.0, 4.1, 3.9), flags=("not_converged",))
    assert (result.verdict.outcome, len(result.left_out)) == ("unknown", 6)
    assert result.left_out[0] == "left out, recommended process 1: not_converged"


def test_the_other_finalists_are_measured_too_and_ranked_as_a_family():
    other = SimpleNamespace(point=("batch_size=4",), name="batch_size=4")
    energies = {"batch_size=8": (1.0, 1.02, 0.98), "batch_size=1": (4.0, 4.1, 3.9), "batch_size=4": (1.01, 0.99, 1.0)}
    machine = Machine(energies)
    result = confirm(a_result(others=(other,)), machine, lambda sentence: None)
    assert machine.calls == ["batch_size=8", "batch_size=1", "batch_size=4"] * 3
    assert any("tied with" in line for line in result.sentences())
    assert result.as_json()["others_wh_per_1k"] == {"batch_size=4": (1.01, 0.99, 1.0)}


def test_a_signal_ends_it_with_what_there_is():
    machine, result = confirmed((1.0, 1.02, 0.98), (4.0, 4.1, 3.9), stopped_by="SIGINT")
    assert (len(machine.calls), result.stopped_by) == (1, "SIGINT")


def test_processes_of_an_earlier_session_count_and_none_is_measured_twice(tmp_path):
    def study():
        return open_study(None, tmp_path, "s", SPACE, wanted(), 0)

    energies = {"batch_size=8": (1.0, 1.02, 0.98, 1.01), "batch_size=1": (4.0, 4.1, 3.9, 4.05)}
    machine = Machine(energies)
    for repeats, made in ((2, 4), (3, 6), (3, 6)):
        messages = []
        result = confirm(a_result(repeats, study=study()), machine, messages.append)
        assert len(machine.calls) == made
    assert messages == ["confirmed before: 6 processes of earlier sessions count"]
    assert result.cells == {BEST: Cell((1.0, 1.02, 0.98)), REFERENCE: Cell((4.0, 4.1, 3.9))}
    assert result.cost_wh == pytest.approx(10.3)
    assert study().results() == []  # no trials of the search


def test_a_process_that_was_stopped_or_decides_nothing_is_made_anew(tmp_path):
    study = open_study(None, tmp_path, "s", SPACE, wanted(), 0)
    doubtful = Machine({"batch_size=8": (1.0, 1.0), "batch_size=1": (4.0, 4.0)}, flags=("contaminated",))
    confirm(a_result(2, study=study), doubtful, lambda sentence: None)
    machine = Machine({"batch_size=8": (1.0, 1.0), "batch_size=1": (4.0, 4.0)})
    confirm(a_result(2, study=study), machine, lambda sentence: None)
    assert len(machine.calls) == 4


@pytest.mark.parametrize("options", [{"repeats": 1}, {"best": None}, {"best": REFERENCE}])
def test_nothing_is_confirmed_where_there_is_nothing_to(options):
    assert confirm(a_result(**options), None, print) is None
