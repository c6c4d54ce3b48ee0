"""The page in a real headless Chromium: charts are drawn, filters work, the address is the view, nothing is fetched."""

import os
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from joulemark.analysis import verdict
from joulemark.core.markdown import Table
from joulemark.reporting import pairs
from joulemark.reporting.render import FOLDER, render
from joulemark.reporting.section import Section
from joulemark.reporting.selection import LeftOut
from tests.reporting.runs import a_cell, a_page, a_run, an_entry, recommend, showcase
from tests.reporting.test_compared import WAITING, WORKING, processes

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
CHARTS = ("quality", "components", "roles", "parameters", "batch", "latency", "lower-bound", "stages")
EVIL = "</script><script>window.broken=1</script><img src=x onerror='window.broken=1'><b>"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no Chromium at {CHROMIUM}; apt install chromium, or CHROMIUM="),
]


@pytest.fixture(scope="module")
def chromium():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: make setup")
    with playwright.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield browser
        browser.close()


class Opened:
    """A page that was opened, with the messages of its console and its requests to the network."""

    def __init__(self, browser, file, address="", **context):
        self.context = browser.new_context(**{"viewport": {"width": 1440, "height": 1000}, **context})
        self.page = self.context.new_page()
        self.messages, self.requests = [], []
        self.page.on("console", lambda message: self.messages.append((message.type, message.text)))
        self.page.on("pageerror", lambda error: self.messages.append(("error", str(error))))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(f"{file.as_uri()}{address}")

    def through(self):
        """Scrolls to every chart, so that each is drawn."""
        for name in CHARTS:
            figure = self.page.locator(f"#chart-{name}")
            figure.scroll_into_view_if_needed()
            self.page.wait_for_function(
                "name => { const f = document.getElementById('chart-' + name);"
                " return f.querySelector('.say').textContent &&"
                " (f.classList.contains('empty') || f.querySelector('.main-svg')); }",
                arg=name,
            )

    def fetched(self):
        return [url for url in self.requests if urlsplit(url).scheme not in ("file", "data", "blob")]


@pytest.fixture(scope="module")
def showcased(tmp_path_factory):
    file = tmp_path_factory.mktemp("page") / "report.html"
    left = LeftOut("f" * 32, "bloomz fp32 b64", "text_classification", "failed: out of memory")
    file.write_text(render(a_page(showcase(), (left,))), encoding="utf-8")
    return file


@pytest.fixture
def opened(chromium, showcased):
    made = []

    def open_page(address="", file=None, **context):
        made.append(Opened(chromium, file or showcased, address, **context))
        return made[-1]

    yield open_page
    for page in made:
        page.context.close()


def count(page):
    return page.locator("#count").text_content()


def test_every_chart_is_drawn_the_console_is_empty_and_nothing_is_fetched(opened):
    seen = opened()
    seen.through()
    for name in CHARTS:
        assert seen.page.locator(f"#chart-{name} .main-svg").count() > 0, name
        assert len(seen.page.locator(f"#chart-{name} .say").text_content()) > 40
    assert [entry for entry in seen.messages if entry[0] in ("error", "warning")] == []
    assert seen.fetched() == []
    assert len(seen.requests) == 1  # the file itself
    # beside the distance from the lower bound: where the energy of a request goes
    assert "model beyond it 40%, preprocessing 7%" in seen.page.locator("#chart-lower-bound table").text_content()
    first = "document.querySelector('#chart-lower-bound .js-plotly-plot').data[0].hovertext[0]"
    assert "processor and memory 18% (estimated)" in seen.page.evaluate(first)


@pytest.mark.parametrize("width", [1440, 820, 375])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_size_and_no_theme_makes_the_page_wider_than_the_screen(opened, width, scheme):
    seen = opened(viewport={"width": width, "height": 900}, color_scheme=scheme)
    seen.through()
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
    assert seen.page.evaluate("document.documentElement.dataset.theme") == scheme
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        seen.page.evaluate("scrollTo(0, 0)")
        seen.page.screenshot(path=f"{folder}/report-{width}-{scheme}.png", full_page=True)
    assert [entry for entry in seen.messages if entry[0] == "error"] == []


