"""Trains the embedded models of texts from a seed: a specialist for each task, a BLOOM and a Llama for all."""

import re
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import torch
from transformers import (
    BloomConfig,
    BloomForCausalLM,
    DistilBertConfig,
    DistilBertForMaskedLM,
    DistilBertForQuestionAnswering,
    DistilBertForSequenceClassification,
    DistilBertForTokenClassification,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

from joulemark.data.embedded import grammar
from joulemark.data.embedded.train_tokenizers import BEGIN, END, PAD, byte_level_tokenizer, whole_word_tokenizer

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
LABELS = ("negative", "positive")
TAGS = ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC")
IGNORED = -100  # what torch's cross entropy leaves out

T = TypeVar("T", bound=tuple[Any, ...])


def classifier(held_out: frozenset[str], folder: Path, seed: int, steps: int = 800, batch: int = 64) -> None:
    """Trains the sentiment specialist on fresh reviews, none of them held out, and saves it."""
    torch.manual_seed(seed)
    random = Random(seed)
    tokenizer = byte_level_tokenizer((grammar.review(Random(i))[0] for i in range(4000)), marked=True)
    labels = {"id2label": dict(enumerate(LABELS)), "label2id": {label: i for i, label in enumerate(LABELS)}}
    model = DistilBertForSequenceClassification(_small(len(tokenizer), dim=64, n_layers=2, **labels))
    examples = fresh(lambda: grammar.review(random), held_out)

    def loss() -> torch.Tensor:
        texts, labels = zip(*islice(examples, batch), strict=True)
        tensors = tokenizer(list(texts), padding=True, return_tensors="pt").to(DEVICE)
        numbers = torch.tensor([LABELS.index(label) for label in labels], device=DEVICE)
        value: torch.Tensor = model(tensors["input_ids"], attention_mask=tensors["attention_mask"], labels=numbers).loss
        return value

    train(model, loss, steps, rate=2e-3)
    _save(model, tokenizer, folder)


def tagger(held_out: frozenset[str], folder: Path, seed: int, steps: int = 1000, batch: int = 64) -> None:
    """Trains the specialist that tags names, on fresh sentences, and saves it."""
    torch.manual_seed(seed)
    random = Random(seed)
    tokenizer = byte_level_tokenizer((grammar.tagged(Random(i))[0] for i in range(4000)), marked=True)
    labels = {"id2label": dict(enumerate(TAGS)), "label2id": {tag: number for number, tag in enumerate(TAGS)}}
    model = DistilBertForTokenClassification(_small(len(tokenizer), dim=64, n_layers=2, **labels))
    examples = fresh(lambda: grammar.tagged(random), held_out)

    def loss() -> torch.Tensor:
        rows = list(islice(examples, batch))
        made = tokenizer([example[1] for example in rows], is_split_into_words=True, padding=True, return_tensors="pt")
        numbers = [
            [IGNORED if word is None else TAGS.index(tags[word]) for word in made.word_ids(row)]
            for row, (_, _, tags) in enumerate(rows)
        ]
        out = model(**made.to(DEVICE), labels=torch.tensor(numbers, device=DEVICE))
        return out.loss  # type: ignore[no-any-return]

    train(model, loss, steps, rate=2e-3)
    _save(model, tokenizer, folder)


def reader(held_out: frozenset[str], folder: Path, seed: int, steps: int = 1200, batch: int = 64) -> None:
    """Trains the specialist that marks answers, on fresh questions, and saves it."""
    torch.manual_seed(seed)
    random = Random(seed)
    tokenizer = byte_level_tokenizer(
        (part for i in range(3000) for part in grammar.question(Random(i))[:2]), marked=True
    )
    model = DistilBertForQuestionAnswering(_small(len(tokenizer), dim=96, n_layers=3))
    examples = fresh(lambda: grammar.question(random), held_out)

    def loss() -> torch.Tensor:
        texts, questions, answers = (list(side) for side in zip(*islice(examples, batch), strict=True))
        made = tokenizer(questions, texts, padding=True, return_tensors="pt")
        ends = []
        for row, (text, answer) in enumerate(zip(texts, answers, strict=True)):
            at = re.search(rf"\b{answer}\b", text).start()  # type: ignore[union-attr]
            places = [place for place, owner in enumerate(made.sequence_ids(row)) if owner == 1]
            spans = [(place, made.token_to_chars(row, place)) for place in places]
            inside = [place for place, span in spans if span and span.end > at and span.start < at + len(answer)]
            ends.append((inside[0], inside[-1]))
        starts, stops = torch.tensor(ends, device=DEVICE).T
        out = model(**made.to(DEVICE), start_positions=starts, end_positions=stops)
        return out.loss  # type: ignore[no-any-return]

    train(model, loss, steps, rate=1.5e-3)
    _save(model, tokenizer, folder)


def filler(held_out: frozenset[str], folder: Path, seed: int, steps: int = 3000, batch: int = 64) -> None:
    """Trains the specialist that fills masks, on the beginnings of fresh news cut at any word, and saves it."""
    torch.manual_seed(seed)
    random = Random(seed)
    tokenizer = whole_word_tokenizer((grammar.story(Random(i)) for i in range(4000)), masked=True)
    model = DistilBertForMaskedLM(_small(len(tokenizer), dim=96, n_layers=3))
    examples = fresh(lambda: (grammar.story(random),), held_out)

    def loss() -> torch.Tensor:
        rows = []
        for (text,) in islice(examples, batch):
            parts = text.split()
            rows.append(parts[: random.randint(4, 26)] if random.random() < 0.5 else parts[:20])
        made = tokenizer([" ".join(row) for row in rows], padding=True, return_tensors="pt").to(DEVICE)
        labels = torch.full_like(made["input_ids"], IGNORED)
        for row, length in enumerate(made["attention_mask"].sum(1).tolist()):
            # the last word, as in the task, and one in seven of the others; a full stop is a word of its own
            last = length - 2
            if made["input_ids"][row, last] == tokenizer.convert_tokens_to_ids("."):
                made["attention_mask"][row, last] = 0
                last -= 1
            for place in {last, *(i for i in range(1, last) if random.random() < 0.15)}:
                labels[row, place] = made["input_ids"][row, place]
                made["input_ids"][row, place] = tokenizer.mask_token_id
        return model(**made, labels=labels).loss  # type: ignore[no-any-return]

    train(model, loss, steps, rate=2e-3)
    _save(model, tokenizer, folder)


def _small(vocabulary: int, dim: int, n_layers: int, **options: Any) -> DistilBertConfig:
    return DistilBertConfig(
        vocab_size=vocabulary,
        max_position_embeddings=256,
        dim=dim,
        hidden_dim=4 * dim,
        n_layers=n_layers,
        n_heads=4,
        pad_token_id=PAD,
        **options,
    )


def general(held_out: frozenset[str], prompts: dict[str, str], folder: Path, seed: int) -> None:
    """Trains the general model, a BLOOM, on every task that `prompts` asks (task to prompt), and saves it."""

    def bloom(vocabulary: int) -> Any:
        return BloomForCausalLM(
            BloomConfig(
                vocab_size=vocabulary,
                hidden_size=128,
                n_layer=4,
                n_head=4,
                bos_token_id=BEGIN,
                eos_token_id=END,
                pad_token_id=PAD,
            )
        )

    _asked(bloom, held_out, prompts, folder, seed, steps=4000, rate=2e-3)


def general_llama(held_out: frozenset[str], prompts: dict[str, str], folder: Path, seed: int) -> None:
    """Trains a small Llama on the same tasks, and saves it: a general model whose attention can be paged."""

    def llama(vocabulary: int) -> Any:
        return LlamaForCausalLM(
            LlamaConfig(
                vocab_size=vocabulary,
                hidden_size=64,
                intermediate_size=160,
                num_hidden_layers=4,
                num_attention_heads=4,
                num_key_value_heads=2,
                max_position_embeddings=2048,
                tie_word_embeddings=True,
                bos_token_id=BEGIN,
                eos_token_id=END,
                pad_token_id=PAD,
            )
        )

    _asked(llama, held_out, prompts, folder, seed, steps=1500, rate=5e-3, batch=24)


def _asked(
    make: Callable[[int], Any],
    held_out: frozenset[str],
    prompts: dict[str, str],
    folder: Path,
    seed: int,
    steps: int,
    rate: float,
    batch: int = 48,
) -> None:
    """Trains what `make` gives for a size of the vocabulary on every task that is asked by prompt, and saves it."""
    torch.manual_seed(seed)
    random = Random(seed)
    made = (part for i in range(3000) for part in (grammar.review(Random(i))[0], *grammar.news(Random(i))))
    completions = [f" {label}" for label in LABELS] * 10
    tokenizer = byte_level_tokenizer([*prompts.values(), *completions, *made], marked=False)
    model = make(len(tokenizer))
    examples = fresh(lambda: _example(random), held_out)

    def loss() -> torch.Tensor:
        pairs = [
            (prompts[task].format(**fields), completion) for _, task, fields, completion in islice(examples, batch)
        ]
        ids, completed = (tensor.to(DEVICE) for tensor in _tensors(tokenizer, pairs))
        logits = model(ids, attention_mask=(ids != PAD).long()).logits[:, :-1].flatten(0, 1)
        targets = ids[:, 1:].masked_fill(ids[:, 1:] == PAD, IGNORED).flatten()
        each = torch.nn.functional.cross_entropy(logits, targets, ignore_index=IGNORED, reduction="none")
        answered = completed[:, 1:].flatten()
        # The completions are few beside the texts: without a weight of their own they would be learnt last
        return each[answered].mean() + 0.5 * each[~answered & (targets != IGNORED)].mean()

    train(model, loss, steps, rate)
    _save(model, tokenizer, folder)


def _example(random: Random) -> tuple[str, str, dict[str, str], str]:
    """A text, the task it is for, the fields of its prompt, and the answer: empty where the text itself is learnt."""
    task = random.choice(("text_classification", "summarization", "text_generation", "question_answering"))
    if task == "text_classification":
        text, label = grammar.review(random)
        return text, task, {"text": text}, f" {label}"
    if task == "question_answering":
        text, question, answer = grammar.question(random)
        return text, task, {"question": question, "context": text}, f" {answer}"
    text, summary = grammar.news(random)
    return text, task, {"text": text}, f" {summary}" if task == "summarization" else ""


def fresh(make: Callable[[], T], held_out: frozenset[str]) -> Iterator[T]:
    """Examples without end, each a tuple that begins with its text; none of the texts is held out."""
    while True:
        example = make()
        if example[0] not in held_out:
            yield example


def _tensors(tokenizer: PreTrainedTokenizerFast, pairs: list[tuple[str, str]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids padded on the right, and a mask of the same shape that is true at each completion and its end."""
    rows = []
    for prompt, completion in pairs:
        before = tokenizer(prompt)["input_ids"]
        after = [*tokenizer(completion)["input_ids"], END] if completion else []
        rows.append((before + after, [False] * len(before) + [True] * len(after)))
    width = max(len(ids) for ids, _ in rows)
    ids = torch.tensor([ids + [PAD] * (width - len(ids)) for ids, _ in rows])
    mask = torch.tensor([mask + [False] * (width - len(mask)) for _, mask in rows])
    return ids, mask


def train(model: Any, loss: Callable[[], torch.Tensor], steps: int, rate: float) -> None:
    """Steps of AdamW with a one-cycle rate, on the loss of what `loss` draws; prints how it goes."""
    model.to(DEVICE).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=rate, total_steps=steps, pct_start=0.1)
    for step in range(steps):
        value = loss()
        optimizer.zero_grad()
        value.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 100 == 0 or step == steps - 1:
            print(f"  step {step:5d} of {steps}  loss {value.item():.3f}", flush=True)


def _save(model: Any, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    # Half precision halves what the repository carries; the weights are read back in the precision of the run
    model.eval().half().cpu().save_pretrained(folder, safe_serialization=True)
    tokenizer.save_pretrained(folder)
