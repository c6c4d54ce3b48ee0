"""Where a study is kept: Optuna's journal in a file, or a database."""

import logging
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from src import tracking
from src.core import UserError
from src.sweep.goal import Goals
from src.sweep.space import Dimension
from src.sweep.study import Study

STARTUP = 6  # random proposals before the sampler learns: spaces are small


def open_study(
    storage: str | None, folder: Path, name: str, dimensions: Sequence[Dimension], goals: Goals, seed: int
) -> Study:
    """Opens or begins the study; UserError, one line, where the storage cannot be reached."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP, multivariate=True, group=True)
    study = optuna.create_study(
        storage=_opened(storage, folder / f"{name}.journal"),
        sampler=sampler,
        study_name=name,
        directions=["minimize" if goal.direction == "min" else "maximize" for goal in goals.objectives],
        load_if_exists=True,
    )
    study.set_metric_names([goal.metric for goal in goals.objectives])
    return Study(study, tuple(dimensions), goals)


def _opened(uri: str | None, journal: Path) -> Any:
    from optuna.storages import JournalStorage, RDBStorage
    from optuna.storages.journal import JournalFileBackend

    if uri is None:
        journal.parent.mkdir(parents=True, exist_ok=True)
        return JournalStorage(JournalFileBackend(str(journal)))
    shown = tracking.public(uri)
    logging.getLogger("alembic").setLevel(logging.ERROR)
    os.environ.setdefault("PGCONNECT_TIMEOUT", "5")
    try:
        return RDBStorage(uri)
    except Exception as error:  # whatever a database raises, the storage cannot be used
        reason = str(error).strip().splitlines()[0].replace(uri, shown) if str(error).strip() else ""
        raise UserError(f"storage={shown} cannot be used ({type(error).__name__}: {reason[:200]})") from None
