"""joulemark predict model=… task=… [key=value …]: what a request costs of a model that was not measured on this card.

The options are those of `joulemark run`. The model's work (FLOPs and bytes of a request) is taken from a run of it on
another device, or counted on its shape without its weights; this card's calibration prices it (joulemark calibrate);
and the models that were measured on this card, in the same task with the same settings and a batch of half to twice the
size, say how far above that lower bound they were, and how far off such a prediction is (docs/predict.md).

The result is labelled `predicted` and kept nowhere: no report, comparison or sweep ever ranks it.
Exit code 0; 2 for a mistake in the options, and where there is no calibration or nothing to learn from. In a pipe the
last line is JSON; -v shows everything on a terminal.

Examples
  joulemark predict model=gpt2_xl task=text_generation precision=bf16 batch_size=16
  joulemark predict model=bloomz model.size=7b1 task=summarization precision=bf16 | tail -1
"""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from joulemark.analysis import description
from joulemark.analysis.energy_metrics import wh_per_1k
from joulemark.cli import command_line, output, streams
from joulemark.cli.progress import checked
from joulemark.core.answer import Answer
from joulemark.core.errors import UserError
from joulemark.core.formatting import quantity, wh
from joulemark.core.paths import CONF, program

if TYPE_CHECKING:
    from joulemark.reporting.predicted import Prediction

NAMES = {"gpu": "GPU", "cpu": "processor", "total": "all components"}


def run(overrides: Sequence[str]) -> int:
    """Predicts and prints; returns the exit code."""
    from hydra import initialize_config_dir

    from joulemark.config.compose import composed
    from joulemark.measure.draft import draft
    from joulemark.reporting import predicted

    command_line.check_flags("run", overrides)
    if flags := [each for each in overrides if each.startswith("-")]:
        raise UserError(f"{flags[0]}: one model and one setting are predicted at a time; leave it out")
    with initialize_config_dir(str(CONF), version_base="1.3"):
        wanted = composed(overrides)
    like = draft(wanted)
    made = predicted.predicted(wanted.model, like, wanted.tracking_uri)
    output.show(answer(made), lambda: show(made))
    output.link()
    output.last(last_line(made))
    return 0


def answer(made: "Prediction") -> Answer:
    """What a request is predicted to cost, what that rests on, and that nothing was measured."""
    like, models = made.like, sorted({record.model.name for record in made.learnt})
    lines = [f"predicted, not measured: {description.title(like)}"]
    for name, energy in made.energies.items():
        ends = "no interval" if energy.low is None else f"{energy.low:.3g} to {energy.high:.3g} J, 95 %"
        lines.append(
            f"{NAMES[name]}: {energy.joules:.3g} J a request, {wh(wh_per_1k(energy.joules))} per 1,000 ({ends})"
        )
    learnt = f"learnt from {len(models)} model{'s' * (len(models) != 1)} measured here: {', '.join(models)}"
    return Answer(lines, [learnt, *made.notes[1:]], made.notes[:1])


def show(made: "Prediction") -> None:
    """Prints the energies with their intervals, what they rest on, and that nothing was measured."""
    from rich.table import Table

    from joulemark.core import console

    console.show(f"predicted, not measured: {description.title(made.like)}")
    table = Table(box=None, pad_edge=False)
    for column in ("", "J per request", "Wh per 1,000", "95 % interval, J", "over the lower bound"):
        table.add_column(column, justify="left" if column == "" else "right", no_wrap=True)
    for name, energy in made.energies.items():
        interval = "n/a" if energy.low is None else f"{energy.low:.3g} to {energy.high:.3g}"
        row = (f"{energy.joules:.3g}", f"{wh_per_1k(energy.joules):.3g}", interval, f"{energy.ratio:.3g}x")
        table.add_row(f"{NAMES[name]}, predicted", *row)
    console.show(table)
    flop, read = made.work.flops / 1e9, made.work.bytes_read / 1e6
    console.show(f"work of a request: {flop:.4g} GFLOP and {read:.4g} MB of weights, {made.source}")
    console.show(f"lower bound (roofline): {quantity(made.bound_j, 'J')} of the device")
    models = sorted({record.model.name for record in made.learnt})
    console.show(f"learnt from {len(models)} model{'s' * (len(models) != 1)} measured here: {', '.join(models)}")
    for line in made.notes:
        console.show(f"! {line}")


def last_line(made: "Prediction") -> dict[str, Any]:
    """The prediction for programs; no record, and nothing reads it as one."""
    like = made.like
    return {
        "status": "predicted",
        "model": like.model.name,
        "task": like.task.name,
        "device": like.device_name,
        "settings": asdict(like.settings),
        "predicted": {
            ("total" if name == "total" else "device"): {
                "j_per_request": energy.joules,
                "wh_per_1k": wh_per_1k(energy.joules),
                "low_j": energy.low,
                "high_j": energy.high,
                "ratio": energy.ratio,
                "models": energy.models,
                "left_out": energy.left_out,
            }
            for name, energy in made.energies.items()
        },
        "lower_bound_j": made.bound_j,
        "work": {**asdict(made.work), "source": made.source},
        "learnt_from": sorted({record.model.name for record in made.learnt}),
        "runs": len(made.learnt),
        "notes": made.notes,
    }


def main() -> int:
    """The command; a user's mistake is one line on standard error and exit code 2."""
    streams.make_sturdy()
    if {"--help", "-h", "--help-all"} & set(sys.argv[1:]):
        print(str(__doc__).replace("joulemark predict", program("predict")).strip())
        return 0
    return checked(lambda: run(output.taken(sys.argv[1:])))


if __name__ == "__main__":
    sys.exit(main())
