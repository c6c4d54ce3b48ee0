"""Whether setting B regresses against setting A by more than is accepted, in energy or in quality: for use in CI."""

from dataclasses import dataclass

from joulemark.analysis import quality, verdict
from joulemark.analysis.comparison import Comparison
from joulemark.analysis.verdict import NOT_ESTABLISHED, PASSED, REGRESSED

QUALITY = "quality/primary"


@dataclass(frozen=True)
class Regression:
    """The result of holding B against A.

    Attributes:
        outcome: `passed`, `regressed` or `not established`; None where nothing was to be held against a limit
        message: what was compared, one clause for each share; empty as above
    """

    outcome: str | None
    message: str = ""


def regression(comparison: Comparison, max_regress: float | None, max_quality_loss: float | None) -> Regression:
    """Holds B against A: `max_regress` is the accepted rise of energy, `max_quality_loss` the accepted loss, as shares.

    None accepts anything. It regresses where all of the interval lies above what is accepted, and passes where none
    does; between the two nothing is established.
    """
    checks = []
    if max_quality_loss is not None:
        checks.append(_quality(comparison, max_quality_loss))
    if max_regress is not None:
        checks.append(_energy(comparison, max_regress))
    if not checks:
        return Regression(None)
    outcomes = [check.outcome for check in checks]
    outcome = next((each for each in (REGRESSED, NOT_ESTABLISHED) if each in outcomes), PASSED)
    return Regression(outcome, "; ".join(check.message for check in checks))


def in_words(comparison: Comparison) -> str:
    """The outcome of a comparison: `A costs less`, `B costs less`, `tie`, `not established` or `unknown`."""
    return f"{comparison.verdict} costs less" if comparison.verdict in (verdict.A, verdict.B) else comparison.verdict


def _quality(comparison: Comparison, accepted: float) -> Regression:
    pair, loss = comparison.quality, verdict.quality_loss(*comparison.rows.get(QUALITY, (None, None)))
    if loss is None:
        return Regression(NOT_ESTABLISHED, "quality: it is not available in both, or not above zero in A")
    message = f"quality: B loses {loss:.2%}, {accepted:.2%} is accepted ({pair.note})"
    if pair.outcome == quality.UNKNOWN:
        return Regression(NOT_ESTABLISHED, message)
    assert comparison.answers is not None  # else the outcome is unknown
    a, b = comparison.answers
    if quality.surely_keeps(b, a, accepted):
        return Regression(PASSED, message)
    return Regression(REGRESSED if quality.surely_loses(b, a, accepted) else NOT_ESTABLISHED, message)


def _energy(comparison: Comparison, accepted: float) -> Regression:
    result = comparison.energy
    if result is None or result.ratio is None:
        return Regression(NOT_ESTABLISHED, f"energy: {comparison.note}")
    message = f"energy: B costs {result.ratio - 1:+.2%} ({in_words(comparison)}), {accepted:.2%} is accepted"
    return Regression(verdict.against_limit(result, 1 + accepted), f"{message}; {result.note}")
