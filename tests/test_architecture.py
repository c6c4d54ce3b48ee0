"""Imports point one way, and heavy packages come in through one door each."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.paths import ROOT

MODULES = {path: ast.parse(path.read_text()) for path in sorted((ROOT / "src" / "joulemark").rglob("*.py"))}

PLUGINS = {path: ast.parse(path.read_text()) for path in sorted((ROOT / "hydra_plugins").rglob("*.py"))}

# A package may import those above it in this list only, and its own.
LEVELS = [
    {"core"},
    {"hardware", "data"},
    {"tasks", "models", "meters", "scenarios"},
    {"engines"},
    {"analysis"},
    {"telemetry"},
    {"config"},
    {"measure"},
    {"store"},
    {"reporting"},
    {"sweep"},
    {"cli", "api"},
]
LEVEL = {name: level for level, names in enumerate(LEVELS) for name in names}

# The modules through which a heavy package may be imported (inside functions, but for mlflow's and the trainer's).
DOORS = {
    "torch": {"models", "data/embedded"},
    "torchao": {"models/backend"},
    "transformers": {"models", "data/embedded"},
    "torchmetrics": {"models/backend", "tasks"},  # SQuAD's measure has no other kept home; torch is loaded by then
    "diffusers": {"models/backend", "data/embedded"},
    "datasets": {"data/sources"},
    "aiohttp": {"engines"},
    "codecarbon": {"meters/codecarbon"},
    "pynvml": {"meters", "hardware"},
    "amdsmi": {"meters", "hardware"},
    "zeus_apple_silicon": {"meters"},
    "mlflow": {"store"},
    "optuna": {"sweep"},
    "submitit": {"sweep/cluster"},
    "ray": {"sweep/cluster"},
    "matplotlib": {"store/figures", "reporting"},
    "plotly": {"sweep/figures", "reporting"},
    "sklearn": {"tasks", "data/embedded"},
    "rouge_score": {"tasks", "data/embedded"},
}


def name_of(path: Path) -> str:
    """The module's path below the package, `store/figures`."""
    return path.relative_to(ROOT / "src" / "joulemark").with_suffix("").as_posix()


def package(path: Path) -> str:
    return name_of(path).partition("/")[0]


def imports(tree: ast.AST) -> list[str]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down(path):
    here = package(path)
    if here in ("__init__", "__main__"):
        return
    for imported in imports(MODULES[path]):
        parts = imported.split(".")
        if parts[0] == "joulemark" and len(parts) > 1 and parts[1] != here:
            assert LEVEL[parts[1]] < LEVEL[here], f"{here} imports {parts[1]}, which does not lie below it"


def test_no_module_imports_itself_through_others():
    graph = {}
    for path, tree in MODULES.items():
        at_top = ast.Module([node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)], [])
        names = {".".join(["joulemark", *name_of(path).split("/")]).removesuffix(".__init__")}
        graph[names.pop()] = imports(at_top)
    known = set(graph)
    edges = {
        name: {one if one in known else one.rpartition(".")[0] for one in found} & known - {name}
        for name, found in graph.items()
    }
    list(TopologicalSorter(edges).static_order())  # raises CycleError


def test_a_newcomer_sees_few_names():
    seen = {path.name for path in (ROOT / "src" / "joulemark").iterdir() if path.name != "__pycache__"}
    assert {name for name in seen if "." not in name} == set(LEVEL) - {"api"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_heavy_packages_come_in_through_their_own_module(path):
    for imported in imports(MODULES[path]):
        doors = DOORS.get(imported.split(".")[0])
        here = name_of(path)
        assert doors is None or any(f"{here}/".startswith(f"{door}/") for door in doors), f"{imported} in {here}"


def test_tasks_know_nothing_of_torch():
    for path, tree in MODULES.items():
        if package(path) == "tasks":
            assert not any(name.split(".")[0] in ("torch", "transformers", "diffusers") for name in imports(tree))


def test_the_command_imports_nothing_heavy_before_a_run_begins():
    code = (
        "import sys; import joulemark.cli.run, joulemark.store.recorder, joulemark.measure.runner;"
        f"heavy = sorted(set(sys.modules) & {set(DOORS) | {'pandas', 'scipy', 'pyarrow'}!r}); print(heavy)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_hydra_finds_plugins_that_bring_nothing_to_the_start_of_a_command():
    assert not (ROOT / "hydra_plugins" / "__init__.py").exists()  # it would hide plugins that are installed
    for path, tree in PLUGINS.items():
        at_top = {name.split(".")[0] for node in tree.body for name in imports(ast.Module([node], []))
                  if isinstance(node, ast.Import | ast.ImportFrom)}  # fmt: skip
        assert at_top <= {"hydra", "omegaconf", "fresh", *sys.stdlib_module_names}, path.name


@pytest.mark.parametrize("path", PLUGINS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_plugin_opens_no_door_to_a_heavy_package(path):
    assert not {name.split(".")[0] for name in imports(PLUGINS[path])} & set(DOORS)


def test_functions_stay_small():
    for path, tree in {**MODULES, **PLUGINS}.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                length = node.end_lineno - node.lineno + 1
                assert length <= 60, f"{path.name}: {node.name} has {length} lines"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_public_definition_says_what_it_promises(path):
    for node in MODULES[path].body:
        members = [node, *(node.body if isinstance(node, ast.ClassDef) else [])]
        for definition in members:
            if isinstance(definition, ast.FunctionDef | ast.ClassDef) and not definition.name.startswith("_"):
                assert ast.get_docstring(definition), f"{name_of(path)}: {definition.name}"
