"""What answers at an address, asked before anything is measured: which models, which version, which interface.

Each way in which it does not answer as a server of this interface should is one line that says what to type.
"""

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from joulemark.core.errors import UserError
from joulemark.engines.asking import Asked
from joulemark.engines.connection import ANSWER_S, Connection
from joulemark.engines.exchange import RefusedError, exchange
from joulemark.engines.mailbox import one_line
from joulemark.engines.openai_api import PATHS, Wanted, refusal, request

LOOK_S = 10.0  # the longest wait for what a server knows without thinking
PROBE_TOKENS = 2  # of the answer by which the interface is tried
# Where servers tell their version: vLLM, SGLang; TGI; Ollama; llama.cpp's llama-server
VERSIONS = (("/version", "version"), ("/info", "version"), ("/api/version", "version"), ("/props", "build_info"))
UNKNOWN = (404, 405, 501)  # statuses of a path that a server does not have


@dataclass(frozen=True)
class Found:
    """How a server answered a short request.

    Attributes:
        api: `chat` or `completions`
        counts: whether it told how many tokens it had
    """

    api: str
    counts: bool


def models(connection: Connection, where: str) -> Sequence[str]:
    """The models that a server lists; empty where it has no such list.

    Raises:
        UserError: nobody answers, or something that is no server of this interface
    """
    status, body = _got(connection, "/v1/models", where)
    if status in (401, 403):
        raise UserError(
            f"{where} asks for a key ({refusal(status, body)}); put it in an environment variable and type "
            "engine.api_key_variable=NAME"
        )
    if status in UNKNOWN:
        return ()
    try:
        listed = json.loads(body)["data"] if status == 200 else None
        return [str(model["id"]) for model in listed or ()] if status == 200 else _no_api(where, status, body)
    except (ValueError, KeyError, TypeError):
        return _no_api(where, status, body)


def _no_api(where: str, status: int, body: bytes) -> Sequence[str]:
    raise UserError(
        f"{where} answers, but not as an OpenAI-compatible server (GET /v1/models: {refusal(status, body)}); give the "
        "address of one, without its path"
    )


def _got(connection: Connection, path: str, where: str) -> tuple[int, bytes]:
    import aiohttp

    async def get() -> tuple[int, bytes]:
        async with connection.client.get(path) as response:
            return response.status, await response.read()

    try:
        return connection.ask(get(), LOOK_S)
    except aiohttp.ClientConnectorError:
        raise UserError(
            f"nobody answers at {where}: start the server first, for example vllm serve MODEL --port PORT, or type "
            "engine=transformers_serve, which this program starts itself"
        ) from None
    except (aiohttp.ClientError, TimeoutError) as error:
        raise UserError(f"{where} takes connections but is no web server ({type(error).__name__})") from None


def version(connection: Connection) -> str | None:
    """The server's version, as it tells it; None where it does not."""
    import aiohttp

    async def ask(path: str, key: str) -> str | None:
        try:
            async with asyncio.timeout(LOOK_S), connection.client.get(path) as response:
                told = json.loads(await response.read()) if response.status == 200 else {}
                return str(told[key]) if isinstance(told, Mapping) and told.get(key) else None
        except (aiohttp.ClientError, TimeoutError, ValueError):  # a path of another server's
            return None

    async def all_of_them() -> list[str | None]:
        return await asyncio.gather(*(ask(path, key) for path, key in VERSIONS))

    return next((known for known in connection.ask(all_of_them()) if known is not None), None)


def tried(connection: Connection, wanted: Wanted, asked: Mapping[str, Asked], where: str) -> Found:
    """The first of these interfaces that answers a short request, by the name that `asked` gives it.

    Raises:
        UserError: none does; the server's own words
    """
    refused = []
    for api, what in asked.items():
        body = request(wanted, what, None, PROBE_TOKENS)
        try:
            answer = connection.ask(exchange(connection.client, body, time.monotonic, lambda at_s, tokens: None))
            return Found(api, "completion_tokens" in answer.usage)
        except RefusedError as error:
            refused.append(f"{PATHS[api]}: {error}")
        except TimeoutError:
            refused.append(f"{PATHS[api]}: no answer of {PROBE_TOKENS} tokens within {ANSWER_S:g} s")
        except Exception as error:  # whatever a server or a library does
            refused.append(f"{PATHS[api]}: {one_line(error)}")
    raise UserError(f"{where} does not answer a request for model {wanted.served_model}: {'; '.join(refused)}")
