"""Trains the embedded models from a seed: a tokenizer, a DistilBERT for sentiment and a BLOOM for every task."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    BloomConfig,
    BloomForCausalLM,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    PreTrainedTokenizerFast,
)

from src.embedded import grammar

LABELS = ("negative", "positive")
SPECIAL = ("<pad>", "<s>", "</s>")
PAD, BEGIN, END = range(len(SPECIAL))
VOCABULARY = 2048
IGNORED = -100  # what torch's cross entropy leaves out

T = TypeVar("T", bound=tuple[str, ...])


def tokenizer(texts: Iterable[str], marked: bool) -> PreTrainedTokenizerFast:
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
            single="<s> $A </s>", special_tokens=[("<s>", BEGIN), ("</s>", END)]
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=made,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        model_input_names=["input_ids", "attention_mask"],
    )


def classifier(held_out: frozenset[str], folder: Path, seed: int, steps: int = 800, batch: int = 64) -> None:
    """Trains the sentiment specialist on fresh reviews, none of them held out, and saves it."""
    torch.manual_seed(seed)
    random = Random(seed)
    words = tokenizer((grammar.review(Random(i))[0] for i in range(4000)), marked=True)
    model = DistilBertForSequenceClassification(
        DistilBertConfig(
            vocab_size=len(words),
            max_position_embeddings=256,
            dim=64,
            hidden_dim=256,
            n_layers=2,
            n_heads=4,
            pad_token_id=PAD,
            id2label=dict(enumerate(LABELS)),
            label2id={label: number for number, label in enumerate(LABELS)},
        )
    )
    examples = fresh(lambda: grammar.review(random), held_out)

    def loss() -> torch.Tensor:
        texts, labels = zip(*islice(examples, batch), strict=True)
        tensors = words(list(texts), padding=True, return_tensors="pt")
        numbers = torch.tensor([LABELS.index(label) for label in labels])
        found: torch.Tensor = model(tensors["input_ids"], attention_mask=tensors["attention_mask"], labels=numbers).loss
        return found

    _train(model, loss, steps, rate=2e-3)
    _save(model, words, folder)


def general(
    held_out: frozenset[str], prompts: dict[str, str], folder: Path, seed: int, steps: int = 2500, batch: int = 32
) -> None:
    """Trains the general model on all three tasks, asked as `prompts` does (task name to prompt), and saves it."""
    torch.manual_seed(seed)
    random = Random(seed)
    made = (part for i in range(3000) for part in (grammar.review(Random(i))[0], *grammar.news(Random(i))))
    answers = [f" {label}" for label in LABELS] * 10
    words = tokenizer([*prompts.values(), *answers, *made], marked=False)
    model = BloomForCausalLM(
        BloomConfig(
            vocab_size=len(words),
            hidden_size=128,
            n_layer=4,
            n_head=4,
            bos_token_id=BEGIN,
            eos_token_id=END,
            pad_token_id=PAD,
        )
    )
    examples = fresh(lambda: _example(random), held_out)

    def loss() -> torch.Tensor:
        pairs = [(prompts[task].format(text=text), answer) for text, task, answer in islice(examples, batch)]
        ids, answers = _tensors(words, pairs)
        logits = model(ids, attention_mask=(ids != PAD).long()).logits[:, :-1].flatten(0, 1)
        targets = ids[:, 1:].masked_fill(ids[:, 1:] == PAD, IGNORED).flatten()
        each = torch.nn.functional.cross_entropy(logits, targets, ignore_index=IGNORED, reduction="none")
        answered = answers[:, 1:].flatten()
        # The answers are few beside the texts: without a weight of their own they would be learnt last
        return each[answered].mean() + 0.5 * each[~answered & (targets != IGNORED)].mean()

    _train(model, loss, steps, rate=2e-3)
    _save(model, words, folder)


def _example(random: Random) -> tuple[str, str, str]:
    """A text, the task it is for, and the answer, which is empty where the text itself is what is learnt."""
    task = random.choice(("text_classification", "summarization", "text_generation"))
    if task == "text_classification":
        text, label = grammar.review(random)
        return text, task, f" {label}"
    text, summary = grammar.news(random)
    return text, task, f" {summary}" if task == "summarization" else ""


def fresh(make: Callable[[], T], held_out: frozenset[str]) -> Iterator[T]:
    """Examples without end, each a tuple that begins with its text; none of the texts is held out."""
    while True:
        example = make()
        if example[0] not in held_out:
            yield example


def _tensors(words: PreTrainedTokenizerFast, pairs: list[tuple[str, str]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids padded on the right, and a mask of the same shape that is true at each answer and its end."""
    rows = []
    for asked, answer in pairs:
        before = words(asked)["input_ids"]
        after = [*words(answer)["input_ids"], END] if answer else []
        rows.append((before + after, [False] * len(before) + [True] * len(after)))
    width = max(len(ids) for ids, _ in rows)
    ids = torch.tensor([ids + [PAD] * (width - len(ids)) for ids, _ in rows])
    mask = torch.tensor([mask + [False] * (width - len(mask)) for _, mask in rows])
    return ids, mask


def _train(model: Any, loss: Callable[[], torch.Tensor], steps: int, rate: float) -> None:
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=rate, total_steps=steps, pct_start=0.1)
    for step in range(steps):
        found = loss()
        optimizer.zero_grad()
        found.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 100 == 0 or step == steps - 1:
            print(f"  step {step:5d} of {steps}  loss {found.item():.3f}", flush=True)


def _save(model: Any, words: PreTrainedTokenizerFast, folder: Path) -> None:
    # Half precision halves what the repository carries; the weights are read back in the precision of the run
    model.eval().half().save_pretrained(folder, safe_serialization=True)
    words.save_pretrained(folder)
