"""The predictions of the calls that are scored, kept as they come: those of a long run on disk."""

from collections.abc import Mapping
from typing import Any

from joulemark.core.spill import Spilled
from joulemark.core.task import Prediction


def kept_predictions() -> Spilled[Prediction]:
    """An empty list of predictions; the labels that a model can give are kept once, not with each of them."""
    known: list[Mapping[str, str]] = []

    def pack(given: Prediction) -> tuple[Any, ...]:
        if given.labels not in known:  # a handful: a model's own, and none
            known.append(given.labels)
        return (
            given.output,
            given.units,
            given.input_tokens,
            given.output_tokens,
            given.truncated,
            known.index(given.labels),
            given.reasoning_tokens,
        )

    def unpack(values: tuple[Any, ...]) -> Prediction:
        output, units, input_tokens, output_tokens, truncated, number, reasoning = values
        return Prediction(output, units, input_tokens, output_tokens, truncated, known[number], reasoning)

    return Spilled(pack, unpack)
