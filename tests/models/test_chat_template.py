"""Messages as token ids: by the checkpoint's own template with its thinking, cut by whole turns, and read back."""

from types import SimpleNamespace

import pytest

from joulemark.core.errors import UserError
from joulemark.core.model import Checkpoint
from joulemark.core.task import Bounded
from joulemark.models.backend import chat_template as chats
from joulemark.models.backend.stand_in_tokenizer import open_stand_in
from joulemark.models.backend.tokenization import encode_chats

pytestmark = pytest.mark.weights

# What the templates of three families have in common with these is the variable that they read
TURNS = "{% for m in messages %}<{{ m.role }}>{{ m.content }}\n{% endfor %}"
FRAME = TURNS + "{% if add_generation_prompt %}<assistant>{% endif %}"
QWEN = FRAME + "{% if enable_thinking is defined and not enable_thinking %}<think>\n\n</think>\n\n{% endif %}"
R1 = FRAME + "{{ '<think>\\n' }}"
GPT_OSS = "{{ reasoning_effort|default('medium') }}" + FRAME + "{# <|channel|>analysis #}{{ messages[0].thinking }}"
STRICT = "{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}" + FRAME


def tokenizer(template=None):
    made = open_stand_in({"model_type": "qwen3", "vocab_size": 151936}, "left")
    made.chat_template = template
    return made


def options(thinking=None, template="checkpoint", system=None):
    return SimpleNamespace(thinking=thinking, template=template, system=system)


def opened(own=None, weights="hub", **chosen):
    made = tokenizer(own)
    return made, chats.chat_template(made, options(**chosen), Checkpoint("o/chat", weights=weights))


TALK = [
    {"role": "system", "content": "be brief"},
    {"role": "user", "content": "one two three"},
    {"role": "assistant", "content": "four five"},
    {"role": "user", "content": "six seven"},
    {"role": "assistant", "content": "eight"},
    {"role": "user", "content": "nine ten eleven twelve"},
]


def text(made, template, room=None):
    ids, truncated = chats.chat_ids(made, TALK, room, template)
    assert room is None or len(ids) <= room
    return made.decode(ids), truncated


def test_a_chat_ends_where_its_answer_begins():
    made, template = opened(QWEN)
    assert text(made, template)[0].endswith("<user>nine ten eleven twelve\n<assistant>")
    made, template = opened(weights="random")
    assert text(made, template)[0].endswith("user: nine ten eleven twelve\nassistant:")


@pytest.mark.parametrize("template", [QWEN, None])
def test_the_oldest_turns_go_first_then_the_end_of_the_last_and_the_system_prompt_never(template):
    made, template = opened(template, weights="embedded")
    whole, truncated = text(made, template)
    assert not truncated
    length = len(made(whole, add_special_tokens=False)["input_ids"])
    assert text(made, template, length) == (whole, False)
    kept, truncated = text(made, template, length - 1)
    assert truncated
    assert "one" not in kept
    assert "six seven" in kept
    for room in range(length - 1, 0, -1):
        try:
            kept, truncated = text(made, template, room)
        except UserError as error:
            assert "shorten task.system" in str(error)  # noqa: PT017 - where it is depends on the template
            break
        assert truncated
        assert "be brief" in kept
        assert "nine" in kept
        assert kept.rstrip().endswith(whole[-4:].strip())
    assert room > 5


@pytest.mark.parametrize(
    ("template", "thinking", "variables"),
    [
        (QWEN, None, {}),
        (QWEN, "off", {"enable_thinking": False}),
        (QWEN, "on", {"enable_thinking": True}),
        (GPT_OSS, "high", {"reasoning_effort": "high"}),
        (FRAME + "{{ thinking }}", "on", {"thinking": True}),
    ],
)
def test_a_template_is_given_the_variables_that_it_reads(template, thinking, variables):
    assert opened(template, thinking=thinking)[1].variables == variables


def test_thinking_that_is_off_closes_the_reasoning_before_the_answer():
    made, template = opened(QWEN, thinking="off")
    assert text(made, template)[0].endswith("<assistant><think>\n\n</think>\n\n")
    assert template.opening == ""


@pytest.mark.parametrize(
    ("template", "chosen", "what"),
    [
        (None, {}, "o/chat has no chat template.*task.template=plain"),
        (QWEN, {"thinking": "low"}, "no reasoning_effort; type task.thinking=on, off or null"),
        (GPT_OSS, {"thinking": "off"}, "no enable_thinking; type task.thinking=low, medium, high or null"),
        (FRAME, {"thinking": "on"}, "type task.thinking=null"),
        (QWEN, {"thinking": "on", "template": "plain"}, "the plain chat template asks for no thinking"),
        (STRICT, {"system": "be brief"}, "refuses messages of system, user: no system role; type task.system=null"),
    ],
)
def test_what_a_template_cannot_do_is_refused_in_one_line_that_says_what_to_type(template, chosen, what):
    with pytest.raises(UserError, match=what) as error:
        opened(template, **chosen)
    assert "\n" not in str(error.value)


def test_the_tokens_of_the_reasoning_are_those_before_the_answer():
    made, template = opened(QWEN, thinking="on")
    thought, answer = made("<think>\nfür 3+4\n</think>")["input_ids"], made("\n\nseven")["input_ids"]
    assert chats.read(made, thought + answer, template) == ("<think>\nfür 3+4\n</think>\n\nseven", len(thought))
    assert chats.read(made, thought[:4], template)[1] == 4
    assert chats.read(made, answer, template) == ("seven", 0)


def test_reasoning_that_the_template_begins_is_part_of_what_was_written():
    made, template = opened(R1)
    assert template.opening == "<think>\n"
    ids = made("3+4\n</think>7")["input_ids"]
    assert chats.read(made, ids, template)[0] == "<think>\n3+4\n</think>7"
    assert chats.read(made, ids[:3], template) == ("<think>\n3+4", 3)


def test_a_batch_of_chats_is_padded_on_the_left_and_says_what_was_cut():
    made, template = opened(QWEN)
    batch = encode_chats(made, [TALK, TALK[-1:]], 30, template)
    assert batch.truncated == [True, False]
    assert batch.tensors["input_ids"].shape == batch.tensors["attention_mask"].shape
    assert batch.tensors["attention_mask"].sum(dim=1).tolist() == batch.lengths
    assert batch.tensors["attention_mask"][:, -1].tolist() == [1, 1]


def test_every_answer_of_a_batch_has_its_own_length_in_one_call_and_in_its_stages():
    from joulemark.core.model import Settings
    from tests.composed import pieced

    run = pieced("embedded", "chat")
    loaded = run.model.load(run.task, "cpu", Settings(batch_size=3))
    given = [
        Bounded(sample.input, length) for sample, length in zip(run.task.samples(3, 0).samples, (1, 7, 4), strict=True)
    ]
    predictions = loaded.predict(given)
    assert [prediction.output_tokens for prediction in predictions] == [1, 7, 4]
    assert [prediction.units for prediction in predictions] == [1, 7, 4]
    assert loaded.facts["chat_template"] == "plain"
    for _ in range(2):
        value = given
        for stage in loaded.stages:
            value = stage.run(value)
        assert value == predictions
    alone = [loaded.predict([each])[0].output for each in given]
    assert alone == [prediction.output for prediction in predictions]
