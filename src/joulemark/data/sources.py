"""Rows of a dataset of the Hub, streamed.

A row comes with its place (`row 3`), as a dict from the source's own columns to their values.
"""

import gc
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from joulemark.core.errors import UserError
from joulemark.data import hub

SHUFFLE_BUFFER = 10_000  # rows of a stream from which each row of a shuffled run is drawn


def of_hub(
    name: str,
    id: str,
    config: str | None,
    split: str | None,
    revision: str | None,
    data_dir: str | None,
    shuffle: int | None = None,
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Streams a dataset of the Hub; network trouble and unknown ids become one line with what to do.

    `name` is its name on the command line. Images and sounds come as the bytes of their files. With a seed, the rows
    are shuffled as far as a stream can be: its parts in an order drawn at random, rows from a buffer of
    `SHUFFLE_BUFFER` that ten parts fill. A row's place is then that in the shuffled order.
    """
    if hub.described("dataset", id, revision, f"task.dataset={name}, id") is None:
        raise _unread(name, id, "the Hub cannot be reached")
    import datasets
    from pyarrow import ArrowException

    datasets.disable_progress_bars()
    # The library's own refusals (no such config or split, a script in place of data) come as plain built-in errors
    refusals = (OSError, ValueError, RuntimeError, ArrowException, *hub.network_errors())
    try:
        stream = datasets.load_dataset(id, config, split=split, revision=revision, data_dir=data_dir, streaming=True)
        stream = _undecoded(stream)
        if shuffle is not None:
            stream = stream.reshard().shuffle(seed=shuffle, buffer_size=SHUFFLE_BUFFER)
        with _ended(iter(stream)) as rows:
            for number, row in enumerate(rows):
                yield f"row {number}", row
    except refusals as error:
        refused = hub.refusal(error, "dataset", id, revision, f"task.dataset={name}, id")
        if isinstance(error, datasets.exceptions.DatasetNotFoundError) and "gated" in str(error):
            # the package drops the Hub's own message
            refused = hub.gated("dataset", id, f"task.dataset={name}, id")
        if refused is not None:
            raise refused from None
        raise _unread(name, id, f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:200]}") from error


@contextmanager
def _ended(rows: Iterator[Any]) -> Iterator[Iterator[Any]]:
    """The rows of a stream, over once enough of them are read.

    Arrow's threads read on for a reader that is left half read (`Fragment.to_batches`), and where that is dropped only
    as the process ends they end it: "terminate called without an active exception", after all was done.
    """
    try:
        yield rows
    finally:
        if isinstance(rows, Generator):
            rows.close()
        gc.collect()  # a reader in a cycle would last until then: a run collects nothing while it imports


def _undecoded(stream: Any) -> Any:
    """The stream with images and sounds as the bytes of their files: decoding is part of an inference."""
    import datasets

    for name, feature in (stream.features or {}).items():
        if isinstance(feature, (datasets.Image, datasets.Audio)):
            stream = stream.cast_column(name, type(feature)(decode=False))
    return stream


def _unread(name: str, id: str, why: str) -> UserError:
    return UserError(
        f"task.dataset={name}: {id} cannot be read ({why}); "
        "type task.dataset=embedded, or task.dataset=file task.path=FILE"
    )
