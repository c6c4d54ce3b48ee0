"""The stand-in tokenizer and the cutting of long inputs."""

import pytest

from joulemark.core.errors import UserError
from joulemark.core.model import Checkpoint
from joulemark.models.backend.stand_in_tokenizer import open_stand_in
from joulemark.models.backend.tokenization import encode, encode_pairs, open_tokenizer
from tests.models import tiny

SHAPE = {"model_type": "gpt2", "vocab_size": 60_000, "eos_token_id": 59_999, "pad_token_id": 7}


@pytest.mark.weights
@pytest.mark.parametrize("side", ["left", "right"])
def test_a_batch_is_padded_on_its_side_and_cut_to_length(side: str) -> None:
    tokenizer = open_stand_in(SHAPE, side)
    batch = tokenizer(["one two three four", "one"], padding=True, truncation=True, max_length=3, return_tensors="pt")
    assert batch["input_ids"].shape == batch["attention_mask"].shape == (2, 3)
    assert batch["attention_mask"][1].tolist() == ([0, 0, 1] if side == "left" else [1, 0, 0])
    assert batch["input_ids"][1].tolist().count(7) == 2
    assert batch["input_ids"][0].tolist() == tokenizer("one two three")["input_ids"]


@pytest.mark.weights
def test_a_long_text_is_cut_and_the_words_around_it_stay() -> None:
    tokenizer = open_stand_in(SHAPE)
    batch = encode(tokenizer, ["word " * 50, "short {text}"], 12, "say {text} now please")
    assert batch.truncated == [True, False]
    assert 11 <= batch.lengths[0] <= 12  # the cut input and what stands around it may share a token
    exact = encode(tokenizer, ["word"], 4, "say {text} now please")
    assert exact.truncated == [False]
    assert exact.lengths == [4]
    ends = tokenizer(" now please")["input_ids"]
    assert batch.tensors["input_ids"][0, -2:].tolist() == ends


@pytest.mark.weights
def test_the_stand_in_takes_vocabulary_and_special_ids_from_the_shape() -> None:
    shape = {"model_type": "gpt2", "vocab_size": 300, "bos_token_id": 299, "eos_token_id": 299}
    tokenizer = open_tokenizer(Checkpoint("x", weights="random", shape=shape), "left")
    assert (tokenizer.pad_token_id, tokenizer.padding_side) == (299, "left")
    ids = tokenizer(" ".join(map(str, range(3000))))["input_ids"]
    assert 299 not in ids
    assert max(ids) < 300


@pytest.mark.weights
@pytest.mark.parametrize("prompt", ["{text}" + " please" * 20, "please" + " please" * 19 + "{text}"])
def test_a_prompt_that_leaves_nothing_of_any_input_is_refused_and_one_that_leaves_a_token_is_not(prompt: str) -> None:
    tokenizer = open_stand_in(SHAPE)
    with pytest.raises(UserError, match=r"task\.prompt is 20 tokens long, and 20 fit.*shorten task\.prompt"):
        encode(tokenizer, [" word"], 20, prompt)
    assert encode(tokenizer, [" word word"], 21, prompt).truncated == [True]
    assert encode(tokenizer, [" word"], 21, prompt).truncated == [False]


@pytest.mark.weights
def test_one_row_with_a_question_longer_than_the_context_is_cut_and_does_not_stop_the_run() -> None:
    asked = {"question": "why " * 50, "context": "word"}
    assert encode(open_stand_in(SHAPE), [asked], 20, "{question} in {context}").truncated == [True]


@pytest.mark.weights
@pytest.mark.parametrize("kind", ["the stand-in", "a checkpoint's"])
def test_a_question_longer_than_the_room_loses_its_end_and_the_context_keeps_half(kind: str) -> None:
    tokenizer = open_stand_in(SHAPE) if kind == "the stand-in" else tiny.tokenizer()
    pairs = [("good " * 50, "bad music " * 30), ("good", "bad music " * 30), ("good " * 50, "bad"), ("good", "bad")]
    batch, spans = encode_pairs(tokenizer, pairs, 20)
    of_context = [sum(place is not None for place in row) for row in spans]
    assert of_context == [10, 19, 1, 1]
    assert batch.lengths == [20, 20, 20, 2]
    assert batch.truncated == [True, True, True, False]
    for (_, context), row in zip(pairs, spans, strict=True):
        first = next(place for place in row if place is not None)
        assert context[slice(*first)] == "bad"
