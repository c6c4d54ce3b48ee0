"""All requests of a run together, from one pass over them: sixteen bytes a request are held, whatever they are."""

from array import array
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from statistics import fmean
from typing import Any

from joulemark.core.errors import UserError
from joulemark.core.record import Record, Request, RequestSummary
from joulemark.data import request_table

NAMED = 10  # truncated inputs whose ids are kept

Scored = tuple[Any, Any]  # numpy: a hash of each scored input's id, once, in the order of their first; its last score


class Summarizer:
    """Takes requests one by one."""

    def __init__(self) -> None:
        self._count = self._truncated = 0
        self._truncated_ids: dict[str, None] = {}
        self._counts_tokens = False
        self._reasoning = self._answers = self._read = 0
        self.scores = Scores()

    def add(self, request: Request) -> None:
        """Counts a request in."""
        self._count += 1
        if request.truncated:
            self._truncated += 1
            if len(self._truncated_ids) < NAMED:
                self._truncated_ids[request.id] = None
        self._counts_tokens = self._counts_tokens or request.truncated or request.input_tokens is not None
        if request.reasoning_tokens is not None:
            self._read += 1
            self._reasoning += request.reasoning_tokens
            self._answers += (request.output_tokens or 0) > request.reasoning_tokens
        if request.score is not None:
            self.scores.add(request.id, request.score)

    def counted(self) -> RequestSummary:
        """What can be counted; without the interval, and what it is of."""
        return RequestSummary(
            count=self._count,
            scored=len(self.scores.values),
            mean=fmean(self.scores.values) if self.scores.values else None,
            truncated=self._truncated,
            truncated_ids=tuple(self._truncated_ids),
            counts_tokens=self._counts_tokens,
            reasoning_tokens=self._reasoning if self._read else None,
            answers=self._answers if self._read else None,
        )


class Scores:
    """The scores of requests with a hash of each one's id, which holds within this process."""

    def __init__(self, rows: Iterable[tuple[str, float]] = ()) -> None:
        self.keys, self.values = array("q"), array("d")
        for key, score in rows:
            self.add(key, score)

    def add(self, key: str, score: float) -> None:
        """Adds the score of an input."""
        self.keys.append(hash(key))
        self.values.append(score)

    def of_inputs(self) -> Scored:
        """One score for each input: one that came twice is evidence once."""
        import numpy

        keys, values = numpy.asarray(self.keys), numpy.asarray(self.values)
        ordered = numpy.sort(keys)
        if not (ordered[1:] == ordered[:-1]).any():
            return keys, values
        distinct, first = numpy.unique(keys, return_index=True)
        _, last = numpy.unique(keys[::-1], return_index=True)
        order = numpy.argsort(first, kind="stable")
        return distinct[order], values[len(values) - 1 - last[order]]


def each(record: Record) -> Iterator[Request]:
    """Every request of a record in order; none where they are in a file that is not there."""
    if record.requests or record.requests_file is None:
        yield from record.requests
        return
    with suppress(UserError):
        yield from request_table.rows(record.requests_file)


def summary(record: Record) -> RequestSummary:
    """The requests of a record together; of one that holds each of them without the interval."""
    return record.request_summary or _taken(record.requests).counted()


def scored_inputs(record: Record) -> Scored | None:
    """One score for each scored input; None where the rows are in a file that is not there."""
    if record.requests or record.request_summary is None:
        return _taken(record.requests).scores.of_inputs()
    if record.requests_file is None:
        return None
    try:
        return Scores(request_table.scores(record.requests_file)).of_inputs()
    except UserError:
        return None


def statistics(record: Record) -> Mapping[str, Any] | None:
    """What metrics of the whole set are computed from, by input: of one that came twice the last; None as above."""
    if record.requests or record.request_summary is None:
        return {row.id: row.statistics for row in record.requests if row.statistics is not None}
    if record.requests_file is None:
        return None
    try:
        return dict(request_table.statistics(record.requests_file))
    except UserError:
        return None


def _taken(requests: Iterable[Request]) -> Summarizer:
    taken = Summarizer()
    for request in requests:
        taken.add(request)
    return taken
