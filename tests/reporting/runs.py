"""Entries of runs that never were, as the store would list them: any fact can be set, the rest is plain."""

import hashlib
from itertools import count

from joulemark.core.record import Record
from joulemark.reporting import compared, constraints
from joulemark.reporting.answers import NONE
from joulemark.reporting.cells import merged
from joulemark.reporting.contents import page_of
from joulemark.reporting.decision import decide
from joulemark.reporting.entry import Entry
from joulemark.reporting.group import groups
from joulemark.reporting.request import ReportRequest
from joulemark.reporting.selection import LeftOut, Selection
from joulemark.reporting.stored_entry import entry
from joulemark.store.listing import StoredRun

_NUMBERS = count(1)


def a_run(
    model: str = "alpha",
    wh: float | None = 1.0,
    half: float | None = 0.02,
    quality: float | None = 0.9,
    precision: str = "fp32",
    batch: int = 1,
    metrics: dict[str, float] | None = None,
    params: dict[str, str] | None = None,
    **tags: str,
) -> StoredRun:
    """One run of the store; `half` is half of its interval in Wh, further keywords are tags (`__` for a dot)."""
    number = next(_NUMBERS)
    read = {
        "energy/total_wh_per_1k": wh,
        "energy/ci95_rel": None if half is None or not wh else half / wh,
        "quality/primary": quality,
        "latency/p50_s": 0.01,
        "latency/p90_s": 0.012,
        "latency/p95_s": 0.013,
        "latency/p99_s": 0.02,
        **(metrics or {}),
    }
    stored = {
        "record.id": str(number), "record.schema": "2", "status": "finished", "model": model, "role": "specialist",
        "task": "text_classification", "metric": "accuracy", "dataset": "embedded", "protocol": "standard",
        "device": "Card", "weights": "hub", "verdict": "sound", "compare.key": "k", "compare.card": "c", "windows": "5",
        "command": f"python -m src.run model={model} precision={precision} batch_size={batch}",
        **{key.replace("__", "."): value for key, value in tags.items()},
    }  # fmt: skip
    return StoredRun(
        run_id=hashlib.sha256(str(number).encode()).hexdigest()[:32],
        experiment_id="1",
        name=f"{model} {precision} b{batch}",
        began_ms=1_790_000_000_000 + number,
        status="FINISHED",
        metrics={name: value for name, value in read.items() if value is not None},
        tags={key: value for key, value in stored.items() if value is not None},
        params={"precision": precision, "batch_size": str(batch), **(params or {})},
    )


def an_entry(*args, **changes) -> Entry:
    held = a_run(*args, **changes)
    return entry(held, held.tags)


def a_cell(model: str, *values: float, **changes) -> Entry:
    """The entry of a cell whose processes took so much, Wh per 1,000."""
    tags = {"compare__cell": f"cell of {model}", **changes}
    (cell,) = merged([an_entry(model, value, value * 0.01, **tags) for value in values])
    return cell


def recommend(entries, answers=NONE, **bounds):
    """The recommendation of the one group that these entries are."""
    (group,) = groups(entries)
    return decide(group, constraints.constraints(bounds), answers)


def a_page(
    runs: list[StoredRun],
    left_out: tuple[LeftOut, ...] = (),
    records: dict[str, Record] | None = None,
    use: dict[str, object] | None = None,
    **bounds,
):
    """The page of these runs, without a store."""
    ranked, _ = compared.compared([entry(run, run.tags) for run in runs], compared.AUTO)
    entries = merged(ranked)
    chosen = Selection(entries, left_out, {run.run_id: run for run in runs})
    checked = constraints.constraints({"quality_loss": 0.05, **bounds})
    recommendations = tuple(decide(group, checked) for group in groups(entries))
    return page_of(
        ReportRequest(use=use), checked, "sqlite:////somewhere/mlflow.db", chosen, recommendations, records or {}
    )


