"""Tokens by the Rust library directly: the very same as by transformers' usual call, for every text and tokenizer."""

import random
import threading
from functools import cache
from typing import Any

import pytest
import torch

from joulemark.core.errors import UserError
from joulemark.core.model import Checkpoint, Settings
from joulemark.data.embedded import WEIGHTS
from joulemark.models.backend import fast_tokenizer, tokenization
from joulemark.models.backend.fast_tokenizer import FastTokenizer, chosen
from tests.models import tiny
from tests.models.language_samples import TEXTS

pytestmark = pytest.mark.weights

FAST = Settings(preprocessing="fast")
EMBEDDED = sorted(path.parent.name for path in WEIGHTS.glob("*/tokenizer.json"))
STAND_INS = {
    "bert": {"model_type": "bert", "vocab_size": 30522},
    "bert whose word pieces are folded": {"model_type": "bert", "vocab_size": 300},
    "distilbert": {"model_type": "distilbert", "vocab_size": 28996},
    "gpt2": {"model_type": "gpt2", "vocab_size": 50257, "eos_token_id": 50256},
    "roberta": {"model_type": "roberta", "vocab_size": 50265},
    "opt": {"model_type": "opt", "vocab_size": 50272, "bos_token_id": 2, "eos_token_id": 2, "pad_token_id": 1},
    "mamba": {"model_type": "mamba", "vocab_size": 50280},
    "t5": {"model_type": "t5", "vocab_size": 32128, "pad_token_id": 0, "eos_token_id": 1},
    "clip": {"model_type": "clip_text_model", "vocab_size": 49408},
}
SIGNS = (
    " \t\n\r\0\u00a0\u200b\u200d\u2028\ufeffaAzZ09.,;:!?'\"-_()[]<>|/\\#@&\u00e9\u00df\u00e6\u00f1\u00e7\u0130\u0131"
    "\u017f\ufb01\u4f60\u597d\u4e16\u65e5\u8a9e\ud55c\uad6d\u05d0\u05d1\u0639\u0631\u0939\u093f\u0928\u094d\u0e44\u0e17"
    "\U0001f642\U0001f469\u0065\u0301\U0001d518"
)
ODD = [
    "", " ", "\n\n", "\0", "a", "word " * 80, "x" * 400, "[CLS] [SEP] [MASK] [PAD] [UNK]", "<s></s><pad><unk><mask>",
    "<|begin|> <|end|> <|pad|> <|mask|> <|unk|><|endoftext|>", "  two  spaces  ", "tab\tand\nline", "don't won't I'll",
    "{text} {context}", "1,234.56 + 7e-10 = ?", "https://example.org/a?b=c&d=%20", "#hash @at &amp; </div>",
    *(text[:80] for text in TEXTS.values()),
]  # fmt: skip
PROMPTS = ["{text}", "Say {text} now please"]
ROOMS = [None, 16]


def odd_texts() -> list[str]:
    dice = random.Random(7)
    return [*ODD, *("".join(dice.choices(SIGNS, k=dice.randrange(1, 60))) for _ in range(20))]


@cache
def opened(name: str, side: str) -> Any:
    words = {"add_prefix_space": True} if side == "words" else {}
    where = "left" if side == "left" else "right"
    checkpoint = (
        Checkpoint(name, weights="embedded", path=WEIGHTS / name)
        if name in EMBEDDED
        else Checkpoint(name, weights="random", shape=STAND_INS[name])
    )
    return tokenization.open_tokenizer(checkpoint, where, **words)


def fast(tokenizer: Any, room: int | None) -> Any:
    made = chosen(tokenizer, FAST, Checkpoint("x"), room, "cpu")
    assert isinstance(made, FastTokenizer)
    return made


def same(usual: tokenization.Encoded, direct: tokenization.Encoded) -> None:
    assert dict(usual.tensors).keys() == dict(direct.tensors).keys()
    for name, tensor in usual.tensors.items():
        assert tensor.dtype == direct.tensors[name].dtype
        assert torch.equal(tensor, direct.tensors[name]), name
    assert (usual.lengths, usual.truncated) == (direct.lengths, direct.truncated)


@pytest.mark.parametrize(
    ("name", "side"),
    [*((name, "right") for name in (*EMBEDDED, *STAND_INS)), *((name, "left") for name in ("general", "gpt2", "bert"))],
)
def test_texts_have_the_very_ids_masks_and_cuts_of_the_usual_call(name: str, side: str) -> None:
    usual, texts = opened(name, side), odd_texts()
    for room in ROOMS:
        direct = fast(usual, room)
        for prompt in PROMPTS:
            batches = [texts[start : start + 9] for start in range(0, len(texts), 9)]
            for batch in batches:
                same(
                    *(
                        tokenization.encode(each, batch, room, prompt, 1 if room is None else 6)
                        for each in (usual, direct)
                    )
                )


