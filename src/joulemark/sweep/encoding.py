"""A point in Optuna's terms: parameters of overrides, and overrides of the parameters that a sampler proposes."""

from collections.abc import Mapping, Sequence
from typing import Any

from joulemark.sweep.space import BATCH, Dimension, Point


def parameter(dimension: Dimension) -> str:
    """The parameter's name."""
    return f"{BATCH} place" if dimension.key == BATCH else dimension.key


def coded(dimension: Dimension, override: str) -> Any:
    """The parameter's value: of a batch size its index among the sizes, since sizes have an order."""
    value = override.partition("=")[2]
    return sorted(dimension.values, key=int).index(value) if dimension.key == BATCH else value


def distribution(dimension: Dimension) -> Any:
    """The values that the parameter may take."""
    from optuna.distributions import CategoricalDistribution, IntDistribution

    if dimension.key == BATCH:
        return IntDistribution(0, len(dimension.values) - 1)
    return CategoricalDistribution(list(dimension.values))


def suggested(trial: Any, dimension: Dimension) -> str:
    """The override of a dimension that the sampler proposes."""
    if dimension.key == BATCH:
        ascending = sorted(dimension.values, key=int)
        return f"{BATCH}={ascending[trial.suggest_int(parameter(dimension), 0, len(ascending) - 1)]}"
    return f"{dimension.key}={trial.suggest_categorical(parameter(dimension), list(dimension.values))}"


def encoded(dimensions: Sequence[Dimension], point: Point) -> Mapping[str, Any]:
    """The parameters and distributions of a trial of this point; none for a point outside the space."""
    inside = [override.partition("=")[0] for override in point] == [dimension.key for dimension in dimensions]
    pairs = list(zip(dimensions, point, strict=True)) if inside else []
    if not all(override in dimension.overrides for dimension, override in pairs):
        pairs = []
    return {
        "params": {parameter(dimension): coded(dimension, override) for dimension, override in pairs},
        "distributions": {parameter(dimension): distribution(dimension) for dimension, _ in pairs},
    }
