"""The pages of the reference of what `import joulemark` gives: its names, and the types that they hold in turn."""

import inspect
from collections.abc import Iterator
from typing import Any, get_args, get_type_hints

import joulemark

TYPES = "python-types"


def page() -> str:
    """Every public name: functions first, then what they return and raise."""
    names = sorted(joulemark.__all__, key=lambda name: (not inspect.isfunction(getattr(joulemark, name)), name))
    use = "`import joulemark as jm`; how they are used: [the Python interface](../docs/python.md)."
    held = f"What their attributes hold in turn: [Python types]({TYPES}.md)."
    directives = [_directive(name, f"joulemark.{name}", getattr(joulemark, name)) for name in names]
    return "\n".join(["# Python names", "", use, held, "", *directives])


def types_page() -> str:
    """Every class of the program that an attribute of a public name holds, and what those hold."""
    own = [named for name in joulemark.__all__ if inspect.isclass(named := getattr(joulemark, name))]
    held = sorted(set(_reached(own)) - set(own), key=lambda each: (each.__name__, each.__module__))
    said = "What attributes of [the public names](python.md) hold. They are read, not made."
    # An empty signature: nobody calls them, and the attributes below have the types
    directives = [_directive(each.__name__, f"{each.__module__}.{each.__name__}()", each) for each in held]
    return "\n".join(["# Python types", "", said, "", *directives])


def _directive(heading: str, path: str, what: Any) -> str:
    kind = "function" if inspect.isfunction(what) else "class"
    members = ["   :members:"] if kind == "class" else []
    return "\n".join([f"## {heading}", "", "```{eval-rst}", f".. auto{kind}:: {path}", *members, "```", ""])


def _reached(classes: list[type]) -> list[type]:
    """The classes of the program that those of `classes` hold, at any depth."""
    found = list(classes)
    for each in found:  # which grows
        for holder in (each, *_getters(each)):
            for hint in get_type_hints(holder).values():
                found += [t for t in _parts(hint) if _ours(t) and t not in found]
    return found


def _getters(each: type) -> Iterator[Any]:
    for name, value in vars(each).items():
        getter = getattr(value, "fget", None) or getattr(value, "func", None)
        if getter is not None and not name.startswith("_"):
            yield getter


def _parts(hint: Any) -> Iterator[Any]:
    yield hint
    for part in get_args(hint):
        yield from _parts(part)


def _ours(each: Any) -> bool:
    return inspect.isclass(each) and each.__module__.startswith(joulemark.__name__)
