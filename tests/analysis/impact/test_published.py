"""The nearest published figure: the same model's, or another one's and said so, and the place among its task's."""

import csv
from dataclasses import replace

import pytest
import yaml

from joulemark.analysis import description, named_metrics
from joulemark.analysis.impact.published import Entry, Reference, of_record, place, read
from joulemark.analysis.impact.published_text import sentences, table
from joulemark.core.errors import UserError
from joulemark.core.measurement import Reading
from joulemark.core.paths import CONF
from joulemark.store import run_page
from tests.paths import SHARED
from tests.records import a_record

CSV = SHARED / "data" / "ai_energy_score_2025.csv"
LIST = Reference("a list", 2025, "the GPU alone", (
    Entry("x/a-100m", "sort", 1.0, 5), Entry("x/b-1b", "sort", 2.0, 5), Entry("x/c-3b", "sort", 4.0, 3),
    Entry("x/d-7B", "sort", 8.0, 2), Entry("x/e-70b", "sort", 16.0, 1), Entry("x/a-100m", "other", 9.0),
))  # fmt: skip


def test_the_list_holds_what_was_published():
    if not CSV.is_file():
        pytest.skip("the published list is not here")
    with CSV.open(newline="") as file:
        rows = [(r["model"], float(r["gpu_wh_per_1000"]), int(r["stars"])) for r in csv.DictReader(file)]
    assert [(entry.model, entry.wh_per_1k, entry.stars) for entry in read().entries] == rows


def test_its_tasks_are_ours_and_its_sizes_those_of_conf_model():
    def sizes(node):
        if isinstance(node, dict):
            if node.get("checkpoint") and node.get("parameters"):
                yield node["checkpoint"], node["parameters"]
            for value in node.values():
                yield from sizes(value)

    files = [yaml.safe_load(path.read_text()) for path in (CONF / "model").glob("*.yaml")]
    ours = dict(pair for values in files for pair in sizes(values))
    for entry in read().entries:
        assert (CONF / "task" / f"{entry.task}.yaml").is_file()
        assert entry.parameters is None or entry.parameters == ours[entry.model]


def test_the_same_model_comes_first_whatever_its_size():
    position = place(LIST, "sort", 3.0, model="x/e-70b", parameters=1e9)
    assert (position.entry.model, position.same, position.ratio) == ("x/e-70b", True, 3 / 16)
    assert (
        sentences(position)[0]
        == "Published for this model: 16 Wh per 1,000, 1 of 5 stars; this run takes 0.188 times that."
    )


def test_another_model_is_nearest_by_the_ratio_of_sizes_and_reported_as_another():
    position = place(LIST, "sort", 3.0, model="y/own", parameters=5e9)  # 7 is nearer to 5 than 3 is, by ratio
    assert (position.entry.model, position.same) == ("x/d-7B", False)
    assert "Nothing is published for this model" in sentences(position)[0]
    unknown = place(LIST, "sort", 3.0, model="y/own")
    assert unknown.entry is None
    assert "no entry of this model" in sentences(unknown)[0]


@pytest.mark.parametrize(
    ("wh", "below", "fifth", "stars"),
    [(0.5, 0, 1, 5), (1.5, 1, 2, 5), (2.0, 1, 2, 5), (3.0, 2, 3, None), (4.0, 2, 3, 3), (99.0, 5, 5, 1)],
)
def test_the_place_counts_those_that_take_less(wh, below, fifth, stars):
    position = place(LIST, "sort", wh)
    assert (position.below, position.count, position.fifth, position.stars) == (below, 5, fifth, stars)
    assert table(position).rows[below][0] == "this run"


def test_few_entries_have_no_fifths_and_a_list_without_stars_no_band():
    position = place(LIST, "other", 3.0)
    assert (position.fifth, position.stars, position.count) == (None, None, 1)
    assert "star" not in " ".join(sentences(position))
    assert place(LIST, "unheard", 3.0) is None


def test_stars_that_follow_no_order_of_energy_give_no_band():
    assert {place(read(), "text_generation", wh).stars for wh in (0.1, 1.5, 5000)} == {None}
    assert place(read(), "image_classification", 0.02).stars == 5


