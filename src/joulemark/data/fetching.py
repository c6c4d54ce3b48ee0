"""One file from an address that a row names: bounded in time and bytes, and never from inside the user's own network.

The address of the host is looked up here, judged, and that very address is connected to: a name that means another
machine a moment later changes nothing. So it is at every redirect. No proxy is asked, no cookie or password is sent.
"""

import ipaddress
import socket
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

from joulemark.core.errors import BadRowError

DEADLINE_S = 10.0  # of all of it, redirects as well
MOST_REDIRECTS = 5
CHUNK = 1 << 16
PORTS = {"http": 80, "https": 443}
MOVED = (301, 302, 303, 307, 308)


def fetched(address: str, most: int, hosts: Sequence[str] = ()) -> bytes:
    """What the address holds, one byte more than `most` at most; `hosts` may be on a private network.

    BadRowError where it cannot be had, or must not.
    """
    import urllib3

    ends = time.monotonic() + DEADLINE_S
    current = address
    try:
        for _ in range(MOST_REDIRECTS + 1):
            parts = urlsplit(current)
            with _requested(parts, hosts, ends) as response:
                if response.status not in MOVED:
                    return _content(response, address, most, ends)
                current = urljoin(current, response.headers.get("Location", ""))
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        raise BadRowError(f"{address[:200]} cannot be fetched ({type(error).__name__})") from None
    raise BadRowError(f"{address[:200]} cannot be fetched (more than {MOST_REDIRECTS} redirects)")


def _requested(parts: SplitResult, hosts: Sequence[str], ends: float) -> Any:
    """The response of the host at the one address that was looked up and judged."""
    import certifi
    import urllib3

    host = parts.hostname or ""
    if parts.scheme not in PORTS or not host:
        raise BadRowError(f"{parts.scheme}:// is not fetched, only http:// and https:// of a host")
    port = parts.port or PORTS[parts.scheme]
    options: dict[str, Any] = {"timeout": max(0.1, ends - time.monotonic()), "retries": False}
    if parts.scheme == "https":
        options |= {"server_hostname": host, "assert_hostname": host, "ca_certs": certifi.where()}
    pools = {"http": urllib3.HTTPConnectionPool, "https": urllib3.HTTPSConnectionPool}
    pool = pools[parts.scheme](_judged(host, port, hosts), port, **options)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    named = f"[{host}]" if ":" in host else host
    headers = {"Host": named if port == PORTS[parts.scheme] else f"{named}:{port}", "Accept-Encoding": "identity",
               "User-Agent": "joulemark"}  # fmt: skip
    return pool.request("GET", path, headers=headers, redirect=False, preload_content=False)


def _judged(host: str, port: int, hosts: Sequence[str]) -> str:
    """An address of the host; BadRowError where one of them lies in a private network and the host is not named."""
    found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    if host not in hosts and not all(ipaddress.ip_address(each.partition("%")[0]).is_global for each in found):
        raise BadRowError(
            f"{host[:80]} is an address of a private network, which no row leads to; if that is meant, "
            f"type 'task.media.hosts=[{host[:80]}]'"
        )
    return found[0]


def _content(response: Any, address: str, most: int, ends: float) -> bytes:
    if response.status != 200:
        raise BadRowError(f"{address[:200]} cannot be fetched (status {response.status})")
    data = bytearray()
    while len(data) <= most and (part := response.read1(CHUNK, decode_content=False)):
        data += part
        if time.monotonic() > ends:
            raise BadRowError(f"{address[:200]} cannot be fetched (more than {DEADLINE_S:g} s)")
    return bytes(data[: most + 1])
