"""From the spool to the store, exactly once by `record.id`, however often it is tried and whatever reply was lost."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from joulemark.core import tracking
from joulemark.core.errors import UserError
from joulemark.core.record_json import from_json
from joulemark.store import waiting

if TYPE_CHECKING:
    from joulemark.store.opening import Store

PAUSES_S = (1.0, 3.0)  # before the second and the third attempt
# Of MLflow's client: a request is repeated here, after a look whether it was done; there it would be done twice
CLIENT = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_HTTP_REQUEST_TIMEOUT": "30"}


class Stores:
    """One store, opened once for each task.

    Attributes:
        uri: its address
    """

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self._open: dict[str, Store] = {}
        for name, value in CLIENT.items():
            os.environ.setdefault(name, value)

    def open(self, task: str) -> "Store":
        """The store with the task's experiment; UserError where it cannot be used."""
        if task not in self._open:
            from joulemark.store import opening  # MLflow enters here

            self._open[task] = opening.open_store(self.uri, task)
        return self._open[task]


@dataclass
class Delivered:
    """What became of the spools that waited.

    Attributes:
        delivered: where each run is, by the record's id
        left: why each of the others waits on, by its folder
        closed: how many runs were deleted that a request which came late had left RUNNING beside a whole one
    """

    delivered: dict[str, dict[str, Any]] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)
    closed: int = 0


def deliver(stores: Stores, folder: Path, sleep: Callable[[float], None] = time.sleep) -> dict[str, Any]:
    """Writes the spool's record as one run, with the files that lie in it, and removes it; where the run is.

    Raises:
        UserError: the spool cannot be read, the store cannot be used
        Exception: what MLflow raises at the last attempt; the spool stays
    """
    from joulemark.store import records

    payload = waiting.read(folder)
    record, attachments = from_json(payload["record"]), waiting.attachments(folder, payload)
    for pause_s in (*PAUSES_S, None):
        try:
            link = records.save(
                stores.open(record.task.name),
                record,
                payload["params"],
                run_id=payload.get("run_id"),
                attachments=attachments,
                ended_ms=payload.get("ended_ms"),
            )
        except UserError:
            raise
        except Exception:
            if pause_s is None:
                raise
            sleep(pause_s)
        else:
            waiting.remove(folder, payload)
            return link
    raise AssertionError("the last attempt returns or raises")


def deliver_waiting(stores: Stores, limit_s: float | None = None) -> Delivered:
    """Delivers, the oldest first, what waits for this store and nobody owns; begins none after `limit_s` seconds."""
    done, began = Delivered(), time.monotonic()
    for folder in waiting.of_store(stores.uri, whole=False):
        if limit_s is not None and time.monotonic() - began > limit_s:
            break
        with waiting.taken(folder) as own:
            if own:
                _try(stores, folder, done)
    return done


def sync(uri: str | None) -> Delivered:
    """Delivers what waits for every store, or for the one at `uri` alone.

    Raises:
        UserError: `uri` is no store's address
    """
    given = tracking.resolve(uri)
    waiting.adopt(given)
    done, stores = Delivered(), {tracking.public(given): Stores(given)}
    for folder in waiting.folders():
        store, secret = waiting.store_of(folder)
        shown = tracking.public(store)
        if uri is not None and shown not in stores:
            continue
        with waiting.taken(folder) as own:
            if not own:
                if folder.is_dir():
                    done.left[str(folder)] = "its run still goes on, or another process delivers it"
            elif secret and shown not in stores:
                done.left[str(folder)] = f"{shown} needs its password: --tracking-uri …"
            else:
                _try(stores.setdefault(shown, Stores(store)), folder, done)
    for each in stores.values():
        with suppress(Exception):  # the store is away: another time
            done.closed += _without_late_twins(each.uri)
    return done


def _without_late_twins(uri: str) -> int:
    from joulemark.store import identity, opening

    client = opening.reader(uri)
    found = [opening.Store(uri, client, each.experiment_id) for each in client.search_experiments()]
    return sum(identity.remove_late_twins(opened) for opened in found)


def _try(stores: Stores, folder: Path, done: Delivered) -> None:
    try:
        done.delivered[folder.name] = deliver(stores, folder)
    except Exception as error:  # the others have a chance of their own
        done.left[str(folder)] = reason(error, stores.uri)


def reason(error: Exception, uri: str) -> str:
    """Why a delivery failed, in one line without the store's secrets."""
    text = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
    return tracking.without_secrets((text.strip().splitlines() or [""])[0][:300], uri)
