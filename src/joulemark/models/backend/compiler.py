"""torch's compiler, imported once something asks for it: its import takes longer than all else of a run's.

Libraries import `torch._dynamo` to mark functions that it must not look into, whether or not anything is ever compiled:
transformers where it defines them, torch itself where it calls them first. The marks mean the same once it is there.
"""

import sys
from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from joulemark.core import deferred

NAME = "torch._dynamo"
# What transformers imports of it to recognize masks: a module that needs nothing else of the compiler
ALONE = f"{NAME}._trace_wrapped_higher_order_op"


def imported() -> bool:
    """Whether the compiler is there; nothing has been compiled where it is not."""
    return deferred.imported(NAME)


def defer() -> None:
    """Has this process, which has torch, import the compiler once it is asked for more than marks."""
    marks = {"disable": _disable, "assume_constant_result": _constant, "allow_in_graph": lambda function: function}
    deferred.defer(NAME, marks, ALONE)


def _constant(function: Any) -> Any:
    function._dynamo_marked_constant = True
    return function


def _disable(function: Callable[..., Any] | None = None, recursive: bool = True, **options: Any) -> Any:
    """`disable`, which takes effect with the first call after the compiler was imported."""
    if function is None:
        return partial(_disable, recursive=recursive, **options)
    marked: list[Callable[..., Any]] = []

    @wraps(function)
    def called(*args: Any, **named: Any) -> Any:
        if not marked and imported():
            marked.append(sys.modules[NAME].disable(function, recursive, **options))
        return (marked[0] if marked else function)(*args, **named)

    return called
