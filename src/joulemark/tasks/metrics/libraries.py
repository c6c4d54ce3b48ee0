"""The library that computed a metric, with its version."""

from importlib.metadata import version


def library(name: str, *rules: str) -> str:
    """A package with its version, then the rules that were chosen: `jiwer 4.0.0, basic normalizer`."""
    return ", ".join((f"{name} {version(name)}", *rules))
