"""HTTP to a server on this machine: one asyncio thread with one client, beside the thread that drives the traffic."""

import asyncio
import threading
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

T = TypeVar("T")

CONNECT_S = 10.0  # the longest wait for a connection on this machine: its queue of them may be full
IDLE_S = 2.0  # an unused connection is closed here before servers do (uvicorn: 5 s), so that no request meets its end
LONGEST_LINE = 1 << 20  # bytes of one event: an answer that comes whole in one
ANSWER_S = 300.0  # the longest wait for a short answer outside the traffic: the first one may load or compile


class Connection:
    """An event loop in a thread of its own, and the HTTP client that lives in it, until it is closed.

    Attributes:
        client: aiohttp's session, without limits of its own to time and connections: what drives cancels
    """

    def __init__(self, base: str, headers: Mapping[str, str]) -> None:
        import aiohttp

        async def session() -> aiohttp.ClientSession:  # it lives in the loop that it is made in
            return aiohttp.ClientSession(
                base,
                headers=dict(headers),
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE_S),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S),
                read_bufsize=LONGEST_LINE,
                trust_env=False,  # no proxy stands between a machine and itself
            )

        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="engine", daemon=True)
        self._thread.start()
        self.client = self.ask(session())

    def ask(self, work: Coroutine[Any, Any, T], timeout_s: float = ANSWER_S) -> T:
        """The result of some work in the loop, which the calling thread waits for; TimeoutError after that long."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(timeout_s)
        except TimeoutError:
            future.cancel()
            raise

    def soon(self, work: Any, *arguments: Any) -> None:
        """Calls something in the loop; returns at once."""
        self._loop.call_soon_threadsafe(work, *arguments)

    def close(self) -> None:
        """Cancels what is under way, closes every connection and ends the thread."""
        if self._loop.is_closed():
            return
        try:
            self.ask(self._ended(), CONNECT_S)
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(CONNECT_S)
            if not self._thread.is_alive():
                self._loop.close()

    async def _ended(self) -> None:
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self.client.close()
