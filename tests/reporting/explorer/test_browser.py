"""The explorer in a real headless Chromium: filter, sort and brush, its address is the view, no request."""

import csv
import os
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.reporting.explorer.rows import a_foreign_run, a_page, some
from tests.reporting.runs import a_run

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
EVIL = "=</script><img src=x onerror='window.broken=1'><b>"
RUNS = [*some(300), a_run(EVIL, 500.0, task=EVIL), a_foreign_run()]
DRAWN = "#chart[aria-busy=false]"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no Chromium at {CHROMIUM}; apt install chromium, or CHROMIUM="),
]


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    """Opens the page at an address; with it the console's messages and the requests of all pages."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: make setup")
    file = tmp_path_factory.mktemp("explorer") / "explorer.html"
    file.write_text(a_page(RUNS), encoding="utf-8")
    messages, requests = [], []
    with playwright.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])

        def open_page(address="", width=1400, **context):
            page = browser.new_context(viewport={"width": width, "height": 1000}, **context).new_page()
            page.on("console", lambda message: messages.append((message.type, message.text)))
            page.on("pageerror", lambda error: messages.append(("error", str(error))))
            page.on("request", lambda request: requests.append(request.url))
            page.goto(f"{file.as_uri()}{address}")
            page.wait_for_selector(DRAWN)
            return page

        yield open_page
        assert [entry for entry in messages if entry[0] in ("error", "warning")] == []
        assert [url for url in requests if urlsplit(url).scheme not in ("file", "data", "blob")] == []
        browser.close()


def first_cells(page, column):
    """The cells of a column in the rows that the document holds."""
    at = page.locator("thead th").evaluate_all("(all, name) => all.findIndex(h => h.dataset.column === name)", column)
    return page.locator("tr[data-row]").evaluate_all("(rows, at) => rows.map(r => r.children[at].textContent)", at)


def saved(page, tmp_path):
    """The rows of the CSV that the page saves."""
    with page.expect_download() as waiting:
        page.click("#csv")
    waiting.value.save_as(tmp_path / "rows.csv")
    with (tmp_path / "rows.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_rows_are_filtered_sorted_brushed_and_the_address_is_the_view(opened, tmp_path):
    page = opened()
    assert page.text_content("#count") == "302 of 302 rows"
    assert page.text_content("#say").startswith(
        "271 rows drawn; 31 rows left out: 1 without energy per 1,000, 30 without quality."
    )
    assert page.locator("tr[data-row]").count() < 60  # only what is on the screen

    page.click('[data-facet="task"] summary')
    page.check('[data-facet="task"] input[value="chat"]')
    page.click('[data-sort="total_wh_per_1k"]')
    page.click('[data-sort="total_wh_per_1k"]')
    assert page.text_content("#count") == "150 of 302 rows"
    assert first_cells(page, "total_wh_per_1k")[:2] == ["299 Wh", "297 Wh"]

    page.wait_for_selector(DRAWN)
    page.evaluate("document.getElementById('plot').scrollIntoView({behavior: 'instant'})")
    area = page.locator(".nsewdrag").bounding_box()
    page.mouse.move(area["x"] + area["width"] * 0.5, area["y"] + 5)
    page.mouse.down()
    page.mouse.move(area["x"] + area["width"] * 0.85, area["y"] + area["height"] - 5, steps=4)
    page.mouse.up()
    page.wait_for_function("() => location.hash.includes('box=')")
    brushed = page.text_content("#shown")
    assert brushed.endswith("rows in the brush")
    rows = saved(page, tmp_path)
    assert brushed == f"{len(rows)} rows in the brush"
    left, right = (
        float(end) for end in page.evaluate("new URLSearchParams(location.hash.slice(1)).get('box')").split(",")[:2]
    )
    energies = [float(row["total_wh_per_1k"]) for row in rows]
    assert energies == sorted((e for e in range(1, 300, 2) if left <= e <= right and (e - 1) % 10 != 9), reverse=True)
    assert 0 < len(energies) < 150

    again = opened(page.evaluate("location.hash"))
    assert again.text_content("#shown") == brushed
    assert first_cells(again, "total_wh_per_1k") == first_cells(page, "total_wh_per_1k")


def test_names_stay_text_unknown_stays_empty_and_no_screen_is_too_narrow(opened, tmp_path):
    page = opened("#q=x&min.total_wh_per_1k=499&colour=task", width=390, color_scheme="dark")
    assert page.text_content("#count") == "1 of 302 rows"
    page.click("tr[data-row] td >> nth=0")
    assert EVIL in page.text_content("#detail h2")
    assert page.evaluate("window.broken") is None
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    (row,) = saved(page, tmp_path)
    assert row["model"] == f"'{EVIL}"  # a spreadsheet computes nothing
    theirs = opened("#in.source=ai+energy+score&x=gpu_wh_per_1k&y=parameters")
    (row,) = saved(theirs, tmp_path)
    assert (row["gpu_wh_per_1k"], row["total_wh_per_1k"], row["quality"], row["began"]) == ("1", "", "", "")
    assert theirs.text_content("tr[data-row] th").startswith("◆")
