"""Packages that are imported once something is asked of them, where libraries import them for a name or two.

Until then a stand-in has those names. The first use of any other one, or of any of the package's modules, imports the
package in its place. A process calls this for itself, never a library's user.
"""

import importlib
import sys
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any


def defer(package: str, names: dict[str, Any], alone: str | None = None) -> None:
    """Has this process import a package once it is asked for more than these names; nothing where it is there.

    The module `alone` of it needs no other one, and is imported without the package.
    """
    spec = None if package in sys.modules else find_spec(package)
    if spec is not None:
        sys.modules[package] = stand_in = _StandIn(spec, names, alone)
        sys.meta_path.insert(0, _Finder(stand_in))


def imported(package: str) -> bool:
    """Whether a package is there, not its stand-in."""
    return sys.modules.get(package) is not None and not isinstance(sys.modules[package], _StandIn)


class _StandIn(ModuleType):
    """The package with a few names."""

    def __init__(self, spec: ModuleSpec, names: dict[str, Any], alone: str | None) -> None:
        super().__init__(spec.name)
        self.__spec__, self.__file__ = spec, spec.origin
        self.__dict__.update(names, __path__=spec.submodule_search_locations, __alone__=alone)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # of what looks through all modules: nothing is asked of this one
            raise AttributeError(name)
        return getattr(_import(self), name)


class _Finder:
    """Of a module of the package: imports the package, and finds the one that came with it."""

    def __init__(self, stand_in: _StandIn) -> None:
        self.stand_in = stand_in

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """The module's place; None for those of other packages."""
        if not name.startswith(f"{self.stand_in.__name__}.") or name == self.stand_in.__alone__:
            return None
        _import(self.stand_in)
        if (module := sys.modules.get(name)) is None:
            return None
        # what is there by now is taken by its own spec (importlib._bootstrap._find_spec), and would be executed again
        module.__spec__ = ModuleSpec(name, _Found(module))
        return module.__spec__


class _Found(Loader):
    """The loader of a module that is there."""

    def __init__(self, module: ModuleType) -> None:
        self._module, self._spec = module, module.__spec__

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """The module."""
        return self._module

    def exec_module(self, module: ModuleType) -> None:
        """Nothing but its own spec, which importing replaced."""
        module.__spec__ = self._spec


def _import(stand_in: _StandIn) -> ModuleType:
    """The package, in place of its stand-in."""
    name, alone = stand_in.__name__, stand_in.__alone__
    if sys.modules.get(name) is stand_in:
        del sys.modules[name]
        sys.meta_path[:] = [each for each in sys.meta_path if getattr(each, "stand_in", None) is not stand_in]
    package = importlib.import_module(name)
    if alone in sys.modules:  # imported before its package was
        setattr(package, alone.rpartition(".")[2], sys.modules[alone])
    return package
