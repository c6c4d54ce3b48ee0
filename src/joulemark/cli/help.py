"""What --help and --help-all print: the text of conf/COMMAND.yaml, with groups and options filled in from conf/."""

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence

import yaml

from joulemark.cli import output
from joulemark.config import option_help
from joulemark.config.option_help import Group, Option
from joulemark.core.paths import CONF, program

WIDTH = 120
# More choices than this are counted, and some of them named
LISTED = 14
# What a large group is shown by
EXAMPLES = {"model": ("embedded", "bloomz", "flan_t5", "qwen3", "gpt2", "distilbert_sst2", "whisper", "sdxl")}


def short(command: str) -> str:
    """The page of --help: what the command does, its groups, the options that people use, and examples.

    In the template of conf/COMMAND.yaml `$GROUPS` stands for the groups, `$KEYS a b` for these options, and `$KEYS`
    alone for the command's own.
    """
    groups = option_help.groups(command)
    names = {group.name for group in groups}
    known = {option.key: option for option in option_help.options(command)}
    own = [option for key, option in known.items() if key.partition(".")[0] not in names]

    def keys(match: re.Match[str]) -> str:
        return _options([known[key] for key in match[1].split()] or own)

    page = re.sub(r"^\$KEYS(.*)$", keys, _template(command), flags=re.M)
    page = page.replace("$GROUPS", _groups(groups))
    return _here(f"{page.rstrip()}\n\n  joulemark {command} --help-all   every option and its meaning\n  {output.HELP}")


def full(command: str, overrides: Sequence[str]) -> str:
    """The page of --help-all: every choice of every group, and every option of the choices that are typed."""
    groups = option_help.groups(command)
    names = {group.name for group in groups}
    chosen = {"sweep": "efficiency", **_chosen(overrides)}
    parts = [f"joulemark {command} [key=value …]: every option, its default and its meaning"]
    for group in groups:
        parts.append(_folded(f"{group.name}={group.default}", _sentence(group), 2, 26))
        parts.append(textwrap.fill(", ".join(group.choices), WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6))
    sections: dict[str, list[Option]] = {}
    for option in option_help.options(command, chosen):
        head = option.key.partition(".")[0]
        sections.setdefault(head if head in names else "", []).append(option)
    for name, section in sections.items():
        choice = chosen.get(name) or next((group.default for group in groups if group.name == name), "")
        parts += ["", f"{name}={choice}" if name else "Options of the command itself", _options(section)]
    if groups:
        parts += ["", f"Another choice has other options: joulemark {command} {groups[0].name}=NAME --help-all"]
    return _here("\n".join([*parts, "", output.HELP]))


def _template(command: str) -> str:
    values = yaml.safe_load((CONF / f"{command}.yaml").read_text(encoding="utf-8"))
    return str(values["hydra"]["help"]["template"])


def _here(text: str) -> str:
    """Commands as they are typed in this folder."""
    names = "|".join(path.stem for path in CONF.glob("*.yaml"))
    return re.sub(rf"\bjoulemark ({names}|compare)\b", lambda match: program(match[1]), text)


def _chosen(overrides: Iterable[str]) -> Mapping[str, str]:
    return {key: value for key, _, value in (override.partition("=") for override in overrides) if value}


def _sentence(group: Group) -> str:
    return f"{len(group.choices)} choices: {group.meaning}" if group.meaning else f"{len(group.choices)} choices"


def _groups(groups: Sequence[Group]) -> str:
    lines = []
    for group in groups:
        names = [name for name in group.choices if name != "none"]
        if len(names) > LISTED:
            examples = EXAMPLES.get(group.name, names[:6])
            shown = f"{len(names)}, such as {', '.join(examples)}"
        else:
            shown = ", ".join(names)
        lines.append(_folded(f"{group.name}={group.default}", f"{group.meaning}: {shown}".lstrip(": "), 2, 32))
    return "\n".join(lines)


def _options(options: Sequence[Option]) -> str:
    width = min(max((len(f"{option.key}={option.default}") for option in options), default=0), 34)
    return "\n".join(_folded(f"{option.key}={option.default}", option.meaning, 2, width + 4) for option in options)


def _folded(head: str, text: str, indent: int, column: int) -> str:
    """`head` and, from `column` on, `text`; on a line of its own where the head is longer."""
    head = " " * indent + head
    lines = textwrap.wrap(text, WIDTH - column) or [""]
    if len(head) + 2 > column:
        return "\n".join([head, *(" " * column + line for line in lines if line)])
    return "\n".join([f"{head:{column}}{lines[0]}".rstrip(), *(" " * column + line for line in lines[1:])])
