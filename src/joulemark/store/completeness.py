"""Whether a run of MLflow's was written to its end."""

from collections.abc import Mapping

INCOMPLETE = "record.incomplete"  # tag of a run whose writing broke, with the reason
OPEN = ("RUNNING", "SCHEDULED")


def complete(status: str, tags: Mapping[str, str]) -> bool:
    """Whether a run is over, and what was to be written in it was."""
    return status not in OPEN and INCOMPLETE not in tags
