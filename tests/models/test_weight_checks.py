"""Weights are what their checkpoint says: what is missing, foreign, misshapen or no number is refused in one line."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from joulemark.core.errors import UserError
from joulemark.core.model import Checkpoint, Settings
from joulemark.measure import scoring
from joulemark.models.causal_lm import CausalLM
from joulemark.models.image_classifier import ImageClassifier
from joulemark.models.masked_lm import MaskedLM
from joulemark.models.sentence_encoder import SentenceEncoder
from joulemark.models.seq2seq_lm import Seq2SeqLM
from joulemark.models.sequence_classifier import SequenceClassifier
from tests.models import tiny

pytestmark = pytest.mark.weights

KINDS: dict[str, tuple[Any, str]] = {
    "distilbert": (SequenceClassifier, "AutoModelForSequenceClassification"),
    "roberta": (SequenceClassifier, "AutoModelForSequenceClassification"),
    "gpt2": (CausalLM, "AutoModelForCausalLM"),
    "t5": (Seq2SeqLM, "AutoModelForSeq2SeqLM"),
    "bart": (Seq2SeqLM, "AutoModelForSeq2SeqLM"),
    "mamba": (CausalLM, "AutoModelForCausalLM"),
}
Tensors = dict[str, Any]


def rewrite(folder: Path, change: Callable[[Tensors], Tensors]) -> None:
    from safetensors.torch import load_file, save_file

    file = folder / "model.safetensors"
    save_file(change(load_file(file)), file, {"format": "pt"})


def load(kind: Any, folder: Path, precision: str = "fp32") -> Any:
    return kind(Checkpoint("mine", weights=str(folder)), "specialist").load(tiny.Ask(), "cpu", Settings(precision))


def refusal(kind: Any, folder: Path, precision: str = "fp32") -> str:
    with pytest.raises(UserError) as caught:
        load(kind, folder, precision)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"model.weights={folder}")
    return message


@pytest.mark.parametrize("architecture", KINDS)
def test_a_sound_checkpoint_loads_and_each_of_its_tensors_is_needed(architecture: str, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    kind, auto = KINDS[architecture]
    tiny.saved(tmp_path, architecture, auto)
    assert "new_weights" not in load(kind, tmp_path).facts
    whole = load_file(tmp_path / "model.safetensors")
    for name in list(whole)[:: max(1, len(whole) // 6)]:
        if name != "final_logits_bias":  # zeros, which transformers adds
            rewrite(tmp_path, lambda _, name=name: {key: value for key, value in whole.items() if key != name})
            message = refusal(kind, tmp_path)
            assert "lacks" in message
            assert name in message


def test_half_a_checkpoint_a_stranger_another_shape_and_damaged_files_are_refused(tmp_path: Path) -> None:
    import torch

    tiny.saved(tmp_path, "roberta", "AutoModelForSequenceClassification")
    file = tmp_path / "model.safetensors"
    sound, config = file.read_bytes(), json.loads((tmp_path / "config.json").read_text())
    rewrite(tmp_path, lambda tensors: dict(sorted(tensors.items())[::2]))
    assert "lacks" in refusal(SequenceClassifier, tmp_path)
    file.write_bytes(sound)
    rewrite(tmp_path, lambda tensors: {**tensors, "extra.weight": torch.ones(2)})
    assert "holds 1 tensor (extra.weight)" in refusal(SequenceClassifier, tmp_path)
    for damaged in (sound[: len(sound) // 2], b"", b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n"):
        file.write_bytes(damaged)
        assert "weights cannot be read" in refusal(SequenceClassifier, tmp_path)
    file.write_bytes(sound)
    for changed, message in (({"vocab_size": 300}, "of another shape"), ({"num_hidden_layers": 1}, "has not")):
        (tmp_path / "config.json").write_text(json.dumps({**config, **changed}))
        assert message in refusal(SequenceClassifier, tmp_path)
    (tmp_path / "config.json").write_text("{ this is no JSON")
    assert "config.json cannot be read" in refusal(SequenceClassifier, tmp_path)


@pytest.mark.parametrize(("value", "word"), [("nan", "NaN"), ("inf", "infinity"), ("-inf", "infinity")])
def test_one_weight_that_is_no_number_is_refused_by_its_name(value: str, word: str, tmp_path: Path) -> None:
    tiny.saved(tmp_path, "gpt2", "AutoModelForCausalLM")

    def poisoned(tensors: Tensors) -> Tensors:
        tensors["transformer.h.1.mlp.c_fc.weight"][3, 4] = float(value)
        return tensors

    rewrite(tmp_path, poisoned)
    assert f"transformer.h.1.mlp.c_fc.weight holds {word}" in refusal(CausalLM, tmp_path)


def test_weights_beyond_the_range_of_half_precision_are_refused_in_it_alone(tmp_path: Path) -> None:
    tiny.saved(tmp_path, "gpt2", "AutoModelForCausalLM")

    def large(tensors: Tensors) -> Tensors:
        tensors["transformer.h.1.mlp.c_fc.bias"][0] = 70000.0
        return tensors

    rewrite(tmp_path, large)
    load(CausalLM, tmp_path)
    load(CausalLM, tmp_path, "bf16")
    assert "type precision=bf16" in refusal(CausalLM, tmp_path, "fp16")


def test_what_published_files_keep_beside_the_model_is_no_reason_to_refuse(tmp_path: Path) -> None:
    import torch

    tiny.saved(tmp_path / "fill", "roberta", "AutoModelForMaskedLM")
    beside = {
        "roberta.embeddings.position_ids": torch.arange(68)[None],
        "roberta.pooler.dense.weight": torch.ones(32, 32),
        "roberta.pooler.dense.bias": torch.ones(32),
        "cls.seq_relationship.weight": torch.ones(2, 32),
    }
    expected = _model_of(tmp_path / "fill").state_dict()
    rewrite(tmp_path / "fill", lambda tensors: {**tensors, **beside})
    found = _model_of(tmp_path / "fill").state_dict()
    assert all(torch.equal(found[name], value) for name, value in expected.items())
    tiny.saved(tmp_path / "gpt2", "gpt2", "AutoModelForCausalLM")
    rewrite(
        tmp_path / "gpt2", lambda tensors: {**tensors, "transformer.h.0.attn.bias": torch.ones(1, 1, 64, 64).tril()}
    )
    load(CausalLM, tmp_path / "gpt2")
    # the mean of the last layer needs neither the head of pretraining nor the pooler, which its file lacks
    assert "new_weights" not in load(SentenceEncoder, tmp_path / "fill").facts


def _model_of(folder: Path) -> Any:
    from joulemark.models.backend.weights import open_weights

    return open_weights("AutoModelForMaskedLM", Checkpoint("x", str(folder), path=folder), "cpu", Settings())


class Scored(tiny.Ask):
    """A task with two metrics."""

    def score(self, samples: Any, predictions: Any) -> Any:
        from joulemark.core.task import Scores

        return Scores({"accuracy": 1.0, "f1": 1.0}, [1.0] * len(samples))


def test_a_head_that_the_checkpoint_never_had_is_named_and_its_quality_unknown(tmp_path: Path) -> None:
    tiny.saved(tmp_path, "distilbert", "AutoModelForMaskedLM")
    model = SequenceClassifier(Checkpoint("mine", weights=str(tmp_path)), "specialist")
    loaded = model.load(Scored(), "cpu", Settings())
    assert set(loaded.facts["new_weights"]) == {
        "classifier.bias", "classifier.weight", "pre_classifier.bias", "pre_classifier.weight",
    }  # fmt: skip
    run: Any = SimpleNamespace(task=Scored(), model=model)
    assert scoring._scores(run, loaded, (), ()).values == {"primary": None, "accuracy": None, "f1": None}
    # half a new head, and an incomplete checkpoint under one, are neither
    rewrite(tmp_path, lambda tensors: {key: value for key, value in tensors.items() if "layer.1.ffn" not in key})
    assert "lacks" in refusal(SequenceClassifier, tmp_path)


def test_a_writer_without_a_trained_head_is_refused_since_chance_would_set_its_length(tmp_path: Path) -> None:
    tiny.write(tmp_path, "AutoModel", {**tiny.SHAPES["gpt2"], "model_type": "gpt2", "tie_word_embeddings": False})
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "tie_word_embeddings": False}))
    assert "no head that writes" in refusal(CausalLM, tmp_path)


def test_a_checkpoint_without_tokenizer_or_with_that_of_a_larger_model_is_refused(tmp_path: Path) -> None:
    for architecture in ("distilbert", "gpt2"):
        folder = tmp_path / architecture
        kind, auto = KINDS[architecture]
        tiny.saved(folder, architecture, auto)
        (folder / "tokenizer.json").write_text("{ damaged")
        assert "tokenizer cannot be read" in refusal(kind, folder)
        (folder / "tokenizer.json").unlink()
        assert "has no tokenizer" in refusal(kind, folder)
        (folder / "tokenizer_config.json").unlink()  # then transformers makes one that knows five words
        assert "has no tokenizer" in refusal(kind, folder)
    tiny.write(
        tmp_path / "small", "AutoModelForCausalLM", {**tiny.SHAPES["gpt2"], "model_type": "gpt2", "vocab_size": 90}
    )
    assert "its tokenizer has 200 tokens and its model 90" in refusal(CausalLM, tmp_path / "small")


def test_a_filler_whose_tokenizer_knows_no_mask_is_refused(tmp_path: Path) -> None:
    tiny.saved(tmp_path, "roberta", "AutoModelForMaskedLM")
    assert "no mask token" in refusal(MaskedLM, tmp_path)


def test_an_image_classifier_without_its_preprocessor_is_refused(tmp_path: Path) -> None:
    shape = {"model_type": "vit", "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1,
             "num_attention_heads": 2, "image_size": 32, "patch_size": 8}  # fmt: skip
    tiny.write(tmp_path, "AutoModelForImageClassification", shape)
    assert "has no preprocessor (preprocessor_config.json)" in refusal(ImageClassifier, tmp_path)
    (tmp_path / "preprocessor_config.json").write_text("{ damaged")
    assert "preprocessor cannot be read" in refusal(ImageClassifier, tmp_path)
