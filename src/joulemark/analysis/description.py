"""A run as a Markdown description that a person can read alone."""

from collections.abc import Mapping

from joulemark.analysis import audit
from joulemark.analysis.caveats import foremost, warnings
from joulemark.analysis.impact import published_text
from joulemark.analysis.result_table import rows, value_text
from joulemark.analysis.serving import table
from joulemark.core.record import Record
from joulemark.core.serving import BATCH, TRANSFORMERS


def title(record: Record) -> str:
    """Model, task and settings in one line; of served traffic the engine and the load, too."""
    how = f"batch {record.settings.batch_size}" if record.scenario.name == BATCH else table.load(record)
    engine = () if record.engine.name == TRANSFORMERS else (record.engine.name,)
    return " · ".join(
        (record.model.name, record.task.name, str(record.settings.precision), *engine, how, record.device_name)
    )


def markdown(record: Record, metrics: Mapping[str, float | None]) -> str:
    """A description a person can read alone."""
    lines = [line for warning in foremost(record) for line in (f"> {warning}", "")]
    lines += [f"**{title(record)}**", ""]
    if record.measurement.windows:
        lines += [_face(record, metrics), ""]
    if record.error:
        lines += [f"{record.status}: {_plain(record.error)}", ""]
    below = warnings(record)
    lines += [f"> {_plain(warning)}" for warning in below] + [""] * bool(below)
    if record.measurement.windows:
        lines += ["| what | value | evidence |", "|---|---|---|"]
        lines += [
            f"| {what.strip()} | {value} | {_plain(evidence)} |" for what, value, evidence in rows(record, metrics)
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


def _face(record: Record, metrics: Mapping[str, float | None]) -> str:
    """The verdict and the energy in one line: of a long description MLflow shows the first lines only."""
    verdict, reason = audit.verdict(record)
    interval = metrics["energy/ci95_rel"]
    width = "without an interval" if interval is None else f"± {interval:.1%} (within-run)"
    total = value_text(metrics["energy/total_wh_per_1k"], "Wh")
    if record.measurement.traffic is not None:
        token = value_text(metrics["energy/j_per_output_token"], "J")
        return f"**{verdict}** ({_plain(reason)}): {total} per 1,000 requests, {token} per output token"
    return f"**{verdict}** ({_plain(reason)}): {total} per 1,000 inferences {width}"


def _plain(text: str) -> str:
    """Text with the characters escaped that Markdown and HTML interpret: it may come from a file or a model."""
    return text.replace("<", "&lt;").replace("|", "\\|")
