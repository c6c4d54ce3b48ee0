"""The site is built without a warning, opens offline, lists each page once; its reference holds every name."""

import dataclasses
import re
import subprocess
import sys

import pytest
import yaml
from markupsafe import escape

import joulemark
from docs.site import build, example, measured, navigation, options, python_names
from joulemark.analysis import verdict
from joulemark.config import option_help
from joulemark.core import machine, measurement, stats
from joulemark.core.paths import CONF
from joulemark.reporting.render import digest, report_assets
from tests.paths import ROOT
from tests.reporting.test_browser import CHROMIUM

pytest.importorskip("furo", reason="the extra docs is not installed: make docs brings it")
pytest.importorskip("myst_parser", reason="the extra docs is not installed: make docs brings it")
pytestmark = [pytest.mark.processes, pytest.mark.timeout(600)]

OTHER_HOST = re.compile(
    r"<(?:script|link|img|iframe|source)\b[^>]*(?:src|href)=\"(?:https?:)?//|@import|url\(['\"]?https?:"
)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of a site that was built as `make docs` builds it, and what that printed."""
    out = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "docs.site.build", str(out)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return out, done


@pytest.fixture(scope="module")
def reference(site):
    """The generated pages as Markdown, all in one text."""
    out, _ = site
    return {page.stem: page.read_text() for page in (out / "source" / "reference").glob("*.md")}


def test_every_link_leads_somewhere_and_nothing_is_warned_of(site):
    out, done = site
    assert done.returncode == 0, done.stdout + done.stderr
    assert (out / "html" / "index.html").is_file()


def test_a_dead_link_ends_the_build_and_is_named(tmp_path):
    (tmp_path / "source").mkdir()
    dead = "[gone](gone.md)\n\n[no heading](options.md#gone)\n\n![no picture](gone.png)\n"
    (tmp_path / "source" / "README.md").write_text(f"# One\n\n{dead}\n```{{toctree}}\noptions\n```\n")
    (tmp_path / "source" / "options.md").write_text("# Options\n\n[one](README.md#one)\n")
    code = "import sys, pathlib, docs.site.build as b; sys.exit(b.rendered(pathlib.Path(sys.argv[1])))"
    done = subprocess.run([sys.executable, "-c", code, tmp_path], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    for line, what in ((3, "gone.md"), (5, "gone"), (7, "gone.png")):
        assert re.search(rf"README\.md:{line}: WARNING: .*{what}", done.stderr), done.stderr
    assert "options.md" not in re.sub(r"README.*", "", done.stderr)


def test_every_page_of_the_documentation_is_in_the_navigation_of_the_site(site):
    out, _ = site
    pages = [path for path in (ROOT / "docs").rglob("*.md") if "site" not in path.relative_to(ROOT).parts]
    missing = [p for p in pages if not (out / "html" / p.relative_to(ROOT)).with_suffix(".html").is_file()]
    assert missing == []
    sidebar = (out / "html" / "index.html").read_text().partition('class="sidebar-tree"')[2].partition("</aside>")[0]
    linked = re.findall(r'toctree-l1[^"]*"><a class="reference internal" href="([^"#]*)\.html"', sidebar)
    generated = [f"reference/{page.stem}" for page in (out / "source" / "reference").glob("*.md")]
    assert sorted(linked) == sorted([*build.written(out / "source"), *generated])


def landing(tmp_path, table):
    """A folder with a landing page of this table, and the pages that are there."""
    for page in ("README", "CHANGELOG", "docs/install", "docs/decisions/README", "docs/decisions/one", "reference/key"):
        path = tmp_path / f"{page}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(table if page == "README" else "")
    return navigation.faults(navigation.chapters(table), build.written(tmp_path))


WHOLE = "\n## The documentation\n\n| | |\n|---|---|\n| start | [a](docs/install.md) · [b](CHANGELOG.md) |\n" + (
    "| take part | [decisions](docs/decisions/README.md), [a licence](LICENSE) |\n\n## Another\n\n| x | [y](z.md) |\n"
)


@pytest.mark.parametrize(
    ("was", "instead", "fault"),
    [
        ("", "", None),
        (" · [b](CHANGELOG.md)", "", "CHANGELOG.md is in no row of README.md's table of pages"),
        ("[a](docs/install.md) · ", "", "docs/install.md is in no row of README.md's table of pages"),
        ("a licence](LICENSE)", "b](docs/b.md)", "docs/b.md is in README.md's table of pages and does not exist"),
        ("a licence](LICENSE)", "b](docs/install.md)", "docs/install.md is in README.md's table of pages 2 times"),
    ],
)
def test_a_page_that_the_navigation_lacks_has_twice_or_has_in_vain_is_named(tmp_path, was, instead, fault):
    assert was in WHOLE
    assert landing(tmp_path, WHOLE.replace(was, instead) if was else WHOLE) == ([fault] if fault else [])


def test_a_page_taken_out_of_the_navigation_ends_the_build(tmp_path, monkeypatch):
    whole = navigation.chapters
    monkeypatch.setattr(
        navigation, "chapters", lambda text: whole(text.replace("(docs/ingest.md)", "(docs/explorer.md)"))
    )
    with pytest.raises(SystemExit) as ended:
        build.assemble(tmp_path / "source")
    assert str(ended.value).splitlines() == [
        "docs/ingest.md is in no row of README.md's table of pages",
        "docs/explorer.md is in README.md's table of pages 2 times",
    ]


def test_no_page_takes_anything_from_another_host(site):
    out, _ = site
    files = [path for path in (out / "html").rglob("*") if path.suffix in (".html", ".css")]
    assert len(files) > 50
    assert [path.name for path in files if OTHER_HOST.search(path.read_text())] == []


def test_every_option_of_every_command_is_in_the_reference_with_its_meaning(reference):
    for command in sorted(path.stem for path in CONF.glob("*.yaml")):
        for option in option_help.options(command):
            group = option.key.partition(".")[0]
            page = reference["commands"] if f"group-{group}" not in reference else reference[f"group-{group}"]
            assert f"| {options.code(option.key)} |" in page, f"{command} {option.key}"


def leaves(node, prefix=""):
    for key, value in node.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, f"{prefix}{key}.")
        yield f"{prefix}{key}"


@pytest.mark.parametrize("group", options.groups())
def test_every_yaml_of_a_group_is_in_the_reference_whole(reference, group):
    page = reference[f"group-{group}"]
    for file in sorted((CONF / group).rglob("*.yaml")):
        assert f"```yaml\n{file.read_text().rstrip()}\n```" in page, file.name


@pytest.mark.parametrize("group", [g for g in options.groups() if g not in ("model", "tuned", *options.READ_WHOLE)])
def test_every_key_of_a_choice_is_a_row_with_a_type(reference, group):
    page = reference[f"group-{group}"]
    internal = {*option_help.INTERNAL, *option_help.TABLES}
    for file in sorted((CONF / group).glob("*.yaml")):
        section = page.partition(f"\n## {file.stem}\n")[2].partition("\n## ")[0]
        values = yaml.safe_load(file.read_text()) or {}
        for key in values.keys() - internal:
            typed = key if file.read_text().startswith("# @package _global_") else f"{group}.{key}"
            if {typed, key} & internal:
                continue
            rows = re.findall(rf"^\| `{re.escape(typed)}(?:\.[^`]*)?` \|[^\n]*$", section, re.M)
            assert rows, f"{file.name}: {typed}"


def test_every_metric_flag_and_public_name_is_in_the_reference(site, reference):
    out, _ = site
    for name in (name for row in measured.metrics(ROOT / "docs") for name in row.names):
        assert f"| [`{name}`](" in reference["metrics"]
    for name in (name for row in measured.flags(ROOT / "docs") for name in row.names):
        assert f"| `{name}` |" in reference["flags"]
    page = (out / "html" / "reference" / "python.html").read_text()
    assert [name for name in joulemark.__all__ if f'id="joulemark.{name}"' not in page] == []
    assert 'id="joulemark.Record.metrics"' in page


def test_what_a_public_name_holds_has_a_heading_and_its_attributes_are_told(site):
    out, _ = site
    names = [(out / "html" / "reference" / f"{name}.html").read_text() for name in ("python", python_names.TYPES)]
    assert [each.__name__ for each in HELD if f'id="{each.__module__}.{each.__name__}"' not in names[1]] == []
    # Sphinx takes what stands before a colon in a property's first line for its description, the rest for its type
    assert [page.count(">Type<") for page in names] == [0, 0]
    fields = {name: f"<strong>{name}</strong>" for each in HELD for name in (f.name for f in dataclasses.fields(each))}
    assert [name for name, told in fields.items() if told not in names[1]] == []


HELD = (stats.Estimate, verdict.Verdict, measurement.Reading, measurement.Window, measurement.Work, machine.Site)


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no Chromium at {CHROMIUM}")
def test_the_search_finds_an_option_in_a_file_on_a_disk(site):
    from playwright.sync_api import sync_playwright

    from tests.reporting.test_browser import CHROMIUM

    out, _ = site
    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 390, "height": 800})
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"file://{out / 'html' / 'search.html'}?q=batch_tokens")
        # Results come one by one
        found = "#search-results ul.search li a[href*='{}']"
        page.wait_for_selector(", ".join(map(found.format, ("options", "group", "settings"))))
        page.goto(f"file://{out / 'html' / 'index.html'}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert all(url.startswith(("file:", "data:")) for url in asked)
        browser.close()


def test_the_example_report_is_small_and_names_no_place_of_the_machine_it_was_made_on():
    page = example.EXAMPLE.read_text()
    assert len(page.encode()) < example.MOST_BYTES
    assert example.paths_in(page) == []
    pictures = list((ROOT / "docs" / "pictures").glob("*.png"))
    assert sum(path.stat().st_size for path in pictures) < 300_000


def test_what_is_taken_out_of_a_report_is_put_back():
    carried = report_assets()
    scripts = (carried.plotly, carried.script)
    page = "".join((carried.style, *scripts, *(escape(digest(script)) for script in scripts)))
    assert len(example.content(page)) < 200
    assert example.whole(example.content(page)) == page
    stored = example.EXAMPLE.read_text()
    again = example.whole(stored)
    assert example.content(again) == stored
    assert all(escape(digest(script)) in again.partition("<style>")[0] for script in scripts)  # its policy


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no Chromium at {CHROMIUM}")
def test_the_example_report_draws_its_charts_on_the_site(site):
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: make setup")
    out, _ = site
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        page = browser.new_page()
        wrong = []
        page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        page.goto(f"file://{out / 'html' / 'docs' / 'example-report.html'}")
        page.click("text=Open the report")
        page.wait_for_url("**/example/report.html", wait_until="load")
        assert page.evaluate("window.Plotly !== undefined")  # which the page's policy lets run
        page.evaluate("document.querySelectorAll('figure').forEach(each => each.scrollIntoView())")
        assert wrong == []
        browser.close()
