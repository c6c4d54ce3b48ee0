"""Servers that this program starts, waits for, asks and ends: one command in a YAML each."""

import importlib.metadata
import os
import shutil
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal

from joulemark.core.errors import UserError
from joulemark.core.extras import require
from joulemark.core.machine import Hardware
from joulemark.core.model import Model, Settings
from joulemark.core.quantities import Number, Positive
from joulemark.core.serving import Clock, EngineNeeds
from joulemark.core.task import Task
from joulemark.engines.address import Address
from joulemark.engines.connection import Connection
from joulemark.engines.endpoint import GENERATORS, Endpoint, Reached, check_asked, check_files, connected
from joulemark.engines.endpoint_server import EndpointServer
from joulemark.engines.files import Files, files_of
from joulemark.engines.process import ServerProcess, wait_until

HOST = "127.0.0.1"
PYTHON = "{python}"  # this program's own Python, whose packages an engine may be
PATH = "{path}"


@dataclass(frozen=True)
class Started:
    """A server of the run's own, on a free port of 127.0.0.1, which ends with the run, however that ends.

    Placeholders of `command`, `flags`, `environment` and `served_model`: {python} this program's own, {path} the folder
    of the weights, {file} the GGUF file, {checkpoint} the checkpoint's id, {host}, {port}, {precision} by `precisions`,
    {device} cuda or cpu, {gpus} how many, {seed} of random weights.

    Attributes:
        name: the option that chose it
        command: the program and its arguments
        remedy: what to type where the program or a package of it is absent that no extra brings
        packages: modules that it needs of this program's own Python
        distribution: package whose version is the engine's, where the server does not tell it
        flags: its settings, added as --name value; true is --name, false --no-name, null is left out
        flag_style: `dashes` (--max-num-seqs 8) or `values` (--n_ctx 8, --flash_attn true)
        file: GGUF file; None where it reads folders
        precisions: precision of this program -> the server's word for it
        environment: variables of its process
        health: path that answers 200 once it is ready
        start_timeout_s: s to load and get ready at most
        api, served_model, budget_field, body, at_least, exactly, max_connections: as of `Endpoint`
    """

    needs: ClassVar[EngineNeeds] = EngineNeeds(kinds=GENERATORS)

    name: str
    command: Sequence[str]
    remedy: str
    packages: Sequence[str] = ()
    distribution: str | None = None
    flags: Mapping[str, Any] = field(default_factory=dict)
    flag_style: Literal["dashes", "values"] = "dashes"
    file: str | None = None
    precisions: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    health: str = "/health"
    start_timeout_s: Positive = 900.0
    api: Literal["auto", "chat", "completions"] = "auto"
    served_model: str = PATH
    budget_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    body: Mapping[str, Any] = field(default_factory=dict)
    at_least: Mapping[str, Any] = field(default_factory=dict)
    exactly: Mapping[str, Any] = field(default_factory=dict)
    max_connections: Number = 1024

    @property
    def options(self) -> Mapping[str, Any]:
        """Its settings, with the placeholders as they were written."""
        return {each.name: getattr(self, each.name) for each in fields(self) if each.name not in ("name", "remedy")}

    def check(self, model: Model, task: Task, hardware: Hardware) -> None:
        """Refuses what cannot be started here: a program, a package or a file that is absent."""
        program = self.command[0]
        if program != PYTHON and shutil.which(program) is None:
            raise UserError(f"engine={self.name} runs the program {program}, which is not on the PATH; {self.remedy}")
        if program == PYTHON:
            require(f"engine={self.name}", *self.packages, remedy=self.remedy)
        if self._wants("{file}") and not (self.file and Path(self.file).expanduser().is_file()):
            raise UserError(
                f"engine.file={self.file or 'null'}: engine={self.name} reads a GGUF file; type engine.file=…"
            )
        check_asked(self.api, model, task)
        check_files(self.max_connections)

    def start(self, model: Model, task: Task, device: str, settings: Settings, clock: Clock) -> EndpointServer:
        """The server, up and answering; UserError with its last words where it does not come up."""
        if self.precisions and settings.precision not in self.precisions:
            known = ", ".join(self.precisions)
            raise UserError(f"precision={settings.precision}: engine={self.name} has none; choose from: {known}")
        files = files_of(model, device, settings) if self._wants(PATH) else None
        try:
            return self._up(model, task, device, settings, clock, files)
        except BaseException:
            if files is not None:
                files.close()
            raise

    def _up(
        self, model: Model, task: Task, device: str, settings: Settings, clock: Clock, files: Files | None
    ) -> EndpointServer:
        address = Address(f"http://{HOST}:{(port := _free_port())}", HOST, port)
        values = self._values(model, device, settings, files, port)
        process = ServerProcess(
            self.name, self._command(values), {**_filled(self.environment, values), **_cards(device)}
        )
        connection = Connection(address.base, {})

        def close() -> None:
            process.close()
            if files is not None:
                files.close()

        try:
            if not wait_until(partial(_is_ready, connection, self.health), process, self.start_timeout_s):
                how = "ended before it answered" if process.ended() else f"is not up after {self.start_timeout_s:g} s"
                raise UserError(f"engine={self.name} {how}: {process.last_words()}")
            shared = {each.name for each in fields(Endpoint)} - {"name", "url", "api_key_variable", "served_model"}
            as_endpoint = Endpoint(name=self.name, url=address.base, **{name: getattr(self, name) for name in shared})
            facts = {"device": device, **({} if self.distribution is None else _version(self.distribution))}
            reached = Reached(connection, address, facts, process.processes, close)
            server = connected(as_endpoint, _filled(self.served_model, values), reached, model, task, clock)
        except BaseException:
            connection.close()
            process.close()
            raise
        process.watch(server.died)
        return server

    def _wants(self, placeholder: str) -> bool:
        written = [*self.command, *map(str, self.flags.values()), *self.environment.values()]
        return any(placeholder in value for value in written)

    def _values(
        self, model: Model, device: str, settings: Settings, files: Files | None, port: int
    ) -> Mapping[str, str]:
        """What stands for each placeholder."""
        return {
            "python": sys.executable,
            "path": str(files.path) if files else "",
            "file": str(Path(self.file).expanduser().absolute()) if self.file else "",
            "checkpoint": model.checkpoint.id,
            "host": HOST,
            "port": str(port),
            "precision": self.precisions.get(settings.precision, settings.precision),
            "device": device.partition(":")[0],
            "gpus": str(device.count("cuda:")),
            "seed": str(model.checkpoint.seed),
        }

    def _command(self, values: Mapping[str, str]) -> list[str]:
        """The command line, with the settings as flags."""
        line = [_filled(part, values) for part in self.command]
        for name, value in self.flags.items():
            flag = f"--{name.replace('_', '-')}" if self.flag_style == "dashes" else f"--{name}"
            if isinstance(value, bool) and self.flag_style == "dashes":
                line.append(flag if value else f"--no-{flag[2:]}")
            elif value is not None:
                line += [flag, _filled(str(value), values)]
        return line


