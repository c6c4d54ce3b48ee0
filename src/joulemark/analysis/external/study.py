"""The raw data of "Power Hungry Processing" (2023): a folder with `emissions/*.csv` and the tables about them.

Two kinds of results come of it. A `row` is one CodeCarbon file row: loading the model and 1,000 inferences together,
which the files do not part. A `mean` is a row of `model_dataset_summary.csv`: the ten runs of a model on a dataset,
1,000 inferences alone. Only a mean has energy per 1,000; quality was measured in other runs and stands with the mean.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from joulemark.analysis.external import cells, codecarbon, study_names
from joulemark.analysis.external.cells import Row
from joulemark.analysis.external.result import Contents, ExternalResult, digest
from joulemark.core.units import J_PER_KWH

NAME = "study"
INFERENCES = 1000
FACTOR_G_PER_KWH = 138.75  # of its rows; the paper states 297.6
HARDWARE = "8 x NVIDIA A100-SXM4-80GB"
COUNTED = "eight A100s counted, seven of them idle; RAM a constant 430.8 W and CPU 42.5 W"
ROW = f"{COUNTED}; loading the model and 1,000 inferences together, fp32, batch 1, no warm-up"
MEAN = f"{COUNTED}; 1,000 inferences without loading, mean of ten runs, fp32, batch 1, no warm-up"
METHODS = {"gpu": "counter", "cpu": "constant", "ram": "constant"}

NEEDED: Mapping[str, tuple[str, ...]] = {
    "models.csv": ("task", "kind", "id_in_paper_table6", "id_in_data", "num_parameters", "in_complete_csvs"),
    "datasets.csv": ("task", "paper_name", "hub_id_in_code", "config", "split", "field_and_preprocessing"),
    "model_dataset_summary.csv": (
        "paradigm", "task", "dataset", "model", "used_in_paper", "resized_640x480", "num_parameters", "n",
        "query_kwh_mean", "query_kwh_std", "query_s_mean", "query_gpu_kwh_mean", "query_ram_kwh_mean",
        "query_cpu_kwh_mean", "load_kwh_mean", "gco2_138.75",
    ),
    "performance.csv": ("model", "task", *study_names.QUALITY),
}  # fmt: skip


@dataclass(frozen=True)
class About:
    """What the tables say about models and datasets."""

    parameters: Mapping[str, int]
    datasets: Mapping[tuple[str, str], Row]
    quality: Mapping[tuple[str, str], tuple[str, float]]


def recognises(path: Path) -> bool:
    """Whether the folder is the study's: it has the emissions and the four tables."""
    return path.is_dir() and not missing(path)


def missing(path: Path) -> tuple[str, ...]:
    """The files and columns that the folder would need."""
    if not path.is_dir():
        return ("emissions/", *NEEDED)
    lacking = [] if any((path / "emissions").glob("*.csv")) else ["emissions/*.csv"]
    for name, columns in NEEDED.items():
        if not (path / name).is_file():
            lacking.append(name)
        else:
            lacking += [f"{column} of {name}" for column in cells.lacking(path / name, columns)]
    return tuple(lacking)


def read(path: Path) -> Contents:
    """Every row of every emissions file and every mean; what cannot be used is reported and left out."""
    about = _about(path)
    parts = [_emissions(file, about) for file in sorted((path / "emissions").glob("*.csv"))]
    parts.append(_means(path / "model_dataset_summary.csv", about))
    return Contents(
        tuple(result for part in parts for result in part.results),
        tuple(line for part in parts for line in part.left_out),
    )


def _about(path: Path) -> About:
    models = cells.rows(path / "models.csv")
    sizes = models + [
        {"id_in_data": row["model_name"], **row}
        for row in (cells.rows(path / "model_parameters.csv") if (path / "model_parameters.csv").is_file() else [])
    ]
    parameters = {row["id_in_data"]: count for row in sizes if (count := cells.whole(row["num_parameters"]))}
    names = {row["id_in_paper_table6"]: row["id_in_data"] for row in models}
    quality = {
        (names.get(row["model"], row["model"]), dataset): (metric, value)
        for row in cells.rows(path / "performance.csv")
        for column, (dataset, metric) in study_names.QUALITY.items()
        if (value := cells.number(row[column])) is not None
    }
    datasets = {(row["task"], row["paper_name"]): row for row in cells.rows(path / "datasets.csv")}
    return About(parameters, datasets, quality)


