"""How a model is run changes what it costs, never what it says."""

import inspect
from typing import Any

import pytest

from joulemark.core.errors import UserError
from joulemark.core.model import Checkpoint, Settings
from joulemark.models.backend import compilation, flop_counting
from joulemark.models.causal_lm import CausalLM
from joulemark.models.seq2seq_lm import Seq2SeqLM
from joulemark.models.sequence_classifier import SequenceClassifier
from tests.models import tiny

pytestmark = pytest.mark.weights

GENERATORS = [("bloom", CausalLM), ("gpt2", CausalLM), ("olmoe", CausalLM), ("t5", Seq2SeqLM), ("bart", Seq2SeqLM)]
AUTO = {CausalLM: "AutoModelForCausalLM", Seq2SeqLM: "AutoModelForSeq2SeqLM"}
TEXTS = ["good film", "a story of all the best music and never so dull", "he was so long " * 4]


def load(kind: Any, checkpoint: Checkpoint, **settings: Any) -> Any:
    return kind(checkpoint, "general_purpose").load(tiny.Ask(), "cpu", Settings(**settings))


def written(loaded: Any) -> list[str]:
    return [prediction.output for prediction in loaded.predict(TEXTS)]


@pytest.mark.parametrize(("architecture", "kind"), GENERATORS)
def test_the_words_are_the_same_with_every_attention(architecture: str, kind: Any, tmp_path: Any) -> None:
    checkpoint = tiny.saved(tmp_path, architecture, AUTO[kind])
    expected = load(kind, checkpoint)
    refused = []
    for attention in ("eager", "sdpa"):
        try:
            loaded = load(kind, checkpoint, attention=attention)
        except UserError as error:
            refused.append(str(error))
            continue
        assert loaded.facts["attention"] == attention
        assert written(loaded) == written(expected)
    assert len(set(written(expected))) > 1
    assert len(refused) < 2, refused


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_random_weights_are_the_same_with_every_attention(attention: str) -> None:
    import torch

    one, other = (load(CausalLM, tiny.random("gpt2"), attention=word).predict.model for word in ("auto", attention))
    assert other.config._attn_implementation == attention
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


@pytest.mark.parametrize("weights", ["random", "folder"])
def test_an_attention_that_transformers_lacks_is_refused_in_one_line(weights: str, tmp_path: Any) -> None:
    found = tiny.random("mamba") if weights == "random" else tiny.saved(tmp_path, "mamba", "AutoModelForCausalLM")
    with pytest.raises(UserError, match="attention=sdpa: transformers has none for a mamba; type attention=auto"):
        load(CausalLM, found, attention="sdpa")


@pytest.mark.parametrize(("architecture", "kind"), GENERATORS)
def test_the_words_are_the_same_from_a_static_cache_whole_and_in_stages(
    architecture: str, kind: Any, tmp_path: Any
) -> None:
    from transformers import StaticCache

    checkpoint = tiny.saved(tmp_path, architecture, AUTO[kind])
    expected, loaded = load(kind, checkpoint), load(kind, checkpoint, cache="static")
    answers = expected.predict(TEXTS)
    assert loaded.facts["cache"] == "static"
    preprocessing, prefill, decode, postprocessing = (stage.run for stage in loaded.stages)
    begun = prefill(preprocessing(TEXTS))  # before any whole answer, whose longer cache would be taken again
    own = getattr(begun.cache, "self_attention_cache", begun.cache)
    assert isinstance(own, StaticCache)
    first = postprocessing(decode(begun))
    assert first == answers
    assert postprocessing(decode(begun)) == first  # the cache was set back
    assert loaded.predict(TEXTS) == answers
    assert loaded.predict(TEXTS[:1]) == expected.predict(TEXTS[:1])


@pytest.mark.parametrize("architecture", ["mamba", "rwkv"])
def test_a_model_that_keeps_a_state_is_refused_a_static_cache(architecture: str) -> None:
    with pytest.raises(UserError, match=f"cache=static: a {architecture} keeps a state"):
        load(CausalLM, tiny.random(architecture), cache="static")