def test_a_run_is_held_against_the_gpu_alone_and_its_differences_are_named():
    record = a_record()
    record = replace(record, task=replace(record.task, name="text_classification"))
    metrics = {**named_metrics.metrics(record), "energy/gpu_wh_per_1k": 0.3}
    position = of_record(record, metrics)
    assert position.wh_per_1k == 0.3
    assert "batch 2, not 1" in position.differs
    assert any("not an H100" in difference for difference in position.differs)
    assert of_record(record, {**metrics, "energy/gpu_wh_per_1k": None}) is None  # no sensor saw a GPU


def a_counted(method="counter", task=None, model=None, **changes):
    """A finished run of a published model whose GPU was read in this way, and its metrics."""
    record = a_record()
    windows = tuple(
        replace(w, readings=(Reading("card", w.duration_s, gpu_j=0.5, method={"gpu": method}), *w.readings))
        for w in record.measurement.windows
    )
    record = replace(
        record,
        task=replace(record.task, **{"name": "image_classification", **(task or {})}),
        model=replace(record.model, **{"checkpoint": "microsoft/resnet-18", "weights": "hub", **(model or {})}),
        measurement=replace(record.measurement, windows=windows, idle=()),
        **changes,
    )
    return record, named_metrics.metrics(record)


def test_a_run_whose_gpu_was_counted_states_the_published_figure_on_its_own_page():
    record, metrics = a_counted()
    note, tags = description.markdown(record, metrics), run_page.tags(record, metrics)
    assert "Compared with published figures: Published for this model: 0.299 Wh per 1,000, 5 of 5 stars" in note
    assert "This run differs from the list's: on cpu, not an H100; batch 2, not 1" in note
    assert tags["published.nearest"] == "microsoft/resnet-18"
    assert float(tags["published.ratio"]) == pytest.approx(metrics["energy/gpu_wh_per_1k"] / 0.2991, rel=0.005)
    assert tags["published.band"] == "5 of 5 stars"
    assert tags["published.differs"].startswith("on cpu, not an H100; batch 2, not 1")
    second, metrics = a_counted(model={"checkpoint": "y/own", "parameters": 12e6})
    assert run_page.tags(second, metrics)["published.nearest"] == "microsoft/resnet-18 (another model)"


@pytest.mark.parametrize(
    "changes",
    [
        {"method": "sampled"},
        {"method": "estimated"},
        {"task": {"name": "summarisation of poems"}},
        {"model": {"weights": "embedded"}},
        {"flags": ("contaminated",)},
        {"flags": ("throttled",)},
        {"status": "failed"},
    ],
)
def test_a_run_that_does_not_compare_with_the_list_states_nothing_of_it(changes):
    record, metrics = a_counted(**changes)
    assert "published" not in description.markdown(record, metrics)
    assert not [name for name in run_page.tags(record, metrics) if name.startswith("published")]


def test_several_cards_and_another_budget_of_tokens_are_differences():
    record, metrics = a_counted(task={"name": "text_generation", "max_new_tokens": 40})
    record = replace(record, hardware=replace(record.hardware, uuid="GPU-a", beside=((1, "GPU-b"),)))
    position = of_record(record, metrics)
    assert {"the sum of 2 GPUs, not of one", "up to 40 new tokens, not 10"} <= set(position.differs)


def test_a_reader_leaves_unknown_keys_aside_and_a_missing_file_is_no_list(tmp_path):
    assert read(tmp_path / "none.yaml") is None
    file = tmp_path / "some.yaml"
    entry = {"model": "a", "task": "t", "wh_per_1k": 1, "licence": "x"}
    file.write_text(yaml.safe_dump({"source": "s", "year": 2025, "boundary": "b", "url": "u", "entries": [entry]}))
    assert read(file).entries == (Entry("a", "t", 1.0),)
    broken = tmp_path / "broken.yaml"
    broken.write_text("entries: 3")
    with pytest.raises(UserError, match="holds no entries"):
        read(broken)
