"""A server behind an address: what is asked of it, when its answer came, and what becomes of one that fails."""

import os
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from joulemark.core.errors import UserError
from joulemark.core.machine import Hardware, elsewhere
from joulemark.core.model import Checkpoint, Settings
from joulemark.core.serving import Call, Event
from joulemark.engines.endpoint import Endpoint
from joulemark.engines.endpoint_server import EndpointServer
from tests.engines.openai_server import serving
from tests.fakes import CPU

LONG_S = 30.0  # of patience; nothing waits for it that goes well


class Monotonic:
    """The clock of a run."""

    def now(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


@dataclass(frozen=True)
class Prompted:
    """A task with a prompt."""

    accepts: str = "text"
    gives: str = "text"
    unit: str = "token"
    metric: str = "rouge1"
    name: str = "made_up"
    prompt: str = "{text}"
    min_new_tokens: int = 1
    max_new_tokens: int = 8


@dataclass(frozen=True)
class Thinking(Prompted):
    """A task of chats that are thought about."""

    accepts: str = "messages"
    thinking: str = "low"
    template: str = "checkpoint"


@dataclass(frozen=True)
class NamedModel:
    """A checkpoint whose files are nowhere."""

    checkpoint: Checkpoint = field(default_factory=lambda: Checkpoint("tiny", weights="none"))
    role: str = "general_purpose"
    kind: str = "causal_lm"


def endpoint(url: str, **options: Any) -> Endpoint:
    return Endpoint(**{"name": "endpoint", "url": url, "exactly": {"ignore_eos": True}, **options})


@contextmanager
def started(url: str, task: Any = Prompted(), model: Any = NamedModel(), **options: Any) -> Iterator[EndpointServer]:
    server = endpoint(url, **options).start(model, task, "cpu", Settings(), Monotonic())
    try:
        yield server
    finally:
        server.close()


def until_ended(server: EndpointServer, numbers: Sequence[int]) -> list[Event]:
    """All events until each of these calls has ended."""
    events: list[Event] = []
    open_calls, until_s = set(numbers), time.monotonic() + LONG_S
    while open_calls:
        assert time.monotonic() < until_s, events
        came = server.events(until_s)
        events += came
        open_calls -= {event.number for event in came if event.kind != "tokens"}
    return events


def asked(server: EndpointServer, text: Any, least: int | None = None, most: int | None = 8) -> list[Event]:
    """All events of one call."""
    server.send(Call(0, text, least, most))
    return until_ended(server, [0])


def test_a_stream_is_tokens_and_then_the_whole_answer_by_the_servers_own_count():
    with serving() as fake, started(fake.url) as server:
        *parts, end = asked(server, "one two three")
        assert [(part.kind, part.tokens) for part in parts] == [("tokens", 1)] * 3
        assert end.kind == "finished"
        assert end.prediction.output == "one two three"
        assert (end.prediction.input_tokens, end.prediction.output_tokens, end.prediction.units) == (3, 3, 3)
        assert server.facts["token_count"] == "usage"
        assert server.facts["version"] == "1.2.3"


def test_a_part_has_the_moment_at_which_it_came():
    with serving(token_s=0.05) as fake, started(fake.url) as server:
        began_s = time.monotonic()
        *parts, end = asked(server, "one two three four")
        moments = [part.at_s - began_s for part in parts]
        for place, moment in enumerate(moments):
            assert moment >= 0.05 * (place + 1)  # none is dated before it was sent
        assert moments == sorted(moments)
        assert parts[-1].at_s <= end.at_s <= time.monotonic()


def test_events_are_dated_when_they_came_not_when_they_were_taken():
    with serving() as fake, started(fake.url) as server:
        server.send(Call(0, "one two", None, 8))
        time.sleep(0.5)
        taken_s = time.monotonic()
        assert all(event.at_s < taken_s for event in until_ended(server, [0]))


def test_a_token_that_is_split_between_two_packets_is_whole():
    with serving() as fake, started(fake.url) as server:
        assert asked(server, "fault:split naïve 日本語 🙂🙃")[-1].prediction.output == "naïve 日本語 🙂🙃"


def test_decoding_is_greedy_and_the_budget_is_the_calls():
    with serving() as fake, started(fake.url, body={"top_k": 1}) as server:
        asked(server, "one two three four", least=1, most=2)
        body = fake.script.bodies[-1]
        assert (body["temperature"], body["max_tokens"], body["stream"], body["top_k"]) == (0, 2, True, 1)
        assert "ignore_eos" not in body


def test_an_answer_of_exactly_so_many_tokens_is_asked_for_as_the_engine_has_it():
    options = {"at_least": {"min_tokens": "{min_new_tokens}", "say": "at least {min_new_tokens}"}}
    with serving() as fake, started(fake.url, **options) as server:
        end = asked(server, "one two", least=5, most=5)[-1]
        assert end.prediction.output_tokens == 5
        body = fake.script.bodies[-1]
        assert (body["min_tokens"], body["say"], body["ignore_eos"]) == (5, "at least 5", True)


def test_the_other_name_of_the_budget_is_used_where_it_is_wanted():
    with serving() as fake, started(fake.url, budget_field="max_completion_tokens") as server:
        asked(server, "one two three", most=2)
        assert "max_tokens" not in fake.script.bodies[-1]
        assert fake.script.bodies[-1]["max_completion_tokens"] == 2


def test_a_general_purpose_model_gets_the_prompt_and_a_specialist_the_input():
    task = Prompted(prompt="Say: {text}")
    with serving() as fake:
        with started(fake.url, task) as server:
            assert asked(server, "one")[-1].prediction.output == "Say: one"
        with started(fake.url, task, NamedModel(role="specialist")) as server:
            assert asked(server, "one")[-1].prediction.output == "one"
        with started(fake.url, Prompted(prompt="{context} {question}?")) as server:
            end = asked(server, {"question": "who", "context": "it was me"})[-1]
            assert end.prediction.output == "it was me who?"


def test_messages_go_to_the_chat_as_they_are_and_text_as_one_users_message():
    talk = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "one two"}]
    with serving() as fake:
        with started(fake.url, Prompted(accepts="messages")) as server:
            assert asked(server, talk)[-1].prediction.output == "one two"
            assert fake.script.bodies[-1]["messages"] == talk
        with started(fake.url, api="chat") as server:
            asked(server, "one two")
            assert fake.script.bodies[-1]["messages"] == [{"role": "user", "content": "one two"}]


