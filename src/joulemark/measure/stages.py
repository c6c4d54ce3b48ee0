"""Where within an inference the joules go: each of its stages measured alone, in a window of its own.

batch ─ stage 1 ─▶ output ─ stage 2 ─▶ output ─ stage 3 ─▶ predictions
        window             window              window    (each: the same stage again and again on the same inputs)
"""

from collections.abc import Iterator, Sequence
from typing import Any

from joulemark.core.measurement import StageWindow
from joulemark.core.model import Stage
from joulemark.core.procedure import Procedure
from joulemark.data.batching import Batches
from joulemark.measure.instruments import Instruments
from joulemark.measure.window import Workload, measure_window


def measure_stages(
    stages: Sequence[Stage], batches: Sequence[Sequence[Any]], procedure: Procedure, instruments: Instruments
) -> Iterator[StageWindow]:
    """Each stage in a window of its own, over a few batches spread over the inputs; none where `stage_s` is 0.

    The inputs of a stage were made by the stages before it, outside its window; making them also warms the next one up.
    """
    if not procedure.stage_s:
        return
    sizes = batches.sizes if isinstance(batches, Batches) else [len(batch) for batch in batches]
    count = min(len(batches), max(1, procedure.stage_requests * len(batches) // sum(sizes)))
    # from the middle of equal parts: sorted by length the first batch is unlike all others
    inputs: list[Any] = [batches[(2 * place + 1) * len(batches) // (2 * count)] for place in range(count)]
    batch_sizes = [len(batch) for batch in inputs]
    for stage in stages:
        outputs = [stage.run(batch) for batch in inputs]
        workload = Workload(stage.run, inputs, units=lambda output, passes: 0, batch_sizes=batch_sizes)
        yield StageWindow(stage.name, measure_window(workload, procedure.stage_s, instruments))
        inputs = outputs
