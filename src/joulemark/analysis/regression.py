"""Whether run B regresses against run A by more than is accepted, in energy or in quality: for use in CI."""

from dataclasses import dataclass

from joulemark.analysis import verdict
from joulemark.analysis.comparison import Comparison

QUALITY = "quality/primary"


@dataclass(frozen=True)
class Regression:
    """The result of holding B against A.

    Attributes:
        regressed: whether B is worse than accepted; None where that cannot be decided
        message: what was compared, one clause for each share; empty where nothing was asked
    """

    regressed: bool | None
    message: str = ""


def regression(comparison: Comparison, max_regress: float | None, max_quality_loss: float | None) -> Regression:
    """Holds B against A: `max_regress` is the accepted rise of energy, `max_quality_loss` the accepted loss, as shares.

    None accepts anything. A tie is noise, so it never regresses.
    """
    if comparison.reasons:
        return Regression(None)
    checks = []
    if max_quality_loss is not None:
        checks.append(_quality(comparison, max_quality_loss))
    if max_regress is not None:
        checks.append(_energy(comparison, max_regress))
    undecided = next((check for check in checks if check.regressed is None), None)
    if undecided is not None:
        return undecided
    return Regression(any(check.regressed for check in checks), "; ".join(check.message for check in checks))


def in_words(comparison: Comparison) -> str:
    """The outcome of a comparison: `A costs less`, `B costs less`, `tie` or `unknown`."""
    return f"{comparison.verdict} costs less" if comparison.verdict in (verdict.A, verdict.B) else comparison.verdict


def _quality(comparison: Comparison, accepted: float) -> Regression:
    loss = verdict.quality_loss(*comparison.rows[QUALITY])
    if loss is None:
        return Regression(None, "quality cannot be held against a limit: one of the runs has none")
    return Regression(loss > accepted, f"quality: B loses {loss:.2%}, {accepted:.2%} is accepted")


def _energy(comparison: Comparison, accepted: float) -> Regression:
    difference = comparison.difference
    if comparison.verdict == verdict.UNKNOWN or difference is None:
        return Regression(None, f"energy cannot be held against a limit: {comparison.note}")
    if not difference.ratio:
        return Regression(None, "energy cannot be held against a limit: it is not above zero in one of the runs")
    rise = 1 / difference.ratio - 1
    message = f"energy: B costs {rise:+.2%} ({in_words(comparison)}), {accepted:.2%} is accepted"
    return Regression(verdict.regresses(comparison.verdict, rise, accepted), message)