def test_text_goes_to_the_chat_where_there_are_no_completions():
    with serving(apis=("chat",)) as fake, started(fake.url) as server:
        assert server.facts["api"] == "chat"
        assert asked(server, "one two")[-1].prediction.output == "one two"


def test_an_empty_first_part_is_no_token():
    with serving() as fake, started(fake.url, api="chat") as server:
        assert sum(event.tokens for event in asked(server, "one two three")) == 3


def test_reasoning_counts_and_stands_in_front_of_the_answer():
    with serving() as fake, started(fake.url, Prompted(accepts="messages")) as server:
        *parts, end = asked(server, [{"role": "user", "content": "fault:reasons well so four"}])
        assert sum(part.tokens for part in parts) == 3
        assert end.prediction.output == "<think>well so</think> four"


def test_reasoning_tokens_are_the_servers_count_and_none_of_an_answer_without_reasoning():
    talk = [{"role": "user", "content": "fault:reasons well so four"}]
    with serving() as fake, started(fake.url, Prompted(accepts="messages")) as server:
        assert asked(server, talk)[-1].prediction.reasoning_tokens == 2
        assert (
            asked(server, [{"role": "user", "content": "one"}])[-1].prediction.reasoning_tokens is None
        )  # cut: unknown


def test_chats_of_weights_without_a_template_are_plain_lines():
    talk = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "one"}]
    random = NamedModel(Checkpoint("tiny", weights="random"))
    with serving() as fake, started(fake.url, Prompted(accepts="messages"), random) as server:
        asked(server, talk)
        assert fake.script.bodies[-1]["prompt"] == "system: be brief\nuser: one\nassistant:"


def test_thinking_is_asked_for_under_every_name_that_templates_have_for_it():
    with serving() as fake, started(fake.url, Thinking()) as server:
        asked(server, [{"role": "user", "content": "one"}])
        body = fake.script.bodies[-1]
        assert body["chat_template_kwargs"] == {"enable_thinking": True, "thinking": True, "reasoning_effort": "low"}
        assert body["reasoning_effort"] == "low"


def test_an_answer_that_comes_whole_is_one():
    with serving(streams=False) as fake, started(fake.url) as server:
        (end,) = asked(server, "one two three")
        assert (end.prediction.output, end.prediction.output_tokens) == ("one two three", 3)


def test_without_a_last_word_a_reason_to_finish_is_the_end():
    with serving(done=False) as fake, started(fake.url) as server:
        assert asked(server, "one two")[-1].kind == "finished"


def test_a_stream_that_stays_open_after_its_last_word_has_ended_with_it():
    with serving() as fake, started(fake.url) as server:
        end = asked(server, "fault:stays_open one")[-1]
        assert end.kind == "finished"
        assert end.at_s < time.monotonic() - 0.5


