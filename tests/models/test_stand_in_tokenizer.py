"""The tokenizers of random weights, beside counts that the families' own tokenizers gave for the same texts.

The counts are of other programs with the same published vocabularies, without special tokens, in the order of TEXTS:
GPT-2 by tiktoken, CLIP by open_clip, T5 by its tokenizer.json, cased BERT by the word pieces of tokenizers;
those of the others are of their published vocabularies.
"""

import pytest

from joulemark.models.backend.stand_in_tokenizer import choice, facts, open_stand_in
from tests.models.language_samples import TEXTS

pytestmark = pytest.mark.weights

GPT2 = [101, 205, 187, 184, 498, 400, 629, 715, 320, 300, 297, 207]
GPT_NEOX = [102, 171, 166, 160, 233, 272, 416, 396, 206, 226, 226, 206]
QWEN = [101, 143, 138, 140, 158, 145, 394, 191, 99, 146, 184, 259]
CLIP = [101, 174, 170, 162, 467, 330, 417, 368, 347, 403, 202, 242]
BERT = [102, 183, 170, 168, 383, 308, 248, 8, 150, 216, 221, 200]
BERT_CASED = [102, 206, 199, 198, 385, 303, 229, 8, 150, 152, 229, 202]
T5 = [109, 136, 167, 228, 337, 145, 184, 16, 20, 2, 251, 173]
XLM_ROBERTA = [116, 119, 134, 123, 120, 121, 121, 86, 107, 119, 239, 199]
FAMILIES = [
    ("gpt2", 50257, GPT2),
    ("roberta", 50265, GPT2),
    ("opt", 50272, GPT2),
    ("mamba", 50280, GPT_NEOX),
    ("rwkv", 50277, GPT_NEOX),
    ("qwen3", 151936, QWEN),
    ("clip_text_model", 49408, CLIP),
    ("bert", 30522, BERT),
    ("bert", 28996, BERT_CASED),
    ("t5", 32128, T5),
    ("xlm-roberta", 250002, XLM_ROBERTA),
]
ENDS = {"gpt2": {"eos_token_id": 50256}, "t5": {"pad_token_id": 0, "eos_token_id": 1}, "opt": {"bos_token_id": 2}}


@pytest.mark.parametrize(("kind", "size", "counts"), FAMILIES)
def test_each_language_has_within_15_percent_the_tokens_of_the_familys_own_tokenizer(
    kind: str, size: int, counts: list[int]
) -> None:
    tokenizer = open_stand_in({"model_type": kind, "vocab_size": size, **ENDS.get(kind, {})})
    made = tokenizer(list(TEXTS.values()), add_special_tokens=False)["input_ids"]
    assert [len(row) for row in made] == [pytest.approx(count, rel=0.15) for count in counts]
    assert choice({"model_type": kind, "vocab_size": size}).own


@pytest.mark.parametrize(
    ("kind", "size", "extra", "single", "pair"),
    [
        ("bert", 30522, {}, [101, "a", 102], [101, "a", 102, "a", 102]),
        ("distilbert", 28996, {"pad_token_id": 0}, [101, "a", 102], [101, "a", 102, "a", 102]),
        ("albert", 30000, {"bos_token_id": 2, "eos_token_id": 3}, [2, "a", 3], [2, "a", 3, "a", 3]),
        ("deberta", 50265, {}, [1, "a", 2], [1, "a", 2, "a", 2]),
        ("roberta", 50265, {}, [0, "a", 2], [0, "a", 2, 2, "a", 2]),
        ("t5", 32128, ENDS["t5"], ["a", 1], ["a", 1, "a", 1]),
        ("opt", 50272, {"bos_token_id": 2, "eos_token_id": 2, "pad_token_id": 1}, [2, "a"], [2, "a", "a"]),
        ("gpt2", 50257, ENDS["gpt2"], ["a"], ["a", "a"]),
        ("bloom", 250880, {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 3}, ["a"], ["a", "a"]),
    ],
)
def test_a_text_stands_between_the_special_tokens_of_its_family(
    kind: str, size: int, extra: dict[str, int], single: list[object], pair: list[object]
) -> None:
    tokenizer = open_stand_in({"model_type": kind, "vocab_size": size, **extra})
    (regular,) = tokenizer("house", add_special_tokens=False)["input_ids"]
    assert tokenizer("house")["input_ids"] == [regular if part == "a" else part for part in single]
    assert tokenizer("house", "house")["input_ids"] == [regular if part == "a" else part for part in pair]


@pytest.mark.parametrize("size", [30, 200, 1000, 30522, 50257, 119547])
@pytest.mark.parametrize("kind", ["bert", "gpt2", "t5", "bloom"])
def test_ids_fit_every_vocabulary_and_no_text_has_a_special_one(kind: str, size: int) -> None:
    tokenizer = open_stand_in({"model_type": kind, "vocab_size": size, "eos_token_id": 2, "pad_token_id": 3})
    ids = {
        number
        for name, text in TEXTS.items()
        for number in tokenizer(text, add_special_tokens=False)["input_ids"]
        if name in ("English", "German", "code")
    }
    assert max(ids) < size
    assert not ids & {2, 3}
    assert tokenizer.pad_token_id == 3
    assert tokenizer.mask_token_id < size


@pytest.mark.parametrize("kind", ["bert", "gpt2", "clip_text_model"])
def test_a_small_vocabulary_of_your_own_has_the_tokens_of_a_large_one_and_tells_texts_apart(kind: str) -> None:
    texts = list(TEXTS.values())
    small, again = (open_stand_in({"model_type": kind, "vocab_size": 300}) for _ in range(2))
    large = open_stand_in({"model_type": "bert", "vocab_size": 30522})
    rows = small(texts, add_special_tokens=False)["input_ids"]
    assert [len(row) for row in rows] == [len(row) for row in large(texts, add_special_tokens=False)["input_ids"]]
    assert len({tuple(row) for row in rows}) == len(texts)
    assert small.decode(rows[0]) == again.decode(rows[0])
    padded = small(texts, add_special_tokens=False, padding=True, return_tensors="pt")["input_ids"]
    assert padded[0][: len(rows[0])].tolist() == rows[0] == small(texts[0], add_special_tokens=False)["input_ids"]


def test_the_record_says_whose_vocabulary_it_was_and_nothing_where_no_text_is_read() -> None:
    bloom = {"model_type": "bloom", "vocab_size": 250880}
    assert facts(bloom) == {"stand_in_tokenizer": "xlm_roberta", "stand_in_tokenizer_own": False}
    assert facts({"model_type": "gpt2", "vocab_size": 50257})["stand_in_tokenizer_own"] is True
    assert facts({"model_type": "gpt2", "vocab_size": 50000})["stand_in_tokenizer_own"] is False
    assert facts({"model_type": "whisper", "vocab_size": 51865}) == facts({"model_type": "resnet"}) == {}
