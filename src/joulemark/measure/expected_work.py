"""The work of a request before it is measured: of a model that is only described, and of one with a record."""

from collections.abc import Sequence

from joulemark.config.factories import made_model, sized
from joulemark.core.errors import UserError
from joulemark.core.measurement import Work
from joulemark.core.model import Model, Settings
from joulemark.core.record import Record
from joulemark.models.backend import shape_work
from joulemark.models.backend.shape_work import Lengths


def of_model(model: Model, settings: Settings, lengths: Lengths) -> Work | None:
    """FLOPs and bytes of a request, counted on the model's shape; None where they cannot be."""
    try:
        return shape_work.work(model, settings, lengths)
    except Exception:  # a boundary of its own: architectures look into their inputs in many ways, which have no values
        return None


def of_records(records: Sequence[Record], lengths: Lengths) -> dict[str, Work | None]:
    """The same for the models of measured runs, by the record's id, each model in each setting counted once."""
    known: dict[tuple[str, Settings], Work | None] = {}
    for record in records:
        if (key := (record.model.name, record.settings)) not in known:
            known[key] = _of_record(record, lengths)
    return {record.id: known[record.model.name, record.settings] for record in records}


def _of_record(record: Record, lengths: Lengths) -> Work | None:
    """From the configuration that the record holds."""
    node = record.config.get("model")
    if not isinstance(node, dict) or "_target_" not in node:
        return None
    try:
        model = made_model({**sized(dict(node), record.model.name), "seed": 0}, record.model.name)
    except UserError:  # of another version
        return None
    return of_model(model, record.settings, lengths)