def test_a_filter_leaves_the_runs_it_names_and_the_recommendation_as_it_is(opened):
    seen = opened()
    recommendation = seen.page.locator(".recommendation:visible h2").text_content()
    assert count(seen.page) == "74 of 74 runs"
    seen.page.fill("#search", "bloomz bf16")
    assert count(seen.page) == "8 of 74 runs"
    assert set(seen.page.locator("#table tbody th").all_text_contents()) == {"bloomz-560m", "bloomz-1b7"}
    seen.page.fill("#search", "no such thing")
    seen.page.wait_for_function(
        "() => document.querySelector('#chart-quality .say').textContent.includes('No run is left')"
    )
    assert seen.page.locator(".recommendation:visible h2").text_content() == recommendation


def test_constraints_typed_on_the_page_leave_the_runs_that_meet_them_and_name_the_cheapest(opened):
    seen = opened()
    least = seen.page.locator("#least")
    within = "Least energy of these within the report's constraints: distilbert_sst2 · bf16, batch 64, "
    assert least.text_content().startswith(within)  # of less quality than is accepted there is a cheaper one
    seen.page.fill("#quality-min", "0.8")  # which a limit of one's own may take
    assert least.text_content().startswith("Least energy of these: minilm_l6 · bf16, batch 64, 2.39")
    seen.page.fill("#quality-min", "")
    seen.page.locator("#quality-min").press_sequentially("0.93")  # a key at a time: the field must keep its place
    assert "bert_large · bf16, batch 64" in least.text_content()
    assert "roberta_base" not in least.text_content()  # contaminated: it would be cheaper
    seen.page.fill("#p95-max", "20")
    assert "bert_large · bf16, batch 4" in least.text_content()
    assert opened(seen.page.evaluate("location.hash")).page.locator("#least").text_content() == least.text_content()
    seen.page.fill("#quality-min", "")
    seen.page.fill("#p95-max", "")
    assert count(seen.page) == "74 of 74 runs"


def test_the_address_is_the_view_so_that_it_can_be_sent(opened):
    seen = opened()
    seen.page.locator("[data-facet=precision] summary").click()
    seen.page.locator("[data-facet=precision] input[value=int8]").check()
    for _ in range(2):  # by the element itself: charts that are drawn late move it under a mouse
        seen.page.locator("[data-sort=quality]").evaluate("button => button.click()")
    seen.page.locator("th[aria-sort=descending] [data-sort=quality]").wait_for()
    for box in seen.page.locator("#table tbody input").all()[:2]:
        box.check()
    seen.page.locator("#colour").select_option("precision")
    seen.page.locator("#theme").click()
    shown = (
        seen.page.locator("#table tbody").inner_text(),
        seen.page.locator("#compared").inner_text(),
        count(seen.page),
    )
    address = seen.page.evaluate("location.hash")
    again = opened(address)
    assert (
        again.page.locator("#table tbody").inner_text(),
        again.page.locator("#compared").inner_text(),
        count(again.page),
    ) == shown
    assert again.page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert again.page.locator("#colour").input_value() == "precision"
    assert again.page.locator("th[aria-sort=descending]").inner_text().startswith("quality")
    assert shown[2] == "24 of 74 runs"


def test_an_address_that_makes_no_sense_shows_the_page_all_the_same(opened):
    seen = opened("#g=nothing&page=-7&sort=%3Cscript%3E&pick=x&model=none&dir=sideways")
    assert count(seen.page) == "0 of 74 runs"
    seen.page.locator("#reset").click()
    assert count(seen.page) == "74 of 74 runs"
    assert [entry for entry in seen.messages if entry[0] == "error"] == []


