"""How much each setting decides about the energy: Optuna's own evaluator, over one value for each point."""

import math
import warnings
from collections.abc import Mapping, Sequence

from joulemark.sweep.space import BATCH, Dimension, Point, value

# With fewer points for each setting a forest of trees splits on chance
ENOUGH = 5


def importance(energies: Mapping[Point, float], dimensions: Sequence[Dimension]) -> dict[str, float] | str:
    """The share of each setting in the variance of the logarithm of energy, the greatest first; or why there is none.

    fANOVA (Hutter, Hoos and Leyton-Brown, "An Efficient Approach for Assessing Hyperparameter Importance", 2014) as
    Optuna computes it. The logarithm, because energies are compared by their ratio. Settings that never varied have no
    share.
    """
    varied = [dimension for dimension in dimensions if len({value(point, dimension.key) for point in energies}) > 1]
    needed = ENOUGH * len(varied)
    if not varied:
        return "no setting varied"
    if len(varied) == 1:
        return f"only {varied[0].key} varied, so its share is all of it"
    if len(energies) < needed:
        return f"too few points: {len(energies)} finished, and {len(varied)} settings need {needed}"
    return _shares(energies, varied)


def _shares(energies: Mapping[Point, float], varied: Sequence[Dimension]) -> dict[str, float] | str:
    import optuna
    from optuna.distributions import CategoricalDistribution, IntDistribution
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study()
    sizes = sorted({int(size) for point in energies if (size := value(point, BATCH)) is not None})
    for point, energy in energies.items():
        values = {dimension.key: value(point, dimension.key) or "" for dimension in varied}
        study.add_trial(
            optuna.trial.create_trial(
                params={key: sizes.index(int(text)) if key == BATCH else text for key, text in values.items()},
                distributions={
                    dimension.key: IntDistribution(0, len(sizes) - 1)
                    if dimension.key == BATCH
                    else CategoricalDistribution(list(dimension.values))
                    for dimension in varied
                },
                value=math.log(energy),
            )
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            shares = get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=0))
        except RuntimeError as error:  # energies without variance
            return f"Optuna cannot compute it: {error}"
    return dict(sorted(shares.items(), key=lambda pair: -pair[1]))
