"""The answer to one request while it comes: its text, its tokens, and whether it was whole when the stream ended."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from joulemark.core import chat
from joulemark.core.task import Prediction
from joulemark.engines.openai_api import GIVEN_UP, Part

THINK = chat.MARKS[0]  # how reasoning that came apart stands in front of the answer


@dataclass(frozen=True)
class Counted:
    """Tokens counted by the tokenizer; None where it was not asked, or is not here.

    Attributes:
        read: tokens of the prompt
        written: tokens of the answer
        reasoned: of these, tokens of the reasoning
    """

    read: int | None = None
    written: int | None = None
    reasoned: int | None = None


@dataclass
class Answer:
    """Takes parts of a stream.

    Attributes:
        ended: whether the server said that the answer is whole
        at_s: when its last part came, seconds of the run's clock
        usage: its counts of tokens; empty where it told none
        finish_reason: why it ended, in the server's word
    """

    ended: bool = False
    at_s: float = 0.0
    usage: Mapping[str, Any] = field(default_factory=dict)
    finish_reason: str | None = None
    _texts: list[str] = field(default_factory=list)
    _reasonings: list[str] = field(default_factory=list)
    _tokens: int = 0

    def take(self, part: Part) -> int:
        """Notes a part; the tokens that came with it: by the server's count up to here, else one where it has text."""
        if part.text:
            self._texts.append(part.text)
        if part.reasoning:
            self._reasonings.append(part.reasoning)
        if part.finish_reason is not None:
            self.finish_reason, self.ended = part.finish_reason, True
        if part.usage is not None:
            self.usage = part.usage
        if not part.text and not part.reasoning:
            return 0
        known = int((part.usage or {}).get("completion_tokens") or 0)
        came = max(1, known - self._tokens)
        self._tokens += came
        return came

    @property
    def text(self) -> str:
        """The whole answer, with what was reasoned before it between the marks of DeepSeek-R1 and its kin."""
        reasoned = "".join(self._reasonings)
        return "".join((THINK[0], reasoned, THINK[1], *self._texts) if reasoned else self._texts)

    @property
    def reasoning(self) -> str:
        """What of the text is reasoning, its marks included."""
        text = self.text
        return text[: chat.answer_start(text)]

    @property
    def reasoning_tokens(self) -> int | None:
        """Tokens of the reasoning, as the server counted them; none of an answer that ended without any."""
        told = (self.usage.get("completion_tokens_details") or {}).get("reasoning_tokens")
        if told is None and not self.reasoning and self.finish_reason == "stop":
            return 0
        return None if told is None else int(told)

    @property
    def trouble(self) -> str | None:
        """Why this is no answer, once the stream is over; None for a whole one."""
        if self.finish_reason in GIVEN_UP:
            return f"the server gave the answer up (finish_reason={self.finish_reason})"
        return None if self.ended else "the stream ended in the middle of the answer"

    def prediction(self, counted: Counted, unit: str) -> Prediction:
        """The answer as a prediction; `counted` is what was counted here, where the server told nothing."""
        written = self.usage.get("completion_tokens", counted.written)
        reasoned = self.reasoning_tokens
        return Prediction(
            output=self.text.strip(),
            units=(written or 0) if unit == "token" else 1,
            input_tokens=self.usage.get("prompt_tokens", counted.read),
            output_tokens=written,
            reasoning_tokens=counted.reasoned if reasoned is None else reasoned,
        )
