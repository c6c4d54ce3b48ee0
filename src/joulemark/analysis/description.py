"""A run as a Markdown description that a person can read alone."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from joulemark.analysis import audit
from joulemark.analysis.caveats import foremost, warnings
from joulemark.analysis.impact import published_text
from joulemark.analysis.result_table import rows
from joulemark.analysis.serving import table
from joulemark.core.apart import told_apart
from joulemark.core.formatting import many, quantity
from joulemark.core.record import Record
from joulemark.core.serving import BATCH, TRANSFORMERS


def title(record: Record) -> str:
    """Model, task and settings in one line; of served traffic the engine and the load, too."""
    how = f"batch {record.settings.batch_size}" if record.scenario.name == BATCH else table.load(record)
    engine = () if record.engine.name == TRANSFORMERS else (record.engine.name,)
    return " · ".join(
        (record.model.name, record.task.name, str(record.settings.precision), *engine, how, record.device_name)
    )


def titles(records: Sequence[Record]) -> list[str]:
    """The title of each, with what else differs where two read the same: data, inputs, protocol, weights."""
    facts = [
        {
            "source": Path(record.task.source or record.task.dataset or "").name,
            "samples": f"{record.task.samples} inputs",
            "protocol": f"protocol {record.protocol.name}",
            "weights": f"{record.model.weights} weights",
            "threads": _threads(record),
        }
        for record in records
    ]
    digests = [{"digest": f"inputs {(record.task.digest or 'unknown')[:8]}"} for record in records]
    return told_apart(told_apart([title(record) for record in records], facts), digests)


def _threads(record: Record) -> str:
    threads = record.environment.omp_threads
    return "" if threads is None else f"OMP_NUM_THREADS={threads}"


def markdown(record: Record, metrics: Mapping[str, float | None]) -> str:
    """A description a person can read alone: the answer in a sentence, then what it is of, then the lists."""
    lines = [line for warning in foremost(record) for line in (f"> {warning}", "")]
    lines += [_plain(answer(record, metrics)), "", _plain(title(record)), ""]
    if record.error and record.error != audit.verdict(record)[1]:  # else it was said above
        lines += [f"{record.status}: {_plain(record.error)}", ""]
    below = warnings(record)
    lines += [f"> {_plain(warning)}" for warning in below] + [""] * bool(below)
    if record.measurement.windows:
        lines += ["| what | value | evidence |", "|---|---|---|"]
        lines += [
            f"| {_indented(what)} | {value} | {_plain(evidence)} |" for what, value, evidence in rows(record, metrics)
        ]
        lines += [""]
        published = published_text.beside(record, metrics)
        lines += [f"Compared with published figures: {_plain(' '.join(published))}", ""] if published else []
    source = record.task.source or ""
    lines += [
        f"Inputs: {_plain(source)}, digest `{record.task.digest}`. Weights: {record.model.weights}"
        f" ({record.model.checkpoint}, revision {record.model.revision or 'none'}).",
        "Energies are gross component energy per 1,000 inferences, not electricity at the wall.",
    ]
    return "\n".join(lines)


def answer(record: Record, metrics: Mapping[str, float | None]) -> str:
    """What a request of this model costs, with its interval, how good the predictions are, and how sure all of it is.

    One sentence, since of a long description MLflow shows the first lines only.
    """
    verdict, reason = audit.verdict(record)
    sure = f"**{verdict}** ({reason})"
    if not record.measurement.windows:
        return f"**{record.model.name}: no window was measured**: {sure}."
    total, of = metrics["energy/total_wh_per_1k"], record.measurement.traffic
    cost = f"needs {quantity(total, 'Wh')} per 1,000 {'inferences' if of is None else 'requests'}"
    if total is None:
        cost = "needs an energy that is not available"
    parts = [f"**{record.model.name} {cost}**", _interval(record, metrics["energy/ci95_rel"])]
    if of is not None and (per_token := metrics["energy/j_per_output_token"]) is not None:
        parts.append(f"{quantity(per_token, 'J')} per output token")
    parts += _quality(record, metrics)
    return f"{', '.join(parts)}: {sure}."


def _interval(record: Record, relative: float | None) -> str:
    over = f"{many(len(record.measurement.windows), 'window')} of one process"
    return f"without an interval ({over})" if relative is None else f"± {relative:.1%} within-run ({over})"


def _quality(record: Record, metrics: Mapping[str, float | None]) -> list[str]:
    value, low, high = (metrics[f"quality/{name}"] for name in ("primary", "ci95_low", "ci95_high"))
    if value is None:
        return []
    ends = "" if low is None or high is None else f" ({low:.3g} to {high:.3g})"
    return [f"at {record.task.metric} {value:.3g}{ends}"]


def _indented(what: str) -> str:
    """The head of a row, further in where it is a part of the one above, as on a terminal."""
    return f"&emsp;{what.strip()}" if what.startswith(" ") else what


def _plain(text: str) -> str:
    """Text with the characters escaped that Markdown and HTML interpret: it may come from a file or a model."""
    return text.replace("<", "&lt;").replace("|", "\\|")
