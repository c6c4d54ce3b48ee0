"""A made-up OpenAI-compatible server on loopback, whose every answer and fault is known; stdlib only.

An answer repeats the words of the prompt, one word a token, up to `max_tokens`; word by word after `token_s` each. A
prompt that begins with `fault:NAME` gets that fault. Also a program: `python openai_server.py --port 8000 …`.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

HTML = b"<html><head><style>x {}</style></head><body><h1>It works!</h1></body></html>"


@dataclass
class Script:
    """What the server does.

    Attributes:
        models: what it lists
        apis: interfaces that it has
        token_s: seconds before each token
        usage: whether it counts tokens
        streams: whether it streams
        version: what it tells as its version
        key: the key it asks for
        html: whether it is another kind of web server altogether
        bodies: the requests that came
        open: requests under way
        most_open: the most of them at once
    """

    models: tuple[str, ...] = ("tiny",)
    apis: tuple[str, ...] = ("completions", "chat")
    token_s: float = 0.0
    usage: bool = True
    streams: bool = True
    version: str | None = "1.2.3"
    key: str | None = None
    html: bool = False
    done: bool = True
    bodies: list[dict[str, Any]] = field(default_factory=list)
    open: int = 0
    most_open: int = 0
    connections: int = 0


class FakeServer:
    """The server of a script, in a thread of its own.

    Attributes:
        url: its address
    """

    def __init__(self, script: Script, port: int = 0) -> None:
        self.script = script
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        started = asyncio.run_coroutine_threadsafe(asyncio.start_server(self._serve, "127.0.0.1", port), self._loop)
        self._server = started.result(10)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        async def ended() -> None:
            self._server.close()
            others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(ended(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.script.connections += 1
        try:
            while (head := await reader.readline()) not in (b"", b"\r\n"):
                method, path, _ = head.decode().split(" ", 2)
                headers = {}
                while (line := await reader.readline()) not in (b"", b"\r\n"):
                    name, _, value = line.decode().partition(":")
                    headers[name.lower()] = value.strip()
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                if not await self._reply(Reply(writer), method, path, headers, body):
                    break
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _reply(self, reply: "Reply", method: str, path: str, headers: dict[str, str], body: bytes) -> bool:
        script = self.script
        if script.html:
            return await reply.whole(200, HTML, "text/html")
        if script.key is not None and headers.get("authorization") != f"Bearer {script.key}":
            return await reply.error(401, "Invalid API key")
        if path == "/v1/models":
            return await reply.json(200, {"object": "list", "data": [{"id": name} for name in script.models]})
        if path == "/health":
            return await reply.json(200, {})
        if path == "/version" and script.version:
            return await reply.json(200, {"version": script.version})
        api = {"/v1/completions": "completions", "/v1/chat/completions": "chat"}.get(path)
        if method != "POST" or api not in script.apis:
            return await reply.error(404, "Not Found")
        asked = json.loads(body)
        script.bodies.append(asked)
        script.open += 1
        script.most_open = max(script.open, script.most_open)
        try:
            return await self._answer(reply, api, asked)
        finally:
            script.open -= 1

    async def _answer(self, reply: "Reply", api: str, asked: dict[str, Any]) -> bool:
        script = self.script
        if script.models and asked["model"] not in script.models:
            return await reply.error(404, f"The model `{asked['model']}` does not exist.")
        prompt = asked["prompt"] if api == "completions" else asked["messages"][-1]["content"]
        fault = prompt.split()[0].removeprefix("fault:") if prompt.startswith("fault:") else None
        if fault in ("500", "429"):
            return await reply.error(int(fault), "out of luck")
        words = prompt.split()[1:] if fault else prompt.split()
        most = asked.get("max_tokens") or asked.get("max_completion_tokens") or len(words)
        words = (words * (most // max(1, len(words)) + 1))[:most] if asked.get("ignore_eos") else words[:most]
        counts = {"prompt_tokens": len(prompt.split()), "completion_tokens": len(words)}
        usage = counts if script.usage and fault != "no_usage" else None
        if not script.streams or fault == "whole":
            await asyncio.sleep(script.token_s * len(words))
            said = chunk(api, " ".join(words), "stop", whole=True)
            return await reply.json(200, {**said, **({"usage": usage} if usage else {})})
        await reply.head(200, "text/event-stream; charset=utf-8", chunked=True)
        if api == "chat":
            await reply.event({"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]})
        return await self._stream(reply, api, words, usage, fault)

    async def _stream(self, reply: "Reply", api: str, words: list[str], usage: Any, fault: str | None) -> bool:
        script = self.script
        for place, word in enumerate(words):
            await asyncio.sleep(script.token_s)
            if fault == "drops" and place == len(words) // 2:
                return reply.drop()
            if fault == "ends_early" and place == len(words) // 2:
                return await reply.end()
            while fault == "never_ends" and place == len(words) - 1:  # until nobody reads any more
                await reply.event(chunk(api, " more", None))
                await asyncio.sleep(0.01)
            if fault == "error" and place == 1:
                await reply.event({"error": {"message": "CUDA out of memory", "code": 500}})
                return await reply.end()
            if fault == "not_json" and place == 1:
                await reply.chunk(b"data: {not json}\n\n")
                return await reply.end()
            text = word if place == 0 else f" {word}"
            name = "reasoning_content" if fault == "reasons" and place < 2 else None
            await reply.event(chunk(api, text, None, name), split=fault == "split")
        if fault == "gives_up":
            await reply.event(chunk(api, "", "abort"))
            return await reply.end()
        await reply.event(chunk(api, "", "length"))
        if usage:
            details = {"completion_tokens_details": {"reasoning_tokens": 2}} if fault == "reasons" else {}
            await reply.event({"choices": [], "usage": {**usage, **details}})
        if fault == "stays_open":
            await reply.chunk(b"data: [DONE]\n\n")
            await asyncio.sleep(3600)
        if script.done:
            await reply.chunk(b"data: [DONE]\n\n")
        return await reply.end()


def chunk(api: str, text: str, finish: str | None, name: str | None = None, whole: bool = False) -> dict[str, Any]:
    """One part of an answer, or the whole of it."""
    said = {"text": text} if api == "completions" else {("message" if whole else "delta"): {name or "content": text}}
    return {"object": "x", "choices": [{"index": 0, "finish_reason": finish, **said}]}


@dataclass
class Reply:
    """One response on a connection; each method gives whether the connection goes on."""

    writer: asyncio.StreamWriter

    async def head(self, status: int, kind: str, length: int | None = None, chunked: bool = False) -> None:
        size = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {length}"
        self.writer.write(f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\n{size}\r\n\r\n".encode())
        await self.writer.drain()

    async def whole(self, status: int, body: bytes, kind: str) -> bool:
        await self.head(status, kind, len(body))
        self.writer.write(body)
        await self.writer.drain()
        return True

    async def json(self, status: int, value: Any) -> bool:
        return await self.whole(status, json.dumps(value).encode(), "application/json")

    async def error(self, status: int, words: str) -> bool:
        return await self.json(status, {"error": {"message": words, "type": "x", "code": status}})

    async def event(self, value: Any, split: bool = False) -> None:
        data = b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n"
        for part in [bytes([byte]) for byte in data] if split else [data]:
            await self.chunk(part)

    async def chunk(self, data: bytes) -> None:
        self.writer.write(b"%x\r\n%s\r\n" % (len(data), data))
        await self.writer.drain()
        await asyncio.sleep(0)

    async def end(self) -> bool:
        self.writer.write(b"0\r\n\r\n")
        await self.writer.drain()
        return True

    def drop(self) -> bool:
        self.writer.transport.abort()
        return False


@contextmanager
def serving(**script: Any) -> Iterator[FakeServer]:
    """A server with this script while the context lasts."""
    server = FakeServer(Script(**script))
    try:
        yield server
    finally:
        server.close()


def main() -> None:
    """The server as a program that ends on SIGTERM, or does not."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--model", default="tiny")
    parser.add_argument("--dies", default=None, help="its last words, before it ever answers")
    parser.add_argument("--dies-at", type=int, default=None, help="the request at which it ends")
    parser.add_argument("--stubborn", action="store_true", help="does not end on SIGTERM")
    parser.add_argument("--child", action="store_true", help="has a child process, whose id it prints")
    parser.add_argument("--never-ready", action="store_true")
    typed = parser.parse_args()
    print("starting", flush=True)
    if typed.dies:
        sys.exit(typed.dies)
    if typed.stubborn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if typed.child and os.fork() == 0:
        signal.pause()
    if typed.never_ready:
        signal.pause()
    server = FakeServer(Script(models=(typed.model,), token_s=0.01), typed.port)
    while typed.dies_at is None or len(server.script.bodies) < typed.dies_at:
        threading.Event().wait(0.02)
    print("RuntimeError: CUDA error: an illegal memory access was encountered", file=sys.stderr, flush=True)
    os._exit(1)


if __name__ == "__main__":
    main()
