"""The page of the reference of what `import joulemark` gives, by its docstrings."""

import inspect

import joulemark


def page() -> str:
    """Every public name: functions first, then what they return and raise."""
    names = sorted(joulemark.__all__, key=lambda name: (not inspect.isfunction(getattr(joulemark, name)), name))
    directives = []
    for name in names:
        kind = "function" if inspect.isfunction(getattr(joulemark, name)) else "class"
        directives += [f"## {name}", "", "```{eval-rst}", f".. auto{kind}:: joulemark.{name}"]
        directives += ["   :members:"] if kind == "class" else []
        directives += ["```", ""]
    use = "`import joulemark as jm`; how they are used: [the Python interface](../docs/python.md)."
    return "\n".join(["# Python names", "", use, "", *directives])
