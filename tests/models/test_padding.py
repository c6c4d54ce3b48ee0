"""Texts padded to a multiple of so many tokens, and their tokens counted: predictions are what they were."""

from typing import Any

import pytest

from joulemark.core.errors import UserError
from joulemark.core.model import Settings
from joulemark.core.task import Bounded
from joulemark.data import batching
from joulemark.models.backend.padding import padded_length
from tests.composed import built
from tests.models import tiny
from tests.models.test_batches import (
    ANSWER,
    CLASS,
    EQUAL_ENCODER,
    FILL,
    KINDS,
    READ,
    SIZES,
    TAG,
    WRITE,
    comparable,
    load,
    named,
    shape,
    write,
)

BERT = {"model_type": "bert", **SIZES}


def test_a_length_is_rounded_up_to_a_multiple_and_never_beyond_the_room():
    for length in range(1, 60):
        for multiple in (1, 7, 16):
            free, bound = padded_length(length, multiple, None), padded_length(length, multiple, 50)
            assert free % multiple == 0
            assert length <= free < length + multiple
            assert bound == (free if free <= 50 else max(50, length))


@pytest.mark.weights
@pytest.mark.parametrize(
    ("model", "task"),
    [
        ("embedded_classifier", "text_classification"),
        ("embedded_tagger", "token_classification"),
        ("embedded_filler", "masked_language_modelling"),
        ("embedded_reader", "question_answering"),
        ("embedded", "text_generation"),
        ("embedded", "chat"),
    ],
)
def test_the_weights_that_ship_answer_the_same_padded_to_a_multiple(model: str, task: str) -> None:
    short = ["task.max_new_tokens=3", "task.min_new_tokens=1"] if model == "embedded" else []
    run = built(f"model={model}", f"task={task}", "task.dataset=embedded", "samples=8", "batch_size=4", *short)
    inputs = [sample.input for sample in run.task.samples(8, 0).samples]
    parts = batching.split(inputs, 4)

    def answered(**settings: Any) -> Any:
        loaded = run.model.load(run.task, "cpu", Settings(batch_size=4, **settings))
        longest = [tensors(loaded, part)["input_ids"].shape[1] for part in parts]
        return [row for part in parts for row in loaded.predict(part)], longest, loaded.predict.room

    plain, lengths, room = answered()
    padded, wider, _ = answered(pad_to_multiple_of=48)
    assert padded == plain
    assert wider == [padded_length(length, 48, room) for length in lengths] != lengths


def tensors(loaded: Any, inputs: Any) -> Any:
    made = loaded.predict.prepare(inputs)
    return (made if hasattr(made, "tensors") else made[1]).tensors


CASES = [
    (CLASS, shape("distilbert")), (TAG, BERT), (READ, shape("roberta")), (FILL, BERT), EQUAL_ENCODER,
    (WRITE, shape("gpt2")), (ANSWER, shape("bart")),
]  # fmt: skip


@pytest.mark.weights
@pytest.mark.parametrize("case", CASES, ids=named)
def test_padding_up_to_the_room_changes_no_prediction_and_the_tokens_are_counted_as_they_are_read(
    case: tuple[str, Any], tmp_path: Any
) -> None:
    auto, of_shape = case
    kind, inputs = KINDS[auto]
    checkpoint = write(tmp_path, auto, of_shape)
    single = load(kind, checkpoint, 1)
    settings = Settings(batch_size=8, pad_to_multiple_of=48)
    loaded = kind(checkpoint, "specialist").load(tiny.Ask(), "cpu", settings)
    alone = [comparable(single.predict([given])[0]) for given in inputs]
    assert [comparable(prediction) for prediction in loaded.predict(inputs)] == alone
    writes = tiny.Ask().max_new_tokens if auto in (WRITE, ANSWER) else 0
    rows = 2 if auto == "AutoModel" else 1
    for given, (read, written) in zip(inputs, loaded.tokens(inputs), strict=True):
        made = loaded.predict.prepare([given])
        encoded = made if hasattr(made, "tensors") else made[1] if isinstance(made, tuple) else made[0]
        assert (read, written) == (rows * encoded.tensors["input_ids"].shape[1], writes)


@pytest.mark.weights
def test_an_answer_with_a_length_of_its_own_counts_so_many_tokens(tmp_path: Any) -> None:
    loaded = load(KINDS[WRITE][0], write(tmp_path, WRITE, shape("bloom")), 1)
    counts = loaded.tokens([Bounded("good film", 3), Bounded("good", 11)])
    assert counts == [(2, 3), (1, 11)]


@pytest.mark.weights
@pytest.mark.parametrize("auto", [CLASS, "AutoModel"])
def test_a_model_that_does_not_heed_the_mask_is_refused_padding_at_batch_1_too(auto: str, tmp_path: Any) -> None:
    kind, inputs = KINDS[auto]
    checkpoint = write(tmp_path, auto, {"model_type": "fnet", **SIZES})
    assert load(kind, checkpoint, 1).predict(inputs[:1])
    with pytest.raises(
        UserError, match=r"^pad_to_multiple_of=64: this fnet .*padding changes.*type pad_to_multiple_of=1"
    ):
        kind(checkpoint, "specialist").load(tiny.Ask(), "cpu", Settings(pad_to_multiple_of=64))
