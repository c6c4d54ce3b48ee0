"""Measured runs of one task in the store: those of one card that a prediction learns from, and those of one model."""

from collections.abc import Iterator

from joulemark.analysis import comparability, prediction
from joulemark.core.measurement import Work
from joulemark.core.record import Record
from joulemark.store import listing
from joulemark.store.listing import Choice


def of_card(uri: str, like: Record) -> list[Record]:
    """The runs on the same card, of the same task and class of settings, newest first.

    Raises:
        UserError: the store cannot be read, or holds no runs yet
    """
    choice = Choice(tasks=(like.task.name,), card=comparability.card(like))
    return [record for record in _records(uri, choice, None) if prediction.teaches(record, like)]


def work_of(uri: str, like: Record) -> Work | None:
    """The work that a run of the same model, task and settings counted on any device; None where there was none."""
    for record in _records(uri, Choice(tasks=(like.task.name,)), like.model.name):
        same = record.model.checkpoint == like.model.checkpoint and record.settings == like.settings
        if same and record.measurement.work is not None and prediction.same_task(record.task, like.task):
            return record.measurement.work
    return None


def _records(uri: str, choice: Choice, model: str | None) -> Iterator[Record]:
    for run in listing.runs(uri, choice, ()):
        wanted = model is None or run.tags.get("model") == model
        if wanted and run.tags.get("record.id") and (record := listing.record(uri, run)) is not None:
            yield record
