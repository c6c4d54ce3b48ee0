"""A point in Optuna's terms: what its samplers are told of words, and the words of what they propose."""

from collections.abc import Mapping, Sequence
from typing import Any

from joulemark.sweep.space import BATCH, Dimension, Point


def name(dimension: Dimension) -> str:
    """The parameter's name."""
    return f"{BATCH} place" if dimension.key == BATCH else dimension.key


def coded(dimension: Dimension, word: str) -> Any:
    """What Optuna is told of a word: a batch size by its place among the others, since places have an order."""
    value = word.partition("=")[2]
    return sorted(dimension.values, key=int).index(value) if dimension.key == BATCH else value


def distribution(dimension: Dimension) -> Any:
    """The values that the parameter may take."""
    from optuna.distributions import CategoricalDistribution, IntDistribution

    if dimension.key == BATCH:
        return IntDistribution(0, len(dimension.values) - 1)
    return CategoricalDistribution(list(dimension.values))


def suggested(trial: Any, dimension: Dimension) -> str:
    """The word of a dimension that the sampler proposes."""
    if dimension.key == BATCH:
        ascending = sorted(dimension.values, key=int)
        return f"{BATCH}={ascending[trial.suggest_int(name(dimension), 0, len(ascending) - 1)]}"
    return f"{dimension.key}={trial.suggest_categorical(name(dimension), list(dimension.values))}"


def encoded(dimensions: Sequence[Dimension], point: Point) -> Mapping[str, Any]:
    """The parameters and distributions of a trial of this point; none for a point outside the space."""
    inside = [word.partition("=")[0] for word in point] == [dimension.key for dimension in dimensions]
    pairs = list(zip(dimensions, point, strict=True)) if inside else []
    if not all(word in dimension.words for dimension, word in pairs):
        pairs = []
    return {
        "params": {name(dimension): coded(dimension, word) for dimension, word in pairs},
        "distributions": {name(dimension): distribution(dimension) for dimension, _ in pairs},
    }
