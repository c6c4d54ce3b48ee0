"""Sorted inputs: batched by length, and every answer back with its own sample."""

from dataclasses import dataclass, field, replace

import pytest

from joulemark.analysis import caveats, latency_metrics
from joulemark.core import spill
from joulemark.core.errors import UserError
from joulemark.core.model import Settings
from joulemark.core.spill import Spilled
from joulemark.core.task import Inputs, Prediction, Sample
from joulemark.data import batching
from joulemark.measure import runner
from joulemark.measure.draft import draft
from joulemark.measure.instruments import Instruments
from tests.composed import built
from tests.config.test_run import choices
from tests.fakes import FakeClock, FakeModel
from tests.measure.test_runner import a_run

LENGTHS = (3, 9, 1, 9, 4, 3, 7)
SAMPLES = [Sample(f"s{number}", "x" * length, "positive") for number, length in enumerate(LENGTHS)]


def test_the_longest_come_first_and_equal_lengths_keep_their_order():
    assert list(batching.order(SAMPLES, "length")) == [1, 3, 6, 4, 0, 5, 2]
    assert list(batching.order(SAMPLES, "none")) == list(range(7))


def test_putting_back_undoes_the_order():
    places = batching.order(SAMPLES, "length")
    assert list(batching.in_order_of_samples([SAMPLES[place] for place in places], places)) == SAMPLES


@pytest.mark.parametrize(
    ("given", "count"), [("four", 4), ({"question": "ab", "context": "cde"}, 5), (("ab", "c"), 3), (["a", "bc"], 3)]
)
def test_the_length_of_an_input_is_that_of_all_its_texts(given, count):
    assert batching.characters(given) == count


def test_an_input_without_text_has_no_length():
    with pytest.raises(UserError, match="sort=length: the inputs of this task are not texts; type sort=none"):
        batching.order([Sample("a", object())], "length")


@dataclass(frozen=True)
class Slow(FakeModel):
    """Takes a second for each character of a batch's longest text, and answers with the text's length."""

    asked: list[list[int]] = field(default_factory=list)

    def load(self, task, device, settings):
        def predict(inputs):
            self.asked.append([len(text) for text in inputs])
            self.clock.sleep(max(map(len, inputs)))
            return [Prediction(str(len(text)), units=1) for text in inputs]

        return replace(super().load(task, device, settings), predict=predict)


def test_a_sorted_run_gives_each_sample_its_own_answer_and_its_own_batchs_latency():
    clock = FakeClock()
    model = Slow(clock)
    run = a_run(clock, model=model, samples=7, settings=Settings(batch_size=2, sort="length"))
    begun = draft(run, Inputs(tuple(SAMPLES)))
    record = runner.bench(run, begun, SAMPLES, lambda *_: None, Instruments(clock=clock))
    assert record.status == "finished", record.error
    assert model.asked[-4:] == [[9, 9], [7, 4], [3, 3], [1]]
    assert [(request.id, request.output) for request in record.requests] == [
        (sample.id, str(len(sample.input))) for sample in SAMPLES
    ]
    # a batched request waits for the longest of its batch
    assert [request.latency_s for request in record.requests] == pytest.approx([3, 9, 1, 9, 7, 3, 7])
    assert record.settings.sort == "length"


def test_sorting_spares_padding_and_nothing_else():
    def seconds(sort):
        clock = FakeClock()
        run = a_run(clock, model=Slow(clock), samples=7, settings=Settings(batch_size=2, sort=sort))
        begun = draft(run, Inputs(tuple(SAMPLES)))
        return runner.bench(run, begun, SAMPLES, lambda *_: None, Instruments(clock=clock))

    plain, sorted_ = seconds("none"), seconds("length")
    assert plain.task == sorted_.task
    assert [one.output for one in plain.requests] == [one.output for one in sorted_.requests]
    assert sum(sorted_.measurement.windows[0].batch_s[:4]) < sum(plain.measurement.windows[0].batch_s[:4])


@pytest.mark.parametrize("task", choices("task"))
def test_a_task_is_refused_sorting_exactly_where_its_inputs_have_no_text(task, monkeypatch):
    from tests.config.test_run import able

    words = [f"model={able(task)}", f"task={task}", "task.dataset=embedded", "samples=1"]
    (sample,) = built(*words).task.samples(1, 0).samples
    try:
        batching.characters(sample.input)
    except UserError:
        with pytest.raises(UserError, match=rf"sort=length: the inputs of task={task} are no texts; type sort=none"):
            built(*words, "sort=length")
    else:
        assert built(*words, "sort=length").settings.sort == "length"