def _emissions(path: Path, about: About) -> Contents:
    """The rows of one file, which its name assigns to a task and a dataset."""
    what = study_names.of_file(path.stem)
    if what is None:
        return Contents((), (f"{path.name}: its name is of no task and dataset of the study; left out",))
    if lack := codecarbon.missing(path):
        return Contents((), (f"{path.name}: lacks {cells.listed(lack)}; left out",))
    contents = codecarbon.read(path)
    results = [_row(result, what, about) for result in contents.results]
    return replace(contents, results=tuple(results))


def _row(result: ExternalResult, what: study_names.FileName, about: About) -> ExternalResult:
    model = result.facts["project_name"]
    return replace(
        result,
        format=NAME,
        digest=digest(NAME, [what.stem, result.digest]),
        title=f"{model} {what.dataset}",
        boundary=ROW,
        model=model,
        task=study_names.TASKS[what.task],
        dataset=what.dataset,
        inferences=INFERENCES,
        methods=METHODS,
        with_loading=True,
        parameters=about.parameters.get(model),
        facts={**result.facts, **_of_dataset(about, what.task, what.dataset), "kind": "row", "paradigm": what.paradigm,
               "resized_640x480": str(what.resized).lower(), "study_task": what.task},
    )  # fmt: skip


def _means(path: Path, about: About) -> Contents:
    results, left_out = [], []
    for count, row in enumerate(cells.rows(path), start=2):
        lack = [name for name in ("query_kwh_mean", "query_gpu_kwh_mean", "query_s_mean") if not cells.read(row[name])]
        if row["task"] not in study_names.TASKS:
            left_out.append(f"{path.name}, row {count}: task '{row['task']}' is none of the study's; left out")
        elif lack or not row["model"]:
            left_out.append(f"{path.name}, row {count}: no {lack[0] if lack else 'model'}; left out")
        else:
            results.append(_mean(path, row, about))
    return Contents(tuple(results), tuple(left_out))


def _mean(path: Path, row: Row, about: About) -> ExternalResult:
    metric, quality = about.quality.get((row["model"], row["dataset"]), (None, None))
    paradigm = study_names.PARADIGMS.get(row["paradigm"], row["paradigm"])
    return ExternalResult(
        format=NAME,
        source=str(path),
        digest=digest(NAME, row),
        title=f"{row['model']} {row['dataset']} mean",
        boundary=MEAN,
        model=row["model"],
        task=study_names.TASKS[row["task"]],
        dataset=row["dataset"],
        hardware=HARDWARE,
        inferences=INFERENCES,
        gpu_j=cells.read(row["query_gpu_kwh_mean"], J_PER_KWH),
        cpu_j=cells.read(row["query_cpu_kwh_mean"], J_PER_KWH),
        ram_j=cells.read(row["query_ram_kwh_mean"], J_PER_KWH),
        total_j=cells.read(row["query_kwh_mean"], J_PER_KWH),
        methods=METHODS,
        load_j=cells.read(row["load_kwh_mean"], J_PER_KWH),
        sd_j=cells.read(row["query_kwh_std"], J_PER_KWH),
        repeats=cells.whole(row["n"]),
        emissions_g=cells.read(row["gco2_138.75"]),
        factor_g_per_kwh=FACTOR_G_PER_KWH,
        duration_s=cells.read(row["query_s_mean"]),
        quality=quality,
        metric=metric,
        parameters=cells.whole(row["num_parameters"]) or about.parameters.get(row["model"]),
        facts={**_of_dataset(about, row["task"], row["dataset"]), "kind": "mean", "paradigm": paradigm,
               "resized_640x480": row["resized_640x480"].lower(), "study_task": row["task"],
               "used_in_paper": row["used_in_paper"].lower()},
    )  # fmt: skip


def _of_dataset(about: About, task: str, dataset: str) -> dict[str, str]:
    """Where the study found its inputs and what it did to them."""
    row = about.datasets.get((task, dataset), {})
    columns = {"dataset.id": "hub_id_in_code", "dataset.config": "config", "dataset.split": "split",
             "dataset.preprocessing": "field_and_preprocessing"}  # fmt: skip
    return {ours: row[theirs] for ours, theirs in columns.items() if row.get(theirs)}
