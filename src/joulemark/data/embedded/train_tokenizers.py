"""The tokenizers of the embedded models of texts, each made of the texts that its model is trained on."""

from collections.abc import Iterable

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

SPECIAL = ("<pad>", "<s>", "</s>")
PAD, BEGIN, END = range(len(SPECIAL))
VOCABULARY = 2048


def byte_level_tokenizer(texts: Iterable[str], marked: bool) -> PreTrainedTokenizerFast:
    """A lower-case byte-level BPE: any text can be written in it. `marked` puts <s> and </s> around each text."""
    made = Tokenizer(models.BPE())
    made.normalizer = normalizers.Lowercase()
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=list(SPECIAL), initial_alphabet=sorted(alphabet), show_progress=False
    )
    made.train_from_iterator(texts, trainer)
    if marked:
        made.post_processor = processors.TemplateProcessing(
            single="<s> $A </s>", pair="<s> $A </s> $B:1 </s>:1", special_tokens=[("<s>", BEGIN), ("</s>", END)]
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=made,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        model_input_names=["input_ids", "attention_mask"],
    )


def whole_word_tokenizer(
    texts: Iterable[str], masked: bool = False, length: int | None = None
) -> PreTrainedTokenizerFast:
    """A lower-case tokenizer of whole words and signs: a word behind a mask must be one token to be found.

    `length` is the most tokens of a text, `masked` whether there is a token for a mask.
    """
    made = Tokenizer(models.WordLevel(unk_token="<unk>"))
    made.normalizer = normalizers.Lowercase()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = [*SPECIAL, "<unk>", *(["<mask>"] if masked else [])]
    made.train_from_iterator(texts, trainers.WordLevelTrainer(special_tokens=special, show_progress=False))
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", BEGIN), ("</s>", END)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=made,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        model_input_names=["input_ids", "attention_mask"],
        **({"mask_token": "<mask>"} if masked else {}),
        **({} if length is None else {"model_max_length": length}),
    )
