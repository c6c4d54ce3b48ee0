"""Continuous batching says what fixed batches say, token by token; it refuses what it cannot page and dies aloud."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from joulemark.core.errors import UserError
from joulemark.core.model import Checkpoint, Settings
from joulemark.core.serving import Call, Event
from joulemark.core.task import Bounded, Prediction, Sample
from joulemark.engines.continuous import WITHOUT_PAGES, Continuous
from joulemark.engines.continuous_server import ContinuousServer
from joulemark.models.backend import continuous_batching
from joulemark.models.causal_lm import CausalLM
from tests.composed import built
from tests.engines.driving import PATIENCE_S, RealClock, drive
from tests.models import tiny
from tests.paths import ROOT

pytestmark = pytest.mark.weights

TEXTS = ["good film", "a story of all the best music and never so dull", "he was so long " * 4, "bad end", "she"]
PAGES = Continuous(pages=8, page_tokens=16, batch_tokens=64)
PLAIN: dict[str, Any] = {
    "vocab_size": tiny.VOCAB,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 64,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 3,
}
GROUPED = {**PLAIN, "num_key_value_heads": 2, "intermediate_size": 64}
SHAPES = {
    "llama": GROUPED,
    "qwen3": {**GROUPED, "head_dim": 8},
    "mistral": {**GROUPED, "sliding_window": 8},
    "opt": {**PLAIN, "ffn_dim": 64, "word_embed_proj_dim": 32},
    "gpt2": tiny.SHAPES["gpt2"],
    "olmoe": tiny.SHAPES["olmoe"],
}


def weights(folder: Path, architecture: str = "llama") -> Checkpoint:
    return tiny.write(folder, "AutoModelForCausalLM", {"model_type": architecture, **SHAPES[architecture]})


@contextmanager
def up(checkpoint: Checkpoint, engine: Continuous = PAGES, **settings: Any) -> Iterator[ContinuousServer]:
    model = CausalLM(checkpoint, "general_purpose")
    server = engine.start(model, tiny.Ask(), "cpu", Settings(**settings), RealClock())
    try:
        yield server
    finally:
        server.close()


def calls(texts: Sequence[str], **lengths: Any) -> list[Call]:
    return [Call(number, text, **lengths) for number, text in enumerate(texts)]


def fixed(checkpoint: Checkpoint, texts: Sequence[str]) -> list[Prediction]:
    """What a fixed batch of one says."""
    predict = CausalLM(checkpoint, "general_purpose").load(tiny.Ask(), "cpu", Settings()).predict
    return [predict([text])[0] for text in texts]


def ended(events: Sequence[Event]) -> list[Prediction]:
    finished = sorted((event for event in events if event.kind == "finished"), key=lambda event: event.number)
    return [event.prediction for event in finished if event.prediction is not None]


@pytest.mark.parametrize("architecture", SHAPES)
def test_every_call_ends_once_in_the_words_of_fixed_batches_token_by_token(architecture: str, tmp_path: Path) -> None:
    checkpoint = weights(tmp_path, architecture)
    with up(checkpoint) as server:
        events = drive(server, calls(TEXTS))
        assert server.facts["pages"] == 8
        assert server.facts["batch_tokens"] == 64
    assert ended(events) == fixed(checkpoint, TEXTS)
    assert len({prediction.output for prediction in ended(events)}) > 1
    for number, prediction in enumerate(ended(events)):
        own = [event for event in events if event.number == number]
        assert [event.kind for event in own[:-1]] == ["tokens"] * (len(own) - 1)
        assert own[-1].kind == "finished"
        assert len(own) > 2
        assert sum(event.tokens for event in own) == prediction.output_tokens
        assert all(before.at_s <= after.at_s for before, after in pairwise(own))


def test_attention_without_pages_is_refused_rather_than_answered_with_nonsense(tmp_path: Path) -> None:
    for architecture in ("bloom", "mamba", "rwkv"):
        with (
            pytest.raises(UserError, match=f"a {architecture} .*; type engine=transformers"),
            up(tiny.random(architecture)),
        ):
            pass


def test_random_weights_write_as_much_as_is_asked_whatever_ends_a_text() -> None:
    ends = list(range(4, 190))  # nearly every token would end the answer
    checkpoint = Checkpoint("x", weights="random", shape={"model_type": "llama", **GROUPED, "eos_token_id": ends})
    asked = [Call(0, "good film"), *(Call(length, TEXTS[1], max_new_tokens=length) for length in (1, 2, 30))]
    with up(checkpoint) as server:
        events = drive(server, asked)
        model = server._generator.model
    assert [prediction.output_tokens for prediction in ended(events)] == [tiny.Ask().max_new_tokens, 1, 2, 30]
    assert ended(events)[0] == fixed(checkpoint, TEXTS[:1])[0]
    assert model.config._attn_implementation == "sdpa"


def test_a_least_length_is_each_requests_own(tmp_path: Path) -> None:
    checkpoint = weights(tmp_path)
    with up(checkpoint) as server:
        unhurried = ended(drive(server, calls(TEXTS, max_new_tokens=24, min_new_tokens=0)))
        # a token of each answer becomes one that ends texts, so that answers end in the middle
        token = server._generator.tokenizer(unhurried[0].output)["input_ids"][2]
    shape = {"model_type": "llama", **GROUPED, "eos_token_id": [2, token]}
    again = tiny.write(tmp_path / "again", "AutoModelForCausalLM", shape)
    with up(again) as server:
        asked = [Call(0, TEXTS[0], 0, 24), Call(1, TEXTS[0], 9, 24), Call(2, TEXTS[0], 24, 24)]
        free, least, exact = ended(drive(server, asked))
    assert free.output_tokens == 3
    assert least.output_tokens is not None
    assert 9 <= least.output_tokens <= 24
    assert exact.output_tokens == 24
    assert least.output.startswith(free.output.rsplit(" ", 1)[0])


def test_chats_are_asked_and_answered_as_in_fixed_batches() -> None:
    shape = {"model_type": "llama", **GROUPED, "vocab_size": 50257, "max_position_embeddings": 512}
    model = CausalLM(Checkpoint("x", weights="random", shape=shape), "general_purpose")
    words = ("task=chat", "task.dataset=embedded", "task.max_new_tokens=9", "model=smollm2", "model.weights=random")
    task = built(*words).task
    inputs = [sample.input for sample in task.samples(4, 0).samples]
    expected = model.load(task, "cpu", Settings()).predict([Bounded(inputs[0], 9)])
    server = Continuous(pages=8, page_tokens=256, batch_tokens=256).start(model, task, "cpu", Settings(), RealClock())
    try:
        predictions = ended(drive(server, calls(inputs, min_new_tokens=9, max_new_tokens=9)))
    finally:
        server.close()
    assert isinstance(inputs[0], list)
    assert predictions[0] == expected[0]
    assert [prediction.output_tokens for prediction in predictions] == [9] * 4


@pytest.mark.parametrize("length", [1, 7, 40])
def test_a_prompt_has_the_length_that_is_asked_for(length: int, tmp_path: Path) -> None:
    with up(weights(tmp_path)) as server:
        predictions = ended(drive(server, calls(TEXTS, input_tokens=length, min_new_tokens=3, max_new_tokens=3)))
    assert [(one.input_tokens, one.output_tokens) for one in predictions] == [(length, 3)] * len(TEXTS)


def test_what_does_not_fit_fails_alone_and_says_why(tmp_path: Path) -> None:
    with up(weights(tmp_path), replace(PAGES, pages=2)) as server:
        asked = [
            Call(0, "good"),
            Call(1, "good", max_new_tokens=64),
            Call(2, "good", input_tokens=60, max_new_tokens=10),
            Call(3, "good", input_tokens=30, max_new_tokens=20),
            Call(4, 7),  # no text at all
            Call(5, "bad"),
        ]
        events = {event.number: event for event in drive(server, asked) if event.kind != "tokens"}
    assert [events[number].kind for number in range(6)] == ["finished", *["failed"] * 4, "finished"]
    reasons = [str(events[number].reason) for number in range(1, 5)]
    assert "an answer of 64 tokens leaves no room for a prompt in a context of 64" in reasons[0]
    assert "60 tokens of prompt and 10 of answer do not fit in a context of 64" in reasons[1]
    assert "30 tokens of prompt and 20 of answer do not fit in a cache of 32 tokens" in reasons[2]
    assert all("\n" not in reason for reason in reasons)


def test_answers_are_the_same_where_pages_run_short(tmp_path: Path) -> None:
    checkpoint = weights(tmp_path)
    short = Continuous(pages=3, page_tokens=16, batch_tokens=16, share_prefixes=False)
    texts = TEXTS * 3
    lengths = {"min_new_tokens": 20, "max_new_tokens": 20}
    with up(checkpoint) as server:
        expected = ended(drive(server, calls(texts, **lengths)))
    with up(checkpoint, short) as server:
        events = drive(server, calls(texts, **lengths))
    assert ended(events) == expected
    assert sum(event.tokens for event in events) == 20 * len(texts)


def test_a_request_given_up_is_silent_and_gives_its_pages_back(tmp_path: Path) -> None:
    with up(weights(tmp_path), replace(PAGES, pages=4)) as server:
        whole = {"input_tokens": 14, "min_new_tokens": 50, "max_new_tokens": 50}  # all that the cache holds
        server.send(Call(0, "good", **whole))
        assert server.events(RealClock().now() + PATIENCE_S)  # under way
        server.cancel(0)
        server.cancel(7)  # never asked
        events = drive(server, [Call(1, "bad", **whole)])
    assert [event.kind for event in events if event.number == 0 and event.kind != "tokens"] == []
    assert [event.number for event in events if event.kind == "finished"] == [1]


def test_an_engine_that_dies_fails_what_is_under_way_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    with up(weights(tmp_path)) as server:
        drive(server, calls(TEXTS))

        def broken(*_: Any, **__: Any) -> Any:
            raise RuntimeError("CUDA error: device-side assert triggered\nmore")

        monkeypatch.setattr(server._generator.model, "forward", broken)
        for call in calls(TEXTS):
            server.send(call)
        reasons = [event.reason for event in _until_death(server)]
        assert set(reasons) <= {"CUDA error: device-side assert triggered"}
        for _ in range(2):
            with pytest.raises(RuntimeError, match=r"^engine=continuous has died: RuntimeError: CUDA error: [^\n]*$"):
                server.events(RealClock().now() + PATIENCE_S)
    assert "Traceback" not in capfd.readouterr().err


def _until_death(server: ContinuousServer) -> Iterator[Event]:
    deadline = RealClock().now() + PATIENCE_S
    while RealClock().now() < deadline:
        try:
            yield from server.events(deadline)
        except RuntimeError:
            return
    raise AssertionError("nobody was told that the engine died")


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_the_model_is_as_it_was_beside_and_after_the_traffic(attention: str, tmp_path: Path) -> None:
    checkpoint = weights(tmp_path)
    expected = fixed(checkpoint, TEXTS)
    with up(checkpoint, attention=attention) as server:
        generator = server._generator
        assert attention in server.facts["attention"]
        first = ended(drive(server, calls(TEXTS)))
        object.__setattr__(server._loaded, "judge", lambda samples, predictions: {"same": generator(TEXTS[:1])})
        samples = [Sample(str(number), text) for number, text in enumerate(TEXTS)]
        assert server.judge(samples, first) == {"same": expected[:1]}
        assert ended(drive(server, calls(TEXTS))) == first == expected
    assert generator(TEXTS[:1]) == expected[:1]
    assert generator.model.config._attn_implementation == attention
    assert not server._thread.is_alive()


def test_another_transformers_is_refused_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(continuous_batching, "OF_MANAGER", ("no_such_part",))
    with (
        pytest.raises(UserError, match=r"engine=continuous knows transformers 5\.17 to 5\.23, and .*no_such_part"),
        up(weights(tmp_path)),
    ):
        pass


def test_closing_gives_up_what_is_under_way(tmp_path: Path) -> None:
    with up(weights(tmp_path)) as server:
        for call in calls(TEXTS * 20, min_new_tokens=40, max_new_tokens=40):
            server.send(call)
    assert not server._thread.is_alive()
    events = server.events(float("-inf"))  # what came before the closing; nothing died
    assert sum(event.kind == "finished" for event in events) < len(TEXTS) * 20


def test_the_architectures_of_conf_that_cannot_be_paged_are_refused_before_they_are_loaded() -> None:
    from transformers import AutoConfig, AutoModelForCausalLM

    for file in sorted((ROOT / "conf" / "model").glob("*.yaml")):
        kind = re.search(r"model_type: (\w+)", text := file.read_text())
        if "kind/causal_lm" in text and kind:
            config = type(AutoConfig.for_model(kind[1]))
            can = AutoModelForCausalLM._model_mapping[config]._supports_attention_backend
            assert can == (kind[1] not in WITHOUT_PAGES), file.name
