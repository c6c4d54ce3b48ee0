"""A tokenizer for random weights that needs no download: a real vocabulary, the family's own where it ships.

It is a tokenizer of transformers like a checkpoint's, so it costs a text what that costs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joulemark.models.backend import vocabularies
from joulemark.models.backend.folding import folding

# Model types by the vocabulary of their published checkpoints, and the sizes that it has there
OWN: dict[str, tuple[frozenset[int], frozenset[str]]] = {
    "bert_uncased": (
        frozenset({30522, 30524}),
        frozenset({"bert", "distilbert", "electra", "git", "blip_text_model", "blip_2_qformer"}),
    ),
    "bert_cased": (frozenset({28996}), frozenset({"bert", "distilbert"})),
    "gpt2": (
        frozenset({50257, 50264, 50265, 50272}),
        frozenset({"gpt2", "gpt_neo", "roberta", "bart", "led", "deberta", "opt"}),
    ),
    "gpt_neox": (frozenset({50277, 50280, 50304}), frozenset({"rwkv", "mamba", "olmoe"})),
    "qwen": (frozenset({151936}), frozenset({"qwen2", "qwen3"})),
    "t5": (frozenset({32128}), frozenset({"t5"})),
    "xlm_roberta": (frozenset({250002}), frozenset({"xlm-roberta"})),
    "clip": (frozenset({49408}), frozenset({"clip_text_model"})),
}
MULTILINGUAL_SIZE = 100_000  # only vocabularies of many languages are as large
READ_NO_TEXT = ("whisper", "wav2vec2")
CLS_SEP = ("bert", "distilbert", "electra", "git", "blip_text_model", "albert", "deberta", "deberta-v2")
BEGIN_END = ("roberta", "xlm-roberta", "bart", "led")
END = ("t5", "pegasus")
BEGIN = ("opt",)
# The ids of begin, end, padding and mask where a shape names none: those of the published checkpoints
IDS = {
    "albert": (2, 3, 0, 4),
    "deberta": (1, 2, 0, 50264),
    "deberta-v2": (1, 2, 0, 250101),
    **dict.fromkeys(BEGIN_END, (0, 2, 1, -1)),
    **dict.fromkeys(("bert", "distilbert", "electra", "git", "blip_text_model"), (101, 102, 0, 103)),
}


@dataclass(frozen=True)
class Choice:
    """Which vocabulary stands in for a family's.

    Attributes:
        vocabulary: name of a shipped vocabulary
        own: whether it is the family's own, so that texts have as many tokens as with the checkpoint's
    """

    vocabulary: str
    own: bool


def choice(shape: Mapping[str, Any]) -> Choice:
    """The family's own vocabulary, or the nearest that ships."""
    size, kind = int(shape["vocab_size"]), str(shape.get("model_type"))
    for name, (sizes, kinds) in OWN.items():
        if size in sizes and kind in kinds:
            return Choice(name, own=True)
    if size >= MULTILINGUAL_SIZE:
        return Choice("xlm_roberta", own=False)
    return Choice("gpt2" if size >= 40_000 and kind not in CLS_SEP else "bert_uncased", own=False)


def facts(shape: Mapping[str, Any]) -> dict[str, Any]:
    """The vocabulary that stands in and whether it is the family's own, for the record; nothing without texts."""
    if not isinstance(shape.get("vocab_size"), int) or shape.get("model_type") in READ_NO_TEXT:
        return {}
    made = choice(shape)
    return {"stand_in_tokenizer": made.vocabulary, "stand_in_tokenizer_own": made.own}


def open_stand_in(shape: Mapping[str, Any], padding_side: str = "right", prefix_space: bool = False) -> Any:
    """The tokenizer that stands in at this shape, with the special tokens of its family."""
    from tokenizers import processors
    from transformers import PreTrainedTokenizerFast

    size, kind, vocabulary = int(shape["vocab_size"]), str(shape.get("model_type")), choice(shape).vocabulary
    roles = _roles(shape, size, vocabulary)
    names = _names(roles)
    token = {role: names[number] for role, number in roles.items()}
    made = vocabularies.build(vocabulary, size, names, token["unk"], prefix_space)
    single, pair = _template(kind, token)
    if single != "$A":
        special = [(name, number) for number, name in names.items()]
        made.post_processor = processors.TemplateProcessing(single=single, pair=pair, special_tokens=special)
    columns = ["input_ids", "attention_mask"]
    pieces = made.get_vocab_size()
    return (folding(pieces, size, names) if pieces > size else PreTrainedTokenizerFast)(
        tokenizer_object=made,
        bos_token=token["begin"],
        eos_token=token["end"],
        pad_token=token["pad"],
        mask_token=token["mask"],
        unk_token=token["unk"],
        padding_side=padding_side,
        truncation_side="right",
        model_input_names=[*columns, "token_type_ids"] if kind in CLS_SEP and kind != "distilbert" else columns,
    )


def _roles(shape: Mapping[str, Any], size: int, vocabulary: str) -> dict[str, int]:
    """The id of each special token: what the shape names, else the family's, else the last ids of the vocabulary."""
    begin, end, pad, mask = IDS.get(str(shape.get("model_type")), (None, None, None, -1))
    named = {key: value for key, value in shape.items() if key.endswith("_token_id") and isinstance(value, int)}
    end = named.get("eos_token_id", named.get("sep_token_id", end))
    end = size - 1 if end is None else end
    pad = named.get("pad_token_id", end if pad is None else pad)
    begin = named.get("bos_token_id", named.get("cls_token_id", end if begin is None else begin))
    unk = {"t5": 2, "xlm_roberta": 3, "bert_uncased": 100, "bert_cased": 100}.get(vocabulary, end)
    made = {"begin": begin, "end": end, "pad": pad, "mask": mask, "unk": unk}
    return {role: number % size for role, number in made.items()}


def _names(roles: Mapping[str, int]) -> dict[int, str]:
    """A token for each special id; roles that share an id share the token."""
    names: dict[int, str] = {}
    for role, number in roles.items():
        names.setdefault(number, f"<|{role}|>")
    return names


def _template(kind: str, token: Mapping[str, str]) -> tuple[str, str]:
    begin, end = token["begin"], token["end"]
    if kind in CLS_SEP:
        return f"{begin} $A {end}", f"{begin} $A {end} $B:1 {end}:1"
    if kind in BEGIN_END:
        return f"{begin} $A {end}", f"{begin} $A {end} {end} $B {end}"
    if kind in END:
        return f"$A {end}", f"$A {end} $B {end}"
    if kind in BEGIN:
        return f"{begin} $A", f"{begin} $A $B"
    return "$A", "$A $B"
