"""The address of a server: on this machine, or refused; and the processes that listen there."""

import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from joulemark.core.errors import UserError

PORTS = {"http": 80, "https": 443}
TUNNELS = ("ssh", "autossh", "kubectl", "cloudflared")


@dataclass(frozen=True)
class Address:
    """Where a server answers.

    Attributes:
        base: scheme, host and port, and what stands before `/v1`
        host: name or number of the host
        port: port
    """

    base: str
    host: str
    port: int


def address_of(url: str, key: str = "engine.url") -> Address:
    """The address in a URL, with or without its `/v1`; UserError for what is none, and for one with a password."""
    example = f"type {key}=http://127.0.0.1:8000"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise UserError(f"{key}={url} is no address; {example}") from None
    if parts.scheme not in PORTS or not parts.hostname or parts.query or parts.fragment:
        raise UserError(f"{key}={url} is no address; {example}")
    if parts.username is not None:
        raise UserError(f"{key}: an address with a password would be recorded; use engine.api_key_variable=NAME")
    base = re.sub(r"/v1$", "", url.rstrip("/"))
    return Address(base, parts.hostname, port or PORTS[parts.scheme])


def other_machine(address: Address, key: str = "engine.url") -> str | None:
    """The host of an address of another machine; None for this one. UserError for a host that nobody knows."""
    try:
        numbers = _numbers(address.host)
    except OSError:
        raise UserError(f"{key}: the host {address.host} is not known here; type {key}=http://127.0.0.1:8000") from None
    return None if all(_is_own(number) for number in numbers) else address.host


def same_machine(first: str, second: str) -> bool:
    """Whether two names are of one host: the same name, or an IP address in common."""
    if first.lower() == second.lower():
        return True
    try:
        return bool(_numbers(first) & _numbers(second))
    except OSError:
        return False


def _numbers(host: str) -> frozenset[str]:
    """The IP addresses of a host; OSError where it is not known."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return frozenset(str(entry[4][0]).partition("%")[0] for entry in found)


def _is_own(number: str) -> bool:
    """Whether an IP address is one of this machine's; an unspecified one (0.0.0.0) reaches this machine too."""
    known = ip_address(number)
    return known.is_loopback or known.is_unspecified or number in _own_numbers()


def _own_numbers() -> frozenset[str]:
    import psutil

    families = (socket.AF_INET, socket.AF_INET6)
    interfaces = psutil.net_if_addrs().values()
    return frozenset(
        entry.address.partition("%")[0] for entries in interfaces for entry in entries if entry.family in families
    )


def listeners(port: int) -> Sequence[int]:
    """The processes that listen on a port of this machine, and their descendants; empty where the system hides them.

    Another user's are hidden from all but root, and those of another container from everyone.
    """
    import psutil

    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:
        return ()
    listening = (one for one in connections if one.status == psutil.CONN_LISTEN)
    found = {one.pid for one in listening if one.pid is not None and getattr(one.laddr, "port", None) == port}
    return sorted({process for each in found for process in family(each)})


def family(process_id: int) -> Sequence[int]:
    """A process and all its descendants; empty once it has ended."""
    import psutil

    try:
        process = psutil.Process(process_id)
        return [process_id, *(child.pid for child in process.children(recursive=True))]
    except psutil.Error:
        return ()


def tunnel(port: int) -> str | None:
    """The name of a program that listens on a port only to pass everything on to another machine; None without one."""
    import psutil

    for process in listeners(port):
        try:
            name = psutil.Process(process).name()
        except psutil.Error:
            continue
        if name in TUNNELS:
            return name
    return None