def _filled(value: Any, values: Mapping[str, str]) -> Any:
    """A text, or the values of a mapping, with the placeholders filled in; other braces stay as they are."""
    if isinstance(value, Mapping):
        return {key: _filled(each, values) for key, each in value.items()}
    for name, known in values.items():
        value = value.replace(f"{{{name}}}", known)
    return value


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        return int(taken.getsockname()[1])


def _is_ready(connection: Connection, path: str) -> bool:
    import aiohttp

    async def status() -> int:
        async with connection.client.get(path) as response:
            return int(response.status)

    try:
        return connection.ask(status(), 5.0) == 200
    except (aiohttp.ClientError, TimeoutError):  # it does not listen yet, or loads
        return False


def _cards(device: str) -> dict[str, str]:
    """The variable by which a process sees this run's GPUs alone, as its first ones."""
    if not device.startswith("cuda"):
        return {}
    seen = os.environ.get("CUDA_VISIBLE_DEVICES")
    numbers = [int(name.partition(":")[2] or 0) for name in device.split(",")]
    names = seen.split(",") if seen else None
    return {"CUDA_VISIBLE_DEVICES": ",".join(names[number] if names else str(number) for number in numbers)}


def _version(distribution: str) -> dict[str, str]:
    try:
        return {"version": importlib.metadata.version(distribution)}
    except importlib.metadata.PackageNotFoundError:
        return {}
