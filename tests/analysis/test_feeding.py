"""What a run's own figures say may feed its device better, and how much of its time that removes at most."""

from dataclasses import replace

import pytest

from joulemark.analysis import advice, feeding
from joulemark.analysis.feeding import Move
from joulemark.core.model import Capabilities
from tests.analysis.test_diagnosis import TEXT, run, window

TEXTS = Capabilities(
    accepts=("text",), gives=("label",), preprocessings=("transformers", "fast"), overlaps=True, token_budgets=True
)
IMAGES = Capabilities(
    accepts=("image",),
    gives=("label",),
    preprocessings=("transformers", "fast", "device"),
    overlaps=True,
    graphs=False,
    compiles=False,
)
WRITER = Capabilities(accepts=("text",), gives=("text",), caches=("dynamic", "static"), graphs=False)
PHASES = {"preprocessing": 600.0, "model": 380.0, "postprocessing": 20.0}  # ms; a request takes a second


def encoder(phases=None, capabilities=TEXTS, requests=(TEXT,), **settings):
    record = run(300.0, 0.3, phases or PHASES, batch=64, kind="k", capabilities=capabilities, requests=requests)
    return replace(record, settings=replace(record.settings, **settings))


def on_processor(record):
    return replace(record, hardware=replace(record.hardware, device="cpu"))


def test_what_takes_most_of_a_request_is_first_and_no_share_is_beyond_it():
    moves = feeding.moves(encoder())
    assert [move.options for move in moves[:2]] == [
        "preprocessing=fast prefetch=4 preprocessing_workers=4",
        "preprocessing=fast",
    ]
    shares = {move.options: move.share for move in moves}
    assert shares["preprocessing=fast"] == pytest.approx(0.6)
    assert shares["prefetch=2"] == pytest.approx(0.38)  # the model hides no more than it takes itself
    assert shares["compile=cudagraphs"] == pytest.approx(0.38)
    assert shares["compile=cudagraphs pad_to_multiple_of=8"] == shares["compile=cudagraphs"]
    assert [move.share for move in moves] == sorted((move.share for move in moves), reverse=True)


def test_what_the_run_has_or_its_model_cannot_is_no_move():
    taken = encoder(preprocessing="fast", prefetch=4, preprocessing_workers=4, compile="cudagraphs", sort="length")
    assert feeding.moves(taken) == []
    assert feeding.moves(encoder(capabilities=Capabilities(graphs=False, compiles=False))) == []
    assert feeding.moves(replace(encoder(), measurement=replace(encoder().measurement, stages=()))) == []


def test_a_busy_card_gains_nothing_by_recording():
    busy = encoder()
    busy = replace(busy, measurement=replace(busy.measurement, windows=(window(10.0, 650.0, 0.97),)))
    (share,) = {move.share for move in feeding.moves(busy) if "cudagraphs" in move.options}
    assert share == pytest.approx(0.03)


def test_a_processor_hides_nothing_and_records_nothing():
    assert [move for move in feeding.moves(on_processor(encoder())) if move.share] == [
        Move("preprocessing=fast", pytest.approx(0.6))
    ]
    (decoding,) = (
        move
        for move in feeding.moves(on_processor(encoder({"preprocessing": 1.0, "decode": 900.0}, WRITER)))
        if move.share is None
    )
    assert decoding == Move("cache=static compile=true", None)


def test_images_are_prepared_by_the_card_first_and_in_threads_of_the_host():
    lines = [move.options for move in feeding.moves(encoder(capabilities=IMAGES))]
    assert lines[0] == "preprocessing=device prefetch=2"
    assert "preprocessing=fast prefetch=2 preprocessing_workers=15" in lines  # one of 16 cores launches


def test_padding_is_removed_by_a_budget_of_tokens_first_and_only_where_lengths_are_known():
    texts = tuple(replace(TEXT, input_tokens=4 if place % 2 else 100) for place in range(64))
    padded = on_processor(encoder({"model": 1000.0}, requests=texts))
    lines = [move.options for move in feeding.moves(padded)]
    assert lines[0].startswith("sort=length batch_size=512 batch_tokens=")
    assert "sort=length" in lines
    unknown = tuple(replace(each, input_tokens=None) for each in texts)
    assert not any("sort" in move.options for move in feeding.moves(replace(padded, requests=unknown)))


@pytest.mark.parametrize(
    ("batch", "mean", "wanted"),
    [
        (64, 64.0, ["batch_size=512"]),  # the number of requests ends a batch: no token is in the way
        (1000, 20.0, ["batch_tokens=32768"]),
        (100, 20.0, ["batch_size=800 batch_tokens=32768"]),  # eight times as many are beyond that number, too
        (300, 250.0, ["batch_size=1000"]),  # 1000 in four batches
    ],
)
def test_a_larger_batch_is_of_tokens_where_these_end_it(batch, mean, wanted):
    record = encoder(batch_size=batch, batch_tokens=4096)
    record = replace(record, model=replace(record.model, facts={"requests_per_batch": mean}))
    assert advice.more_at_once(record) == wanted
