"""An inference as its stages, each of which can be measured alone.

inputs ── preprocessing ── model ── postprocessing ── predictions                   one forward pass
inputs ── preprocessing ── prefill ── decode ── postprocessing ── predictions       a generator (generation_stages.py)
inputs ── text_encoding ── denoising ── image_decoding ── predictions               diffusion (diffusion_stages.py)
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from joulemark.core.model import Stage
from joulemark.core.task import Prediction
from joulemark.models.backend import placement


class Predictor(Protocol):
    """A predict in three steps: host values to tensors, the model's own work, and its output as Predictions.

    What `prepare` and `infer` give may be used again: no step changes what it was given.
    """

    def prepare(self, inputs: Sequence[Any], /) -> Any:
        """The inputs of one batch as the model's tensors, on the host."""

    def infer(self, prepared: Any, /) -> Any:
        """What the model gives for a prepared batch; its tensors may still be on the device."""

    def read(self, output: Any, /) -> list[Prediction]:
        """The predictions in what the model gave, as host values."""


def through(predictor: Predictor, inputs: Sequence[Any]) -> list[Prediction]:
    """One whole inference: the three steps in order."""
    return predictor.read(predictor.infer(predictor.prepare(inputs)))


def plain(predictor: Predictor, device: str) -> tuple[Stage, ...]:
    """The stages of a model that infers in one step."""
    return staged(device, preprocessing=predictor.prepare, model=predictor.infer, postprocessing=predictor.read)


def staged(device: str, **runs: Callable[[Any], Any]) -> tuple[Stage, ...]:
    """The steps by name, in order, each of which returns only when the device has done its work."""
    return tuple(Stage(name, _waiting(run, device)) for name, run in runs.items())


def _waiting(run: Callable[[Any], Any], device: str) -> Callable[[Any], Any]:
    if device == "cpu":
        return run

    def waited(value: Any) -> Any:
        result = run(value)
        placement.finished(device)
        return result

    return waited
