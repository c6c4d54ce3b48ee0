"""Any checkpoint of the Hub by its id: its kind is found from its own files, before torch."""

import json
import shlex
import subprocess
import sys

import pytest

from joulemark.config.hub_model import rewritten
from joulemark.core.errors import UserError
from joulemark.core.labels import option
from joulemark.models.backend import identity
from tests.composed import built
from tests.hub import environment_of, hub


def config(architecture, model_type, **more):
    return {"config.json": json.dumps({"architectures": [architecture], "model_type": model_type}).encode(), **more}


MODELS = {
    "google/flan-t5-small": config("T5ForConditionalGeneration", "t5"),
    "openai-community/gpt2": config("GPT2LMHeadModel", "gpt2"),
    "dslim/bert-base-NER": config("BertForTokenClassification", "bert"),
    "sentence-transformers/all-MiniLM-L6-v2": config("BertModel", "bert", **{"modules.json": b"[]"}),
    "facebook/wav2vec2-base-960h": config("Wav2Vec2ForCTC", "wav2vec2"),
    "hustvl/yolos-tiny": config("YolosForObjectDetection", "yolos"),
    "RWKV/rwkv-4-169m-pile": config("RwkvForCausalLM", "rwkv"),
    "stable-diffusion-v1-5/stable-diffusion-v1-5": {
        "model_index.json": json.dumps({"_class_name": "StableDiffusionPipeline"}).encode()
    },
    "o/guarded": config("BertForTokenClassification", "bert"),
    "o/unknown": config("NobodyForNothing", "nobody"),
}


