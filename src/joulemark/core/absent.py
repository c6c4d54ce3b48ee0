"""Packages that a process of this program does without, although they are installed.

Libraries import others wherever they find them (`try: import pandas`), for functions that this program never calls. A
process that would sleep beside a measurement with tens of megabytes of them, or begin it seconds later, is told that
they are not there. It calls this for itself, before it imports anything: in a user's own process, whose other code may
need them, never.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


def do_without(*packages: str) -> None:
    """From here on these packages cannot be imported in this process, as if they were not installed.

    Source: Python's reference, "The module cache": a name whose entry is None is not found.

    Raises:
        RuntimeError: one has been imported
    """
    for package in packages:
        if sys.modules.get(package) is not None:
            raise RuntimeError(f"{package} has been imported in this process already")
        sys.modules[package] = None  # type: ignore[assignment]


@contextmanager
def hidden(*packages: str) -> Iterator[None]:
    """Within it these packages cannot be imported; one that has been imported stays."""
    fresh = [package for package in packages if package not in sys.modules]
    do_without(*fresh)
    try:
        yield
    finally:
        for package in fresh:
            del sys.modules[package]
