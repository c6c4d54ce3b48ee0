"""CUDA graphs of a forward pass, on a card that is played: what is recorded, replayed and given back."""

import inspect
from contextlib import contextmanager, nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

from joulemark.core.errors import UserError
from joulemark.core.model import Settings
from joulemark.models.backend import compilation, cuda_graphs, flop_counting
from joulemark.models.backend.cuda_graphs import Graphs
from joulemark.models.sequence_classifier import SequenceClassifier
from tests.models import tiny

pytestmark = pytest.mark.weights

TEXTS = ["good film", "a story of all the best music and never so dull", "he was so long " * 4]


class Card:
    """Records by calling once; each replay calls again and writes into the memory of the first output."""

    def __init__(self) -> None:
        self.recorded = self.replayed = 0

    def record(self, call: Any) -> Any:
        import torch
        from torch.utils._pytree import tree_leaves

        self.recorded += 1
        output = call()

        def replay() -> None:
            self.replayed += 1
            for place, value in zip(tree_leaves(output), tree_leaves(call()), strict=True):
                if isinstance(place, torch.Tensor):
                    place.copy_(value)

        return replay, output


def doubled(given: Any, attention_mask: Any = None, further: Any = None) -> Any:
    """A forward pass: twice what the mask lets through."""
    masked = given if attention_mask is None else given * attention_mask
    return {"out": masked * 2, "further": further}


def rows(*values: float) -> Any:
    import torch

    return torch.tensor([values])


def test_each_shape_is_recorded_once_and_replayed_with_the_inputs_of_each_call() -> None:
    card = Card()
    graphs = Graphs(doubled, card.record)
    inputs = [rows(1, 2), rows(3, 4), rows(5, 6, 7), rows(8, 9)]
    assert [graphs(value)["out"].tolist() for value in inputs] == [(value * 2).tolist() for value in inputs]
    assert (card.recorded, card.replayed, len(graphs), graphs.eager_calls) == (2, 4, 2, 0)


def test_types_and_plain_values_are_part_of_the_shape() -> None:
    card = Card()
    graphs = Graphs(doubled, card.record)
    graphs(rows(1, 2))
    graphs(rows(1.0, 2.0))
    assert graphs(rows(1, 2), further=True)["further"] is True
    assert graphs(given=rows(1, 2))["out"].tolist() == [[2, 4]]
    assert card.recorded == 4


def test_a_result_that_is_kept_stays_what_it_was() -> None:
    graphs = Graphs(doubled, Card().record)
    first = graphs(rows(1, 2))
    graphs(rows(3, 4))
    assert first["out"].tolist() == [[2, 4]]


def test_the_callers_inputs_are_read_and_never_written() -> None:
    import torch

    graphs, given, mask = Graphs(doubled, Card().record), rows(1, 2), torch.ones(1, 2)
    assert graphs(given, attention_mask=mask)["out"].tolist() == [[2, 4]]  # of the first call too, which was recorded
    assert (given.tolist(), mask.tolist()) == ([[1, 2]], [[1, 1]])


def test_a_call_is_recorded_with_a_mask_that_masks_something() -> None:
    """transformers leaves out a mask of ones, in the calls before the recording only: other kernels would be tried."""
    import torch

    seen = []

    def forward(given: Any, attention_mask: Any) -> Any:
        seen.append(bool(attention_mask.all()))
        return doubled(given, attention_mask)

    graphs = Graphs(forward, Card().record)
    graphs(rows(1, 2), attention_mask=torch.ones(1, 2))
    assert seen == [False, True]  # recorded, then replayed


def test_beyond_so_many_graphs_calls_run_as_they_are_written_and_are_counted() -> None:
    card = Card()
    graphs = Graphs(doubled, card.record, most=2)
    for value in (rows(1), rows(1, 2), rows(1, 2, 3), rows(4, 5, 6), rows(7)):
        assert graphs(value)["out"].tolist() == (value * 2).tolist()
    assert (len(graphs), card.recorded, graphs.eager_calls) == (2, 2, 2)


def test_what_holds_a_cache_is_not_kept() -> None:
    graphs = Graphs(doubled, Card().record)
    assert graphs(rows(1), further=object())["further"] is None


def test_nothing_is_recorded_or_counted_while_it_runs_as_it_is_written() -> None:
    card = Card()
    graphs = Graphs(doubled, card.record, most=0)
    model = SimpleNamespace(forward=graphs)
    with compilation.eagerly(model):
        graphs(rows(1, 2))
    assert (card.recorded, graphs.eager_calls) == (0, 0)
    graphs(rows(1, 2))
    assert graphs.eager_calls == 1


