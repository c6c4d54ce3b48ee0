"""Real servers, started, asked and ended: transformers' own, and llama.cpp where its package is installed."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from joulemark.config.serving import made_engine
from joulemark.core.extras import installed
from joulemark.core.model import Checkpoint, Settings
from joulemark.core.serving import Call
from tests.engines import test_endpoint
from tests.engines.test_endpoint import Monotonic, NamedModel, Prompted, until_ended
from tests.fakes import CPU
from tests.paths import ROOT

pytestmark = [pytest.mark.engines, pytest.mark.timeout(1200)]

SHAPE = {
    "model_type": "llama", "vocab_size": 50257, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 512, "tie_word_embeddings": False,
}  # fmt: skip
RANDOM = NamedModel(Checkpoint("random/llama", weights="random", shape=SHAPE))
EMBEDDED = NamedModel(Checkpoint("general", weights="embedded"))


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    monkeypatch.setattr(test_endpoint, "LONG_S", 300.0)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def engine(name: str, flags: Any = None, **options: Any) -> Any:
    node = yaml.safe_load((ROOT / "conf" / "engine" / f"{name}.yaml").read_text())
    return made_engine({**node, **options, "flags": {**node["flags"], **(flags or {})}}, name)


def answers(made: Any, model: Any, least: int | None, most: int, count: int = 6) -> list[Any]:
    """The predictions of some requests that come at once."""
    task = Prompted()
    made.check(model, task, CPU)
    server = made.start(model, task, "cpu", Settings(), Monotonic())
    try:
        for number in range(count):
            server.send(Call(number, f"the film number {number} was", least, most))
        events = until_ended(server, range(count))
        assert server.processes
        assert server.facts["version"]
    finally:
        server.close()
    assert [event.reason for event in events if event.kind == "failed"] == []
    assert {event.number for event in events if event.kind == "tokens"} == set(range(count))  # they streamed
    return [event.prediction for event in events if event.kind == "finished"]


@pytest.mark.parametrize("continuous", [False, True])
def test_transformers_serve_answers_and_counts_its_tokens(continuous):
    pytest.importorskip("openai", reason="pip install 'joulemark[serve]'")
    made = engine("transformers_serve", {"continuous_batching": continuous})
    for prediction in answers(made, EMBEDDED, 1, 8):
        assert 1 <= prediction.output_tokens <= 8
        assert prediction.input_tokens > 3


def test_random_weights_of_transformers_serve_answer_as_long_as_they_are_asked_to():
    pytest.importorskip("openai", reason="pip install 'joulemark[serve]'")
    assert {each.output_tokens for each in answers(engine("transformers_serve"), RANDOM, 8, 8)} == {8}


def test_llama_cpp_answers_from_a_file_of_random_weights(tmp_path):
    pytest.importorskip("gguf", reason="pip install gguf")
    if not installed("llama_cpp"):
        pytest.skip("pip install 'llama-cpp-python[server]', which compiles it: make test-engines")
    file = tmp_path / "random.gguf"
    write_gguf(file)
    predictions = answers(engine("llama_cpp_python", file=str(file)), RANDOM, 8, 8)
    assert [each.input_tokens for each in predictions if each.input_tokens is not None]
    assert all(each.output_tokens for each in predictions)


def write_gguf(file: Path) -> None:
    """A llama of random weights with GPT-2's vocabulary, as llama.cpp reads it."""
    import gguf
    import numpy

    from joulemark.models.backend.tokenization import open_tokenizer

    tokenizer = open_tokenizer(RANDOM.checkpoint)
    size, layers, wide, inner, heads, groups = 50257, 2, 64, 128, 4, 2
    draw = numpy.random.default_rng(0).normal
    writer = gguf.GGUFWriter(str(file), "llama")
    writer.add_context_length(512)
    writer.add_embedding_length(wide)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(inner)
    writer.add_head_count(heads)
    writer.add_head_count_kv(groups)
    writer.add_rope_dimension_count(wide // heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(size)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    names = {number: token for token, number in tokenizer.get_vocab().items() if number < size}
    writer.add_token_list([names.get(number, f"[unused{number}]") for number in range(size)])
    writer.add_token_types([gguf.TokenType.NORMAL] * (size - 1) + [gguf.TokenType.CONTROL])
    writer.add_token_merges(merges_of(tokenizer))
    writer.add_eos_token_id(size - 1)
    shapes = {"token_embd": (size, wide), "output_norm": (wide,), "output": (size, wide)}
    for layer in range(layers):
        shapes |= {
            f"blk.{layer}.{name}": shape
            for name, shape in {
                "attn_norm": (wide,), "attn_q": (wide, wide), "attn_k": (wide // heads * groups, wide),
                "attn_v": (wide // heads * groups, wide), "attn_output": (wide, wide), "ffn_norm": (wide,),
                "ffn_gate": (inner, wide), "ffn_up": (inner, wide), "ffn_down": (wide, inner),
            }.items()
        }  # fmt: skip
    for name, shape in shapes.items():
        values = numpy.ones(shape) if len(shape) == 1 else draw(0, 0.05, shape)
        writer.add_tensor(f"{name}.weight", values.astype(numpy.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def merges_of(tokenizer: Any) -> list[str]:
    """The merges of a byte-pair tokenizer, two pieces with a space between."""
    import json

    merges = json.loads(tokenizer.backend_tokenizer.to_str())["model"]["merges"]
    return [merge if isinstance(merge, str) else " ".join(merge) for merge in merges]
