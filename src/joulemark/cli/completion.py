"""joulemark completion bash: completion of commands, options and choices, for `eval` in bash or zsh."""

import sys

from joulemark.cli import output
from joulemark.cli.progress import refuse
from joulemark.config import option_help
from joulemark.core.paths import CONF

# bash takes what follows a "=" for a word of its own, so what stands before it is cut from what is offered
SCRIPT = r"""
_joulemark() {
  local line="${COMP_LINE:0:COMP_POINT}" word i
  word="${line##*[[:space:]]}"
  COMPREPLY=($(joulemark completion query "$line" 2>/dev/null))
  if [[ $word == *=* && $COMP_WORDBREAKS == *=* ]]; then
    for i in "${!COMPREPLY[@]}"; do COMPREPLY[i]="${COMPREPLY[i]#*=}"; done
  elif [[ ${#COMPREPLY[@]} -gt 0 && ${COMPREPLY[0]} != *= ]]; then
    COMPREPLY=("${COMPREPLY[@]/%/ }")
  fi
}
complete -o nospace -o default -F _joulemark joulemark
"""
OPTIONS_OF = {"predict": "run"}  # commands that take another one's options
ZSH = "autoload -U +X compinit bashcompinit && compinit && bashcompinit\n"


def offers(line: str) -> list[str]:
    """The completions of the last argument of a command line that begins with `joulemark`."""
    from joulemark.cli.main import COMMANDS

    *before, partial = line.split(" ")
    before = [part for part in before if part][1:]
    if not before:
        return [name for name in COMMANDS if name.startswith(partial)]
    command = OPTIONS_OF.get(before[0], before[0])
    if not (CONF / f"{command}.yaml").is_file():
        return []
    key, typed, value = partial.partition("=")
    groups = {group.name: group for group in option_help.groups(command)}
    if typed:
        names = groups[key].choices if key in groups else tuple(output.VALUES) if key in output.KEYS else ()
        return [f"{key}={name}" for name in names if name.startswith(value)]
    chosen = dict(part.partition("=")[::2] for part in before)
    keys = [*groups, *(option.key for option in option_help.options(command, chosen)), *output.KEYS]
    return [f"{name}=" for name in keys if name.startswith(partial)]


def main() -> int:
    """Prints the script of a shell, or what completes a line; returns the exit code."""
    what, *rest = sys.argv[1:] or [""]
    if what == "query":
        print("\n".join(offers(rest[0] if rest else "")))
        return 0
    if what in ("", "-h", "--help"):
        print('eval "$(joulemark completion bash)" in ~/.bashrc, or the same with zsh in ~/.zshrc')
        return 0
    if what not in ("bash", "zsh"):
        return refuse(f"joulemark completion {what}: unknown shell; type bash or zsh")
    print((ZSH if what == "zsh" else "") + SCRIPT.strip())
    return 0