FAULTS = {
    "500": "HTTP 500: out of luck",
    "429": "HTTP 429: out of luck",
    "drops": "the connection broke off before the answer was whole",
    "ends_early": "the stream ended in the middle of the answer",
    "error": "the server failed: CUDA out of memory",
    "not_json": "the server sent what is not of this interface",
    "gives_up": "the server gave the answer up (finish_reason=abort)",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_goes_wrong_with_one_request_is_its_failure_in_one_line_and_the_next_is_answered(fault):
    with serving() as fake, started(fake.url) as server:
        end = asked(server, f"fault:{fault} one two three four")[-1]
        assert end.kind == "failed"
        assert end.reason.startswith(FAULTS[fault])
        assert "\n" not in end.reason
        assert asked(server, "one")[-1].kind == "finished"


def test_a_stream_that_never_ends_is_closed_when_it_is_given_up():
    with serving() as fake, started(fake.url) as server:
        server.send(Call(0, "fault:never_ends one two", None, 8))
        while not any(event.kind == "tokens" for event in server.events(time.monotonic() + LONG_S)):
            pass
        assert fake.script.open == 1
        server.cancel(0)
        until_s = time.monotonic() + LONG_S
        while fake.script.open and time.monotonic() < until_s:
            time.sleep(0.01)
        assert fake.script.open == 0
        server.send(Call(1, "one", None, 8))
        assert until_ended(server, [1])[-1].kind == "finished"


def test_requests_beyond_its_connections_wait_here():
    with serving(token_s=0.02) as fake, started(fake.url, max_connections=2) as server:
        for number in range(6):
            server.send(Call(number, "one two", None, 8))
        events = until_ended(server, range(6))
        assert sorted(event.number for event in events if event.kind == "finished") == [0, 1, 2, 3, 4, 5]
        assert fake.script.most_open == 2


def test_connections_are_used_again():
    with serving() as fake, started(fake.url) as server:
        asked(server, "one")
        before = fake.script.connections
        for _ in range(3):
            asked(server, "one")
        assert fake.script.connections == before


def test_waiting_for_nothing_ends_at_its_moment():
    with serving() as fake, started(fake.url) as server:
        until_s = time.monotonic() + 0.1
        assert server.events(until_s) == []
        assert time.monotonic() >= until_s


# Refused before anything is measured


def refused(
    url: str, task: Any = Prompted(), model: Any = NamedModel(), hardware: Hardware = CPU, **options: Any
) -> str:
    engine = endpoint(url, **options)

    def begin() -> None:
        engine.check(model, task, hardware)
        engine.start(model, task, "cpu", Settings(), Monotonic()).close()

    with pytest.raises(UserError) as error:
        begin()
    assert "\n" not in str(error.value)
    return str(error.value)


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def test_nobody_at_the_address_is_one_line_with_what_to_start():
    message = refused(f"http://127.0.0.1:{free_port()}")
    assert "nobody answers at" in message
    assert "start the server first" in message


def test_what_answers_but_is_another_kind_of_server_is_refused():
    with serving(html=True) as fake:
        message = refused(fake.url)
    assert "not as an OpenAI-compatible server" in message
    assert "It works!" in message


def test_what_speaks_no_http_is_refused():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        taken.settimeout(LONG_S)

        def hang_up() -> None:
            peer, _ = taken.accept()
            peer.recv(1000)
            peer.sendall(b"220 mail.example ESMTP\r\n")
            peer.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        message = refused(f"http://127.0.0.1:{taken.getsockname()[1]}")
        thread.join()
    assert "is no web server" in message


def test_a_server_of_other_models_is_refused_by_what_it_serves():
    with serving(models=("llama", "qwen")) as fake:
        assert "serves llama, qwen, not tiny" in refused(fake.url)
        assert "serves llama, qwen" in refused(fake.url, served_model="gemma")
        with started(fake.url, served_model="qwen") as server:
            assert asked(server, "one")[-1].kind == "finished"
            assert fake.script.bodies[-1]["model"] == "qwen"


def test_a_published_model_under_another_name_is_taken_only_when_it_is_named():
    hub = NamedModel(Checkpoint("Qwen/Qwen3-0.6B"))
    task = Prompted(unit="label")
    with serving(models=("llama",)) as fake:
        assert "type engine.served_model=llama" in refused(fake.url, task, hub)
    with serving(models=("/models/qwen3-0.6b/",)) as fake, started(fake.url, task, hub) as server:
        assert server.facts["served_model"] == "/models/qwen3-0.6b/"


def test_the_only_model_of_a_server_is_the_one_where_no_name_is_published():
    with serving(models=("anything",)) as fake, started(fake.url) as server:
        assert server.facts["served_model"] == "anything"


def test_a_server_with_neither_interface_is_refused_in_its_own_words():
    with serving(apis=()) as fake:
        message = refused(fake.url)
    assert "/v1/completions: HTTP 404: Not Found; /v1/chat/completions: HTTP 404: Not Found" in message


def test_a_key_comes_from_the_environment_and_never_into_the_options(monkeypatch):
    with serving(key="s3cret") as fake:
        assert "engine.api_key_variable=NAME" in refused(fake.url)
        assert "is not set" in refused(fake.url, api_key_variable="MADE_UP_KEY")
        monkeypatch.setenv("MADE_UP_KEY", "s3cret")
        with started(fake.url, api_key_variable="MADE_UP_KEY") as server:
            assert asked(server, "one")[-1].kind == "finished"
            assert "s3cret" not in str(server.facts)
        assert "s3cret" not in str(endpoint(fake.url, api_key_variable="MADE_UP_KEY").options)


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://127.0.0.1", "http://", "http://127.0.0.1:99999", "x"])
def test_what_is_no_address_is_refused(url):
    assert "type engine.url=http://127.0.0.1:8000" in refused(url)


def test_an_address_with_a_password_is_refused_without_saying_it():
    message = refused("http://me:s3cret@127.0.0.1:8000")
    assert "s3cret" not in message


def test_another_machine_is_refused_and_this_one_is_not():
    assert "another machine" in refused("http://192.0.2.1:8000")  # TEST-NET-1, RFC 5737
    for url in ("http://localhost:1", "http://127.8.8.8:1", "http://[::1]:1", "http://0.0.0.0:1"):
        endpoint(url).check(NamedModel(), Prompted(), CPU)


def test_another_machine_is_asked_where_that_machine_is_metered_and_no_process_of_this_one_counts_as_its(monkeypatch):
    far = elsewhere("192.0.2.1", "remote", ("bf16",))
    endpoint("http://192.0.2.1:8000").check(NamedModel(), Prompted(), far)
    assert "meters read 192.0.2.1" in refused("http://127.0.0.1:1", hardware=far)
    with serving() as fake:
        with started(fake.url) as server:
            assert os.getpid() in server.processes  # the made-up server is of this process
        monkeypatch.setattr(Endpoint, "machine", "192.0.2.1")
        with started(fake.url) as server:
            assert not server.processes


def test_a_name_that_leads_to_another_machine_too_is_refused(monkeypatch):
    found = [(2, 1, 6, "", ("127.0.0.1", 1)), (2, 1, 6, "", ("192.0.2.1", 1))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments, **options: found)
    assert "another machine" in refused("http://gpu.example:8000")


def test_chats_are_refused_by_an_interface_that_has_none():
    assert "type engine.api=chat" in refused("http://127.0.0.1:1", Prompted(accepts="messages"), api="completions")


def test_more_connections_than_open_files_are_refused():
    assert "ulimit -n" in refused("http://127.0.0.1:1", max_connections=10**7)


def test_tokens_that_nobody_counts_are_refused_where_they_are_the_work():
    nowhere = NamedModel(Checkpoint("o/nowhere"))
    with serving(usage=False, models=("o/nowhere",)) as fake:
        assert "does not count tokens" in refused(fake.url, model=nowhere)
        with started(fake.url, Prompted(unit="label"), nowhere) as server:
            end = asked(server, "one two")[-1]
            assert (end.prediction.input_tokens, end.prediction.output_tokens, end.prediction.units) == (None, None, 1)
            assert server.facts["token_count"] is None


def test_the_processes_of_a_server_are_those_that_listen_at_its_address():
    with serving() as fake, started(fake.url) as server:
        assert os.getpid() in server.processes
        assert server.peak_memory_bytes() is None


@pytest.mark.weights
def test_the_tokenizer_counts_where_the_server_does_not():
    embedded = NamedModel(Checkpoint("general", weights="embedded"))
    with serving(usage=False, models=("general",)) as fake, started(fake.url, model=embedded) as server:
        end = asked(server, "the film was good")[-1]
        assert end.prediction.output_tokens > 0
        assert end.prediction.units == end.prediction.output_tokens
        assert end.prediction.input_tokens == end.prediction.output_tokens
        assert server.facts["token_count"] == "tokenizer"


@pytest.mark.weights
def test_a_prompt_of_a_length_is_repeated_and_cut():
    embedded = NamedModel(Checkpoint("general", weights="embedded"))
    with serving(models=("general",)) as fake, started(fake.url, model=embedded) as server:
        for tokens in (3, 200):
            server.send(Call(0, "the film was good and the music was loud", None, 8, input_tokens=tokens))
            until_ended(server, [0])
            made = server._link.asking.count(fake.script.bodies[-1]["prompt"])
            assert abs(made - tokens) <= 2
