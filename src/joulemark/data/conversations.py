"""Conversations as sources hold them: a list of messages, or one text that is the only user's turn."""

from collections.abc import Mapping, Sequence
from typing import Any

from joulemark.core.chat import Message
from joulemark.core.errors import BadRowError
from joulemark.data.fields import Row, blank

ROLES = ("system", "user", "assistant")
Chat = list[Message]


def conversation_of(row: Row, field: str) -> tuple[Chat, str | None]:
    """The messages up to the last user's turn, and the assistant's answer to it; None where the source has none.

    BadRowError for anything else than a text or a list of messages with one of the ROLES and a text as content, and for
    a conversation in which no user speaks last.
    """
    value = row.values[field]
    if isinstance(value, str) and value.strip():
        return [{"role": "user", "content": value}], None
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise BadRowError(f"field '{field}' is neither a text nor a list of messages")
    messages = [_message(entry, field) for entry in value]
    last = max((place for place, message in enumerate(messages) if message["role"] == "user"), default=-1)
    if last < 0 or not messages[last]["content"].strip():
        raise BadRowError(f"field '{field}' is a conversation in which no user says anything last")
    answer = messages[last + 1]["content"] if last + 1 < len(messages) else None
    return messages[: last + 1], None if blank(answer) else answer


def _message(entry: Any, field: str) -> Message:
    if not isinstance(entry, Mapping) or entry.get("role") not in ROLES or not isinstance(entry.get("content"), str):
        wanted = f"{{role: {' or '.join(ROLES)}, content: text}}"
        raise BadRowError(f"field '{field}' holds {str(entry)[:60]!r}, which is no message {wanted}")
    return {"role": entry["role"], "content": entry["content"]}


def with_system(messages: Chat, system: str | None) -> Chat:
    """The messages under this system prompt in place of their own; None leaves that."""
    if system is None:
        return messages
    return [{"role": "system", "content": system}, *(each for each in messages if each["role"] != "system")]