def built_lines(endpoint, home, lines):
    """What `built` says of each list of overrides, in a process that knows the small Hub alone."""
    code = (
        "import sys, json; from tests.composed import built; from joulemark.core.errors import UserError\n"
        "for overrides in json.loads(sys.argv[1]):\n"
        "    try: run = built(*overrides); print(run.model.kind, run.label, run.model.checkpoint.id, sep='|')\n"
        "    except UserError as error: print(error)\n"
        "print('torch' in sys.modules)\n"
    )
    command = [sys.executable, "-c", code, json.dumps(lines)]
    done = subprocess.run(command, env=environment_of(endpoint, home), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


KINDS = [
    ("google/flan-t5-small", "summarization", "seq2seq_lm"),
    ("openai-community/gpt2", "text_generation", "causal_lm"),
    ("dslim/bert-base-NER", "token_classification", "token_classifier"),
    ("sentence-transformers/all-MiniLM-L6-v2", "sentence_similarity", "sentence_encoder"),
    ("facebook/wav2vec2-base-960h", "speech_recognition", "speech_recognizer"),
    ("hustvl/yolos-tiny", "object_detection", "object_detector"),
    ("stable-diffusion-v1-5/stable-diffusion-v1-5", "image_generation", "text_to_image"),
]


@pytest.mark.servers
def test_the_kind_of_a_checkpoint_is_found_from_its_own_files_without_torch(tmp_path):
    with hub(MODELS) as endpoint:
        lines = [[f"model={name}", f"task={task}"] for name, task, _ in KINDS]
        reported = built_lines(endpoint, tmp_path, lines)
    assert reported == [*(f"{kind}|{name}|{name}" for name, _, kind in KINDS), "False"]


@pytest.mark.servers
def test_what_cannot_be_loaded_is_refused_in_one_line_without_torch(tmp_path):
    with hub(MODELS) as endpoint:
        ner, unknown, missing, down, guarded, padded, bare, *rest = built_lines(endpoint, tmp_path, [
            ["model=dslim/bert-base-NER", "task=summarization"],
            ["model=o/unknown"],
            ["model=o/nothing"],
            ["model=o/down"],
            ["model=o/guarded"],
            ["model=RWKV/rwkv-4-169m-pile", "task=summarization", "batch_size=2"],
            ["model=hub"],
        ])  # fmt: skip
    assert "cannot do task=summarization" in ner
    assert ner.endswith("it does: token_classification")
    assert "is a NobodyForNothing, which no kind of conf/model/kind loads" in unknown
    assert "model.checkpoint=o/nothing does not exist on the Hub" in missing
    assert "the Hub cannot be reached" in down
    assert "model.checkpoint=o/guarded is gated; accept its terms" in guarded
    assert "ignores the attention mask" in padded
    assert bare == ("model=hub needs a checkpoint of the Hub; type model=hub model.checkpoint=google/flan-t5-small")
    assert rest == ["False"]


def test_an_id_is_an_override_of_two_and_a_file_of_conf_is_none():
    assert rewritten(["model=o/n", "batch_size=2"]) == ["model=hub", "model.checkpoint=o/n", "batch_size=2"]
    assert rewritten(["model=bloomz", "model=kind/causal_lm"]) == ["model=bloomz", "model=kind/causal_lm"]
    assert rewritten(["model=bloomz,o/n"]) == ["model=bloomz,o/n"]
    assert rewritten(["~tuned", "~site=unknown"]) == ["~tuned", "~site=unknown"]


@pytest.mark.parametrize("override", ["=1", "~=true", "~ =x"])
def test_an_option_without_a_key_is_refused(override):
    with pytest.raises(UserError, match="is not key=value"):
        rewritten([override])


@pytest.mark.parametrize("override", ["model=1", "~model=true", "~site=[a]", "+task=null", "model/kind=1", "site@x=2"])
def test_a_choice_that_is_no_name_is_refused(override):
    with pytest.raises(UserError, match="is chosen by its name"):
        rewritten([override])


@pytest.mark.parametrize(
    ("override", "labels"),
    [
        ("model.labels.LABEL_0=negative", {"LABEL_0": "negative"}),
        ("model.labels.0=negative", {"0": "negative"}),
        ("model.labels={LABEL_0: negative, 1 star: very bad}", {"LABEL_0": "negative", "1 star": "very bad"}),
        (shlex.split(option("1, or (none): x", "a b"))[0], {"1, or (none): x": "a b"}),
        ("++model.labels.LABEL_0=negative", {"LABEL_0": "negative"}),
    ],
)
def test_a_label_of_a_checkpoint_is_mapped_whether_its_yaml_names_it_or_not(override, labels):
    assert built(override).model.labels == labels
    file = ("model=bert_multilingual_sentiment", "model.weights=random")
    assert labels.items() <= built(*file, override).model.labels.items()
    assert built(*file, override).model.labels["5 stars"] == "positive"


def test_transformers_source_has_every_mapping_that_is_read():
    assert set(identity._architectures()) == set(identity.MAPPINGS)


def test_a_typed_checkpoint_replaces_that_of_a_size_and_drops_what_was_published_of_it():
    run = built("model=bloomz", "model.size=7b1", "task=summarization", "model.checkpoint=me/mine")
    assert run.model.checkpoint.id == run.chosen["model.checkpoint"] == run.label == "me/mine"
    assert run.model.checkpoint.parameters is None
    assert not run.model.checkpoint.shape
    assert "model.size" not in run.chosen
    single = built("model=gpt2", "task=text_generation", "model.checkpoint=me/mine")
    assert (single.model.checkpoint.id, single.model.checkpoint.parameters) == ("me/mine", None)
    same = built("model=gpt2", "task=text_generation", "model.checkpoint=openai-community/gpt2")
    assert (same.label, same.model.checkpoint.parameters) == ("gpt2", 124439808)


def test_a_size_keeps_its_own_checkpoint_where_none_is_typed():
    run = built("model=bloomz", "model.size=7b1", "task=summarization")
    assert (run.label, run.model.checkpoint.id) == ("bloomz-7b1", "bigscience/bloomz-7b1")


@pytest.mark.parametrize("precision", ["float16", "half"])
def test_another_programs_name_of_a_precision_is_answered_by_ours(precision):
    from joulemark.core.errors import UserError

    with pytest.raises(UserError, match=f"precision={precision} does not exist; did you mean precision=fp16"):
        built(f"precision={precision}")


def test_a_batch_larger_than_the_samples_is_refused():
    from joulemark.core.errors import UserError

    with pytest.raises(UserError, match=r"batch_size=8 is more than samples=4, .*; type batch_size=4"):
        built("samples=4", "batch_size=8")
