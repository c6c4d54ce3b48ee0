"""Pages of the reference that are conf/: commands, groups, every choice with its YAML, keys with type and meaning."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import yaml

from docs.site.option_types import type_of
from joulemark.cli.main import COMMANDS
from joulemark.config import option_help
from joulemark.config.option_help import Option
from joulemark.core.markdown import cell, escaped
from joulemark.core.paths import CONF

# Folders of conf/ that no command takes a choice of: what it reads whole
READ_WHOLE = {
    "equivalence": "What a Wh is compared with in a report: [impact](../docs/impact.md).",
    "reference": "Published figures that a run is put beside: [impact](../docs/impact.md), [study](../docs/study.md).",
}


def code(text: str) -> str:
    """A text as code within a table's cell."""
    return f"`{' '.join(text.split())}`".replace("|", "\\|") if text else ""


def groups() -> list[str]:
    """The folders of conf/: groups of choices, and what is read whole."""
    return sorted(folder.name for folder in CONF.iterdir() if folder.is_dir())


def commands_page() -> str:
    """Every command with its groups and its own options."""
    lines = [
        "# Commands",
        "",
        "`joulemark COMMAND key=value …`, in a checkout `python -m src.COMMAND key=value …`.",
        "",
    ]
    for command, meaning in COMMANDS.items():
        lines += [f"## {command}", "", f"{escaped(meaning[0].upper() + meaning[1:])}.", ""]
        if not (CONF / f"{command}.yaml").is_file():
            lines += [f"`joulemark {command} --help` has its arguments.", ""]
            continue
        listed = option_help.groups(command)
        if listed:
            lines += ["| group | default | decides |", "|---|---|---|"]
            lines += [f"| {_group_link(g.name)} | {code(g.default)} | {cell(g.meaning)} |" for g in listed]
            lines += [""]
        names = {group.name for group in listed}
        own = [option for option in option_help.options(command) if option.key.partition(".")[0] not in names]
        lines += [*_table((option, type_of(option)) for option in own), ""]
    return "\n".join(lines)


def group_page(group: str) -> str:
    """Every choice of a group: what it is, its keys, its YAML; then the files that the choices are made of."""
    folder = CONF / group
    files = sorted(folder.glob("*.yaml"))
    lines = [f"# {group}=", "", _meaning(group), ""]
    lines += ["| choice | is |", "|---|---|"]
    lines += [f"| [{code(file.stem)}](#{file.stem}) | {cell(_first_comment(file))} |" for file in files]
    if group == "model":
        lines += ["", *_kinds(files)]
    for file in files:
        lines += ["", f"## {file.stem}", "", _sentence(_first_comment(file)), ""]
        if group != "model" and group not in READ_WHOLE:
            lines += _table((o, type_of(o, group, file.stem)) for o in option_help.options_of(group, file.stem))
        lines += ["", *_yaml(file)]
    for part in sorted(path for path in folder.iterdir() if path.is_dir()):
        lines += ["", f"## Files that choices are made of: {part.name}", ""]
        for file in sorted(part.glob("*.yaml")):
            lines += [f"### {part.name}/{file.stem}", "", *_yaml(file), ""]
    return "\n".join(lines)


def _kinds(files: Sequence[Path]) -> Iterator[str]:
    """The keys of the models of each kind, by the first model of it: those of one kind have the same."""
    seen = set()
    for file in files:
        kind = _kind(file)
        if kind and kind not in seen:
            seen.add(kind)
            yield from [f"## Keys of every {kind}", ""]
            yield from _table(
                (o, type_of(o, "model", f"kind/{kind}")) for o in option_help.options_of("model", file.stem)
            )
            yield ""


def _kind(file: Path) -> str | None:
    for entry in (yaml.safe_load(file.read_text(encoding="utf-8")) or {}).get("defaults", []):
        if isinstance(entry, str) and entry.startswith("kind/"):
            return entry.removeprefix("kind/").partition("@")[0]
    return None


def _table(options: Iterable[tuple[Option, str]]) -> list[str]:
    rows = [f"| {code(o.key)} | {code(o.default)} | {said} | {cell(o.meaning)} |" for o, said in options]
    return ["| option | default | type | meaning |", "|---|---|---|---|", *rows] if rows else ["It has no keys."]


def _yaml(file: Path) -> list[str]:
    text = file.read_text(encoding="utf-8").rstrip()
    return [f"`conf/{file.relative_to(CONF)}`:", "", "```yaml", text, "```"]


def _meaning(group: str) -> str:
    taken: dict[tuple[str, str], list[str]] = {}
    for command in COMMANDS:
        for each in option_help.groups(command) if (CONF / f"{command}.yaml").is_file() else ():
            if each.name == group:
                taken.setdefault((each.default, each.meaning), []).append(f"`{command}`")
    if not taken:
        return READ_WHOLE.get(group, "")
    parts = [f"of {', '.join(of)} {escaped(said)} (`{default}`)" for (default, said), of in taken.items()]
    return f"A group of choices: {'; '.join(parts)}. In brackets the default."


def _group_link(name: str) -> str:
    return f"[`{name}=`](group-{name}.md)"


def _first_comment(file: Path) -> str:
    lines = file.read_text(encoding="utf-8").splitlines()
    comments = [line[1:].strip() for line in lines[:2] if line.startswith("#") and not line.startswith("# @package")]
    return comments[0] if comments else ""


def _sentence(text: str) -> str:
    return f"{escaped(text[0].upper() + text[1:])}." if text else ""
