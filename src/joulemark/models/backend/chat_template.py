"""The messages of a chat as what a model reads: by the template in its checkpoint's files, or by a plain one.

The plain one, for weights that have none: a line `role: content` for each message, then `assistant:`.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Protocol

from joulemark.core import chat
from joulemark.core.chat import Message
from joulemark.core.errors import UserError
from joulemark.core.model import Checkpoint
from joulemark.core.task import Task

PLAIN = "plain"
WITHOUT = ("embedded", "random")  # weights that come without a template


class ChatOptions(Protocol):
    """What a task says of the template."""

    @property
    def thinking(self) -> str | None:
        """One of `chat.THINKING`; None for what the template does by itself."""

    @property
    def template(self) -> str:
        """`checkpoint` or `plain`."""

    @property
    def system(self) -> str | None:
        """The system prompt; None for none."""


@dataclass(frozen=True)
class ChatTemplate:
    """How the messages of a chat become one text.

    Attributes:
        name: `checkpoint` (the template in its files) or `plain`
        of: the checkpoint's id, for messages
        variables: given to the template beside the messages
        opening: text of the answer that the template writes itself: the beginning of its reasoning
        special: whether the marks of its reasoning are special tokens, which decoding must keep
    """

    name: str = PLAIN
    of: str = ""
    variables: Mapping[str, Any] = field(default_factory=dict)
    opening: str = ""
    special: bool = False


def of_task(tokenizer: Any, task: Task, checkpoint: Checkpoint) -> ChatTemplate | None:
    """The template of a task whose inputs are chats; None of others. UserError as in `chat_template`."""
    return chat_template(tokenizer, task, checkpoint) if task.accepts == "messages" else None  # type: ignore[arg-type]


def plain_text(messages: Sequence[Message]) -> str:
    """A chat by the plain template, up to where its answer begins."""
    return "".join([*(f"{message['role']}: {message['content']}\n" for message in messages), "assistant:"])


def is_plain(task: Task, checkpoint: Checkpoint) -> bool:
    """Whether the task's chats are written by the plain template, as far as that is known without the checkpoint."""
    return getattr(task, "template", None) == PLAIN or checkpoint.weights in WITHOUT


def chats(texts: Sequence[str]) -> list[list[Message]]:
    """Chats of one message each."""
    return [[{"role": "user", "content": text}] for text in texts]


def chat_template(tokenizer: Any, options: ChatOptions, checkpoint: Checkpoint) -> ChatTemplate:
    """The template of a checkpoint's chats; weights that ship and random ones, which have none, get the plain one.

    Raises:
        UserError: the checkpoint has no template, or one without this thinking or without system prompts
    """
    own = tokenizer.get_chat_template() if tokenizer.chat_template else None
    if options.template == PLAIN or (own is None and checkpoint.weights in WITHOUT):
        if options.thinking is not None:
            raise UserError(
                f"task.thinking={options.thinking}: the plain chat template asks for no thinking; "
                "type task.thinking=null, or choose a checkpoint with a template of its own"
            )
        return ChatTemplate(of=checkpoint.id)
    if own is None:
        raise UserError(
            f"{checkpoint.id} has no chat template: it was not trained on chats; type task.template=plain for lines "
            "'role: content', or choose another checkpoint (as a rule one with -Instruct or -it in its name)"
        )
    template = ChatTemplate("checkpoint", checkpoint.id, _variables(own, options.thinking, checkpoint.id))
    system: list[Message] = [] if options.system is None else [{"role": "system", "content": options.system}]
    opening = _opening(_text(tokenizer, [*system, *chats(["a"])[0]], template))
    return replace(template, opening=opening, special=any(begin in own for begin, _ in chat.MARKS[1:]))


def chat_ids(
    tokenizer: Any, messages: Sequence[Message], room: int | None, template: ChatTemplate
) -> tuple[list[int], bool]:
    """The token ids of a chat up to where its answer begins, and whether it was truncated to fit in `room` tokens.

    The oldest turns go first; the system prompt and the last user's turn stay, of which the end is cut where nothing
    else is left. UserError where the system prompt leaves no room for it, or the template refuses the messages.
    """
    ids = _ids(tokenizer, messages, template)
    if room is None or len(ids) <= room:
        return ids, False
    head = list(messages[: next((at for at, each in enumerate(messages) if each["role"] != "system"), 0)])
    turns = [at for at in range(len(head), len(messages)) if messages[at]["role"] == "user"]
    shorter = {at: _ids(tokenizer, [*head, *messages[at:]], template) for at in turns[-1:]}
    if len(shorter[turns[-1]]) > room:
        return _cut(tokenizer, [*head, *messages[turns[-1] :]], room, template), True

    def fits(at: int) -> bool:
        shorter[at] = _ids(tokenizer, [*head, *messages[at:]], template)
        return len(shorter[at]) <= room

    first = turns[bisect_left(turns, True, hi=len(turns) - 1, key=fits)]
    return shorter[first], True


