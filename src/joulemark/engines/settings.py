"""Which of the run's settings an engine takes: those of fixed batches mean nothing to one that forms its own."""

from joulemark.core.errors import UserError
from joulemark.core.model import Settings
from joulemark.core.serving import Engine


def check_settings(engine: Engine, settings: Settings) -> None:
    """Refuses a setting that the engine does not take; UserError, one line."""
    for name, allowed in engine.needs.settings.items():
        value = getattr(settings, name)
        if value not in allowed:
            words = [str(word).lower() if isinstance(word, bool) else str(word) for word in (value, *allowed)]
            raise UserError(
                f"engine={engine.name} does not take {name}={words[0]}; type {name}={' or '.join(words[1:])}"
            )