def test_a_recorded_encoder_gives_the_same_labels_whole_and_in_stages_and_its_work_is_the_same(
    tmp_path: Any, monkeypatch: Any
) -> None:
    card = Card()
    monkeypatch.setattr(cuda_graphs, "recorder", lambda device, name: card.record)
    checkpoint = tiny.saved(tmp_path, "distilbert", "AutoModelForSequenceClassification")

    def load(**settings: Any) -> Any:
        return SequenceClassifier(checkpoint, "specialist").load(tiny.Ask(), "cpu", Settings(batch_size=2, **settings))

    expected, loaded = load(), load(compile="cudagraphs")
    assert card.recorded == 0  # the check of padding runs as it is written
    batches = [TEXTS[:2], TEXTS[1:], TEXTS[1::-1], TEXTS[:1]]
    assert [loaded.predict(batch) for batch in batches] == [expected.predict(batch) for batch in batches]
    assert loaded.facts["recorded"] == "forward"
    assert loaded.later_facts() == {"cuda_graphs": 3, "eager_calls": 0}
    preprocessing, model, postprocessing = (stage.run for stage in loaded.stages)
    kept = [model(preprocessing(batch)) for batch in batches]
    assert [postprocessing(output) for output in kept] == [expected.predict(batch) for batch in batches]
    assert flop_counting.count(loaded.predict, TEXTS) == flop_counting.count(expected.predict, TEXTS) is not None
    assert loaded.later_facts() == {"cuda_graphs": 3, "eager_calls": 0}
    assert "attention_mask" in inspect.signature(loaded.predict.model.forward).parameters
    assert expected.later_facts() == {}


class Cuda:
    """torch.cuda as far as recording needs it; notes what happens in which order."""

    def __init__(self, monkeypatch: Any, fails: BaseException | None = None) -> None:
        import torch

        self.events: list[Any] = []
        self.fails = fails
        played = {
            "Stream": lambda device: self.waiting("side"),
            "current_stream": lambda device: self.waiting("main"),
            "graph_pool_handle": lambda: "pool",
            "stream": self.stream,
            "CUDAGraph": lambda: SimpleNamespace(replay=lambda: self.events.append("replay")),
            "graph": self.graph,
        }
        for name, value in played.items():
            monkeypatch.setattr(torch.cuda, name, value)

    def waiting(self, name: str) -> Any:
        return SimpleNamespace(
            name=name, wait_stream=lambda other: self.events.append(f"{name} waits for {other.name}")
        )

    def stream(self, stream: Any) -> Any:
        self.events.append(f"on {stream.name}")
        return nullcontext()

    @contextmanager
    def graph(self, graph: Any, pool: Any, stream: Any, capture_error_mode: str) -> Any:
        self.events.append(("record", pool, stream.name, capture_error_mode))
        try:
            if self.fails is not None:
                raise self.fails
            yield
        except BaseException:
            raise RuntimeError("operation failed due to a previous error during capture") from None


def test_a_call_is_run_beside_then_recorded_with_memory_that_all_graphs_share(monkeypatch: Any) -> None:
    cuda = Cuda(monkeypatch)
    record = cuda_graphs.recorder("cuda:0", "bert")
    for _ in range(2):
        cuda.events.clear()
        replay, output = record(lambda: cuda.events.append("call") or 7)
        replay()
        assert output == 7
        assert cuda.events == [
            "side waits for main", "on side", "call", "call", "main waits for side",
            ("record", "pool", "side", "thread_local"), "call", "replay",
        ]  # fmt: skip


def test_what_cannot_be_recorded_is_refused_in_one_line_and_memory_that_ran_out_is_said_as_such(
    monkeypatch: Any,
) -> None:
    import torch

    Cuda(monkeypatch, fails=RuntimeError("operation not permitted when stream is capturing\nCUDA kernel errors …"))
    with pytest.raises(UserError) as refused:
        cuda_graphs.recorder("cuda:0", "bart")(lambda: None)
    assert str(refused.value) == (
        "compile=cudagraphs: a bart cannot be recorded as a CUDA graph (operation not permitted when stream is "
        "capturing); type compile=graphs or compile=false"
    )
    Cuda(monkeypatch, fails=torch.OutOfMemoryError("CUDA out of memory"))
    with pytest.raises(torch.OutOfMemoryError, match="CUDA out of memory"):
        cuda_graphs.recorder("cuda:0", "bart")(lambda: None)


ENCODER = {"vocab_size": 200, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
           "intermediate_size": 64, "pad_token_id": 3}  # fmt: skip
VIT = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "patch_size": 8,
       "image_size": 32}  # fmt: skip


@pytest.mark.parametrize(
    ("auto", "shape"),
    [
        ("AutoModelForSequenceClassification", {"model_type": "distilbert", **tiny.SHAPES["distilbert"]}),
        ("AutoModelForSequenceClassification", {"model_type": "gpt2", **tiny.SHAPES["gpt2"], "pad_token_id": 3}),
        ("AutoModelForMaskedLM", {"model_type": "bert", **ENCODER}),
        ("AutoModelForTokenClassification", {"model_type": "xlm-roberta", **ENCODER}),
        ("AutoModelForImageClassification", {"model_type": "vit", **VIT}),
        ("AutoModelForObjectDetection", {"model_type": "yolos", **VIT, "image_size": [32, 32]}),
    ],
)
def test_a_forward_pass_waits_for_no_value_while_it_is_recorded(auto: str, shape: Any, monkeypatch: Any) -> None:
    """On tensors without values, where whatever asks for one fails; transformers asks torch whether it is recorded."""
    import torch
    import transformers

    monkeypatch.setattr(torch.cuda, "is_current_stream_capturing", lambda: True)
    options = dict(shape)
    config = transformers.AutoConfig.for_model(options.pop("model_type"), **options)
    with torch.device("meta"), torch.inference_mode():
        model = getattr(transformers, auto).from_config(config).eval()
        pixels = {"pixel_values": torch.zeros(2, 3, 32, 32)}
        tokens = {name: torch.ones(2, 8, dtype=torch.long) for name in ("input_ids", "attention_mask")}
        assert model(**(pixels if "image_size" in shape else tokens)).logits.shape[0] == 2
