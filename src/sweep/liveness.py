"""Who measures a trial, and whether that process is still there."""

import os
import socket
from collections.abc import Mapping
from typing import Any


def own() -> dict[str, Any]:
    """This process as others may look for it."""
    import psutil

    return {"host": socket.gethostname(), "pid": os.getpid(), "began": psutil.Process().create_time()}


def dead(worker: Mapping[str, Any]) -> bool:
    """Whether a process of this host is gone; of another host's nobody here knows."""
    import psutil

    if worker["host"] != socket.gethostname():
        return False
    try:
        return bool(abs(psutil.Process(worker["pid"]).create_time() - worker["began"]) > 1.0)
    except psutil.NoSuchProcess:
        return True
