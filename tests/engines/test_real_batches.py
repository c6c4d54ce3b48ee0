"""Under traffic a model of every kind answers as it does in fixed batches."""

import pytest

from joulemark.core.model import Settings
from joulemark.core.serving import Call
from joulemark.engines.continuous import Continuous
from joulemark.engines.transformers import Transformers
from tests.composed import built
from tests.engines.driving import RealClock, drive

pytestmark = pytest.mark.weights


@pytest.mark.parametrize(
    ("model", "task"), [("embedded", "text_generation"), ("embedded_classifier", "text_classification")]
)
def test_answers_under_traffic_are_those_of_fixed_batches(model: str, task: str) -> None:
    run = built(f"model={model}", f"task={task}", "task.dataset=embedded")
    samples = run.task.samples(7, 0).samples
    expected = run.model.load(run.task, "cpu", Settings()).predict([sample.input for sample in samples])
    server = Transformers().start(run.model, run.task, "cpu", Settings(batch_size=4), RealClock())
    try:
        events = drive(server, [Call(number, sample.input) for number, sample in enumerate(samples)])
        assert [event.kind for event in events] == ["finished"] * 7
        predictions = [event.prediction for event in sorted(events, key=lambda event: event.number)]
        assert predictions == expected
        judged = server.judge(samples, predictions)
        assert set(judged) == ({"perplexity"} if task == "text_generation" else set())
    finally:
        server.close()


@pytest.mark.parametrize("task", ["chat", "summarization"])
def test_the_built_in_llama_answers_continuous_batching_as_it_answers_fixed_batches(task: str) -> None:
    words = ("task.max_new_tokens=40",) if task == "chat" else ()
    run = built("model=embedded_llama", f"task={task}", "task.dataset=embedded", *words)
    samples = run.task.samples(7, 0).samples
    expected = run.model.load(run.task, "cpu", Settings()).predict([sample.input for sample in samples])
    least, most = run.task.min_new_tokens, run.task.max_new_tokens
    calls = [Call(number, sample.input, least, most) for number, sample in enumerate(samples)]
    server = Continuous(pages=64, page_tokens=16).start(run.model, run.task, "cpu", Settings(), RealClock())
    try:
        ended = [event for event in drive(server, calls) if event.kind == "finished"]
    finally:
        server.close()
    assert [event.prediction for event in sorted(ended, key=lambda event: event.number)] == expected
