"""Decoder-only language models: GPT-2, BLOOM and their kin."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import ClassVar

from joulemark.core.errors import UserError
from joulemark.core.model import Capabilities, Checkpoint, Loaded, Settings
from joulemark.core.task import PromptedTask
from joulemark.models.backend import (
    answer_lengths,
    batches,
    chat_template,
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
class CausalLM:
    """A model that goes on with its prompt, token after token.

    `context` is the most tokens of prompt and answer together; None is the architecture's own limit.
    """

    loads: ClassVar[Mapping[str, Mapping[str, str]]] = {"AutoModelForCausalLM": {}}  # what identifies its checkpoints

    checkpoint: Checkpoint
    role: str
    capabilities: Capabilities = field(default_factory=Capabilities)
    context: int | None = None

    @property
    def kind(self) -> str:
        """The kind's name, a file of conf/model/kind."""
        return "causal_lm"

    def load(self, task: PromptedTask, device: str, settings: Settings) -> Loaded:
        """The model on its device, answering `task` greedily; prompts of a batch are padded on the left."""
        checkpoint = fetch(self.checkpoint)
        memory = placement.watch_memory(device)
        model = weights.open_weights("AutoModelForCausalLM", checkpoint, device, settings)
        tokenizer = tokenization.open_tokenizer(checkpoint, padding_side="left")
        own_tokenizer.check_vocabulary(model, tokenizer, checkpoint)
        limit = context.context_of(model, self.context)
        forced = checkpoint.weights == "random"
        generation.make_greedy(model, tokenizer, task, forced, settings, device)
        prompt = task.prompt if self.role == "general_purpose" else "{text}"
        room = context.room_for_input(limit, task)
        chat = chat_template.of_task(tokenizer, task, checkpoint)
        encoder = fast_tokenizer.chosen(tokenizer, settings, checkpoint, room, device)
        if encoder is not tokenizer and chat is not None:
            raise UserError("preprocessing=fast: transformers writes chats; type preprocessing=transformers")
        multiple = settings.pad_to_multiple_of
        predict = generation.Generator(model, encoder, room, prompt, task.unit, settings.cache, chat, multiple)
        batches.check_padding(
            model,
            checkpoint,
            settings,
            lambda texts: predict.prepare(texts if chat is None else chat_template.chats(texts)).tensors,
            batches.first_logits(model),
        )
        return Loaded(
            predict=predict,
            stages=generation_stages.generating(predict, device),
            facts={
                **weights.facts(model, checkpoint, settings),
                **fast_tokenizer.facts(encoder),
                "context": limit,
                "cache": settings.cache,
                "output_length": answer_lengths.said(task, forced),
                **({} if chat is None else {"chat_template": chat.name, "chat_variables": dict(chat.variables)}),
            },
            judge=partial(perplexity.judge, perplexity.CausalPerplexity(model, tokenizer, limit, prompt))
            if task.name == "text_generation" and not forced
            else None,
            peak_memory_bytes=memory,
            tokens=generation.token_counter(predict, task.max_new_tokens),
        )
