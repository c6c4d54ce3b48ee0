"""The recommended runs in MLflow's model registry, one registered model for each task, on request."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from joulemark.core.errors import UserError
from joulemark.reporting.recommendation import Recommendation


def check(recommendations: Sequence[Recommendation]) -> None:
    """Refuses several recommendations for one task, since a registered model has one: UserError."""
    groups = Counter(recommendation.group.task for recommendation in recommendations if _ours(recommendation))
    for task, count in groups.items():
        if count > 1:
            raise UserError(
                f"register=true: task {task} has {count} recommendations, one for each group of "
                "runs that may be ranked; "
                "choose one with tasks=[…], sweep_id=… or filter=…"
            )


def register(uri: str, recommendations: Sequence[Recommendation]) -> list[dict[str, Any]]:
    """Registers each task's recommended run under the task's name with the alias `greenest`; says where they are."""
    from joulemark.store import additions  # MLflow, for who asks for it

    return [
        additions.register(uri, chosen.run_id, chosen.task)
        for recommendation in recommendations
        if (chosen := recommendation.chosen) and _ours(recommendation)
    ]


def _ours(recommendation: Recommendation) -> bool:
    """Whether a run of this program is recommended; others' results cannot be run from a registry."""
    return recommendation.chosen is not None and not recommendation.chosen.external