@pytest.mark.parametrize("name", [*EMBEDDED, "bert", "bert whose word pieces are folded", "roberta", "t5"])
def test_words_and_pairs_have_the_very_ids_first_places_and_spans_of_the_usual_call(name: str) -> None:
    texts = odd_texts()
    words = [text.split(" ") for text in texts]
    pairs = list(zip(texts, reversed(texts), strict=True))
    for room in (None, 24):
        usual = opened(name, "words")
        direct = fast(usual, room)
        for start in range(0, len(texts), 9):
            chosen_words, chosen_pairs = words[start : start + 9], pairs[start : start + 9]
            (of_usual, firsts), (of_direct, same_firsts) = (
                tokenization.encode_words(each, chosen_words, room) for each in (usual, direct)
            )
            same(of_usual, of_direct)
            assert firsts == same_firsts
            (of_usual, spans), (of_direct, same_spans) = (
                tokenization.encode_pairs(each, chosen_pairs, room) for each in (usual, direct)
            )
            same(of_usual, of_direct)
            assert spans == same_spans


def test_a_prompt_that_leaves_no_room_is_refused_as_usual() -> None:
    usual = opened("gpt2", "right")
    for tokenizer in (usual, fast(usual, 20)):
        with pytest.raises(UserError, match=r"task\.prompt is 20 tokens long, and 20 fit"):
            tokenization.encode(tokenizer, [" word"], 20, "please" + " please" * 19 + "{text}")


def test_several_threads_tokenize_at_a_time_and_each_has_its_own_texts() -> None:
    direct, texts = fast(opened("bert", "right"), 64), odd_texts()
    expected = [direct([text], max_length=64)["input_ids"].tolist() for text in texts]
    wrong: list[str] = []

    def repeat(start: int) -> None:
        for place in [*range(start, len(texts)), *range(start)]:
            ids = direct([texts[place]], max_length=64)["input_ids"].tolist()
            direct(texts[place])  # whole, by the other copy
            if ids != expected[place]:
                wrong.append(texts[place])

    threads = [threading.Thread(target=repeat, args=(start,)) for start in range(0, 40, 10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_what_the_original_does_later_changes_nothing_here() -> None:
    usual = tiny.tokenizer()
    direct = fast(usual, 6)
    before = direct(["a good film with bad music and the best end"], max_length=6)["input_ids"].tolist()
    usual(["a good film"], padding="max_length", truncation=True, max_length=3)
    assert direct(["a good film with bad music and the best end"], max_length=6)["input_ids"].tolist() == before
    assert direct.decode(before[0]) == usual.decode(before[0])


def test_a_tokenizer_in_python_is_refused_in_one_line() -> None:
    from transformers import ByT5Tokenizer

    with pytest.raises(UserError, match=r"preprocessing=fast: google/byt5 has a ByT5Tokenizer, which is written in"):
        chosen(ByT5Tokenizer(), FAST, Checkpoint("google/byt5"), None, "cpu")
    assert chosen(kept := ByT5Tokenizer(), Settings(), Checkpoint("google/byt5"), None, "cpu") is kept


def test_a_tokenizer_that_adds_something_of_its_own_to_the_rust_one_is_refused() -> None:
    from transformers import PreTrainedTokenizerFast

    class Adding(PreTrainedTokenizerFast):  # type: ignore[misc]
        def __call__(self, *texts: Any, **options: Any) -> Any:
            made = super().__call__(*texts, **options)
            if "return_tensors" in options:
                made["input_ids"] = made["input_ids"] + 1
            return made

    tokenizer = Adding(tokenizer_object=tiny.tokenizer().backend_tokenizer, pad_token="<pad>")
    with pytest.raises(UserError, match=r"has a Adding, which does more than the Rust one beneath it; type prep"):
        chosen(tokenizer, FAST, Checkpoint("x"), None, "cpu")


def test_the_record_says_which_library_prepared() -> None:
    import tokenizers
    import transformers

    usual = tiny.tokenizer()
    assert fast_tokenizer.facts(usual)["preprocessing"] == {
        "library": "transformers",
        "version": transformers.__version__,
    }
    assert fast_tokenizer.facts(fast(usual, None))["preprocessing"] == {
        "library": "tokenizers",
        "version": tokenizers.__version__,
    }
