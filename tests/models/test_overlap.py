"""The steps of each kind that overlaps give the predictions of its plain call, on the weights that ship."""

from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
import torch

from joulemark.config import model_files
from joulemark.core.errors import UserError
from joulemark.core.model import Checkpoint, Settings
from joulemark.measure.instruments import Clock
from joulemark.measure.pipeline import overlapped
from joulemark.models.backend import transfers
from joulemark.models.backend.tokenization import Encoded
from joulemark.models.seq2seq_lm import Seq2SeqLM
from tests.composed import pieced
from tests.models import tiny

pytestmark = pytest.mark.weights

# model and task of each kind that overlaps
KINDS = {
    "sequence_classifier": ("embedded_classifier", "text_classification"),
    "token_classifier": ("embedded_tagger", "token_classification"),
    "masked_lm": ("embedded_filler", "masked_language_modelling"),
    "span_extractor": ("embedded_reader", "question_answering"),
    "image_classifier": ("embedded_image_classifier", "image_classification"),
    "object_detector": ("embedded_detector", "object_detection"),
    "sentence_encoder": ("minilm_l6", "sentence_similarity"),
}
TINY = {
    "model_type": "bert", "vocab_size": 300, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
    "num_attention_heads": 2, "max_position_embeddings": 64, "pad_token_id": 0,
}  # fmt: skip


def asked(kind: str, count: int = 40) -> tuple[Any, Any, list[Any]]:
    model, task = KINDS[kind]
    run = pieced(model, task, dataset="embedded")
    if kind == "sentence_encoder":  # no such weights ship
        run = replace(run, model=replace(run.model, checkpoint=Checkpoint("tiny", weights="random", shape=TINY)))
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
        assert fast.facts["preprocessing"]["library"] == "tokenizers"


@pytest.mark.parametrize("kind", ["causal_lm", "seq2seq_lm"])
def test_a_generator_is_given_the_very_same_tokens_by_either_library(kind: str) -> None:
    run = pieced("embedded", "summarization", dataset="embedded")
    model, inputs = run.model, [sample.input for sample in run.task.samples(6, 0).samples]
    if kind == "seq2seq_lm":
        checkpoint = Checkpoint("tiny", weights="random", shape={**tiny.SHAPES["t5"], "model_type": "t5"})
        model = Seq2SeqLM(checkpoint, "general_purpose", context=60)
    usual, fast = (
        model.load(run.task, "cpu", Settings(batch_size=2, preprocessing=each)) for each in ("transformers", "fast")
    )
    expected, given = usual.predict.prepare(inputs), fast.predict.prepare(inputs)
    assert (expected.lengths, expected.truncated) == (given.lengths, given.truncated)
    assert all(torch.equal(expected.tensors[name], given.tensors[name]) for name in ("input_ids", "attention_mask"))
    assert fast.predict(inputs[:2]) == usual.predict(inputs[:2])
    assert usual.facts["preprocessing"]["library"] == "transformers"
    assert fast.facts["preprocessing"]["library"] == "tokenizers"
    assert fast.steps is None


def test_chats_which_transformers_writes_are_refused_to_the_rust_library_in_one_line() -> None:
    run = pieced("embedded", "chat", dataset="embedded")
    with pytest.raises(UserError, match=r"preprocessing=fast: transformers writes chats; type preprocessing=transf"):
        run.model.load(run.task, "cpu", Settings(preprocessing="fast"))


def test_what_a_yaml_says_of_overlapping_is_what_its_kind_does() -> None:
    overlapping = {
        name for name in model_files.kinds() if model_files.node(f"kind/{name}")["capabilities"].get("overlaps", False)
    }
    assert overlapping == set(KINDS)


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


def test_on_a_card_a_batch_is_pinned_by_whoever_prepares_it_and_its_predictions_are_read_once_they_have_arrived(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log: list[str] = []

    class Event:
        def synchronize(self) -> None:
            log.append("arrived")

    class Doubling:
        def prepare(self, inputs: Any) -> Any:
            log.append("prepare")
            return Encoded({"input_ids": torch.tensor(inputs)}, [1], [False])

        def infer(self, batch: Encoded) -> Any:
            log.append("infer")
            return batch, batch.tensors["input_ids"] * 2

        def read(self, output: Any) -> Any:
            log.append("read")
            return output[1].tolist()

    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda tensor: log.append("pinned") or tensor)
    monkeypatch.setattr(transfers, "arriving", lambda output: transfers.Arriving(output, (Event(), Event())))
    steps = transfers.overlapping(Doubling(), "cuda:0", threads=2)
    assert steps.read(steps.infer(steps.prepare([1, 2]))) == [2, 4]
    assert log == ["prepare", "pinned", "infer", "arrived", "arrived", "read"]
    assert steps.threads == 2


def test_pinned_memory_that_is_not_there_is_a_lack_of_memory_and_any_other_error_stays_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(message: str) -> None:
        def pin(tensor: Any) -> Any:
            raise RuntimeError(message)

        monkeypatch.setattr(torch.Tensor, "pin_memory", pin)

    refuse("CUDA error: out of memory")
    with pytest.raises(MemoryError, match="no pinned memory of the host for 24 bytes"):
        transfers.pinned({"input_ids": torch.ones(6)})
    refuse("CUDA error: an illegal memory access was encountered")
    with pytest.raises(RuntimeError, match="illegal memory access"):
        transfers.pinned({"input_ids": torch.ones(6)})
