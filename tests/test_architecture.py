"""Imports point one way, and heavy packages come in through one door each."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = {path: ast.parse(path.read_text()) for path in sorted((ROOT / "src").rglob("*.py"))}

PLUGINS = {path: ast.parse(path.read_text()) for path in sorted((ROOT / "hydra_plugins").rglob("*.py"))}

# A module may import those of lower or equal level only.
LEVELS = [
    {"core", "words", "typed", "embedded", "hub", "signals"},
    {"stats", "energy", "environment", "zones", "rows", "dataset", "tracking", "record_json"},
    {"hardware", "cards", "pictures", "batches"},
    {"settings", "lock", "card", "heartbeat", "calibration", "site", "moved"},
    {"summary", "rivals", "pins", "audit", "measure", "tasks", "models", "meters", "diagnosis"},
    {"config", "nodes", "describe", "figures", "phases", "comparison", "meaning", "foreign"},
    {"bench", "draft", "scoring", "mistakes", "console", "store", "ledger", "registry", "table", "grid", "trial"},
    {"recorder", "composed", "views"},
    {"multirun", "sweep", "cluster"},
    {"run", "suite", "questions", "hub_check", "calibrate", "rescore", "compare", "relocate", "ingest", "report"},
]
LEVEL = {name: level for level, names in enumerate(LEVELS) for name in names}

# The modules through which a heavy package may be imported (inside functions, but for mlflow's and the trainer's).
DOORS = {
    "torch": {"models", "embedded"},
    "torchao": {"models"},
    "transformers": {"models", "embedded"},
    "torchmetrics": {"models", "tasks"},  # SQuAD's measure has no other kept home; torch is loaded by then
    "diffusers": {"models", "embedded"},
    "datasets": {"rows"},
    "codecarbon": {"meters"},
    "pynvml": {"meters", "hardware", "cards", "card"},
    "amdsmi": {"meters", "cards"},
    "zeus_apple_silicon": {"meters"},
    "mlflow": {"store"},
    "optuna": {"sweep"},
    "submitit": {"cluster"},
    "ray": {"cluster"},
    "matplotlib": {"figures", "report"},
    "plotly": {"sweep", "report"},
    "sklearn": {"tasks", "embedded"},
    "rouge_score": {"tasks", "embedded"},
}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT / "src").with_suffix("").parts[0]


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
    here = name_of(path)
    if here == "__init__":
        return
    for imported in imports(MODULES[path]):
        parts = imported.split(".")
        if parts[0] == "src" and len(parts) > 1:
            assert LEVEL[parts[1]] <= LEVEL[here], f"{here} imports {parts[1]}, which lies above it"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_heavy_packages_come_in_through_their_own_module(path):
    for imported in imports(MODULES[path]):
        doors = DOORS.get(imported.split(".")[0])
        assert doors is None or name_of(path) in doors, f"{imported} in {path.name}"


def test_tasks_know_nothing_of_torch():
    for path, tree in MODULES.items():
        if name_of(path) == "tasks":
            assert not any(name.split(".")[0] in ("torch", "transformers", "diffusers") for name in imports(tree))


def test_the_command_imports_nothing_heavy_before_a_run_begins():
    code = (
        "import sys; import src.run, src.config, src.mistakes, src.recorder, src.bench;"
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
