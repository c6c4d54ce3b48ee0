"""Requests of continuous batching: tokens of a prompt on the way in, words of an answer on the way out."""

import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from math import ceil
from typing import Any

from joulemark.core.model import Loaded
from joulemark.core.serving import Call, Clock, Event
from joulemark.core.task import Prediction, Sample
from joulemark.engines.mailbox import Mailbox, one_line
from joulemark.models.backend.continuous_batching import ContinuousBatching
from joulemark.models.backend.generation import Generator

CLOSING_S = 10.0  # a forward pass ends by itself; a thread cannot be ended by force


@dataclass
class _Request:
    """A request under way: its prompt's tokens, whether they were cut, and how many of its answer were told."""

    input_tokens: int
    truncated: bool
    told: int = 0


class ContinuousServer:
    """A causal language model under continuous batching, until it is closed.

    Attributes:
        facts: what was loaded, the version of transformers, and its settings as it resolved them
        processes: none: it is in this process
    """

    processes: Sequence[int] = ()

    def __init__(self, loaded: Loaded, options: Mapping[str, Any], switch: bool, clock: Clock) -> None:
        assert isinstance(loaded.predict, Generator), "a causal language model predicts by generating"
        self._loaded = loaded
        self._generator = loaded.predict
        self._mailbox = Mailbox(clock)
        self._under_way: dict[int, _Request] = {}
        self._closing = False
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()  # None: no more
        self._batching = ContinuousBatching(self._generator, options, switch, self._came, self._ended)
        self.facts: Mapping[str, Any] = {"version": version("transformers"), **loaded.facts, **self._batching.facts}
        self._thread = threading.Thread(target=self._do_jobs, name="text", daemon=True)
        self._thread.start()

    def send(self, call: Call) -> None:
        """Asks; the thread of text makes tokens of the prompt."""
        self._jobs.put(partial(self._ask, call))

    def events(self, until_s: float) -> Sequence[Event]:
        """What has come since; waits for the first until that moment. RuntimeError once the engine has died."""
        return self._mailbox.take(until_s)

    def cancel(self, number: int) -> None:
        """Gives a request up, wherever it is; its pages are free after the pass under way."""
        self._jobs.put(partial(self._give_up, number))

    def judge(self, samples: Sequence[Sample], predictions: Sequence[Prediction]) -> Mapping[str, float | None]:
        """Further metrics that need the model to compute; the engine pauses meanwhile."""
        if self._loaded.judge is None:
            return {}
        with self._batching.aside():
            return self._loaded.judge(samples, predictions)

    def peak_memory_bytes(self) -> int | None:
        """The device memory's high-water mark since the load, the pages included."""
        return self._loaded.peak_memory_bytes()

    def close(self) -> None:
        """Gives up what is under way, ends the threads and gives the pages back."""
        self._closing = True
        self._batching.stop(CLOSING_S)
        self._jobs.put(None)
        self._thread.join(CLOSING_S)

    # ---- the thread of text

    def _do_jobs(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                job()
            except BaseException as error:
                self._mailbox.died(f"engine=continuous has died: {one_line(error)}")
                return

    def _ask(self, call: Call) -> None:
        try:
            ids, truncated, fewest, most = self._tokens(call)
        except Exception as error:  # an input that no tokenizer reads is that request's failure
            self._mailbox.failed(call.number, one_line(error) if type(error) is not _CannotAskError else str(error))
            return
        self._under_way[call.number] = _Request(len(ids), truncated)
        self._batching.add(str(call.number), ids, fewest, most)

    def _tokens(self, call: Call) -> tuple[list[int], bool, int, int]:
        """The prompt's tokens, whether its input was cut, and the fewest and most tokens of the answer."""
        own, forced = self._generator.model.generation_config, self.facts["weights"] == "random"
        most = own.max_new_tokens if call.max_new_tokens is None else call.max_new_tokens
        fewest = (own.min_new_tokens or 0) if call.min_new_tokens is None else call.min_new_tokens
        fewest = most if forced else min(fewest, most)
        limit = self.facts["context"]
        room = None if limit is None else limit - most
        if room is not None and room < 1:
            raise _CannotAskError(f"an answer of {most} tokens leaves no room for a prompt in a context of {limit}")
        batch = replace(self._generator, room=room).prepare([call.input])
        ids, truncated = batch.tensors["input_ids"][0].tolist(), batch.truncated[0]
        if call.input_tokens is not None:
            if room is not None and call.input_tokens > room:
                raise _CannotAskError(
                    f"{call.input_tokens} tokens of prompt and {most} of answer do not fit in a context of {limit}"
                )
            ids, truncated = (ids * ceil(call.input_tokens / len(ids)))[: call.input_tokens], False
        if len(ids) + most > self._batching.capacity:
            raise _CannotAskError(
                f"{len(ids)} tokens of prompt and {most} of answer do not fit in a cache of "
                f"{self._batching.capacity} tokens: type engine.pages={{more}} or engine.pages=null"
            )
        return ids, truncated, fewest, most

    def _give_up(self, number: int) -> None:
        if self._under_way.pop(number, None) is not None:
            self._batching.cancel(str(number))

    def _read(self, number: int, row: Sequence[int]) -> None:
        request = self._under_way.pop(number, None)
        if request is not None:  # else given up meanwhile
            prediction = self._generator.written(row, request.input_tokens, request.truncated)
            self._mailbox.put(Event(number, "finished", self._mailbox.clock.now(), prediction=prediction))

    def _fail(self, number: int, reason: str) -> None:
        if self._under_way.pop(number, None) is not None:
            self._mailbox.failed(number, reason)

    def _tell_end(self) -> None:
        if not self._closing:
            error = self._batching.last_words
            self._mailbox.died(f"engine=continuous has died: {one_line(error) if error else 'its thread has ended'}")

    # ---- transformers' thread

    def _came(self, name: str, row: Sequence[int], ended: bool, error: str | None) -> None:
        """A request has another token, or has ended; words are made elsewhere, so that the model does not wait."""
        number = int(name)
        request = self._under_way.get(number)
        if request is None:
            return
        if len(row) > request.told:
            self._mailbox.tokens(number, len(row) - request.told)
            request.told = len(row)
        if error is not None:
            self._jobs.put(partial(self._fail, number, (error.splitlines() or ["failed without a word"])[0]))
        elif ended:
            self._jobs.put(partial(self._read, number, list(row)))

    def _ended(self) -> None:
        self._jobs.put(self._tell_end)


class _CannotAskError(Exception):
    """A request that cannot be asked of this model, and why."""
