"""What waits forms the next batch; every call ends once, and a broken device ends the engine in one line."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from joulemark.core.errors import UserError
from joulemark.core.model import Settings
from joulemark.core.serving import Call, Engine, Server
from joulemark.engines import transformers
from joulemark.engines.transformers import Transformers
from tests.engines.driving import PATIENCE_S, RealClock, Watched, drive, until_ended
from tests.models import tiny

NOW = float("-inf")


@contextmanager
def up(model: Watched, **settings: Any) -> Iterator[Server]:
    engine: Engine = Transformers()
    server: Server = engine.start(model, tiny.Ask(), "cpu", Settings(**settings), RealClock())
    try:
        yield server
    finally:
        model.gate.set()
        server.close()


def test_nothing_is_asked_before_the_first_call() -> None:
    model = Watched()
    model.gate.set()
    with up(model) as server:
        assert server.events(NOW) == []
        assert model.batches == []
        assert not server.processes
        assert server.facts["parameters"] == 7
        assert server.facts["version"]
        assert server.facts["batches"] == 0
        assert server.peak_memory_bytes() == 11
        assert server.judge((), ()) == {}


@pytest.mark.parametrize("batch_size", [1, 3, 8])
def test_what_waits_forms_the_next_batch_in_the_order_it_came(batch_size: int) -> None:
    model = Watched()
    with up(model, batch_size=batch_size) as server:
        server.send(Call(0, "a0"))
        assert model.begun.acquire(timeout=PATIENCE_S)  # the first is under way alone, the others wait
        for number in range(1, 8):
            server.send(Call(number, f"a{number}"))
        model.gate.set()
        events = until_ended(server, set(range(8)))
        assert server.facts["batches"] == len(model.batches)  # known only after calls
    assert [event.number for event in events] == list(range(8))  # each once, in order
    assert [event.prediction.output for event in events] == [f"a{number}!" for number in range(8)]
    assert model.batches[0] == ["a0"]
    rest = [len(batch) for batch in model.batches[1:]]
    assert rest == [batch_size] * (7 // batch_size) + [7 % batch_size] * bool(7 % batch_size)


def test_a_batch_that_breaks_is_its_own_failure_and_the_engine_goes_on() -> None:
    model = Watched()
    model.gate.set()
    with up(model) as server:
        events = drive(server, [Call(0, "a"), Call(1, "bad"), Call(2, "b")])
    assert [(event.number, event.kind) for event in events] == [(0, "finished"), (1, "failed"), (2, "finished")]
    assert events[1].reason == "ValueError: first line"


@pytest.mark.parametrize("broken", ["the device", "the thread"])
def test_a_dead_engine_says_so_in_one_line_after_what_it_did(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def assertion(device: str) -> None:
        raise RuntimeError("CUDA error: device-side assert triggered\nCompile with TORCH_USE_CUDA_DSA")

    if broken == "the device":
        monkeypatch.setattr(transformers.placement, "finished", assertion)
    model = Watched(error=ValueError if broken == "the device" else SystemExit)
    model.gate.set()
    with up(model) as server:
        drive(server, [Call(0, "a")])
        server.send(Call(1, "bad"))
        if broken == "the device":
            assert [event.kind for event in until_ended(server, {1})] == ["failed"]
        for _ in range(2):  # and again to whoever asks again
            with pytest.raises(RuntimeError) as caught:
                server.events(RealClock().now() + PATIENCE_S)
            assert "\n" not in str(caught.value)
            reason = "CUDA error: device-side assert" if broken == "the device" else "SystemExit: first line"
            assert str(caught.value).startswith("engine=transformers has died: ")
            assert reason in str(caught.value)


def test_a_call_that_waits_can_be_given_up() -> None:
    model = Watched()
    with up(model) as server:
        server.send(Call(0, "a0"))
        assert model.begun.acquire(timeout=PATIENCE_S)
        for number in (1, 2):
            server.send(Call(number, f"a{number}"))
        server.cancel(1)
        model.gate.set()
        events = until_ended(server, {0, 2})
    assert [event.number for event in events] == [0, 2]
    assert model.batches == [["a0"], ["a2"]]


def test_closing_drops_what_waits_and_ends_the_thread() -> None:
    model = Watched()
    with up(model) as server:
        server.send(Call(0, "a0"))
        assert model.begun.acquire(timeout=PATIENCE_S)
        server.send(Call(1, "a1"))
        model.gate.set()
    assert not server._thread.is_alive()
    assert model.batches in ([["a0"]], [["a0"], ["a1"]])  # the second only if it was taken before the closing


def test_an_order_of_fixed_batches_is_refused() -> None:
    with (
        pytest.raises(UserError, match="engine=transformers does not take sort=length; type sort=none"),
        up(Watched(), sort="length"),
    ):
        pass
