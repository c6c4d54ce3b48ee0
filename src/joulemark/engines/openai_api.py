"""The interface that OpenAI's servers and all others have: what is asked, and what a part of an answer says.

    POST /v1/chat/completions   messages -> choices[0].delta.content, .reasoning_content
    POST /v1/completions        prompt   -> choices[0].text

Both stream server-sent events (`data: {…}`), end with `data: [DONE]` or a `finish_reason`, and with
`stream_options.include_usage` count the tokens in a last one (OpenAI API reference, "Create chat completion").
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

PATHS = {"chat": "/v1/chat/completions", "completions": "/v1/completions"}
DONE = b"[DONE]"
REASONING = ("reasoning_content", "reasoning")  # DeepSeek's name, which most took over; vLLM's and Ollama's newer one
GIVEN_UP = ("abort", "error", "cancelled")  # a finish_reason of no answer
LONGEST_MESSAGE = 300  # characters of a server's own words that are quoted


@dataclass(frozen=True)
class Wanted:
    """How requests to one server look.

    Attributes:
        served_model: the model by the server's name for it
        budget_field: field that says the most tokens of an answer: `max_tokens` or `max_completion_tokens`
        body: further fields of every request
        at_least: fields of a request whose answer has a least number of tokens; `{min_new_tokens}` stands for it
        exactly: fields, beside these, of one whose least and most number of tokens are the same
    """

    served_model: str
    budget_field: str = "max_tokens"
    body: Mapping[str, Any] = field(default_factory=dict)
    at_least: Mapping[str, Any] = field(default_factory=dict)
    exactly: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Part:
    """What one event of a stream, or a whole answer, says.

    Attributes:
        text: text of the answer
        reasoning: text of the reasoning before it
        finish_reason: why the answer ended, in the last part of its text
        usage: counts of tokens
        error: the server's words, of an event that is an error
    """

    text: str = ""
    reasoning: str = ""
    finish_reason: str | None = None
    usage: Mapping[str, Any] | None = None
    error: str | None = None


def request(wanted: Wanted, asked: str | Sequence[Mapping[str, str]], least: int | None, most: int | None) -> Any:
    """The body of a request: of text that of a completion, of messages that of a chat; decoding is greedy."""
    what = {"prompt": asked} if isinstance(asked, str) else {"messages": list(asked)}
    tokens = {"min_new_tokens": least, "max_new_tokens": most}
    exact = least is not None and least == most
    return {
        "model": wanted.served_model,
        **what,
        **({} if most is None else {wanted.budget_field: most}),
        "temperature": 0,
        "stream": True,
        "stream_options": {"include_usage": True},
        **wanted.body,
        **(_filled(wanted.at_least, tokens) if least else {}),
        **(_filled(wanted.exactly, tokens) if exact else {}),
    }


def _filled(value: Any, tokens: Mapping[str, int | None]) -> Any:
    """A value of a YAML with the numbers in it; one that is nothing but a placeholder becomes a number."""
    if isinstance(value, Mapping):
        return {key: _filled(each, tokens) for key, each in value.items()}
    if not isinstance(value, str):
        return value
    for name, number in tokens.items():
        if value == f"{{{name}}}":
            return number
        value = value.replace(f"{{{name}}}", str(number))
    return value


def part(data: bytes) -> Part:
    """What an event says. ValueError where it is no object of this interface."""
    told = json.loads(data)
    if not isinstance(told, Mapping):
        raise ValueError("no JSON object")
    if told.get("error"):
        return Part(error=message(told))
    choices = told.get("choices") or []
    usage = told.get("usage") or None
    if not choices:
        return Part(usage=usage)
    choice = choices[0]
    said = choice.get("delta") or choice.get("message") or {}
    return Part(
        text=choice.get("text") or said.get("content") or "",
        reasoning=next((said[name] for name in REASONING if said.get(name)), ""),
        finish_reason=choice.get("finish_reason"),
        usage=usage,
    )


def message(told: Any) -> str:
    """A server's own words of an error, in one line: OpenAI's `error.message`, FastAPI's `detail`, or all it says."""
    if isinstance(told, Mapping):
        told = told.get("error") or told.get("detail") or told.get("message") or told
    if isinstance(told, Mapping):
        told = told.get("message") or told
    text = told if isinstance(told, str) else json.dumps(told)
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_MESSAGE else f"{line[:LONGEST_MESSAGE]}…"


def refusal(status: int, body: bytes) -> str:
    """Why a server refused a request, in one line: its status and its own words, without the tags of a web page."""
    try:
        words = message(json.loads(body))
    except ValueError:
        words = message(re.sub(r"<(script|style)\b.*?</\1>|<[^>]*>", " ", body.decode(errors="replace"), flags=re.S))
    return f"HTTP {status}: {words}" if words else f"HTTP {status}"
