"""One page of evidence for practices 13, 23, 25 and 31 of AFNOR SPEC 2314, in Markdown.

The practices' wording is AFNOR's and not in this program: the page has what a run can show, and a line for each of them
in which its reader says how it answers the practice.
"""

from collections.abc import Sequence

from joulemark.analysis import caveats
from joulemark.core import markdown as md
from joulemark.core.formatting import UNKNOWN, digits, percent, quantity, spoken
from joulemark.core.markdown import Table, escaped
from joulemark.reporting.exports.format import Document, Options
from joulemark.reporting.exports.run import Run

SUFFIX, CLAIM, ONE_RUN = ".md", False, True
PRACTICES = (13, 23, 25, 31)


def write(runs: Sequence[Run], options: Options) -> Document:
    """The page of one run."""
    (run,) = runs
    record = run.record
    lines = [
        f"# AFNOR SPEC 2314: evidence for practices {', '.join(map(str, PRACTICES))}",
        "",
        escaped(f"{run.checkpoint}, {spoken(record.task.name)}, {record.device_name}, {run.settings_text}. Measured "
                f"{record.started_at[:10]}; status {record.status}, verdict {run.verdict}."),
        "",
        *(f"> {escaped(warning)}\n" for warning in (*caveats.foremost(record), *caveats.warnings(record))),
        *md.table(Table("What was measured", ("what", "value", "how it is known"), _measured(run))),
        *md.table(Table("The full boundary, of 1,000 requests", ("line", "value", "how it is known"), _lines(run),
                        "Only the lines that a sensor or its estimate gave are part of the measured figure.")),
        *md.table(Table("The practices", ("practice", "how this evidence answers it"),
                        [(str(number), "") for number in PRACTICES],
                        "The wording of the practices is in AFNOR SPEC 2314; the answers are yours to write.")),
    ]  # fmt: skip
    return Document("\n".join(lines), ("how the evidence answers each practice: yours to write, since AFNOR's text is "
                                       "not in this program",))  # fmt: skip


def _measured(run: Run) -> list[tuple[str, str, str]]:
    record, metrics = run.record, run.metrics
    evidence = ", ".join(f"{part.upper()} {how}" for part, how in run.evidence.items() if how)
    return [
        ("energy of 1,000 requests", run.energy_text, evidence or "not available"),
        (f"energy per {record.task.unit}", quantity(metrics["energy/j_per_unit"], "J"), "the same over those counted"),
        ("dynamic energy (above idle), of 1,000 requests", quantity(metrics["energy/dynamic_wh_per_1k"], "Wh"),
         "gross less idle power"),
        (f"quality: {record.task.metric}", digits(record.scores.get("primary")),
         f"{record.task.samples} inputs of the dataset {record.task.dataset or UNKNOWN}, of the same calls"),
        ("utilization of the GPU", percent(metrics["utilization/gpu"]), "as its driver sampled it"),
        ("latency, 95 of 100 requests within", quantity(metrics["latency/p95_s"], "s"), "this program's clock"),
        ("protocol", record.protocol.name, "conf/protocol"),
    ]  # fmt: skip


def _lines(run: Run) -> list[tuple[str, str, str]]:
    return [(line.name, quantity(line.value, line.unit), line.known_by) for line in run.boundary.lines]
