"""The stand-in tokenizer and the cutting of long inputs."""

import json

import pytest

from joulemark.core.errors import UserError
from joulemark.core.model import Checkpoint
from joulemark.models.backend.stand_in_tokenizer import StandInTokenizer
from joulemark.models.backend.tokenization import encode, encode_pairs, open_tokenizer
from tests.models import tiny
from tests.paths import SHARED

PROMPTS = SHARED / "data" / "prompts_1000.jsonl"


def test_the_stand_in_gives_as_many_tokens_as_a_byte_pair_vocabulary() -> None:
    if not PROMPTS.is_file():
        pytest.skip("needs ../shared/data/prompts_1000.jsonl: the 1,000 prompts lie beside the checkout, not in it")
    prompts = [json.loads(line)["prompt"] for line in PROMPTS.read_text().splitlines()[1:]]
    tokenizer = StandInTokenizer(250880)
    count = sum(len(tokenizer.ids(prompt)) for prompt in prompts)
    assert count / sum(len(prompt.split()) for prompt in prompts) == pytest.approx(1.28, rel=0.03)


@pytest.mark.parametrize("vocab_size", [50257, 250880])
def test_ids_are_stable_avoid_special_ones_and_spread_over_the_whole_vocabulary(vocab_size: int) -> None:
    text = " ".join(f"word{number}" for number in range(20000))
    avoid = set(range(1000)) | {vocab_size - 1}
    ids = StandInTokenizer(vocab_size, avoid).ids(text)
    assert ids == StandInTokenizer(vocab_size, avoid).ids(text)
    assert not avoid & set(ids)
    assert min(ids) < 0.01 * vocab_size + 1000
    assert max(ids) > 0.99 * vocab_size
    assert StandInTokenizer(vocab_size).ids("stable") == [209692311 % vocab_size]  # CRC-32, the same everywhere


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("", 1, 1),
        ("   ", 1, 1),
        ("film", 1, 1),
        ("internationalization", 3, 7),
        ("集大成" * 20, 50, 70),
        ("x" * 900, 200, 450),
    ],
)
def test_odd_texts_get_a_sane_number_of_tokens(text: str, low: int, high: int) -> None:
    assert low <= len(StandInTokenizer(1000).ids(text)) <= high


@pytest.mark.weights
@pytest.mark.parametrize("side", ["left", "right"])
def test_a_batch_is_padded_on_its_side_and_cut_to_length(side: str) -> None:
    tokenizer = StandInTokenizer(1000, pad_token_id=7, padding_side=side)
    batch = tokenizer(["one two three four", "one"], padding=True, truncation=True, max_length=3, return_tensors="pt")
    assert batch["input_ids"].shape == batch["attention_mask"].shape == (2, 3)
    assert batch["attention_mask"][1].tolist() == ([0, 0, 1] if side == "left" else [1, 0, 0])
    assert batch["input_ids"][1].tolist().count(7) == 2
    assert batch["input_ids"][0].tolist() == tokenizer.ids("one two three")


@pytest.mark.weights
def test_a_long_text_is_cut_and_the_words_around_it_stay() -> None:
    tokenizer = StandInTokenizer(1000)
    batch = encode(tokenizer, ["word " * 50, "short {text}"], 12, "say {text} now please")
    assert batch.truncated == [True, False]
    assert batch.lengths[0] == 12
    exact = encode(tokenizer, ["word"], 4, "say {text} now please")
    assert exact.truncated == [False]
    assert exact.lengths == [4]
    ends = tokenizer.ids("now please")
    cut = encode(_Identity(1000), ["word " * 50], 12, "say {text} now please")
    assert cut.tensors["input_ids"][0, -2:].tolist() == ends


class _Identity(StandInTokenizer):
    """Decodes every id to one short word, so that a cut text can be read again."""

    def decode(self, ids: object, skip_special_tokens: bool = False) -> str:
        return " ".join("word" for _ in ids)  # type: ignore[attr-defined]


def test_the_stand_in_takes_vocabulary_and_special_ids_from_the_shape() -> None:
    shape = {"model_type": "gpt2", "vocab_size": 300, "bos_token_id": 299, "eos_token_id": 299}
    tokenizer = open_tokenizer(Checkpoint("x", weights="random", shape=shape), "left")
    assert (tokenizer.vocab_size, tokenizer.pad_token_id, tokenizer.padding_side) == (300, 299, "left")
    assert 299 not in tokenizer.ids(" ".join(map(str, range(3000))))


@pytest.mark.weights
@pytest.mark.parametrize("prompt", ["{text} " + "please " * 20, "please " * 20 + "{text}"])
def test_a_prompt_that_leaves_nothing_of_any_input_is_refused_and_one_that_leaves_a_token_is_not(prompt: str) -> None:
    tokenizer = StandInTokenizer(1000)
    with pytest.raises(UserError, match=r"task\.prompt is 20 tokens long, and 20 fit.*shorten task\.prompt"):
        encode(tokenizer, ["word"], 20, prompt)
    assert encode(tokenizer, ["word word"], 21, prompt).truncated == [True]
    assert encode(tokenizer, ["word"], 21, prompt).truncated == [False]


@pytest.mark.weights
def test_one_row_with_a_question_longer_than_the_context_is_cut_and_does_not_stop_the_run() -> None:
    asked = {"question": "why " * 50, "context": "word"}
    assert encode(StandInTokenizer(1000), [asked], 20, "{question} in {context}").truncated == [True]


@pytest.mark.weights
@pytest.mark.parametrize("kind", ["the stand-in", "a checkpoint's"])
def test_a_question_longer_than_the_room_loses_its_end_and_the_context_keeps_half(kind: str) -> None:
    tokenizer = StandInTokenizer(1000) if kind == "the stand-in" else tiny.tokenizer()
    pairs = [("good " * 50, "bad music " * 30), ("good", "bad music " * 30), ("good " * 50, "bad"), ("good", "bad")]
    batch, spans = encode_pairs(tokenizer, pairs, 20)
    of_context = [sum(place is not None for place in row) for row in spans]
    assert of_context == [10, 19, 1, 1]
    assert batch.lengths == [20, 20, 20, 2]
    assert batch.truncated == [True, True, True, False]
    for (_, context), row in zip(pairs, spans, strict=True):
        first = next(place for place in row if place is not None)
        assert context[slice(*first)] == "bad"
