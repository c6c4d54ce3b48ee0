"""Where within an inference the joules go: each of its stages measured alone, in a window of its own.

batch ─ stage 1 ─▶ made ─ stage 2 ─▶ made ─ stage 3 ─▶ predictions
        window            window            window         (each: the same stage again and again on what it takes)
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from joulemark.core.measurement import Meter, StageWindow
from joulemark.core.model import Stage
from joulemark.core.procedure import Procedure
from joulemark.measure.protocol import Clock, Progress, one_window


def measure_stages(
    stages: Sequence[Stage],
    batches: Sequence[Sequence[Any]],
    meters: Sequence[Meter],
    procedure: Procedure,
    clock: Clock,
    busy_s: Callable[[], float],
    progress: Progress,
) -> Iterator[StageWindow]:
    """Each stage in a window of its own, over a few batches spread over the inputs; none where `stage_s` is 0.

    What a stage takes was made by the stages before it, outside its window; making it also warms the next one up.
    """
    if not procedure.stage_s:
        return
    count = min(len(batches), max(1, procedure.stage_requests // len(batches[0])))
    given: list[Any] = [batches[place * len(batches) // count] for place in range(count)]
    sizes = [len(batch) for batch in given]
    for stage in stages:
        made = [stage.run(one) for one in given]
        window = one_window(
            stage.run, given, meters, procedure.stage_s, clock, busy_s, progress, lambda result, passes: 0, sizes
        )
        yield StageWindow(stage.name, window)
        given = made
