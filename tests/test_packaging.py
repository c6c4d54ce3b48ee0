"""What is installed is what is declared: bounds, exact constraints, and the modules that the code imports."""

import ast
import re
import sys
import tomllib

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from joulemark.core import extras
from tests.paths import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
# what only whoever works on the program needs: its tests, and its documentation as a site
DEVELOPMENT = ("dev", "docs")
EXTRAS = {name: lines for name, lines in PROJECT["optional-dependencies"].items() if name not in DEVELOPMENT}
OPTIONS = [line for lines in PROJECT["optional-dependencies"].values() for line in lines]
DECLARED = [Requirement(line) for line in (*PROJECT["dependencies"], *OPTIONS)]
PINNED = {
    canonicalize_name(line.split("==")[0]): line.split("==")[1].strip()
    for line in (ROOT / "constraints.txt").read_text().splitlines()
    if line and not line.startswith("#")
}

# What `make lock` wrote: version and how many files' hashes, by name
LOCKED = {
    canonicalize_name(name): (version, block.count("--hash=sha256:"))
    for name, version, block in re.findall(
        r"^([A-Za-z0-9._-]+)==(\S+)(.*(?:\n +--hash=.*)*)", (ROOT / "requirements.lock").read_text(), re.M
    )
}

# import name -> distribution, where they differ
DISTRIBUTION = {
    "yaml": "pyyaml",
    "sklearn": "scikit-learn",
    "pynvml": "nvidia-ml-py",
    "hydra": "hydra-core",
    "PIL": "pillow",
    "opentelemetry": "opentelemetry-sdk",
    "cpuinfo": "py-cpuinfo",
}
OPTIONAL = {
    "httpx",  # huggingface_hub before 2 brings it
    "amdsmi",  # comes with the machine's own ROCm, in its version
    "zeus_apple_silicon",  # exists on Apple's processors only
}


def test_every_dependency_is_bounded_and_its_exact_version_lies_within():
    for requirement in DECLARED:
        name = canonicalize_name(requirement.name)
        assert name in PINNED, f"{name} is not in constraints.txt"
        assert requirement.specifier.contains(PINNED[name]), f"{requirement} and {PINNED[name]}"
    unbounded = [r.name for r in DECLARED if not any(s.operator in ("<", "==", "<=") for s in r.specifier)]
    assert unbounded == []


def test_the_lock_holds_every_dependency_in_its_exact_version_with_the_hashes_of_its_files():
    lines = [line for extra in DEVELOPMENT for line in PROJECT["optional-dependencies"][extra]]
    development = {canonicalize_name(Requirement(line).name) for line in lines}
    declared = {canonicalize_name(requirement.name) for requirement in DECLARED} - development
    assert declared - {"torchvision"} <= LOCKED.keys()
    assert {name: version for name, (version, _) in LOCKED.items() if PINNED.get(name, version) != version} == {}
    assert [name for name, (_, hashes) in LOCKED.items() if not hashes] == []
    assert "://" not in (ROOT / "requirements.lock").read_text()  # names no index


def test_torch_is_the_version_the_readme_names():
    assert PINNED["torch"] == "2.13.0"
    assert "2.13.0" in (ROOT / "README.md").read_text()


def test_constraints_are_exact_and_name_no_place():
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        assert line.startswith("#") or re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9_.+!]+", line), line


def test_whatever_the_code_imports_is_installed_by_the_project():
    imported = set()
    for path in (*(ROOT / "src").rglob("*.py"), *(ROOT / "hydra_plugins").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                imported.add(node.module.split(".")[0])
    outside = imported - set(sys.stdlib_module_names) - {"joulemark"} - OPTIONAL
    assert {DISTRIBUTION.get(name, canonicalize_name(name)) for name in outside} <= set(PINNED)


def test_an_extra_that_is_named_to_a_user_brings_the_module_that_is_missing():
    assert set(extras.MODULES) == set(EXTRAS)
    for extra, modules in extras.MODULES.items():
        brought = {Requirement(line).name.replace("-", "_") for line in EXTRAS[extra]}
        assert {module.replace(".", "_") for module in modules} == brought, extra


def test_what_an_extra_brings_is_no_dependency_of_every_user():
    always = {Requirement(line).name for line in PROJECT["dependencies"]}
    assert not always & {Requirement(line).name for lines in EXTRAS.values() for line in lines}


def test_setup_takes_every_extra_but_those_for_which_a_user_is_told_to_type_pip():
    line = re.search(r"^EXTRAS := (.*)$", (ROOT / "Makefile").read_text(), re.M)
    assert set(line[1].split(",")) == set(EXTRAS) - set(extras.NOT_OF_SETUP)


def test_every_extra_is_documented():
    page = (ROOT / "docs" / "install.md").read_text()
    assert all(f"`{extra}`" in page for extra in EXTRAS)
