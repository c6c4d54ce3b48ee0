"""Chat: answers the last turn of a conversation; right or wrong where the data have a reference that decides it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from statistics import fmean
from string import ascii_uppercase
from typing import ClassVar, Literal

from joulemark.core.chat import answer_of
from joulemark.core.errors import BadRowError, UserError
from joulemark.core.quantities import Positive
from joulemark.core.task import NO_REFERENCES, NO_RULE, Inputs, Prediction, Sample, Scores, without_quality
from joulemark.data.answer_lengths import AnswerLengths
from joulemark.data.conversations import Chat as Messages
from joulemark.data.conversations import conversation_of, with_system
from joulemark.data.dataset import Dataset, Row, blank
from joulemark.data.fields import named
from joulemark.tasks.metrics import answers


@dataclass(frozen=True)
class Chat:
    """Answers the last user's turn of each conversation.

    The input is a list of messages {role, content}. Of a source with questions the only turn is `prompt`, a format
    string over `{text}` (the field `messages`), `{choices}` (a line `A. …` each) and the row's other fields.

    Attributes:
        system: system prompt in place of the conversation's own; None leaves that
        thinking: how much a model is to think before it answers; None as its chat template has it
        template: `checkpoint`, or `plain` for lines `role: content`
        scoring: how an answer is compared (`answers.RULES`); None where nothing decides
        lengths: how many tokens answers have: `reference`, `fixed`, `lognormal`; None until the end-of-text token
        length_median: median of a fixed or lognormal length, tokens
        length_sigma: standard deviation of the logarithm of a lognormal length
    """

    accepts: ClassVar[str] = "messages"
    gives: ClassVar[str] = "text"

    dataset: Dataset
    prompt: str | None
    system: str | None
    thinking: Literal["on", "off", "low", "medium", "high"] | None
    template: Literal["checkpoint", "plain"]
    scoring: Literal["exact", "choice", "number", "literal"] | None
    lengths: Literal["reference", "fixed", "lognormal"] | None
    length_median: Positive
    length_sigma: Positive
    min_new_tokens: int
    max_new_tokens: int
    name: str = "chat"
    unit: str = "token"
    metric: str = "accuracy"

    def samples(self, count: int, seed: int) -> Inputs:
        """The first `count` conversations of the dataset, each with its reference and perhaps its length."""
        if not 1 <= self.min_new_tokens <= self.max_new_tokens:
            raise UserError(
                f"task.min_new_tokens={self.min_new_tokens}, task.max_new_tokens={self.max_new_tokens}: "
                "the first must be 1 or more, the second no less"
            )
        random = Random(f"{seed} lengths")
        return self.dataset.inputs(count, lambda row: self._sample(row, random))

    def _sample(self, row: Row, random: Random) -> Sample:
        messages, said = conversation_of(row, "messages")
        whole = said if blank(row.values.get("answer")) else self._answer(row)
        target = None if whole is None else answers.reference(self.scoring, whole)
        messages = with_system(self._prompted(messages, row), self.system)
        return Sample(row.id, messages, target, self._length(random, whole))

    def _prompted(self, messages: Messages, row: Row) -> Messages:
        if self.prompt is None:
            return messages
        texts = {name: value for name, value in row.values.items() if isinstance(value, str)}
        choices = "\n".join(f"{mark}. {text}" for mark, text in zip(ascii_uppercase, self._choices(row), strict=False))
        known = {**texts, "text": messages[-1]["content"], "choices": choices}
        turn = re.sub(r"\{(\w+)\}", lambda name: known.get(name[1], name[0]), self.prompt)
        return [*messages[:-1], {"role": "user", "content": turn}]

    def _choices(self, row: Row) -> Sequence[str]:
        choices = row.values.get("choices") or ()
        if not isinstance(choices, list | tuple) or not all(isinstance(choice, str) for choice in choices):
            raise BadRowError(f"choices {str(choices)[:60]!r} are no list of texts")
        return choices

    def _answer(self, row: Row) -> str:
        """The reference as text; of a choice its letter, by name or by place."""
        value = row.values["answer"]
        if self.scoring == "choice":
            return named(value, list(ascii_uppercase[: len(self._choices(row))]), "answer")
        return value if isinstance(value, str) else str(value)

    def _length(self, random: Random, reference: str | None) -> int | None:
        if self.lengths is None:
            return None
        median, sigma = self.length_median, self.length_sigma
        drawn = AnswerLengths(self.lengths, median, sigma, self.min_new_tokens, self.max_new_tokens)
        return drawn.draw(random, reference)

    def score(self, samples: Sequence[Sample], predictions: Sequence[Prediction]) -> Scores:
        """The share of right answers, each without its reasoning; None where no rule decides."""
        if self.scoring is None:
            return without_quality((self.metric,), len(samples), NO_RULE)
        right, rule = answers.RULES[self.scoring]
        each = [
            None if sample.target is None else float(right(answer_of(str(prediction.output)), sample.target))
            for sample, prediction in zip(samples, predictions, strict=True)
        ]
        scored = [score for score in each if score is not None]
        if not scored:
            return without_quality((self.metric,), len(samples), NO_REFERENCES)
        return Scores({self.metric: fmean(scored)}, each, computed_by={self.metric: rule})