def test_choosing_a_group_shows_its_recommendation_and_its_runs_alone(opened):
    seen = opened()
    seen.page.locator("#recommendations a", has_text="question answering").click()
    assert seen.page.locator(".recommendation:visible .task").all_text_contents() == ["question answering"]
    assert count(seen.page) == "72 of 72 runs"
    options = seen.page.locator("#group option").all()
    foreign = next(option for option in options if "eight A100s" in option.text_content())
    seen.page.locator("#group").select_option(foreign.get_attribute("value"))
    assert count(seen.page) == "1 of 1 run"
    assert "eight A100s" in seen.page.locator(".recommendation:visible .fine").text_content()


def test_a_hidden_run_is_gone_until_it_is_shown_again(opened):
    seen = opened()
    first = seen.page.locator("#table tbody th").first.text_content()
    hide = seen.page.locator("#table tbody tr").first.get_by_role("button")
    hide.evaluate("button => button.click()")  # by the element: charts that are drawn late move it under a mouse
    assert count(seen.page) == "73 of 74 runs"
    seen.page.locator("#unhide").evaluate("button => button.click()")
    assert seen.page.locator("#table tbody th").first.text_content() == first


@pytest.mark.parametrize(
    ("a", "b", "line"),
    [
        ((1.0, 1.01, 0.99), (2.0, 2.02, 1.98), "A costs less: B takes 2.00×"),
        ((2.0, 2.02, 1.98), (1.0, 1.01, 0.99), "B costs less: A takes 2.00×"),
        ((1.0, 1.05, 0.95), (1.01, 1.06, 0.97), "A tie"),
        ((1.0,), (2.0,), "Not established"),
    ],
)
def test_two_picked_cells_are_judged_in_a_sentence(opened, tmp_path, a, b, line):
    runs = [a_run(name, wh, wh * 0.01, compare__cell=name) for name, values in (("a", a), ("b", b)) for wh in values]
    file = tmp_path / "pair.html"
    page = a_page(runs)
    file.write_text(render(page), encoding="utf-8")
    seen = opened("#" + "&".join(f"pick={run_id[:12]}" for run_id in page.data["ids"]), file)
    assert seen.page.locator("#compared .verdict").text_content().startswith(line)


def test_the_pages_script_says_of_a_pair_what_the_program_decided_in_either_order(chromium):
    cells = [
        a_cell("a", 1.0, 1.01, 0.99), a_cell("b", 2.0, 2.02, 1.98), a_cell("c", 1.0, 1.02, 0.98),
        an_entry("d", 5.0), an_entry("e", 0.1, flags="not_converged"),
    ]  # fmt: skip
    made, place = recommend(cells), {entry.run_id: number for number, entry in enumerate(cells)}
    script = "".join((FOLDER / f"{name}.js").read_text(encoding="utf-8") for name in ("numbers", "verdict"))
    page = chromium.new_page()
    results = page.evaluate(
        f"([count, verdicts]) => {{ {script};"
        " const cell = (at) => ({ at, energy: 1 }), all = [...Array(count).keys()];"
        " const others = (a) => all.filter((b) => b !== a);"
        " return all.flatMap((a) => others(a).map((b) => [a, b, verdict(cell(a), cell(b), verdicts)])); }",
        [len(cells), pairs.verdicts(made, place)],
    )
    page.close()
    outcomes = {(a, b): result for a, b, result in results}
    for (a, b), result in outcomes.items():
        expected = verdict.between(cells[a].as_cell, cells[b].as_cell)
        if cells[a] is made.chosen:  # beside which the verdict is of all choices
            expected = made.against(cells[b])
        elif cells[b] is made.chosen:
            expected = made.against(cells[a]).exchanged
        if cells[a].ranked and cells[b].ranked:
            assert (result["outcome"], result["note"]) == (expected.outcome, expected.note), (a, b)
            assert result["least"] == (None if expected.least is None else pytest.approx(expected.least))
        else:
            assert (result["outcome"], result["note"]) == ("not established", "not_converged: it decides nothing")
    assert {result["outcome"] for result in outcomes.values()} == {"A", "B", "tie", "not established"}


