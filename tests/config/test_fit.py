"""Which tasks a model can do: derived from what both declare, and the same as when each kind listed its tasks."""

import pytest

from joulemark.config import model_files
from joulemark.config.fit import tasks_of as tasks_with
from joulemark.core.errors import UserError
from joulemark.core.model import Capabilities
from tests.composed import built, tasks_of

# The lists of b370416, by tasks: every model of conf/model
LISTED = {
    ("masked_language_modelling",): """
        albert_base bert_base bert_base_cased bert_multilingual_cased deberta_base distilbert_base
        embedded_filler roberta_base xlm_roberta_base
    """.split(),
    ("summarization",): """
        bart_base_cnn bart_large_cnn distilbart_cnn distilbart_xsum led_large_book pegasus_large
        pegasus_multi_news pegasus_xsum
    """.split(),
    ("image_classification",): """
        beit_base convnextv2_tiny_1k_224 convnextv2_tiny_22k_384 efficientnet_b7 embedded_image_classifier
        mobilenet_v1 resnet_18 resnet_50 vit_base_224 vit_base_384
    """.split(),
    ("token_classification",): """
        bert_base_ner bert_large_ner bert_multilingual_pos distilbert_conll03_ner distilbert_mapa_ner
        embedded_tagger fullstop_punctuation keyphrase_distilbert roberta_deid roberta_large_ner
        wikineural_ner xlm_roberta_large_ner
    """.split(),
    ("question_answering",): """
        bert_large_squad bert_large_squad2 distilbert_cased_squad distilbert_squad electra_base_squad2
        embedded_reader mdeberta_v3_squad2 roberta_base_squad2 tinyroberta_squad2
    """.split(),
    ("text_classification",): """
        bert_multilingual_sentiment bertweet_sentiment distilbert_imdb distilbert_sentiment distilbert_sst2
        embedded_classifier roberta_large_sentiment twitter_roberta_sentiment twitter_xlm_roberta_sentiment
    """.split(),
    ("image_generation",): """
        bk_sdm_tiny dreamlike_photoreal_2 embedded_painter openjourney sd_1_4 sd_1_5 sd_2_1 sd_turbo sdxl
        sdxl_turbo tiny_sd
    """.split(),
    (
        "image_captioning",
        "image_classification",
    ): """
        blip2_flan_t5_xl blip2_opt
    """.split(),
    ("image_captioning",): """
        blip_base blip_large embedded_captioner git_base git_large_coco vit_gpt2 vit_gpt2_coco
    """.split(),
    (
        "chat",
        "question_answering",
        "summarization",
        "text_classification",
        "text_generation",
    ): """
        bloom_560m bloomz distilgpt2 embedded embedded_llama gpt2 gpt2_large gpt2_medium gpt2_xl gpt_neo_125m mamba
        olmoe opt llama3 qwen3 rwkv smollm2
    """.split(),
    (
        "question_answering",
        "summarization",
        "text_classification",
        "text_generation",
    ): """
        flan_t5 t5
    """.split(),
    ("object_detection",): """
        deformable_detr deta_swin_large detr_cd45rb_1ah detr_cd45rb_8ah detr_resnet_101 detr_resnet_50
        embedded_detector yolos_small yolos_tiny
    """.split(),
    ("sentence_similarity",): """
        e5_base e5_large_multilingual minilm_l6
    """.split(),
    ("speech_recognition",): """
        wav2vec2_base whisper
    """.split(),
}


def test_every_model_does_the_tasks_that_were_listed_for_it_and_no_other():
    listed = {model: list(tasks) for tasks, models in LISTED.items() for model in models}
    assert len(listed) == 110
    assert {model: tasks_of(model) for model in listed} == listed


def test_no_model_is_left_out_of_the_comparison():
    listed = {model for models in LISTED.values() for model in models}
    assert set(model_files.names()) - listed <= {"hub"}


def test_a_model_fits_a_task_by_input_and_output_unless_it_was_trained_for_some_only():
    writes = Capabilities(accepts=("text",), gives=("text",))
    assert tasks_with(writes) == ["summarization", "text_generation"]
    assert tasks_with(Capabilities(("text",), ("text",), tasks=("summarization",))) == ["summarization"]
    assert tasks_with(Capabilities(("audio",), ("boxes",))) == []


def test_a_refusal_says_what_the_task_needs_and_what_the_model_does():
    with pytest.raises(
        UserError,
        match="model=bart_large_cnn cannot do task=question_answering, which has question_context in and span out; "
        "it does: summarization",
    ):
        built("model=bart_large_cnn", "task=question_answering")
