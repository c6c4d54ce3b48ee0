"""Which options may feed the device of a run better, and how much of a request's time each removes at most.

preparing   what goes by without the model: done by the libraries beneath transformers, ahead of it, in more threads
launching   what the card is idle while the model works: a recorded forward pass, recorded decoding
padding     what the model computes only to fill a batch up: batches of texts of one length, then by tokens

Time, since a device that waits draws about what it does at work. The options are those of analysis/advice.py: what the
record's model supports and the run did not set.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from joulemark.analysis import advice
from joulemark.analysis.breakdown import APART, PREPROCESSING
from joulemark.analysis.diagnosis import NEAR_IDLE
from joulemark.analysis.signs import read
from joulemark.core.record import Record


@dataclass(frozen=True)
class Move:
    """One line of options that may feed the device better.

    Attributes:
        options: the line
        share: of a request's time, what it removes at most; None where that is not known
    """

    options: str
    share: float | None


def moves(record: Record) -> list[Move]:
    """What is left to try, that of the largest part first, then what no part is known of; none without stages."""
    if not record.measurement.stages or not record.measurement.windows:
        return []
    prepared, hidden = _preparing(record)
    padding, on_card = _padding(record), record.hardware.device != "cpu"
    found = [
        *_of(advice.prepared_ahead(record) if on_card else [], prepared),
        *_of(advice.prepared_otherwise(record), prepared),
        *_of(advice.ahead(record) if on_card else [], hidden),
        *_of(advice.recorded(record), _launching(record) if on_card else None),
        *([] if padding is None else _of(advice.less_padding(record)[::-1], padding)),
    ]
    return sorted(found, key=lambda move: -1.0 if move.share is None else move.share, reverse=True)


def _of(lines: Sequence[str], share: float | None) -> list[Move]:
    return [Move(line, share) for line in lines]


def _preparing(record: Record) -> tuple[float | None, float | None]:
    """The shares of preparing inputs: what the model does not hide already, and what it could hide."""
    stages, whole = _stages_s(record), _request_s(record)
    prepare_s = stages.get(PREPROCESSING)
    if prepare_s is None or not whole:
        return None, None
    model_s = sum(seconds for name, seconds in stages.items() if name not in APART)
    beside_s = max(0.0, whole - model_s) if record.settings.prefetch else prepare_s
    return _share(min(prepare_s, beside_s), whole), _share(min(prepare_s, beside_s, model_s), whole)


def _launching(record: Record) -> float | None:
    """The share in which the card is idle while the model works, at most."""
    stages, whole, signs = _stages_s(record), _request_s(record), read(record)
    model_s = sum(seconds for name, seconds in stages.items() if name not in APART)
    if not whole or not model_s:
        return None
    # NVML counts a moment in which any kernel runs as busy: a card that draws next to nothing waits all the same
    idle = None if signs.busy is None or (signs.power_share or 0.0) < NEAR_IDLE else 1.0 - signs.busy
    return _share(model_s, whole) if idle is None else min(idle, _share(model_s, whole))


def _padding(record: Record) -> float | None:
    """The share of computing tokens that only fill a batch up."""
    tokens, whole = advice.padded_tokens(record), _request_s(record)
    if tokens is None or not whole:
        return None
    model_s = sum(seconds for name, seconds in _stages_s(record).items() if name not in APART)
    return _share(model_s, whole) * (1 - tokens[0] / tokens[1])


def _share(seconds: float, whole: float) -> float:
    return min(1.0, max(0.0, seconds / whole))


def _request_s(record: Record) -> float | None:
    windows = record.measurement.windows
    requests = sum(window.requests for window in windows)
    return sum(window.duration_s for window in windows) / requests if requests else None


def _stages_s(record: Record) -> dict[str, float]:
    """Seconds of a request in each stage, measured alone."""
    stages = record.measurement.stages
    return {each.name: each.window.duration_s / each.window.requests for each in stages if each.window.requests}
