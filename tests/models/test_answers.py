"""What models give back: greedy, within the budget, the same alone as in a batch."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from joulemark.core.errors import UserError
from joulemark.core.model import Checkpoint, Settings
from joulemark.core.task import Sample
from joulemark.models.causal_lm import CausalLM
from joulemark.models.seq2seq_lm import Seq2SeqLM
from joulemark.models.sequence_classifier import SequenceClassifier
from tests.models import tiny

pytestmark = pytest.mark.weights

LANGUAGE = [("bloom", CausalLM), ("gpt2", CausalLM), ("t5", Seq2SeqLM), ("bart", Seq2SeqLM)]
AUTO = {CausalLM: "AutoModelForCausalLM", Seq2SeqLM: "AutoModelForSeq2SeqLM"}
TEXTS = ["good film", "a story of {all} the best music and never so dull", "", "he was so long " * 40]


def perplexity(loaded: Any, inputs: list[str], references: list[str]) -> float:
    samples = [Sample(text, text, reference) for text, reference in zip(inputs, references, strict=True)]
    return loaded.judge(samples, ())["perplexity"]


WRITE = tiny.Ask(name="text_generation")


def load(kind: Any, checkpoint: Checkpoint, task: tiny.Ask | None = None, precision: str = "fp32") -> Any:
    return kind(checkpoint, "general_purpose").load(task or tiny.Ask(), "cpu", Settings(precision))


@pytest.mark.parametrize("precision", ["fp32", "tf32", "bf16", "fp16"])
@pytest.mark.parametrize(("architecture", "kind"), LANGUAGE)
def test_random_weights_answer_finite_and_at_full_length(architecture: str, kind: Any, precision: str) -> None:
    import torch

    loaded = load(kind, tiny.random(architecture), precision=precision)
    model = loaded.predict.model
    ids = torch.arange(4, 40)[None]
    with torch.inference_mode():
        decoder = {"decoder_input_ids": ids} if model.config.is_encoder_decoder else {}
        logits = model(input_ids=ids, **decoder).logits
    assert torch.isfinite(logits).all()
    assert logits.std() > 0
    predictions = loaded.predict(TEXTS)
    assert [p.output_tokens for p in predictions] == [p.units for p in predictions] == [6] * len(TEXTS)
    assert loaded.judge is None
    assert loaded.peak_memory_bytes() is None
    assert loaded.facts["output_length"] == "forced"
    assert loaded.facts["tf32"] == (precision == "tf32")
    assert json.loads(json.dumps(loaded.facts)) == loaded.facts


def test_the_end_token_neither_ends_nor_pads_what_random_weights_write() -> None:
    import torch

    loaded = load(CausalLM, tiny.random("bloom"))
    with torch.no_grad():  # every position wants the end token most
        loaded.predict.model.transformer.ln_f.weight.zero_()
        loaded.predict.model.transformer.ln_f.bias.copy_(loaded.predict.model.transformer.word_embeddings.weight[2] * 9)
    assert [p.output_tokens for p in loaded.predict(TEXTS)] == [6] * len(TEXTS)


@pytest.mark.parametrize(("architecture", "kind"), LANGUAGE)
def test_a_batch_answers_as_its_members_do_alone(architecture: str, kind: Any, tmp_path: Path) -> None:
    loaded = load(kind, tiny.saved(tmp_path, architecture, AUTO[kind]))
    together = loaded.predict(TEXTS)
    assert together == [loaded.predict([text])[0] for text in TEXTS]
    assert len({p.output for p in together}) > 1, "answers that do not depend on the input prove nothing"
    context = loaded.facts["context"]
    assert together[3].truncated == (context == 64)
    assert together[3].input_tokens == {"bloom": 163, "gpt2": 58, "t5": 163, "bart": 64}[architecture]


@pytest.mark.parametrize(("architecture", "kind"), [*LANGUAGE, ("mamba", CausalLM), ("rwkv", CausalLM)])
def test_prefill_and_decode_give_the_answer_of_the_whole_again_and_again(
    architecture: str, kind: Any, tmp_path: Path
) -> None:
    loaded = load(kind, tiny.saved(tmp_path, architecture, AUTO[kind]))
    preprocessing, prefill, decode, postprocessing = loaded.stages
    begun = prefill.run(preprocessing.run(TEXTS))
    whole = loaded.predict(TEXTS)
    for _ in range(2):
        assert postprocessing.run(decode.run(begun)) == whole
    assert begun.sequences.shape[1] < whole[3].input_tokens + 2


def test_an_answer_of_one_token_has_nothing_to_decode(tmp_path: Path) -> None:
    task = tiny.Ask(min_new_tokens=1, max_new_tokens=1)
    loaded = load(CausalLM, tiny.saved(tmp_path, "gpt2", "AutoModelForCausalLM"), task)
    preprocessing, prefill, decode, postprocessing = loaded.stages
    begun = prefill.run(preprocessing.run(TEXTS))
    assert decode.run(begun)[1] is begun.sequences
    assert postprocessing.run(decode.run(begun)) == loaded.predict(TEXTS)


@pytest.mark.parametrize(("architecture", "kind"), LANGUAGE)
def test_an_answer_is_counted_to_its_end_and_holds_only_new_text(architecture: str, kind: Any, tmp_path: Path) -> None:
    loaded = load(kind, tiny.saved(tmp_path, architecture, AUTO[kind]), tiny.Ask(min_new_tokens=1, max_new_tokens=6))
    for text, prediction in zip(TEXTS, loaded.predict(TEXTS), strict=True):
        assert 1 <= prediction.output_tokens <= 6
        assert len(prediction.output.split()) <= prediction.output_tokens
        assert text == "" or not prediction.output.startswith("the story : " + text[:5])
    assert loaded.facts["output_length"] == "free"
    ended = load(kind, tiny.saved(tmp_path, architecture, AUTO[kind]), tiny.Ask(unit="label"))
    assert {p.units for p in ended.predict(TEXTS)} == {1}


def test_generation_settings_of_the_checkpoint_are_overruled(tmp_path: Path) -> None:
    own = {
        "num_beams": 4, "length_penalty": 2.0, "min_length": 56, "max_length": 142, "no_repeat_ngram_size": 3,
        "early_stopping": True, "forced_bos_token_id": 0, "forced_eos_token_id": 2, "do_sample": True,
        "temperature": 3.0,        "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 3, "decoder_start_token_id": 2,
    }  # fmt: skip
    plain = load(Seq2SeqLM, tiny.saved(tmp_path / "plain", "bart", "AutoModelForSeq2SeqLM"))
    fancy_checkpoint = tiny.saved(tmp_path / "fancy", "bart", "AutoModelForSeq2SeqLM", own)
    config = json.loads((tmp_path / "fancy" / "config.json").read_text())
    (tmp_path / "fancy" / "config.json").write_text(json.dumps({**config, **own, "task_specific_params": {}}))
    fancy = load(Seq2SeqLM, fancy_checkpoint)
    assert fancy.predict(TEXTS) == plain.predict(TEXTS)
    used = fancy.predict.model.generation_config
    assert (used.num_beams, used.do_sample, used.max_new_tokens, used.decoder_start_token_id) == (1, False, 6, 2)
    for name in ("length_penalty", "min_length", "no_repeat_ngram_size", "forced_bos_token_id", "forced_eos_token_id"):
        assert not getattr(used, name)


@pytest.mark.parametrize("architecture", ["distilbert", "roberta"])
def test_a_classifier_names_labels_in_the_tasks_words(architecture: str, tmp_path: Path) -> None:
    checkpoint = tiny.saved(tmp_path, architecture, "AutoModelForSequenceClassification")
    labels = {"POSITIVE": "good", "LABEL_0": "no"}
    loaded = SequenceClassifier(checkpoint, "specialist", labels=labels).load(tiny.Ask(), "cpu", Settings())
    predictions = loaded.predict(TEXTS)
    assert predictions == [loaded.predict([text])[0] for text in TEXTS]
    assert {p.output for p in predictions} <= {"good", "NEGATIVE", "no", "LABEL_1"}
    assert set(predictions[0].labels.values()) <= {"good", "NEGATIVE", "no", "LABEL_1"}
    assert {p.units for p in predictions} == {1}
    assert predictions[3].truncated
    assert predictions[3].input_tokens == 64
    assert not predictions[1].truncated


def test_only_a_general_model_is_asked_with_the_prompt(tmp_path: Path) -> None:
    checkpoint = tiny.saved(tmp_path, "bloom", "AutoModelForCausalLM")
    general = CausalLM(checkpoint, "general_purpose").load(tiny.Ask(), "cpu", Settings())
    special = CausalLM(checkpoint, "specialist").load(tiny.Ask(), "cpu", Settings())
    assert general.predict(["good film"]) == special.predict(["the story : good film"])


@pytest.mark.parametrize(("architecture", "kind"), LANGUAGE)
def test_perplexity_is_that_of_each_reference_given_its_input(architecture: str, kind: Any, tmp_path: Path) -> None:
    import torch

    loaded = load(kind, tiny.saved(tmp_path, architecture, AUTO[kind]), WRITE)
    model, tokenizer = loaded.predict.model, loaded.predict.tokenizer
    pairs = [("good film", "a dull story"), ("the best end of all", "bright"), ("he", "was never so long"), ("bad", "")]
    losses = []
    for text, reference in pairs[:3]:
        known = tokenizer(f"the story : {text}", return_tensors="pt")["input_ids"]
        new = tokenizer(reference, return_tensors="pt")["input_ids"]
        with torch.inference_mode():
            if kind is CausalLM:
                logits = model(torch.cat([known, new], dim=1)).logits[0, known.shape[1] - 1 : -1]
            else:
                logits = model(known, labels=new).logits[0]
        losses.append(torch.nn.functional.cross_entropy(logits, new[0], reduction="none"))
    expected = torch.cat(losses).mean().exp().item()
    assert perplexity(loaded, *zip(*pairs, strict=True)) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(("architecture", "kind"), LANGUAGE)
def test_a_gpu_answers_as_the_cpu_does(architecture: str, kind: Any, tmp_path: Path) -> None:
    import torch

    if not torch.cuda.is_available():
        pytest.skip("needs an NVIDIA GPU")
    model = kind(tiny.saved(tmp_path, architecture, AUTO[kind]), "general_purpose")
    there, here = model.load(WRITE, "cuda:0", Settings()), model.load(WRITE, "cpu", Settings())
    assert there.predict(TEXTS) == here.predict(TEXTS)
    pairs = (["good film", "the best end"], ["a dull story", "bright"])
    assert perplexity(there, *pairs) == pytest.approx(perplexity(here, *pairs), rel=1e-3)
    assert there.peak_memory_bytes() > 0


def test_a_blank_text_is_read_as_the_beginning_of_one(tmp_path: Path) -> None:
    checkpoint = tiny.saved(tmp_path, "gpt2", "AutoModelForCausalLM")
    loaded = CausalLM(checkpoint, "specialist").load(WRITE, "cpu", Settings())
    together = loaded.predict(["", "good film", "  "])
    assert together[0] == together[2] == loaded.predict([""])[0] == loaded.predict(["<s>"])[0]
    assert together[0].input_tokens == 1
    assert perplexity(loaded, ["", "a"], ["good film", "bad"]) > 1


def test_a_checkpoint_of_another_kind_is_refused_in_one_line(tmp_path: Path) -> None:
    checkpoint = tiny.saved(tmp_path, "t5", "AutoModelForSeq2SeqLM")
    with pytest.raises(UserError, match="is a t5, which AutoModelForCausalLM cannot load"):
        load(CausalLM, checkpoint)
    with pytest.raises(UserError, match="leaves no room"):
        load(CausalLM, tiny.random("gpt2"), tiny.Ask(max_new_tokens=64))
    with pytest.raises(UserError, match=r"model\.shape"):
        load(CausalLM, replace(tiny.random("gpt2"), shape={"model_type": "none", "vocab_size": 9}))


def test_loading_and_answering_print_nothing_and_warn_of_nothing(tmp_path: Path) -> None:
    tiny.saved(tmp_path, "gpt2", "AutoModelForCausalLM")
    code = f"""
from joulemark.core.model import Checkpoint, Settings
from joulemark.models.causal_lm import CausalLM
from tests.models import tiny
loaded = CausalLM(Checkpoint("x", weights={str(tmp_path)!r}), "general_purpose").load(tiny.Ask(), "cpu", Settings())
loaded.predict(["a", "b c"])
"""
    done = subprocess.run([sys.executable, "-W", "error::UserWarning", "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