def test_a_group_ranked_by_dynamic_energy_says_so_in_chart_table_and_verdict_and_shows_both(opened, tmp_path):
    made = a_page([*processes(*WAITING), *processes(*WORKING)])
    file = tmp_path / "report.html"
    file.write_text(render(made), encoding="utf-8")
    ids = [recommendation.chosen.run_id[:12] for recommendation in made.recommendations]
    ids.append(made.recommendations[0].runner_up.run_id[:12])
    seen = opened("#" + "&".join(f"pick={run_id}" for run_id in ids), file)
    page = seen.page
    heads = page.locator("#table thead th").all_inner_texts()
    assert "gross energy" in heads
    assert any(head.startswith("dynamic energy per 1,000") for head in heads)
    row = page.locator("#table tbody tr").first.inner_text()
    assert "300 ± " in row
    assert "2.00 ± " in row
    assert page.locator("#compared .verdict").inner_text() == "A costs less: B takes 2.00× its dynamic energy"
    rows = page.locator("#compared tbody tr").all_inner_texts()
    assert any("dynamic (above idle)" in line and "600 ± " in line for line in rows)
    page.locator("#chart-quality").scroll_into_view_if_needed()
    page.locator("#chart-quality .xtitle").wait_for(state="attached")
    assert "dynamic energy" in page.locator("#chart-quality .xtitle").text_content()
    assert seen.messages == []


def test_two_runs_of_two_groups_are_not_compared(opened, tmp_path):
    file = tmp_path / "apart.html"
    runs = [a_run("a"), a_run("b", 2.0, compare__key="other")]
    file.write_text(render(a_page(runs)), encoding="utf-8")
    seen = opened("#" + "&".join(f"pick={run.run_id[:12]}" for run in runs), file)
    assert seen.page.locator("#compared .verdict").text_content().startswith("They do not compare")


def test_random_weights_and_runs_in_doubt_are_nowhere_on_the_front(opened):
    seen = opened()
    seen.through()
    caption = seen.page.locator("#chart-quality .say").text_content()
    assert "gpt2-random" not in caption
    assert "1 of random weights" in caption
    cells = "rows => rows.map(row => [...row.cells].map(cell => cell.textContent))"
    rows = seen.page.locator("#chart-quality tbody tr").evaluate_all(cells)
    places = {row[0]: row[-1] for row in rows}
    assert places["distilbert_sst2 · bf16, batch 64"] == "front"
    assert places["roberta_base · bf16, batch 64"] == ""  # contaminated: by its numbers it would be on it
    row = seen.page.locator("#table tbody tr", has_text="gpt2-random")
    assert "random weights" in row.inner_text()


def test_a_name_that_holds_a_script_is_text_everywhere(opened, tmp_path):
    file = tmp_path / "evil.html"
    runs = [
        a_run(EVIL, metric=EVIL, device=EVIL, flags=EVIL, command=EVIL, parameters="5"),
        a_run("b" + EVIL, 2.0, parameters="9"),
    ]
    file.write_text(render(a_page(runs)), encoding="utf-8")
    seen = opened("", file)
    seen.through()
    assert seen.page.evaluate("window.broken") is None
    assert seen.page.locator("main img").count() == 0
    assert EVIL in seen.page.locator("#table tbody").first.inner_text()
    assert seen.fetched() == []
    assert [entry for entry in seen.messages if entry[0] == "error"] == []


def test_estimated_shares_are_hatched_and_mostly_estimated_runs_are_hollow(opened):
    seen = opened()
    seen.through()
    assert seen.page.locator("#chart-components pattern").count() > 0
    foreign = next(option for option in seen.page.locator("#group option").all() if "AMD EPYC" in option.text_content())
    seen.page.locator("#group").select_option(foreign.get_attribute("value"))
    seen.through()
    fill = seen.page.evaluate("getComputedStyle(document.querySelector('#chart-quality .points path')).fill")
    assert fill in ("none", "rgba(0, 0, 0, 0)") or re.search(
        r"fill: none|fill-opacity: 0", seen.page.locator("#chart-quality .points path").first.get_attribute("style")
    )


