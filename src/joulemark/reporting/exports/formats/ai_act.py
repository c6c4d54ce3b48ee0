"""A paragraph for the EU AI Act's Annex XI, Section 1, point 2(e): known or estimated energy consumption of the model.

Regulation (EU) 2024/1689. What was measured is inference; the energy of training is what a published source says, or
it is said that it is not known.
"""

from collections.abc import Sequence

from joulemark.analysis.impact import training
from joulemark.core.formatting import UNKNOWN, digits, listed, rounded, spoken
from joulemark.core.markdown import escaped
from joulemark.core.measurement import COMPONENTS
from joulemark.reporting.exports.format import Document, Options
from joulemark.reporting.exports.run import Run

SUFFIX, CLAIM, ONE_RUN = ".md", True, True
HOW = {
    "counter": "read from its hardware counter",
    "rapl": "read from its hardware counter (RAPL)",
    "sampled": "integrated from power samples of its sensor",
    "replayed": "replayed from a file",
    "estimated": "estimated by a model of its load, not measured",
    "constant": "estimated as a constant, not measured",
}
UNSEEN = "not available, so not in the figure"


def write(runs: Sequence[Run], options: Options) -> Document:
    """The heading and the paragraphs of one run."""
    (run,) = runs
    known = training.of_model(run.checkpoint)
    left_out = [] if known else ["training: its energy is neither measured here nor published in conf/reference"]
    text = "\n\n".join(
        (
            "## Energy consumption of the model (Regulation (EU) 2024/1689, Annex XI, Section 1, point 2(e))",
            escaped(_inference(run)),
            escaped(_training(run)),
        )
    )
    return Document(f"{text}\n", tuple(left_out))


def _inference(run: Run) -> str:
    record = run.record
    version = f", revision {record.model.revision}" if record.model.revision else ""
    parts = [
        f"{'GPU' if component == 'gpu' else component.upper()} {HOW.get(run.evidence[component] or '', UNSEEN)}"
        for component in COMPONENTS
        if component != "gpu" or record.hardware.gpu_name or run.evidence["gpu"]
    ]
    unit = run.metrics["energy/j_per_unit"]
    per_unit = f" ({digits(unit)} J per {record.task.unit})" if unit is not None else ""
    flags = f" Warnings of the measurement: {', '.join(record.flags)}." if record.flags else ""
    parameters = f", {rounded(record.model.parameters)} parameters" if record.model.parameters else ""
    return (
        f"Inference. {run.checkpoint}{version}{parameters}: {run.energy_text} for 1,000 requests of "
        f"{spoken(record.task.name)}{per_unit}, on {record.device_name}, {run.settings_text}, {record.task.samples} "
        f"inputs of the dataset {record.task.dataset or UNKNOWN}, measured on {record.started_at[:10]} with the "
        f"protocol {record.protocol.name}. {listed(parts)}. Other parts of the machine and the building's overhead are "
        f"not in the figure. Verdict of the measurement's audit: {run.verdict}.{flags}"
    )


def _training(run: Run) -> str:
    known = training.of_model(run.checkpoint)
    if known is None:
        return (
            "Training. The energy of training was not measured by this program, and no published figure is known to "
            f"it: {UNKNOWN}. Where it is unknown, the point allows a statement based on the computing resources used."
        )
    reference = training.published()
    tuning = f" and {known.fine_tuning_kwh:,.0f} kWh of fine-tuning" if known.fine_tuning_kwh else ""
    return (
        f"Training. {known.training_kwh:,.0f} kWh{tuning}, as published: {reference.source}, {reference.year} "
        f"({reference.boundary}). It was not measured by this program."
    )
