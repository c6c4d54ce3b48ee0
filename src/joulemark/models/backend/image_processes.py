"""Images prepared by transformers' PIL processor in several processes: the very same values, sooner."""

import math
import os
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from multiprocessing import active_children, get_context, parent_process
from threading import Thread
from typing import Any

from joulemark.core import signals
from joulemark.core.model import Checkpoint
from joulemark.data.batching import split
from joulemark.models.backend.preprocessing import open_images, usual

# How long the processes that prepare pictures may take to import what they need.
STARTING_S = 120.0

# How long such a process stays when it is asked to end. A terminal or a cluster asks every process of a job: the run is
# to end of that itself, with its record, and not for want of its pictures.
STAYING_S = 2.0

# The image processor of a process that prepares pictures.
_processor: Any = None


def pixels(checkpoint: Checkpoint, processes: int) -> Callable[[Sequence[Any]], Any]:
    """Pictures to one tensor, (batch, channels, height, width), by so many processes.

    For models whose pictures all become one size. All of it happens within the call: no picture is read ahead.
    RuntimeError where the processes do not come up, or one is killed.
    """
    pool = _pool(checkpoint, processes)

    def together(pictures: Sequence[Any]) -> Any:
        import torch

        # two shares each: one of a slow core is taken over by the others
        shares = split(pictures, max(1, math.ceil(len(pictures) / (2 * processes))))
        try:
            return torch.cat(list(pool.map(_in_a_process, shares)))
        except BrokenExecutor:
            raise RuntimeError(f"preprocessing_workers={processes}: one was killed (of memory?); type fewer") from None

    return together


def _pool(checkpoint: Checkpoint, processes: int) -> ProcessPoolExecutor:
    """Processes that have the checkpoint's processor open, so that none starts up inside a measurement.

    Not threads: what transformers does to a picture between PIL's calls holds Python's lock. Not forked from this
    process, which has a GPU and threads open.
    """
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__, "joulemark.data.images", "transformers.image_processing_backends"])
    together, before = context.Barrier(processes), active_children()
    pool = ProcessPoolExecutor(processes, context, initializer=_begin, initargs=(checkpoint, together))
    try:
        with signals.blocked(signals.SIGTERM):  # also for the server that forks, and what it forks
            # each task starts one process more, as no other is idle before all are up
            for future in [pool.submit(int) for _ in range(processes)]:
                future.result(STARTING_S)
    except (BrokenExecutor, TimeoutError):
        pool.shutdown(wait=False, cancel_futures=True)
        for process in set(active_children()) - set(before):
            process.kill()
        raise RuntimeError(f"preprocessing_workers={processes}: they did not come up; type fewer") from None
    return pool


def _begin(checkpoint: Checkpoint, together: Any) -> None:
    """The start of such a process, which ends with the run however that ends."""
    import torch

    global _processor
    signals.linger_when_stopped(STAYING_S)
    Thread(target=_end_with_the_run, daemon=True).start()
    torch.set_num_threads(1)
    _processor = open_images(checkpoint)
    together.wait(STARTING_S)


def _end_with_the_run() -> None:
    run = parent_process()
    assert run is not None
    run.join()
    os._exit(1)  # killed: nothing would ever come through the queue again


def _in_a_process(pictures: Sequence[Any]) -> Any:
    return usual(_processor, pictures)["pixel_values"]
