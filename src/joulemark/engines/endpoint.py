"""Any OpenAI-compatible server: vLLM, SGLang, TGI, llama.cpp, Ollama; on this machine, or one whose meter is given."""

import os
import resource
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any, ClassVar, Literal

from joulemark.core.errors import UserError
from joulemark.core.machine import Hardware
from joulemark.core.model import Model, Settings
from joulemark.core.quantities import Number
from joulemark.core.serving import Clock, EngineNeeds
from joulemark.core.task import Task
from joulemark.engines import probing
from joulemark.engines.address import Address, address_of, listeners, other_machine, tunnel
from joulemark.engines.asking import MESSAGES, Asking, thinking_fields
from joulemark.engines.connection import Connection
from joulemark.engines.endpoint_server import EndpointServer, Link
from joulemark.engines.openai_api import Wanted
from joulemark.models.backend.chat_template import is_plain

GENERATORS = ("causal_lm", "seq2seq_lm")
SPARE_FILES = 128  # open files that the rest of the program may need


@dataclass(frozen=True)
class Endpoint:
    """A server that is up already; it is asked by streams of server-sent events and goes on afterwards.

    Attributes:
        name: the option that chose it
        url: its address, with or without /v1
        api: `chat`, `completions`; `auto`: completions for texts where it has them, chat for messages
        served_model: the model by the server's name for it; None: the checkpoint's id, or the only one that it serves
        api_key_variable: environment variable that holds the key; None: it needs none
        budget_field: field that says the most tokens of an answer, `max_tokens` or `max_completion_tokens`
        body: further fields of every request
        at_least: fields of a request whose answer has a least number of tokens; `{min_new_tokens}` stands for it
        exactly: fields, beside these, of one whose least and most number of tokens are the same
        max_connections: requests that it has most at once; others wait here, and their waiting counts
    """

    needs: ClassVar[EngineNeeds] = EngineNeeds(kinds=GENERATORS)

    name: str
    url: str
    api: Literal["auto", "chat", "completions"] = "auto"
    served_model: str | None = None
    api_key_variable: str | None = None
    budget_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    body: Mapping[str, Any] = field(default_factory=dict)
    at_least: Mapping[str, Any] = field(default_factory=dict)
    exactly: Mapping[str, Any] = field(default_factory=dict)
    max_connections: Number = 1024

    @property
    def machine(self) -> str | None:
        """The other machine that answers; None for this one. UserError for a host that nobody knows."""
        return other_machine(address_of(self.url))

    @property
    def options(self) -> Mapping[str, Any]:
        """Its settings; never the key itself."""
        return {each.name: getattr(self, each.name) for each in fields(self) if each.name != "name"}

    def check(self, model: Model, task: Task, hardware: Hardware) -> None:
        """Refuses another machine than the metered one, a key that is not set, a chat by an interface without chats."""
        if (machine := self.machine) != hardware.machine:
            where = f"{machine}, which is another machine" if machine else "this machine"
            raise UserError(
                f"engine.url={self.url} is on {where}, and the meters read {hardware.machine or 'this one'}"
            )
        if self.api_key_variable and not os.environ.get(self.api_key_variable):
            raise UserError(f"engine.api_key_variable={self.api_key_variable}: this environment variable is not set")
        check_asked(self.api, model, task)
        check_files(self.max_connections)

    def start(self, model: Model, task: Task, device: str, settings: Settings, clock: Clock) -> EndpointServer:
        """The server, after it has answered a short request in the way that the run will ask."""
        key = os.environ.get(self.api_key_variable, "") if self.api_key_variable else ""
        address, here = address_of(self.url), self.machine is None
        if here and (process := tunnel(address.port)):
            raise UserError(f"engine.url={self.url} is a tunnel ({process}) to another machine; run joulemark there")
        connection = Connection(address.base, {"Authorization": f"Bearer {key}"} if key else {})
        try:
            listed = probing.models(connection, self.url)
            served = self.served_model or _only(listed, model, self.url)
            if listed and served not in listed:
                raise UserError(f"engine.served_model={served}: {self.url} serves {_named(listed)}")
            facts = {"url": self.url, "models": list(listed)}
            reached = Reached(connection, address, facts, None if here else lambda: ())
            return connected(self, served, reached, model, task, clock)
        except BaseException:
            connection.close()
            raise


