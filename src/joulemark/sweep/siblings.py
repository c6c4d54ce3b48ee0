"""The studies of one line: code, configuration and packages make them several, and a user may go on with any."""

from collections.abc import Iterator
from pathlib import Path

from joulemark.sweep.software import SOFTWARE, Software, changes
from joulemark.sweep.storage import opened_storage
from joulemark.sweep.study import Study

NAMED = 3  # other studies that are named, the last ones


def warnings(study: Study, now: Software) -> list[str]:
    """What changed since this study began, where it is resumed."""
    changed = changes(study.patience(lambda: study.study.user_attrs).get(SOFTWARE, {}), now)
    return [f"resumed though this differs since it began: {changed}; its results are of both"] if changed else []


def sentences(study: Study, storage: str | None, folder: Path, line: str, now: Software) -> list[str]:
    """Which other studies of a study's line have trials."""
    named = []
    for name, trials, software in _others(study, storage, folder, line) if line else ():
        what = changes(software, now) or "not written down"
        has = f"another study of this line has {trials} trials of other software ({what})"
        named.append(f"{has}; sweep.resume={name} goes on with it all the same")
    return named[-NAMED:]


def _others(study: Study, storage: str | None, folder: Path, line: str) -> Iterator[tuple[str, int, Software]]:
    """The name of each other study of the line that has trials, how many, and what software began it."""
    import optuna

    if storage is None:
        journals = sorted(folder.glob(f"{line}*.journal"), key=lambda path: path.stat().st_mtime)
        names = [path.stem for path in journals]
    else:
        every = study.patience(study.storage.get_all_studies)
        names = [each.study_name for each in every if each.study_name.startswith(line)]
    for name in names:
        if name == study.study.study_name:
            continue
        try:
            opened = study.storage if storage else opened_storage(None, folder / f"{name}.journal", lambda said: None)
            other = optuna.load_study(study_name=name, storage=opened)
            trials, software = len(other.get_trials(deepcopy=False)), other.user_attrs.get(SOFTWARE, {})
        except Exception:  # another study that cannot be read is no matter of this one
            continue
        if trials:
            yield name, trials, software
