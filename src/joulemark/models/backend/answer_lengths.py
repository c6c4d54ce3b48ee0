"""Answers of a batch with a length each: a row that has its tokens is padded until the longest is done.

That is what a fixed batch costs: every row is computed until the last one ends.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from joulemark.core.task import Task


@dataclass(frozen=True)
class OwnLengths:
    """A stopping criterion of transformers' `generate`: each row ends once it has its new tokens.

    Attributes:
        new_tokens: of each row, from 1
        known: tokens of a row before the first new one
    """

    new_tokens: Sequence[int]
    known: int

    def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:
        """Which rows are done, of shape (requests,)."""
        import torch

        return torch.tensor(self.new_tokens, device=input_ids.device) <= input_ids.shape[1] - self.known

    def going_on(self) -> "OwnLengths":
        """The same once the first token is there and nothing else is given (generation_stages.py)."""
        return OwnLengths(self.new_tokens, 0)


def said(task: Task, forced: bool) -> str:
    """How the lengths of answers come about, for the record: `drawn`, `reference`, `fixed`, `forced` or `free`."""
    chosen = getattr(task, "lengths", None)
    names = {"lognormal": "drawn", "fixed": "fixed", "reference": "reference"}
    return names.get(str(chosen), "forced" if forced else "free")
