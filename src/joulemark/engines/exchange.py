"""One request and its answer over HTTP, each part dated when its bytes arrived."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from joulemark.engines.answer import Answer
from joulemark.engines.mailbox import one_line
from joulemark.engines.openai_api import DONE, PATHS, Part, part, refusal

CLOSING_S = 1.0  # how long a server may take to end a stream after its last word
EVENTS, DATA = "text/event-stream", b"data:"  # server-sent events (WHATWG HTML, 9.2), one line each here


class RefusedError(Exception):
    """What a server did in place of answering, in one line."""


async def exchange(
    client: Any, body: Mapping[str, Any], now: Callable[[], float], came: Callable[[float, int], None]
) -> Answer:
    """The whole answer to a request; `came` is called for each part that has text, with its moment and its tokens.

    Raises:
        RefusedError: the server refused, failed, ended in the middle, or sent what is not of this interface
    """
    answer = Answer()
    async with client.post(PATHS["chat" if "messages" in body else "completions"], json=body) as response:
        if response.status != 200:
            raise RefusedError(refusal(response.status, await response.read()))
        if response.content_type != EVENTS:  # it came whole
            answer.take(understood(await response.read()))
            answer.ended, answer.at_s = True, now()
            return answer
        with suppress(TimeoutError):
            async with asyncio.timeout(None) as patience:
                async for line in response.content:
                    if not line.startswith(DATA):  # comments that keep a connection open, names of events, empty lines
                        continue
                    answer.at_s = now()
                    if (data := line[len(DATA) :].strip()) == DONE:
                        answer.ended = True
                        # read to its end, so that the connection can be used again; but some servers leave it open
                        patience.reschedule(asyncio.get_running_loop().time() + CLOSING_S)
                    elif tokens := answer.take(understood(data)):
                        came(answer.at_s, tokens)
    if answer.trouble is not None:
        raise RefusedError(answer.trouble)
    return answer


def understood(data: bytes) -> Part:
    """What a part says. RefusedError where it is an error, or none of this interface."""
    try:
        told = part(data)
    except (ValueError, AttributeError, TypeError) as error:
        raise RefusedError(f"the server sent what is not of this interface ({one_line(error)})") from None
    if told.error is not None:
        raise RefusedError(f"the server failed: {told.error}")
    return told
