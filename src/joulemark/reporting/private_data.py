"""What a report, made to be shared, does not tell of a user's own data: its files, columns, labels and rows."""

import shlex

from joulemark.store import older_names

FILE = "file"  # the dataset of task.path=…

# Options that name a private dataset's content, with what stands in their place
HIDDEN = {"task.path": "FILE", "task.fields": "COLUMN", "task.labels": "LABELS", "model.labels": "LABEL"}


def command(text: str, dataset: str) -> str:
    """The command of a run as it may be shared; empty for a text that is none, which nobody should copy and run."""
    if older_names.overrides(text) is None:
        return ""
    return shlex.join(map(_option, shlex.split(text))) if dataset == FILE else text


def reason(text: str, dataset: str) -> str:
    """Why a run failed, as it may be shared: the whole reason may quote a row."""
    return f"{text.partition(':')[0]}: the run's own page says why" if dataset == FILE else text


def difference(line: str, datasets: set[str]) -> str:
    """A difference between two groups, `task labels: … and …`, as it may be shared."""
    return f"{line.partition(':')[0]} differs" if FILE in datasets else line


def _option(word: str) -> str:
    key, equals, _ = word.partition("=")
    name = key.lstrip("+~")
    instead = next((shown for option, shown in HIDDEN.items() if name == option or name.startswith(f"{option}.")), None)
    return f"{key}={instead}" if equals and instead else word
