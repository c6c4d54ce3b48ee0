"""Threads that prepare inputs of a batch side by side: for work that leaves Python's lock to others."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, BrokenBarrierError

STARTING_S = 30.0


def started(count: int) -> ThreadPoolExecutor:
    """So many threads, all up, in each of which torch computes on that thread alone.

    torch keeps the number of its own threads for each thread that has asked; any other gets the last that was set
    anywhere, so the caller's is set again. RuntimeError where the system has no more threads.
    """
    import torch

    together, own = Barrier(count), torch.get_num_threads()
    pool = ThreadPoolExecutor(count, thread_name_prefix="preprocessing")
    try:
        # each waits for all, so that no thread takes two of them
        for future in [pool.submit(_begin, together) for _ in range(count)]:
            future.result()
    except (RuntimeError, BrokenBarrierError) as error:
        together.abort()
        pool.shutdown(wait=False, cancel_futures=True)
        raise RuntimeError(f"preprocessing_workers={count}: they did not come up ({error}); type fewer") from None
    finally:
        torch.set_num_threads(own)
    return pool


def _begin(together: Barrier) -> None:
    import torch

    torch.set_num_threads(1)
    torch.get_num_threads()  # the first reading in a thread takes the last number set anywhere: it is to be this one
    together.wait(STARTING_S)
