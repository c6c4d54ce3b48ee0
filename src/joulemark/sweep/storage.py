"""Where a study is kept: Optuna's journal in a file, or a database, which may be away for a while."""

import errno
import logging
import os
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from joulemark.core import tracking
from joulemark.core.errors import UserError
from joulemark.core.private_files import private_files
from joulemark.sweep.journal import mended
from joulemark.sweep.objectives import Goals
from joulemark.sweep.software import SOFTWARE, Software, digest
from joulemark.sweep.space import Dimension
from joulemark.sweep.study import Study

T = TypeVar("T")

STARTUP = 6  # random proposals before the sampler models results: spaces are small
OUTAGE_S = 300.0  # how long a database may be away
PAUSES_S = (0.5, 1.0, 2.0, 5.0)  # before the next attempt; the last one again and again
# Of a journal's disk: full, over quota, an error of the device or of a network's file system
PASSING = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ESTALE)
ATTEMPTS = 5  # to make the tables, where others make them at the same moment

# A connection that fails is noticed within half a minute, not after TCP's quarter of an hour
POSTGRESQL = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}


@dataclass(frozen=True)
class Patience:
    """Calls a storage again for at most `limit_s` while it is away; a call must bear being made twice.

    After that it raises UserError, one line; what was stored is there. `sleep` may be interrupted.

    Attributes:
        shown: the storage as messages name it
        report: gets a sentence when the storage goes away and comes back
        mend: called before each further attempt: a journal whose disk was full ends in a part of a line
        limit_s: how long it may be away
        sleep, clock: seconds
    """

    shown: str
    report: Callable[[str], None]
    mend: Callable[[], None] = lambda: None
    limit_s: float = OUTAGE_S
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def __call__(self, call: Callable[[], T]) -> T:
        since: float | None = None
        for pause_s in self._pauses():
            try:
                result = call()
            except Exception as error:  # of any database; all but its absence is raised
                if not away(error):
                    raise
                since = self._away_since(since, error)
            else:
                if since is not None:
                    self.report(f"{self.shown} answers again after {self.clock() - since:.0f} s")
                return result
            self.sleep(pause_s)
            with suppress(OSError):
                self.mend()
        raise AssertionError("pauses have no end")

    def _away_since(self, since: float | None, error: Exception) -> float:
        """Since when it is away; UserError once that is too long."""
        if since is None:
            self.report(f"{self.shown} does not answer ({_reason(error)}); tries again for up to {self.limit_s:g} s")
            return self.clock()
        if self.clock() - since >= self.limit_s:
            raise UserError(
                f"{self.shown} has not answered for {self.limit_s:g} s; what was stored is in it; the same line goes on"
            ) from None
        return since

    @staticmethod
    def _pauses() -> Iterator[float]:
        yield from PAUSES_S
        while True:
            yield PAUSES_S[-1]


def away(error: BaseException | None) -> bool:
    """Whether the error, or its cause, is of a connection, a lock or a full disk, and may pass with time."""
    from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

    while error is not None:
        if isinstance(error, OSError) and error.errno in PASSING:
            return True
        if isinstance(error, DBAPIError):
            lasting = "sqlite" in type(error.orig).__module__ and "locked" not in str(error.orig)
            broken = isinstance(error, OperationalError | InterfaceError) or error.connection_invalidated
            return broken and not lasting
        error = error.__cause__ or error.__context__
    return False


def open_study(
    storage: str | None,
    folder: Path,
    name: str,
    dimensions: Sequence[Dimension],
    goals: Goals,
    seed: int,
    card: str | None = None,
    report: Callable[[str], None] = lambda sentence: None,
    software: Software | None = None,
) -> Study:
    """Opens or begins the study, and writes down what software begins it.

    UserError, one line, where the storage cannot be reached.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    journal = folder / f"{name}.journal"
    opened = optuna.storages.get_storage(opened_storage(storage, journal, report))
    shown = "the study's journal" if storage is None else f"storage={tracking.public(storage)}"
    patience = Patience(shown, report, (lambda: mended(journal, report)) if storage is None else lambda: None)
    study = patience(
        lambda: optuna.create_study(
            storage=opened,
            sampler=optuna.samplers.RandomSampler(seed),  # never used: proposals are made beside the storage
            study_name=name,
            directions=["minimize" if goal.direction == "min" else "maximize" for goal in goals.objectives],
            load_if_exists=True,
        )
    )
    patience(lambda: study.set_metric_names([goal.metric for goal in goals.objectives]))
    if software and SOFTWARE not in patience(lambda: study.user_attrs):
        patience(lambda: study.set_user_attr(SOFTWARE, dict(software)))
    sampler = optuna.samplers.TPESampler(
        seed=seed, n_startup_trials=STARTUP, multivariate=True, group=True, constant_liar=True
    )
    used = None if software is None else digest(software)
    return Study(study, opened, sampler, tuple(dimensions), goals, patience, card, used)


def opened_storage(uri: str | None, journal: Path, report: Callable[[str], None]) -> Any:
    """Optuna's storage: of a database, else of the journal, mended; UserError where it cannot be used."""
    from optuna.storages import JournalStorage, RDBStorage
    from optuna.storages.journal import JournalFileBackend
    from sqlalchemy.exc import IntegrityError, ProgrammingError

    if uri is None:
        try:
            with private_files():
                journal.parent.mkdir(parents=True, exist_ok=True)
                mended(journal, report)
                return JournalStorage(JournalFileBackend(str(journal)))
        except (OSError, ValueError, LookupError, TypeError, AssertionError) as error:  # a whole line, and no record
            raise UserError(
                f"the study's journal {journal} cannot be used ({_reason(error)}); move it away to begin the study anew"
            ) from None
    logging.getLogger("alembic").setLevel(logging.ERROR)
    os.environ.setdefault("PGCONNECT_TIMEOUT", "5")
    scheme = uri.partition(":")[0]
    libpq = scheme.partition("+")[0] == "postgresql" and scheme.partition("+")[2] in ("", "psycopg", "psycopg2")
    for attempts_left in reversed(range(ATTEMPTS)):
        try:
            return RDBStorage(uri, {"pool_pre_ping": True, **({"connect_args": POSTGRESQL} if libpq else {})})
        except Exception as error:  # whatever a database raises, the storage cannot be used
            if attempts_left and isinstance(
                error, IntegrityError | ProgrammingError
            ):  # another makes the tables just now
                time.sleep(1.0)
                continue
            raise UserError(f"storage={tracking.public(uri)} cannot be used ({_reason(error, uri)})") from None
    raise AssertionError("the last attempt returns or raises")


def _reason(error: Exception, uri: str = "") -> str:
    """One line of a database's error, without the password in its address."""
    cause = error.__cause__ or error
    text = str(cause).strip().splitlines()[0] if str(cause).strip() else ""
    shown = tracking.without_secrets(text, uri) if uri else text
    return f"{type(cause).__name__}: {shown[:200]}"