def test_the_keyboard_reaches_every_control_and_escape_closes_what_it_opened(opened):
    seen = opened()
    seen.page.keyboard.press("Tab")
    assert seen.page.evaluate("document.activeElement.className") == "skip"
    seen.page.locator("[data-facet=model] summary").focus()
    seen.page.keyboard.press("Enter")
    assert seen.page.locator("[data-facet=model][open]").count() == 1
    seen.page.keyboard.press("Tab")
    seen.page.keyboard.press("Space")
    assert count(seen.page) == "12 of 74 runs"
    assert seen.page.evaluate("document.activeElement.type") == "checkbox"  # the place is kept
    seen.page.keyboard.press("Escape")
    assert seen.page.locator(".facet[open]").count() == 0


def test_who_cannot_see_gets_landmarks_captions_names_and_a_table_for_each_chart(opened):
    seen = opened()
    seen.through()
    page = seen.page
    assert page.locator("main").count() == page.locator("h1").count() == 1
    assert page.evaluate("[...document.querySelectorAll('table')].filter(t => !t.caption).length") == 0
    unnamed = "[...document.querySelectorAll('{}')].filter(e => e.offsetParent && !{} && !e.ariaLabel).length"
    assert page.evaluate(unnamed.format("input, select", "e.labels.length")) == 0
    assert page.evaluate(unnamed.format("button", "e.innerText.trim()")) == 0
    for name in CHARTS:
        assert len(page.locator(f"#chart-{name} .plot").get_attribute("aria-label")) > 40
        assert page.locator(f"#chart-{name} table tbody tr").count() > 0


def test_without_javascript_every_recommendation_can_be_read(opened):
    seen = opened(java_script_enabled=False)
    assert seen.page.locator(".recommendation:visible").count() == 4
    assert seen.page.locator("noscript").count() == 1


@pytest.mark.parametrize(
    "runs", [[], [a_run()], [a_run("a", 1.0, None, None)], [a_run("a", 1.0, None, None, weights="random"), a_run("b")]]
)
def test_a_page_of_few_or_odd_runs_has_no_error(opened, tmp_path, runs):
    file = tmp_path / "few.html"
    file.write_text(render(a_page(runs)), encoding="utf-8")
    seen = opened("", file)
    if runs:
        seen.through()
    assert [entry for entry in seen.messages if entry[0] == "error"] == []


def test_paper_is_light_and_shows_no_controls(opened):
    seen = opened(color_scheme="dark")
    seen.page.emulate_media(media="print", color_scheme="dark")
    seen.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert seen.page.evaluate("document.documentElement.dataset.theme") == "light"
    assert not seen.page.locator("#controls").is_visible()
    assert seen.page.locator("#chart-stages .main-svg").count() > 0  # also what was never scrolled to
    seen.page.set_viewport_size({"width": 794, "height": 1123})  # A4
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= 794


def many_runs(count: int, front: int):
    """So many runs, of which the first `front` are each dearer and better than the last, and the others are neither."""
    best = [a_run(f"m{at}", 1.0 + at, 0.01, 0.5 + at / 1000, batch=at + 1) for at in range(front)]
    return best + [a_run("crowd", 2.0 + at, 0.01, 0.4, batch=at + 1) for at in range(count - front)]


def test_of_many_runs_every_one_is_a_mark_or_a_dot_and_no_run_of_the_front_is_a_dot(opened, tmp_path):
    file = tmp_path / "many.html"
    file.write_text(render(a_page(many_runs(400, 160))), encoding="utf-8")
    seen = opened("", file)
    seen.through()
    marks, path = seen.page.evaluate(
        "() => { const { data, layout } = document.querySelector('#chart-quality .plot');"
        " return [data.filter((trace) => trace.customdata).flatMap((trace) => [...trace.y]),"
        " layout.shapes.find((shape) => shape.name.includes('as dots')).path]; }"
    )
    assert sorted(marks) == pytest.approx([0.5 + at / 1000 for at in range(160)])  # the front, though above 150
    assert path.count("M") == 240
    assert "240 more runs are dots" in seen.page.locator("#chart-quality .say").text_content()
    assert "240 more runs, as dots" in seen.page.locator("#chart-quality .legend").text_content()
    seen.page.fill("#search", "crowd")
    seen.page.wait_for_function("() => document.querySelector('#chart-quality .say').textContent.includes('90 more')")
    assert seen.page.locator("#chart-quality .points path").count() == 150


