"""Encoder-decoder language models: T5, BART and their kin."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar

from joulemark.core.model import Capabilities, Checkpoint, Loaded, Settings
from joulemark.core.task import PromptedTask
from joulemark.models.backend import (
    batches,
    context,
    fast_tokenizer,
    generation,
    generation_stages,
    own_tokenizer,
    perplexity,
    placement,
    tokenization,
    weights,
)
from joulemark.models.backend.checkpoint import fetch


@dataclass(frozen=True)
class Seq2SeqLM:
    """A model that reads its whole input, then writes its answer token after token.

    `context` is the most tokens read; None is the architecture's own limit.
    """

    loads: ClassVar[Mapping[str, Mapping[str, str]]] = {"AutoModelForSeq2SeqLM": {}}  # what identifies its checkpoints

    checkpoint: Checkpoint
    role: str
    capabilities: Capabilities = field(default_factory=Capabilities)
    context: int | None = None

    @property
    def kind(self) -> str:
        """The kind's name, a file of conf/model/kind."""
        return "seq2seq_lm"

    def load(self, task: PromptedTask, device: str, settings: Settings) -> Loaded:
        """The model on its device, answering `task` greedily; inputs of a batch are padded on the right."""
        checkpoint = fetch(self.checkpoint)
        memory = placement.watch_memory(device)
        model = weights.open_weights("AutoModelForSeq2SeqLM", checkpoint, device, settings)
        tokenizer = tokenization.open_tokenizer(checkpoint)
        own_tokenizer.check_vocabulary(model, tokenizer, checkpoint)
        limit = context.context_of(model, self.context)
        answer_limit = context.context_of(model, None, "output")  # the decoder has positions of its own
        context.room_for_input(answer_limit, task)
        forced = checkpoint.weights == "random"
        generation.make_greedy(model, tokenizer, task, forced, settings, device)
        prompt = task.prompt if self.role == "general_purpose" else "{text}"
        encoder = fast_tokenizer.chosen(tokenizer, settings, checkpoint, limit, device)
        multiple = settings.pad_to_multiple_of
        predict = generation.Generator(model, encoder, limit, prompt, task.unit, settings.cache, multiple=multiple)
        batches.check_padding(
            model, checkpoint, settings, lambda texts: predict.prepare(texts).tensors, batches.first_logits(model)
        )
        return Loaded(
            predict=predict,
            stages=generation_stages.generating(predict, device),
            facts={
                **weights.facts(model, checkpoint, settings),
                **fast_tokenizer.facts(encoder),
                "context": limit,
                "cache": settings.cache,
                "output_length": "forced" if forced else "free",
            },
            judge=partial(perplexity.judge, perplexity.Seq2SeqPerplexity(model, tokenizer, limit, answer_limit, prompt))
            if task.name == "text_generation" and not forced
            else None,
            peak_memory_bytes=memory,
            tokens=generation.token_counter(predict, task.max_new_tokens),
        )
