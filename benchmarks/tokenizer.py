"""What the stand-in tokenizer of random weights costs the host, beside tokenizers trained on the same texts.

    python -m benchmarks.tokenizer [--texts 512] [--rounds 30]

Energy with random weights is only that of real ones where the host works as long: a slow stand-in would keep a card
waiting, a quick one would flatter it. The real ones (WordPiece as BERT's, byte-level BPE as GPT-2's) are trained on the
same built-in texts, so that they too write about a token a word. Each prepares the same batch through `tokens.encode`,
in turns; prints milliseconds a batch and the tokens it holds.
"""

import argparse
import statistics
import time
from typing import Any

from hydra import initialize_config_dir
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

from joulemark.config.compose import composed
from joulemark.core.paths import CONF
from joulemark.models.backend.stand_in_tokenizer import open_stand_in
from joulemark.models.backend.tokenization import encode

ROOM = 512


def main() -> None:
    """Times each tokenizer in turns and prints medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--texts", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=30)
    asked = parser.parse_args()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        run = composed([f"samples={asked.texts}"])
    texts = [str(sample.input) for sample in run.task.samples(run.samples, run.seed).samples]
    each = {
        "stand-in": open_stand_in({"model_type": "bert", "vocab_size": 30_522}),
        "WordPiece": word_piece(texts),
        "byte-level BPE": byte_pairs(texts),
    }
    took: dict[str, list[float]] = {name: [] for name in each}
    for _ in range(asked.rounds):
        for name, tokenizer in each.items():
            began = time.perf_counter()
            made = encode(tokenizer, texts, ROOM)
            took[name].append((time.perf_counter() - began) * 1000)
    for name, tokenizer in each.items():
        made = encode(tokenizer, texts, ROOM)
        print(
            f"{name}: median {statistics.median(took[name]):.2f} ms for {len(texts)} texts, {sum(made.lengths)} tokens"
        )


def word_piece(texts: list[str]) -> Any:
    """As BERT's: lower case, words and punctuation apart."""
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.train_from_iterator(texts, trainers.WordPieceTrainer(vocab_size=30_522, special_tokens=["[UNK]", "[PAD]"]))
    return PreTrainedTokenizerFast(tokenizer_object=made, pad_token="[PAD]", unk_token="[UNK]")


def byte_pairs(texts: list[str]) -> Any:
    """As GPT-2's."""
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=50_257, special_tokens=["<|endoftext|>"]))
    return PreTrainedTokenizerFast(tokenizer_object=made, pad_token="<|endoftext|>")


if __name__ == "__main__":
    main()
