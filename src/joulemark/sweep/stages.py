"""The stages of a search, each with its protocol: screening, options of feeding, full measurements of the finalists."""

from collections.abc import Sequence
from dataclasses import fields, replace

from joulemark.analysis.verdict import RESOLVED
from joulemark.config.run import Run
from joulemark.core.errors import UserError
from joulemark.core.procedure import Procedure
from joulemark.core.serving import BATCH
from joulemark.core.suggest import choose
from joulemark.sweep.feeding import FeedingPlan, carried
from joulemark.sweep.next_point import SearchPlan
from joulemark.sweep.options import SweepConf
from joulemark.sweep.space import Point, merged
from joulemark.sweep.validity import Validity

STAGE_S = 0.5  # of each stage of a trial of the second stage: for shares of time, not for joules


def screening(
    conf: SweepConf, full: Sequence[str], reference: Point, run: Run, validity: Validity
) -> tuple[tuple[str, ...] | None, list[str]]:
    """The overrides of the screening stage: another protocol, the same inputs. None where it would be no shorter."""
    if conf.screening is None:
        return None, []
    kept = [
        override for override in full if override.partition("=")[0].partition(".")[0] not in ("protocol", "samples")
    ]
    overrides = (*kept, f"protocol={conf.screening}", f"samples={run.samples}")
    without_id = [override for override in overrides if not override.startswith("sweep_id=")]
    if not _shorter(validity.run(merged(without_id, reference)).procedure, run.procedure):
        return None, [f"protocol={run.procedure.name} is as short as protocol={conf.screening}: no screening stage"]
    return overrides, []


def later(plan: SearchPlan, keys: tuple[str, ...], conf: SweepConf, run: Run, validity: Validity) -> SearchPlan:
    """The plan with the stages after the first: these options of feeding, then the full measurements."""
    return _with_finals(_with_feeding(plan, keys, run, validity), conf, run)


def _with_feeding(plan: SearchPlan, keys: tuple[str, ...], run: Run, validity: Validity) -> SearchPlan:
    """The plan with the second stage, by the screening's protocol, or the run's own where there is no screening.

    Stages are measured in all of it, since they tell which option may remove how much. None where the run of the
    space's least plain point carries none of the options.
    """
    overrides = plan.screening or plan.full
    served = run.names["scenario"] != BATCH
    if served or not carried(keys, merged(overrides, plan.space.points[-1]), validity):
        return plan
    stages = (f"protocol.stage_s={STAGE_S}",)
    if plan.screening is not None:
        return replace(plan, feeding=FeedingPlan(keys, (*overrides, *stages), validity))
    own = overrides if run.procedure.stage_s else (*overrides, *stages)
    return replace(plan, feeding=FeedingPlan(keys, own, validity), full=own)


def _with_finals(plan: SearchPlan, conf: SweepConf, run: Run) -> SearchPlan:
    """The plan whose full measurements are shorter than the run's own protocol, which `repeats` and the command have.

    What is typed stays as it is. The reference is to be told apart from what costs less, so that it converges sooner.
    """
    if plan.screening is None:
        return plan
    typed_keys = {override.lstrip("+").partition("=")[0] for override in plan.full}
    wanted = {**conf.finals, "ci95_rel": RESOLVED}
    shorter: dict[str, str] = {}
    for key, value in wanted.items():
        own = getattr(run.procedure, key, None)
        if not isinstance(own, int | float):
            raise UserError(choose("sweep.finals", key, [each.name for each in fields(Procedure)]))
        if f"protocol.{key}" not in typed_keys and (value > own if key == "ci95_rel" else value < own):
            shorter[key] = f"protocol.{key}={value}"
    of_reference = tuple(filter(None, [shorter.pop("ci95_rel", None)]))
    if plan.feeding is not None and not run.procedure.stage_s:
        shorter["stage_s"] = f"protocol.stage_s={STAGE_S}"
    return replace(plan, finals=tuple(shorter.values()), finals_of_reference=of_reference)


def _shorter(procedure: Procedure, reference: Procedure) -> bool:
    if procedure.min_windows > reference.min_windows:
        return False
    return procedure.min_windows < reference.min_windows or procedure.window_s < reference.window_s
