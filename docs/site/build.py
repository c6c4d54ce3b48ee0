"""python -m docs.site.build OUT: the documentation as a site in OUT/html; a dead link, or a page that no list
of the navigation has, ends it.

The pages keep their places in the checkout, so that a link means the same on GitHub and on the site; beside them stands
reference/, generated from conf/, docstrings and the pages that define metrics. Nothing is fetched from another host.
"""

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from docs.site import measured, navigation, options, python_names
from docs.site.example import EXAMPLE, whole

SITE = Path(__file__).resolve().parent
DOCS = SITE.parent
ROOT = DOCS.parent
FILES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE", "CITATION.cff")


def reference() -> Mapping[str, str]:
    """The generated pages by name, in the order of the navigation."""
    pages = {
        "commands": options.commands_page(),
        "metrics": measured.metrics_page(DOCS),
        "flags": measured.flags_page(DOCS),
        "python": python_names.page(),
        python_names.TYPES: python_names.types_page(),
    }
    return pages | {f"group-{group}": options.group_page(group) for group in options.groups()}


def assemble(source: Path) -> None:
    """Copies the pages into `source`, writes the reference beside them, and lists all in the navigation."""
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(DOCS, source / "docs", ignore=shutil.ignore_patterns("site", "__pycache__", "*.py"))
    for name in FILES:
        shutil.copy(ROOT / name, source)
    (source / "reference").mkdir()
    pages = reference()
    for name, text in pages.items():
        (source / "reference" / f"{name}.md").write_text(text, encoding="utf-8")
    landing = source / "README.md"
    listed = navigation.chapters(landing.read_text(encoding="utf-8"))
    if faults := navigation.faults(listed, written(source)):
        sys.exit("\n".join(faults))
    _append(landing, navigation.toctrees(listed, [f"reference/{name}" for name in pages]))
    decisions = sorted(path.stem for path in (source / "docs" / "decisions").glob("*.md") if path.stem != "README")
    _append(source / "docs" / "decisions" / "README.md", navigation.toctree(decisions))


def written(source: Path) -> list[str]:
    """All pages that people wrote but the landing page, and the decisions that their own README lists."""
    pages = (page.relative_to(source).with_suffix("") for page in source.rglob("*.md"))
    return [
        page.as_posix()
        for page in pages
        if page.parts[0] not in ("README", "reference") and (page.parent.name != "decisions" or page.name == "README")
    ]


def build(out: Path) -> int:
    """Writes the site; returns Sphinx's exit code, which is not 0 where it warned of anything."""
    assemble(out / "source")
    return rendered(out)


def rendered(out: Path) -> int:
    """Sphinx over what was assembled; its exit code."""
    from sphinx.cmd.build import main

    folders = ["-d", str(out / "doctrees"), str(out / "source"), str(out / "html")]
    code = main(["-W", "--keep-going", "-q", "-c", str(SITE), *folders])
    if code == 0:
        shutil.copy(out / "html" / "README.html", out / "html" / "index.html")
        if EXAMPLE.is_file():
            report = out / "html" / EXAMPLE.relative_to(ROOT)
            report.parent.mkdir(parents=True, exist_ok=True)
            report.write_text(whole(EXAMPLE.read_text(encoding="utf-8")), encoding="utf-8")
    return int(code)


def _append(page: Path, text: str) -> None:
    page.write_text(page.read_text(encoding="utf-8") + text, encoding="utf-8")


if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "dist" / "docs").absolute()
    status = build(folder)
    print(f"{folder / 'html' / 'index.html'}" if status == 0 else "Not whole: see the warnings above")
    sys.exit(status)
