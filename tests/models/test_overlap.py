"""The steps of each kind that overlaps give the predictions of its plain call, on the weights that ship."""

from contextlib import closing
from typing import Any

import pytest
import torch

from joulemark.config import model_files
from joulemark.core.model import Settings
from joulemark.measure.instruments import Clock
from joulemark.measure.pipeline import overlapped
from joulemark.models.backend import transfers
from joulemark.models.backend.tokenization import Encoded
from tests.composed import pieced

pytestmark = pytest.mark.weights

# model and task of each kind that overlaps
KINDS = {
    "sequence_classifier": ("embedded_classifier", "text_classification"),
    "token_classifier": ("embedded_tagger", "token_classification"),
    "masked_lm": ("embedded_filler", "masked_language_modelling"),
    "span_extractor": ("embedded_reader", "question_answering"),
    "image_classifier": ("embedded_image_classifier", "image_classification"),
    "object_detector": ("embedded_detector", "object_detection"),
}


def asked(kind: str, count: int = 40) -> tuple[Any, Any, list[Any]]:
    model, task = KINDS[kind]
    run = pieced(model, task)
    return run.model, run.task, [sample.input for sample in run.task.samples(count, 0).samples]


def together(steps: Any, batches: list[Any], prefetch: int) -> list[Any]:
    with closing(overlapped(steps, iter(batches), prefetch, Clock())) as calls:
        return [prediction for call in calls for prediction in call.result]


@pytest.mark.parametrize("kind", KINDS)
def test_predictions_are_those_of_the_plain_call_however_far_is_prepared_ahead_and_by_whichever_library(
    kind: str,
) -> None:
    model, task, inputs = asked(kind)
    assert model.kind == kind
    batches = [inputs[start : start + 6] for start in range(0, len(inputs), 6)]
    plain = model.load(task, "cpu", Settings(batch_size=6))
    expected = [prediction for batch in batches for prediction in plain.predict(batch)]
    assert together(plain.steps, batches, 2) == expected
    if kind not in ("image_classifier", "object_detector"):  # of texts
        fast = model.load(task, "cpu", Settings(batch_size=6, preprocessing="fast", preprocessing_workers=3))
        assert fast.steps.threads == 3
        assert [prediction for batch in batches for prediction in fast.predict(batch)] == expected
        assert together(fast.steps, batches, 4) == expected
        assert fast.facts["preprocessing"]["backend"] == "tokenizers"


def test_what_a_yaml_says_of_overlapping_is_what_its_kind_does() -> None:
    overlapping = {
        name for name in model_files.kinds() if model_files.node(f"kind/{name}")["capabilities"].get("overlaps", False)
    }
    assert overlapping == {*KINDS, "sentence_encoder"}


def test_on_a_processor_nothing_is_copied_and_each_tensor_of_a_batch_is_found() -> None:
    batch = Encoded({"input_ids": torch.ones(2, 3)}, [3, 3], [False, False])
    rows = [["a", "b"], ["c"]]
    seen: list[Any] = []
    made = transfers.mapped((rows, batch, [batch, batch], {"pixels": torch.ones(1)}), lambda one: seen.append(one) or 0)
    assert len(seen) == 4
    assert made[0] is rows
    assert made[1].tensors == {"input_ids": 0}
    assert [each.tensors["input_ids"] for each in made[2]] == [0, 0]
    tensor = torch.ones(2)
    assert transfers.to_device(tensor, "cpu") is tensor
    assert transfers.arriving((rows, tensor)).arrived() == (rows, tensor)
