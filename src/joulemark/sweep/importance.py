"""How much each setting decides about the energy: Optuna's own evaluators, over one value for each point."""

import math
import warnings
from collections.abc import Mapping, Sequence

from joulemark.sweep.space import BATCH, Dimension, Point, value

# Below so many points for each setting a forest of trees splits chance
ENOUGH = 5


def importance(energies: Mapping[Point, float], dimensions: Sequence[Dimension]) -> dict[str, float] | str:
    """The share of each setting in the variance of the logarithm of energy, the greatest first; or why there is none.

    fANOVA (Hutter, Hoos and Leyton-Brown, "An Efficient Approach for Assessing Hyperparameter Importance", 2014) as
    Optuna computes it. The logarithm, because energies are compared by their ratio. Settings that never varied have no
    share.
    """
    varied = [one for one in dimensions if len({value(point, one.key) for point in energies}) > 1]
    need = ENOUGH * len(varied)
    if not varied:
        return "no setting varied: nothing to share out"
    if len(varied) == 1:
        return f"only {varied[0].key} varied: it has all there is"
    if len(energies) < need:
        return f"too few points to say: {len(energies)} finished, {need} would do for {len(varied)} settings"
    return _shares(energies, varied)


def _shares(energies: Mapping[Point, float], varied: Sequence[Dimension]) -> dict[str, float] | str:
    import optuna
    from optuna.distributions import CategoricalDistribution, IntDistribution
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study()
    sizes = sorted({int(found) for point in energies if (found := value(point, BATCH)) is not None})
    for point, energy in energies.items():
        words = {one.key: value(point, one.key) or "" for one in varied}
        study.add_trial(
            optuna.trial.create_trial(
                params={key: sizes.index(int(word)) if key == BATCH else word for key, word in words.items()},
                distributions={
                    one.key: IntDistribution(0, len(sizes) - 1)
                    if one.key == BATCH
                    else CategoricalDistribution(list(one.values))
                    for one in varied
                },
                value=math.log(energy),
            )
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=0))
        except RuntimeError as error:  # energies without variance
            return f"Optuna cannot say: {error}"
    return dict(sorted(found.items(), key=lambda pair: -pair[1]))
