"""What a server is asked: the task's prompt with the input in it, or the messages of a chat; and counting tokens here.

The tokenizer is opened when it is first needed, which it is not where a server counts and no length is asked for.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from joulemark.core import chat
from joulemark.core.model import Checkpoint, Model
from joulemark.core.serving import Call
from joulemark.core.task import Task
from joulemark.data import hub
from joulemark.models.backend.chat_template import is_plain, plain_text
from joulemark.models.backend.checkpoint import fetch
from joulemark.models.backend.tokenization import filled, open_tokenizer

MESSAGES = "messages"  # the input of a chat, as tasks say it

Asked = str | Sequence[Mapping[str, str]]  # a text, or the messages of a chat


class Asking:
    """Inputs of one task as what a server is asked, for one model.

    Attributes:
        chats: whether text too is sent as a chat, of one message
    """

    def __init__(self, model: Model, task: Task, chats: bool) -> None:
        self.chats = chats
        self._checkpoint = model.checkpoint
        self._plain = not chats and is_plain(task, model.checkpoint)
        self._prompt = getattr(task, "prompt", "{text}") if model.role == "general_purpose" else "{text}"
        self._lock = threading.Lock()
        self._tokenizer: Any = None
        self._looked = False

    def __call__(self, call: Call) -> Asked:
        """What is asked for a call. LookupError where it is to have a length and there is no tokenizer here."""
        if not isinstance(call.input, str | Mapping):
            return plain_text(call.input) if self._plain else [dict(each) for each in call.input]
        text = filled(self._prompt, call.input)
        if call.input_tokens is not None:
            text = self._of_length(text, call.input_tokens)
        return [{"role": "user", "content": text}] if self.chats else text

    def count(self, text: str) -> int | None:
        """How many tokens a text has, without those that begin and end one; None without a tokenizer here."""
        tokenizer = self.tokenizer()
        return None if tokenizer is None else len(tokenizer(text, add_special_tokens=False)["input_ids"])

    def tokenizer(self) -> Any | None:
        """The checkpoint's tokenizer, where its files are on this machine."""
        with self._lock:
            if not self._looked:
                self._tokenizer, self._looked = _opened(self._checkpoint), True
            return self._tokenizer

    def _of_length(self, text: str, tokens: int) -> str:
        """The text, repeated and cut to so many tokens; decoding and reading it again may differ by one or two."""
        tokenizer = self.tokenizer()
        if tokenizer is None:
            raise LookupError(f"a prompt of {tokens} tokens needs the tokenizer of {self._checkpoint.id}, not here")
        room = max(1, tokens - len(tokenizer("")["input_ids"]))
        ids = tokenizer(text, add_special_tokens=False)["input_ids"] or [0]
        ids = (ids * (room // len(ids) + 1))[:room]
        return str(tokenizer.decode(ids, skip_special_tokens=True))


def thinking_fields(task: Task) -> dict[str, Any]:
    """Fields of a request that ask for so much thinking as the task: variables of its template, OpenAI's own effort."""
    variables = chat.thinking_variables(getattr(task, "thinking", None))
    effort = {chat.EFFORT: variables[chat.EFFORT]} if chat.EFFORT in variables else {}
    return {"chat_template_kwargs": variables, **effort} if variables else {}


def _opened(checkpoint: Checkpoint) -> Any | None:
    """The tokenizer of a checkpoint whose files are here; nothing is downloaded for it."""
    if checkpoint.weights == "none":
        return None
    if checkpoint.weights == "hub" and checkpoint.path is None:
        folder = hub.cached(checkpoint.id, checkpoint.revision)
        if folder is None or not any(folder.glob("tokenizer*")):
            return None
        checkpoint = replace(checkpoint, path=folder)
    return open_tokenizer(fetch(checkpoint))