def read(tokenizer: Any, ids: Sequence[int], template: ChatTemplate) -> tuple[str, int]:
    """The text of generated token ids, reasoning and all, and how many of them came before the answer itself."""

    def text(count: int) -> str:
        return template.opening + str(tokenizer.decode(ids[:count], skip_special_tokens=not template.special))

    whole = text(len(ids))
    start = chat.answer_start(whole)
    if start in (0, len(whole)):
        return whole.strip(), len(ids) if start else 0
    ended = whole[:start]
    return whole.strip(), bisect_left(range(len(ids)), True, key=lambda count: text(count).startswith(ended))


def _variables(template: str, thinking: str | None, of: str) -> dict[str, Any]:
    """Of the variables that ask for so much thinking those that the template reads; UserError where it reads none."""
    names = _names(template)
    asked = chat.thinking_variables(thinking)
    needed = (chat.EFFORT,) if chat.EFFORT in asked else chat.SWITCHES
    if thinking is not None and not names & set(needed):
        efforts = f"task.thinking={chat.EFFORTS[0]}, {', '.join(chat.EFFORTS[1:])} or null"
        switches = "task.thinking=on, off or null"
        known = [efforts] if chat.EFFORT in names else [switches] if names & set(chat.SWITCHES) else []
        raise UserError(
            f"task.thinking={thinking}: the chat template of {of} has no {needed[0]}; "
            f"type {(known or ['task.thinking=null'])[0]}"
        )
    return {name: value for name, value in asked.items() if name in names}


def _names(template: str) -> set[str]:
    """The names that stand in a template as variables, not as attributes of another."""
    from jinja2 import Environment

    tokens = [(kind, value) for _, kind, value in Environment().lex(template)]
    return {value for (_, before), (kind, value) in pairwise(tokens) if kind == "name" and before != "."}


def _opening(prompt: str) -> str:
    """The beginning of the reasoning that stands at the end of a prompt; empty where it ends otherwise."""
    begin = chat.MARKS[0][0]
    before, mark, after = prompt.rpartition(begin)
    return mark + after if mark and before and not after.strip() else ""


def _text(tokenizer: Any, messages: Sequence[Message], template: ChatTemplate) -> str:
    from jinja2 import TemplateError

    try:
        return str(
            tokenizer.apply_chat_template(
                list(messages), tokenize=False, add_generation_prompt=True, **template.variables
            )
        )
    except TemplateError as error:
        roles = ", ".join(message["role"] for message in messages)
        system = "; type task.system=null" if messages[0]["role"] == "system" else ""
        raise UserError(f"the chat template of {template.of} refuses messages of {roles}: {error}{system}") from None


def _ids(tokenizer: Any, messages: Sequence[Message], template: ChatTemplate) -> list[int]:
    """The ids of the whole chat; a checkpoint's template writes its special tokens itself."""
    if template.name == PLAIN:
        return list(tokenizer(plain_text(messages))["input_ids"])
    return list(tokenizer(_text(tokenizer, messages, template), add_special_tokens=False)["input_ids"])


def _cut(tokenizer: Any, messages: Sequence[Message], room: int, template: ChatTemplate) -> list[int]:
    """The ids of a chat whose last turn has lost its end."""

    def shortened(content: str) -> list[int]:
        return _ids(tokenizer, [*messages[:-1], {**messages[-1], "content": content}], template)

    known = tokenizer(messages[-1]["content"], add_special_tokens=False)["input_ids"]
    left = room - len(shortened(""))
    while left > 0:
        ids = shortened(str(tokenizer.decode(known[:left], skip_special_tokens=True)))
        if len(ids) <= room:
            return ids
        left -= len(ids) - room
    raise UserError(f"the chat's system prompt and marks alone leave no room in {room} tokens; shorten task.system")