@dataclass(frozen=True)
class Reached:
    """A server that takes connections.

    Attributes:
        connection: the client and its thread
        address: where it answers
        facts: what is known of it so far
        processes: gives the ids of its processes; None: those that listen at the address
        close: ends it; for one that is not the run's own, nothing
    """

    connection: Connection
    address: Address
    facts: Mapping[str, Any]
    processes: Callable[[], Sequence[int]] | None = None
    close: Callable[[], None] = lambda: None


def connected(
    engine: Endpoint, served_model: str, reached: Reached, model: Model, task: Task, clock: Clock
) -> EndpointServer:
    """The server once it has answered a short request.

    Raises:
        UserError: it refuses it, in its own words; or nobody counts tokens, which are the task's unit of work
    """
    connection = reached.connection
    body = {**thinking_fields(task), **engine.body}
    wanted = Wanted(served_model, engine.budget_field, body, engine.at_least, engine.exactly)
    found = probing.tried(connection, wanted, _ways(engine.api, task, model), engine.url)
    asking = Asking(model, task, chats=found.api == "chat")
    if not found.counts and task.unit == "token" and asking.tokenizer() is None:
        raise UserError(
            f"{engine.url} does not count tokens (no `usage` in its stream), and the tokenizer of "
            f"{model.checkpoint.id} is not on this machine to do it; download it once, or type model.weights=FOLDER"
        )
    version = probing.version(connection)
    facts = {
        "weights": model.checkpoint.weights,
        **reached.facts,
        "version": version or reached.facts.get("version"),
        "served_model": served_model,
        "api": found.api,
        "part_tokens": "one a part, unless the server counts",
        "output_length": "forced" if engine.exactly else "free",
    }
    link = Link(connection, asking, wanted, task.unit, engine.max_connections)
    processes = reached.processes or partial(listeners, reached.address.port)
    return EndpointServer(link, facts, clock, processes, reached.close)


def check_asked(api: str, model: Model, task: Task) -> None:
    """UserError for a chat by an interface that knows none."""
    if api == "completions" and task.accepts == MESSAGES and not is_plain(task, model.checkpoint):
        raise UserError(
            f"engine.api=completions: task={task.name} sends chats; type engine.api=chat, or task.template=plain for "
            "lines 'role: content'"
        )


def check_files(connections: int) -> None:
    """UserError for more connections than this process may have open files."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if most != resource.RLIM_INFINITY and connections > most - SPARE_FILES:
        raise UserError(
            f"engine.max_connections={connections}: this process may open {most} files; type ulimit -n "
            f"{connections + SPARE_FILES} before, or engine.max_connections={max(1, most - SPARE_FILES)}"
        )


def _ways(api: str, task: Task, model: Model) -> dict[str, Any]:
    """The interfaces that may do, the preferred one first, each with a short request."""
    chat = {"chat": [{"role": "user", "content": "Hello"}]}
    plain = is_plain(task, model.checkpoint)
    if api == "chat" or (task.accepts == MESSAGES and not plain):
        return chat
    return {"completions": "Hello", **(chat if api == "auto" else {})}


def _only(listed: Any, model: Model, url: str) -> str:
    """The served model that is the run's: by its id, else by the last part of its name, else the only one of a name of
    this program's own."""
    wanted = model.checkpoint.id
    if wanted in listed or not listed:
        return wanted
    own = model.checkpoint.weights != "hub"  # embedded, random, a folder: the server's name for it is anyone's
    if len(listed) == 1 and (own or _last(listed[0]) == _last(wanted)):
        return str(listed[0])
    raise UserError(
        f"{url} serves {_named(listed)}, not {wanted}; if it is that one under another name, type "
        f"engine.served_model={listed[0]}"
    )


def _named(listed: Any) -> str:
    return ", ".join(list(listed)[:5]) + (", …" if len(listed) > 5 else "")


def _last(name: str) -> str:
    """The last part of a model's name, by which a folder and an id are the same."""
    return name.rstrip("/").rpartition("/")[2].lower()
