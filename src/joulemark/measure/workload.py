"""What a run measures: its inputs as batches, by number or by a budget of tokens, and the call that answers one."""

from collections.abc import Mapping, Sequence
from typing import Any

from joulemark.core.errors import UserError
from joulemark.core.model import Loaded, Settings
from joulemark.core.task import Sample
from joulemark.data import batching
from joulemark.data.batching import Batches
from joulemark.measure.window import Workload


def workload_of(
    settings: Settings, loaded: Loaded, samples: Sequence[Sample], places: Sequence[int]
) -> tuple[Workload, Batches, Mapping[str, Any]]:
    """The calls of one pass over the samples in the order of their places, their batches, and facts for the record."""
    sizes, facts = batch_sizes(settings, loaded, samples, places)
    batches = Batches(samples, places, sizes)
    workload = Workload(
        loaded.predict,
        batches,
        batch_sizes=batches.sizes,
        compiles=bool(settings.compile),
        records=settings.compile == "cudagraphs",
        steps=loaded.steps,
        prefetch=settings.prefetch,
    )
    return workload, batches, facts


def batch_sizes(
    settings: Settings, loaded: Loaded, samples: Sequence[Sample], places: Sequence[int]
) -> tuple[Sequence[int], Mapping[str, Any]]:
    """The requests of each batch, and what the record says of it.

    With `batch_tokens` the model's own tokens are counted: now, before anything is measured.
    """
    if not settings.batch_tokens:
        return batching.sizes_of(len(places), settings.batch_size), {}
    if loaded.tokens is None:
        raise UserError("batch_tokens: this model does not count the tokens of its inputs; type batch_tokens=0")
    counts = batching.counted(samples, places, loaded.tokens)
    made = batching.within(counts, settings.batch_size, settings.batch_tokens)
    return made.sizes, {"requests_per_batch": len(places) / len(made.sizes), "over_batch_tokens": made.over}
