"""Which cards are waited for, on a torch that is a stand-in: those of the run on which this process has work."""

import sys
from types import SimpleNamespace

import pytest

from joulemark.models.backend.synchronization import wait_for_gpus


@pytest.fixture
def waited(monkeypatch):
    """The cards that were waited for; the process has memory on the cards 0 and 2 of GPU-a, GPU-b and GPU-c."""
    calls = []
    cuda = SimpleNamespace(
        is_initialized=lambda: True,
        device_count=lambda: 3,
        get_device_properties=lambda index: SimpleNamespace(uuid="abc"[index]),
        memory_reserved=lambda index: 0 if index == 1 else 1024,
        synchronize=calls.append,
    )
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    return calls


@pytest.mark.parametrize(
    ("uuids", "cards"),
    [(("GPU-a", "GPU-c"), [0, 2]), (("GPU-c",), [2]), (("GPU-b",), []), (("GPU-d",), []), ((), [])],
)
def test_the_runs_cards_on_which_this_process_works_are_waited_for_and_no_other(waited, uuids, cards):
    wait_for_gpus(uuids)
    assert waited == cards


def test_a_process_that_has_not_opened_a_gpu_opens_none_by_waiting(waited, monkeypatch):
    monkeypatch.setattr(sys.modules["torch"].cuda, "is_initialized", lambda: False)
    wait_for_gpus(("GPU-a",))
    assert waited == []
    monkeypatch.delitem(sys.modules, "torch")
    wait_for_gpus(("GPU-a",))
    assert "torch" not in sys.modules
