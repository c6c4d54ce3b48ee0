"""A server behind an address, while it is asked: requests go out, and what comes back is dated when its bytes arrived.

driver's thread      send ──▶ ┊ task: wait for a connection, POST, a part, a part, … ┊ ──▶ mailbox ──▶ events
                     cancel ─▶┊ closes the connection, by which servers give up too  ┊
"""

import asyncio
import errno
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from joulemark.core.serving import Call, Clock, Event
from joulemark.core.task import Prediction, Sample
from joulemark.engines.answer import Answer, Counted
from joulemark.engines.asking import Asked, Asking
from joulemark.engines.connection import Connection
from joulemark.engines.exchange import RefusedError, exchange
from joulemark.engines.mailbox import Mailbox, one_line
from joulemark.engines.openai_api import Wanted, request

COUNTED = {"usage": 2, "tokenizer": 1, None: 0}  # how tokens were counted, the best first


@dataclass(frozen=True)
class Link:
    """What a server is reached with.

    Attributes:
        connection: the client and its thread
        asking: makes the prompts
        wanted: makes the requests
        unit: the task's unit of work
        max_connections: requests that it has at most at once; others wait here, and their waiting counts
    """

    connection: Connection
    asking: Asking
    wanted: Wanted
    unit: str
    max_connections: int


class EndpointServer:
    """A server that answers, in other processes than this one."""

    def __init__(
        self,
        link: Link,
        facts: Mapping[str, Any],
        clock: Clock,
        processes: Callable[[], Sequence[int]],
        end: Callable[[], None],
    ) -> None:
        self._processes, self._end = processes, end
        self._link = link
        self._facts = facts
        self._mailbox = Mailbox(clock)
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._places = asyncio.Semaphore(link.max_connections)
        self._token_count: str | None = "usage"
        self._answered = False

    @property
    def facts(self) -> Mapping[str, Any]:
        """What is up, and how the tokens of its answers were counted until now."""
        return {**self._facts, "token_count": self._token_count if self._answered else None}

    @property
    def processes(self) -> Sequence[int]:
        """Ids of the server's processes, as far as they are known here."""
        return self._processes()

    def send(self, call: Call) -> None:
        """Asks; whatever becomes of it is an event."""
        self._link.connection.soon(self._begin, call)

    def events(self, until_s: float) -> Sequence[Event]:
        """What has come since; waits for the first until that moment."""
        return self._mailbox.take(until_s)

    def cancel(self, number: int) -> None:
        """Closes the request's connection."""
        self._link.connection.soon(self._drop, number)

    def judge(self, samples: Sequence[Sample], predictions: Sequence[Prediction]) -> Mapping[str, float | None]:
        """Nothing: the interface gives no likelihoods of given texts."""
        return {}

    def peak_memory_bytes(self) -> int | None:
        """None: the interface does not tell."""
        return None

    def close(self) -> None:
        """Closes every connection; the server itself goes on, if it is not the run's own."""
        try:
            self._link.connection.close()
        finally:
            self._end()

    def died(self, last_words: str) -> None:
        """Notes that the server has ended: whoever waits for events is told."""
        self._mailbox.died(last_words)

    def _begin(self, call: Call) -> None:
        task = asyncio.get_running_loop().create_task(self._answer(call))
        self._tasks[call.number] = task
        task.add_done_callback(lambda done: self._tasks.pop(call.number, None))

    def _drop(self, number: int) -> None:
        if task := self._tasks.get(number):
            task.cancel()

    async def _answer(self, call: Call) -> None:
        """One request from its prompt to its last event."""
        link, number = self._link, call.number

        def came(at_s: float, tokens: int) -> None:
            self._mailbox.put(Event(number, "tokens", at_s, tokens=tokens))

        try:
            async with self._places:
                # a prompt of a length of its own takes milliseconds, in which parts of other answers come
                asked = await asyncio.to_thread(link.asking, call) if call.input_tokens else link.asking(call)
                body = request(link.wanted, asked, call.min_new_tokens, call.max_new_tokens)
                answer = await exchange(link.connection.client, body, self._mailbox.clock.now, came)
            prediction = await self._read(answer, asked)
            self._mailbox.put(Event(number, "finished", answer.at_s, prediction=prediction))
        except Exception as error:  # whatever a server or a library does is this request's failure
            self._mailbox.failed(number, reason(error))

    async def _read(self, answer: Answer, asked: Asked) -> Prediction:
        """The prediction; where the server counted no tokens, the tokenizer does, if one is here."""
        self._answered = True
        count, counted = self._link.asking.count, Counted()
        if "completion_tokens" not in answer.usage:
            written = await asyncio.to_thread(count, answer.text)
            read = await asyncio.to_thread(count, asked) if isinstance(asked, str) else None
            counted = Counted(read, written)
            how = None if written is None else "tokenizer"
            self._token_count = min(self._token_count, how, key=COUNTED.__getitem__)
        if answer.reasoning and answer.reasoning_tokens is None:
            counted = replace(counted, reasoned=await asyncio.to_thread(count, answer.reasoning))
        return answer.prediction(counted, self._link.unit)


def reason(error: Exception) -> str:
    """Why a request failed, in one line."""
    import aiohttp

    if isinstance(error, RefusedError | LookupError):
        return " ".join(str(error).strip("'\"").split())
    if isinstance(error, OSError) and error.errno == errno.EMFILE:
        return "too many open connections for this process (ulimit -n); lower engine.max_connections"
    if isinstance(error, aiohttp.ClientConnectorError):
        return "nobody answers at the address any more"
    if isinstance(error, aiohttp.ClientPayloadError | aiohttp.ServerDisconnectedError | ConnectionError):
        return "the connection broke off before the answer was whole"
    return one_line(error)
