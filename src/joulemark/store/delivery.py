"""From the spool to the store, exactly once by `record.id`, however often it is tried and whatever reply was lost."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from joulemark.core.record_json import from_json
from joulemark.store import waiting

if TYPE_CHECKING:
    from joulemark.store.opening import Store


def deliver(opened: "Store", folder: Path) -> dict[str, Any]:
    """Writes the spool's record as one run, with the files that lie in it, and removes it; where the run is.

    Raises:
        UserError: the spool cannot be read
        Exception: what MLflow raises; the spool stays
    """
    from joulemark.store import records

    payload = waiting.read(folder)
    record = from_json(payload["record"])
    link = records.save(
        opened,
        record,
        payload["params"],
        run_id=payload.get("run_id"),
        attachments=waiting.attachments(folder, payload),
    )
    waiting.remove(folder, payload)
    return link