@pytest.mark.parametrize("sort", ["none", "length"])
def test_a_run_that_lies_on_disk_gives_the_same_as_one_in_memory(monkeypatch, sort):
    def record():
        clock = FakeClock()
        run = a_run(clock, model=Slow(clock), samples=7, settings=Settings(batch_size=2, sort=sort))
        samples = Spilled()
        samples.extend(SAMPLES)
        return runner.bench(run, draft(run, Inputs(samples)), samples, lambda *_: None, Instruments(clock=clock))

    in_memory = record()
    monkeypatch.setattr(spill, "IN_MEMORY", 2)
    monkeypatch.setattr(batching, "IN_MEMORY", 2)
    on_disk = record()
    assert on_disk.status == "finished", on_disk.error
    assert on_disk.requests == in_memory.requests
    assert on_disk.task == in_memory.task
    assert on_disk.measurement == in_memory.measurement


def tokens(place):
    """Tokens that are read and written, of no order."""
    return (place * 7919 % 97 + 1, place % 3)


@pytest.mark.parametrize("size", [1, 4, 100])
@pytest.mark.parametrize("budget", [1, 60, 250, 10_000])
def test_batches_within_a_budget_hold_every_request_once_in_order_and_no_more_than_they_may(size, budget):
    counts = [tokens(place) for place in range(200)]
    made = batching.within(counts, size, budget)
    assert sum(made.sizes) == 200
    ends = 0
    for number, requests in enumerate(made.sizes):
        batch = counts[ends : ends + requests]
        ends += requests
        total = requests * (max(read for read, _ in batch) + max(written for _, written in batch))
        assert requests == 1 or (total <= budget and requests <= size)
        if number + 1 < len(made.sizes):  # the next request would have been one too many
            more = counts[ends - requests : ends + 1]
            longest, answer = max(read for read, _ in more), max(written for _, written in more)
            assert requests == size or (requests + 1) * (longest + answer) > budget
    assert made.over == sum(read + written > budget for read, written in counts)


def test_no_requests_make_no_batches():
    assert list(batching.within([], 8, 100).sizes) == []


def test_batches_of_unequal_sizes_are_the_samples_in_the_order_of_their_places():
    places = batching.order(SAMPLES, "length")
    batches = batching.Batches(SAMPLES, places, [1, 4, 2])
    assert [len(batch) for batch in batches] == [1, 4, 2] == list(batches.sizes)
    assert [text for batch in batches for text in batch] == [SAMPLES[place].input for place in places]
    assert list(batching.sizes_of(7, 3)) == [3, 3, 1]


@dataclass(frozen=True)
class Counting(Slow):
    """Reads a token for each character."""

    def load(self, task, device, settings):
        def tokens(inputs):
            assert not self.asked  # before anything is predicted
            return [(len(text), 0) for text in inputs]

        return replace(super().load(task, device, settings), tokens=tokens)


def within_budget(clock, model, **settings):
    run = a_run(clock, model=model, samples=7, settings=Settings(batch_size=7, **settings))
    return runner.bench(run, draft(run, Inputs(tuple(SAMPLES))), SAMPLES, lambda *_: None, Instruments(clock=clock))


def test_a_run_within_a_budget_of_tokens_gives_each_sample_its_own_answer_and_its_batchs_latency():
    clock = FakeClock()
    record = within_budget(clock, Counting(clock), batch_tokens=8, sort="length")
    assert record.status == "finished", record.error
    assert list(record.measurement.batch_sizes) == [1, 1, 1, 2, 2]  # 9 | 9 | 7 | 4 3 | 3 1
    assert [request.output for request in record.requests] == [str(len(sample.input)) for sample in SAMPLES]
    assert [request.latency_s for request in record.requests] == pytest.approx([4, 9, 3, 9, 4, 3, 7])
    assert record.model.facts["over_batch_tokens"] == 2
    assert record.model.facts["requests_per_batch"] == pytest.approx(7 / 5)
    latencies = latency_metrics.latency_metrics(record.measurement)
    assert latencies["latency/mean_s"] == pytest.approx((9 + 9 + 7 + 2 * 4 + 2 * 3) / 7)
    assert any("2 requests have more than batch_tokens=8 tokens alone" in line for line in caveats.warnings(record))


def test_a_model_that_counts_no_tokens_is_refused_a_budget_before_anything_is_measured():
    clock = FakeClock()
    with pytest.raises(UserError, match=r"batch_tokens: this model does not count .*; type batch_tokens=0"):
        within_budget(clock, Slow(clock), batch_tokens=8)
