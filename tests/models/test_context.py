"""What a model reads: the limit of its architecture under whatever name, and everything where it has none."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from joulemark.core.errors import UserError
from joulemark.core.model import Settings
from joulemark.models.backend.context import context_of, positions, room_for_input
from joulemark.models.causal_lm import CausalLM
from joulemark.models.seq2seq_lm import Seq2SeqLM
from tests.models import tiny


def model(modules: dict[str, Any] | None = None, **config: Any) -> Any:
    named = dict(modules or {})
    return SimpleNamespace(config=SimpleNamespace(**config), named_modules=named.items)


def part(**config: Any) -> SimpleNamespace:
    return SimpleNamespace(model_type="part", **config)


NAMES = ["max_position_embeddings", "n_positions", "seq_length", "max_seq_len", "max_sequence_length", "n_ctx",
         "context_length", "max_encoder_position_embeddings"]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_the_limit_is_read_under_every_name(name: str) -> None:
    assert positions(model(**{name: 300})) == 300
    assert positions(model(text_config=part(**{name: 300}), max_position_embeddings=9)) == 300


def test_each_side_of_an_encoder_decoder_has_its_own_limit() -> None:
    led = model(max_encoder_position_embeddings=16384, max_decoder_position_embeddings=1024)
    assert (positions(led), positions(led, "output")) == (16384, 1024)
    pair = model(
        encoder=part(vocab_size=9, max_position_embeddings=512), decoder=part(vocab_size=9, max_position_embeddings=64)
    )
    assert (positions(pair), positions(pair, "output")) == (512, 64)
    image_and_text = model(encoder=part(image_size=224), decoder=part(vocab_size=9, n_positions=1024))
    assert positions(image_and_text) == positions(image_and_text, "output") == 1024


def test_an_architecture_without_a_limit_has_none_and_only_what_was_requested_cuts() -> None:
    xlnet, bloom = model(max_position_embeddings=-1), model(hidden_size=32)
    t5 = model(relative_attention_num_buckets=32, n_positions=512)  # positions by distance; 512 is its training
    for unlimited in (xlnet, bloom, t5):
        assert context_of(unlimited, None) is None
        assert context_of(unlimited, 70) == 70
    assert context_of(model(n_positions=512), 70) == 70
    assert context_of(model(n_positions=512), 700) == 512
    # MPNet has both: buckets, and a table of positions
    assert positions(model(relative_attention_num_buckets=32, max_position_embeddings=514)) == 514


def test_positions_that_count_from_the_padding_id_on_are_fewer_than_the_rows() -> None:
    table = SimpleNamespace(padding_idx=1)
    assert positions(model({"roberta.embeddings.position_embeddings": table}, max_position_embeddings=514)) == 512
    assert positions(model({"embeddings.word_embeddings": table}, max_position_embeddings=512)) == 512


def test_the_answer_has_its_room_where_there_is_a_limit() -> None:
    assert room_for_input(None, tiny.Ask(max_new_tokens=6)) is None
    assert room_for_input(70, tiny.Ask(max_new_tokens=6)) == 64
    with pytest.raises(UserError, match="leaves no room"):
        room_for_input(6, tiny.Ask(max_new_tokens=6))


LED = {
    "model_type": "led", "vocab_size": tiny.VOCAB, "d_model": 32, "encoder_layers": 1, "decoder_layers": 1,
    "encoder_attention_heads": 2, "decoder_attention_heads": 2, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32,
    "max_encoder_position_embeddings": 3000, "max_decoder_position_embeddings": 16, "attention_window": [8],
    "pad_token_id": 3, "bos_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 2,
}  # fmt: skip
BOOK = "he was never so dull " * 420  # 2,100 tokens


@pytest.mark.weights
def test_a_book_is_read_whole_where_the_architecture_allows_it(tmp_path: Path) -> None:
    led = Seq2SeqLM(tiny.write(tmp_path / "led", "AutoModelForSeq2SeqLM", LED), "specialist")
    loaded = led.load(tiny.Ask(max_new_tokens=1), "cpu", Settings())
    (prediction,) = loaded.predict([BOOK])
    assert (loaded.facts["context"], prediction.input_tokens, prediction.truncated) == (3000, 2100, False)
    with pytest.raises(UserError, match="context of 16"):  # the decoder's
        led.load(tiny.Ask(max_new_tokens=16), "cpu", Settings())
    for architecture, kind in (("t5", Seq2SeqLM), ("bloom", CausalLM)):
        auto = "AutoModelForSeq2SeqLM" if kind is Seq2SeqLM else "AutoModelForCausalLM"
        checkpoint = tiny.saved(tmp_path / architecture, architecture, auto)
        loaded = kind(checkpoint, "specialist").load(tiny.Ask(max_new_tokens=1), "cpu", Settings())
        (prediction,) = loaded.predict([BOOK])
        assert (loaded.facts["context"], prediction.input_tokens, prediction.truncated) == (None, 2100, False)


@pytest.mark.weights
def test_a_reference_longer_than_the_decoder_reads_is_cut_and_its_perplexity_known(tmp_path: Path) -> None:
    from joulemark.core.task import Sample

    led = Seq2SeqLM(tiny.write(tmp_path, "AutoModelForSeq2SeqLM", LED), "specialist")
    loaded = led.load(tiny.Ask(name="text_generation"), "cpu", Settings())
    value = loaded.judge([Sample("1", "good film", "he was never so dull " * 20)], ())["perplexity"]
    assert value is not None
    assert value > 1


@pytest.mark.weights
def test_a_transcript_longer_than_the_decoder_writes_is_refused_before_it_breaks() -> None:
    from joulemark.core.model import Checkpoint
    from joulemark.models.speech_recognizer import SpeechRecognizer

    shape = {
        "model_type": "whisper", "vocab_size": 300, "d_model": 32, "encoder_layers": 1, "decoder_layers": 1,
        "encoder_attention_heads": 2, "decoder_attention_heads": 2, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64,
        "max_target_positions": 20, "pad_token_id": 1, "eos_token_id": 1, "decoder_start_token_id": 2,
    }  # fmt: skip
    checkpoint = Checkpoint("tiny", "random", shape=shape, processor={"type": "WhisperFeatureExtractor"})
    with pytest.raises(UserError, match="context of 20"):
        SpeechRecognizer(checkpoint, "specialist").load(tiny.Ask(max_new_tokens=20), "cpu", Settings())
