"""How surprised a language model is by the reference texts: exp of the mean negative log-likelihood per token.

Computed outside the measured windows, by torchmetrics; the tokens of the input are read but not counted.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf, isfinite
from typing import Any

from joulemark.core.task import Prediction, Sample
from joulemark.data.batching import split
from joulemark.models.backend.compilation import eagerly
from joulemark.models.backend.generation import to_device
from joulemark.models.backend.tokenization import UNLIMITED

BATCH = 8
IGNORED = -100  # a label no token has: torch's convention for "do not count"


Perplexity = Callable[[Sequence[Any], Sequence[str]], float]


def judge(perplexity: Perplexity, samples: Sequence[Sample], predictions: Sequence[Prediction]) -> dict[str, Any]:
    """The perplexity of the samples' references; None without references, or where half precision overflows."""
    pairs = [(sample.input, sample.target) for sample in samples if sample.target is not None]
    with eagerly(getattr(perplexity, "model", None)):
        value = perplexity(*zip(*pairs, strict=True)) if pairs else inf
    return {"perplexity": value if isfinite(value) else None}


@dataclass(frozen=True)
class CausalPerplexity:
    """Perplexity of references that go on from their prompted inputs, in a decoder-only model.

    Where input and reference do not fit in `context` tokens together, the input loses its beginning; None is no limit.
    """

    model: Any
    tokenizer: Any
    context: int | None
    prompt: str

    def __call__(self, inputs: Sequence[Any], references: Sequence[str]) -> float:
        metric = _metric(self.model)
        pairs = [self._pair(text, reference) for text, reference in zip(inputs, references, strict=True)]
        for batch in split([pair for pair in pairs if pair[1]], BATCH):
            self._update(metric, batch)
        return float(metric.compute())

    def _pair(self, text: Any, reference: str) -> tuple[list[int], list[int]]:
        """The ids of the input and of the reference, which begins with the space between them."""
        context = UNLIMITED if self.context is None else self.context
        prompted = self.prompt.replace("{text}", text)
        known = self.tokenizer(prompted)["input_ids"]
        both = self.tokenizer(f"{prompted} {reference.strip()}")["input_ids"][: len(known) + context - 1]
        if not known:  # the first token of a reference needs one before it
            start = self.tokenizer.bos_token_id
            known = [self.tokenizer.eos_token_id if start is None else start]
            both = known + both
        known, new = both[: len(known)], both[len(known) :]
        return known[max(0, len(both) - context) :], new

    def _update(self, metric: Any, pairs: Sequence[tuple[list[int], list[int]]]) -> None:
        import torch

        width = max(len(known) + len(new) for known, new in pairs)
        shortest = min(len(known) for known, _ in pairs)
        ids = torch.full((len(pairs), width), self.tokenizer.pad_token_id)
        labels = torch.full((len(pairs), width), IGNORED)
        mask = torch.zeros((len(pairs), width), dtype=torch.long)
        for row, (known, new) in enumerate(pairs):
            # padded on the right, so that positions count from the first token without being told
            ids[row, : len(known) + len(new)] = torch.tensor(known + new)
            labels[row, len(known) : len(known) + len(new)] = torch.tensor(new)
            mask[row, : len(known) + len(new)] = 1
        with torch.inference_mode():
            # logits of a 250,000-word vocabulary are large: only those of the references are made
            logits = self.model(
                **to_device({"input_ids": ids, "attention_mask": mask}, self.model),
                use_cache=False,
                logits_to_keep=width - shortest + 1,
            ).logits
        metric.update(logits[:, :-1].float(), labels[:, shortest:].to(logits.device))


@dataclass(frozen=True)
class Seq2SeqPerplexity:
    """Perplexity of references as the answers to their prompted inputs, in an encoder-decoder model.

    An input loses its end beyond `context` tokens and a reference beyond `answer_context`; None is no limit.
    """

    model: Any
    tokenizer: Any
    context: int | None
    answer_context: int | None
    prompt: str

    def __call__(self, inputs: Sequence[Any], references: Sequence[str]) -> float:
        import torch

        metric = _metric(self.model)
        for batch in split([pair for pair in zip(inputs, references, strict=True) if pair[1].strip()], BATCH):
            read = self._tokens([self.prompt.replace("{text}", text) for text, _ in batch], self.context)
            wanted = self._tokens([reference for _, reference in batch], self.answer_context)
            labels = wanted["input_ids"].masked_fill(wanted["attention_mask"] == 0, IGNORED)
            with torch.inference_mode():
                logits = self.model(**read, labels=labels).logits
            metric.update(logits.float(), labels)
        return float(metric.compute())

    def _tokens(self, texts: list[str], room: int | None) -> dict[str, Any]:
        most = UNLIMITED if room is None else room
        made = self.tokenizer(texts, padding=True, truncation=True, max_length=most, return_tensors="pt")
        return to_device(made, self.model)


def _metric(model: Any) -> Any:
    from torchmetrics.text import Perplexity

    return Perplexity(ignore_index=IGNORED).to(model.device)