@pytest.mark.parametrize(("window", "refused"), [(4, True), (None, False)])
def test_a_model_with_a_sliding_window_is_refused_a_static_cache(window: int | None, refused: bool) -> None:
    shape = {"model_type": "mistral", "vocab_size": tiny.VOCAB, "hidden_size": 32, "intermediate_size": 64}
    layers = {"num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 4, "sliding_window": window}
    checkpoint = Checkpoint("tiny", weights="random", shape={**shape, **layers, "pad_token_id": 3})
    if refused:
        with pytest.raises(UserError, match="cache=static: this mistral forgets by a window"):
            load(CausalLM, checkpoint, cache="static")
    else:
        assert written(load(CausalLM, checkpoint, cache="static")) == written(load(CausalLM, checkpoint))


def test_a_compiled_encoder_gives_the_same_labels_and_its_work_is_the_same(tmp_path: Any) -> None:
    import torch._dynamo.utils as dynamo

    checkpoint = tiny.saved(tmp_path, "distilbert", "AutoModelForSequenceClassification")
    expected, loaded = (load(SequenceClassifier, checkpoint, compile=word) for word in (False, True))
    longer = [f"{text} and so never" for text in TEXTS]
    dynamo.counters.clear()
    assert loaded.predict(TEXTS) == expected.predict(TEXTS)
    graphs = dynamo.counters["stats"]["unique_graphs"]
    assert graphs > 0
    assert loaded.predict(longer) == expected.predict(longer)
    assert loaded.predict([TEXTS[2], TEXTS[0]]) == expected.predict([TEXTS[2], TEXTS[0]])
    assert dynamo.counters["stats"]["unique_graphs"] == graphs  # neither length nor number compiles again
    assert (loaded.facts["compiled"], loaded.facts["compile_mode"]) == ("forward", "default")
    assert "compiled" not in expected.facts
    assert flop_counting.count(loaded.predict, TEXTS) == flop_counting.count(expected.predict, TEXTS) is not None


def test_compiled_decoding_writes_the_same_words_whole_and_in_stages(tmp_path: Any) -> None:
    import torch._dynamo.utils as dynamo

    checkpoint = tiny.saved(tmp_path, "bloom", "AutoModelForCausalLM")
    expected, loaded = load(CausalLM, checkpoint), load(CausalLM, checkpoint, cache="static", compile=True)
    dynamo.counters.clear()
    assert written(loaded) == written(expected)
    assert dynamo.counters["stats"]["unique_graphs"] > 0
    value = TEXTS
    for stage in loaded.stages:
        value = stage.run(value)
    assert value == expected.predict(TEXTS)
    assert loaded.facts["compiled"] == "decoding"
    assert flop_counting.count(loaded.predict, TEXTS) is not None


def test_a_static_cache_alone_compiles_nothing(tmp_path: Any) -> None:
    loaded = load(CausalLM, tiny.saved(tmp_path, "bloom", "AutoModelForCausalLM"), cache="static")
    assert loaded.predict.model.generation_config.disable_compile is True
    assert loaded.predict.model._compiled_call_impl is None


def test_what_a_graph_answers_is_copied_out_of_it(monkeypatch: Any) -> None:
    import torch
    from transformers.modeling_outputs import SequenceClassifierOutput

    asked = {}
    place = torch.zeros(2)  # as the memory of a CUDA graph: every replay writes there

    def compile(forward: Any, **words: Any) -> Any:
        asked.update(words)
        return lambda value: SequenceClassifierOutput(logits=place.fill_(value))

    class Model(torch.nn.Module):
        def forward(self, value: float) -> Any:
            """Never called: what was compiled is."""

    monkeypatch.setattr(torch, "compile", compile)
    model = Model()
    compilation.compile_forward(model, Settings(compile="graphs"))
    first, second = model(1.0), model(2.0)
    assert (first.logits[0], second.logits[0]) == (1.0, 2.0)
    assert asked == {"mode": "reduce-overhead", "dynamic": True}
    assert list(inspect.signature(model.forward).parameters) == ["value"]
    assert compilation.facts(Settings(compile="graphs"), "cuda:0") == {
        "compiled": "forward", "compile_mode": "reduce-overhead",
    }  # fmt: skip
