"""The recommended runs in MLflow's model registry, one registered model for each task, on request."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from joulemark.core.errors import UserError
from joulemark.reporting.decision import Recommendation


def check(answers: Sequence[Recommendation]) -> None:
    """Refuses answers of which nobody could say which is a task's: UserError where a task has several groups."""
    groups = Counter(answer.group.task for answer in answers if _ours(answer))
    for task, count in groups.items():
        if count > 1:
            raise UserError(
                f"register=true: task {task} has {count} answers, one for each group of runs that may be ranked; "
                "choose one with tasks=[…], sweep_id=… or filter=…"
            )


def register(uri: str, answers: Sequence[Recommendation]) -> list[dict[str, Any]]:
    """Registers each task's recommended run under the task's name with the alias `greenest`; says where they are."""
    from joulemark.store import additions  # MLflow, for who asks for it

    return [
        additions.register(uri, one.run_id, one.task) for answer in answers if (one := answer.chosen) and _ours(answer)
    ]


def _ours(answer: Recommendation) -> bool:
    """Whether a run of this program is recommended; others' results cannot be run from a registry."""
    return answer.chosen is not None and not answer.chosen.external
