"""Options by the names that they had before 2026-11-28: refused with the name of today, and read in stored commands."""

from collections.abc import Sequence

from joulemark.core import record_upgrade

# Of the run
RUN = {
    **record_upgrade.RUN,
    **{f"protocol.{old}": f"protocol.{new}" for old, new in record_upgrade.PROTOCOL.items()},
    "protocol.quotable": "protocol.preliminary",
    **{f"site.{old}": f"site.{new}" for old, new in record_upgrade.SITE.items()},
    "sweep.limits": "sweep.constraints",
    "sweep.changes_answers": "sweep.allow_task_options",
    "sweep.pin": "sweep.save_as",
}

# Of the other commands, by their top configuration
COMMANDS = {
    "report": {"limits": "constraints"},
    "suite": {"words": "overrides", "dry": "dry_run", "again": "rerun"},
    "rescore": {"dry": "dry_run"},
    "hub_check": {"words": "overrides"},
}


def new_name(key: str, command: str = "run") -> str | None:
    """Today's name of an option that was renamed, or of one below it; None for any other key."""
    known = {**RUN, **COMMANDS.get(command, {})}
    parts = key.split(".")
    for end in range(len(parts), 0, -1):
        renamed = known.get(".".join(parts[:end]))
        if renamed is not None:
            return ".".join([renamed, *parts[end:]])
    return None


def renewed(overrides: Sequence[str]) -> list[str]:
    """The overrides of a run under today's names, `quotable` turned round."""
    result = []
    for override in overrides:
        key, equals, value = override.partition("=")
        renamed = new_name(key)
        if key == "protocol.quotable":
            value = {"true": "false", "false": "true"}.get(value.lower(), value)
        result.append(f"{renamed or key}{equals}{value}")
    return result
