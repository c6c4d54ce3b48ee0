"""A chat: how much a model is to think before it answers, and where in what it writes the answer begins."""

from collections.abc import Mapping
from typing import Any

Message = Mapping[str, str]  # role: system, user or assistant; content: text

EFFORTS = ("low", "medium", "high")
THINKING = ("on", "off", *EFFORTS)
# Variables of chat templates by what they switch: Qwen3, GLM-4.5, SmolLM3; DeepSeek-V3.1, Granite; gpt-oss
SWITCHES = ("enable_thinking", "thinking")
EFFORT = "reasoning_effort"

# What begins and what ends the reasoning: Qwen3, DeepSeek-R1 and their kin; the harmony format of gpt-oss
MARKS = (("<think>", "</think>"), ("<|channel|>analysis", "<|channel|>final<|message|>"))
ENDS = ("<|return|>", "<|end|>")  # of a message in the harmony format


def thinking_variables(thinking: str | None) -> dict[str, Any]:
    """The variables of a chat template that ask for so much thinking, under every name that templates have for them.

    `thinking` is one of THINKING, or None for what the template does by itself. An effort also switches thinking on.
    """
    if thinking is None:
        return {}
    switched = dict.fromkeys(SWITCHES, thinking != "off")
    return {**switched, EFFORT: thinking} if thinking in EFFORTS else switched


def answer_start(text: str) -> int:
    """The character at which the answer begins: after the reasoning; 0 without any, the end where it never ended."""
    for begin, end in MARKS:
        place = text.rfind(end)
        if place >= 0:
            return place + len(end)
        if text.lstrip().startswith(begin):
            return len(text)
    return 0


def answer_of(text: str) -> str:
    """What a model wrote without its reasoning; empty where its tokens were used up before an answer began."""
    answer = text[answer_start(text) :]
    for end in ENDS:
        answer = answer.partition(end)[0]
    return answer.strip()