def test_an_interval_that_reaches_zero_is_drawn_on_a_logarithmic_axis_too(opened, tmp_path):
    file = tmp_path / "wide.html"
    file.write_text(render(a_page([a_run("a", 1.0, 1.5), a_run("b", 50.0, 1.0, 0.95)])), encoding="utf-8")
    seen = opened("", file)
    seen.through()
    paths = seen.page.locator("#chart-quality .shapelayer path").evaluate_all(
        "paths => paths.map(path => path.getAttribute('d'))"
    )
    assert len(paths) == 3  # two intervals and the least quality
    assert not [path for path in paths if "NaN" in path or "undefined" in path or "Infinity" in path]


def stacked_page() -> str:
    """A page with a section of two tables, wider than a phone, as the meanings and the study's tables are."""
    columns = tuple(
        f"a column of {subject}" for subject in ("models", "watt hours", "grams", "what is known", "sources")
    )
    rows = [("bigscience/bloomz-7b1", "12.3 mWh", "1.5 g", "as published", "a source with a long name")] * 3
    section = Section("stacked", "Stacked", ("A sentence.",), (Table("First", columns, rows, "A note."),) * 2)
    return render(replace(a_page([a_run(), a_run("b", 2.0)]), sections=(section,)))


@pytest.mark.parametrize("width", [1440, 820, 375])
def test_the_table_of_a_section_is_read_without_scrolling_sideways_at_any_width(opened, tmp_path, width):
    file = tmp_path / "stacked.html"
    file.write_text(stacked_page(), encoding="utf-8")
    page = opened("", file, viewport={"width": width, "height": 900}).page
    box = page.locator("#stacked .scroll").first
    assert box.evaluate("box => box.scrollWidth <= box.clientWidth")
    cell = page.locator("#stacked tbody td").first
    head = cell.evaluate("cell => getComputedStyle(cell, '::before').content")
    assert ("a column of watt hours" in head) == (width == 375)  # on a phone each cell says what it is
    assert cell.text_content() == "12.3\N{NO-BREAK SPACE}mWh"  # a number keeps its unit
    assert page.locator("#stacked tbody th[scope=row]").count() == 6


def test_an_interval_stands_where_its_mark_does_and_one_size_is_no_chart(chromium, tmp_path):
    """Sizes that differ in their fifth digit share an axis that shows it."""
    file = tmp_path / "report.html"

    def chart(*sizes):
        runs = [a_run(f"m{at}", 1.0 + at, parameters=str(size)) for at, size in enumerate(sizes)]
        file.write_text(render(a_page(runs)), encoding="utf-8")
        opened = Opened(chromium, file)
        opened.through()
        drawn = opened.page.evaluate(
            "() => { const f = document.getElementById('chart-parameters'), plot = f.querySelector('.js-plotly-plot');"
            " return [f.querySelector('.say').textContent, plot && plot.data.flatMap((trace) => trace.x),"
            " plot && plot.layout.shapes.map((shape) => shape.path).join('')]; }"
        )
        opened.context.close()
        return drawn

    _, places, path = chart(559_214_592, 559_290_000)
    assert sorted(places) == [559_214_592, 559_290_000]
    assert sorted(float(at) for at in re.findall(r"M([\d.]+),", path)) == pytest.approx(sorted(places), rel=1e-7)
    caption, places, _ = chart(559_214_592, 559_214_592)
    assert caption.startswith("All runs of this view have 559 M parameters")
    assert places is None