def showcase() -> list[StoredRun]:
    """A rich set: two tasks, two cards, specialists, general-purpose models, doubts, random weights, external runs."""
    runs = []
    parts = (
        "GPU: lower bound of the model's work {:.0f}% (estimated), model beyond it 40%, preprocessing 7%, "
        "transfers n/a, postprocessing 2%, between stages 5%; processor and memory 18% (estimated)"
    )
    speed = {"fp32": 1.0, "bf16": 0.52, "int8": 0.61}
    quality = {"fp32": 0.0, "bf16": -0.001, "int8": -0.013}
    models = {
        "distilbert_sst2": (0.22, 0.911, "specialist", 67e6),
        "bert_large": (0.78, 0.934, "specialist", 335e6),
        "minilm_l6": (0.09, 0.872, "specialist", 23e6),
        "flan_t5-base": (1.9, 0.902, "general_purpose", 248e6),
        "bloomz-560m": (2.6, 0.871, "general_purpose", 559e6),
        "bloomz-1b7": (5.1, 0.914, "general_purpose", 1722e6),
    }
    for task, more in (("text_classification", 1.0), ("question_answering", 1.6)):
        for place, (model, (wh, right, role, size)) in enumerate(models.items()):
            for precision in speed:
                for batch in (1, 4, 16, 64):
                    energy = wh * more * speed[precision] / batch**0.72 * (1 + 0.02 * ((place * 7 + batch) % 5 - 2))
                    late = 0.004 * (1 + place) * batch**0.45 * speed[precision]
                    runs += [
                        a_run(
                            model, energy * share, energy * (0.006 + 0.003 * ((place + batch) % 4)),
                            right - 0.03 * (more - 1) + quality[precision], precision, batch, task=task, role=role,
                            metric="accuracy" if more == 1 else "f1", parameters=str(int(size)),
                            device="NVIDIA H100 80GB HBM3", compare__key=task, method__gpu="counter",
                            method__cpu="estimated", method__ram="constant",
                            compare__cell=f"{task} {model} {precision} {batch}",
                            energy__parts=parts.format(82 / (2 + 40 / batch)),
                            compare__prompt="p" if role == "general_purpose" else None,
                            verdict="doubtful" if (place + batch) % 9 == 0 else "sound",
                            flags="not_converged" if (place + batch) % 9 == 0 else None,
                            metrics={
                                "energy/gpu_wh_per_1k": energy * 0.82, "energy/cpu_wh_per_1k": energy * 0.13,
                                "energy/ram_wh_per_1k": energy * 0.05, "energy/estimated_share": 0.18,
                                "latency/p50_s": late, "latency/p90_s": late * 1.25, "latency/p95_s": late * 1.4,
                                "latency/p99_s": late * 2.1, "throughput/requests_per_s": batch / late,
                                "memory/gpu_peak_bytes": size * 4 * (1.2 + batch / 40),
                                "lower_bound/wh_per_1k": energy / (2 + 40 / batch),
                                "lower_bound/ratio": 2 + 40 / batch, "emissions/g_per_1k": energy * 0.056,
                                "stages/preprocessing_wh_per_1k": energy * 0.07,
                                "stages/model_wh_per_1k": energy * 0.86,
                                "stages/postprocessing_wh_per_1k": energy * 0.02,
                            },
                        )
                        for share in (0.996, 1.0, 1.004)
                    ]  # fmt: skip
    plain = {"compare__key": "text_classification", "device": "NVIDIA H100 80GB HBM3"}
    runs += [
        a_run("gpt2-random", 0.004, 0.0001, 0.99, "bf16", 64, weights="random", flags="random_weights", **plain),
        a_run("roberta_base", 0.008, 0.0001, 0.93, "bf16", 64, flags="contaminated", verdict="doubtful", **plain),
        a_run("distilbert_sst2", 6.1, 0.3, 0.911, "fp32", 1, device="AMD EPYC", compare__key="cpu", verdict="doubtful",
              flags="estimated", method__cpu="estimated", method__ram="constant",
              metrics={"energy/estimated_share": 1.0, "energy/cpu_wh_per_1k": 4.0, "energy/ram_wh_per_1k": 2.1}),
        a_run("distilbert-study", 3.4, None, None, "fp32", 1, boundary="whole host: eight A100s, seven idle",
              device="NVIDIA A100", compare__key=None, windows=None),
    ]  # fmt: skip
    return runs
