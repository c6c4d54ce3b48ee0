"""A model over several cards: which layers lie where, and what is refused instead of being half computed."""

import pytest

from joulemark.core.errors import UserError
from joulemark.core.model import Settings
from joulemark.models.backend import placement
from tests.models import tiny

pytestmark = pytest.mark.weights

CARDS = ["cuda:0", "cuda:1"]
ROOM = [2**30, 2**30]


def hollow(architecture, auto, **shape):
    import torch
    import transformers

    transformers.logging.set_verbosity_error()
    config = transformers.AutoConfig.for_model(architecture, **{**tiny.SHAPES[architecture], **shape})
    with torch.device("meta"):
        return getattr(transformers, auto).from_config(config)


def sizes(model, places):
    """The bytes on each card."""
    found = {}
    for name, parameter in model.named_parameters():
        part = max((part for part in places if name == part or name.startswith(f"{part}.")), key=len)
        found[places[part]] = found.get(places[part], 0) + parameter.numel() * parameter.element_size()
    return found


@pytest.mark.parametrize(
    ("architecture", "auto", "shape"),
    [
        ("gpt2", "AutoModelForCausalLM", {"n_layer": 24, "n_embd": 64}),
        ("bloom", "AutoModelForCausalLM", {"n_layer": 24}),
        ("t5", "AutoModelForSeq2SeqLM", {"num_layers": 12, "num_decoder_layers": 12}),
    ],
)
def test_the_layers_are_spread_evenly_none_is_parted_and_none_is_left_out(architecture, auto, shape):
    model = hollow(architecture, auto, **shape)
    places = placement.spread(model, CARDS, ROOM)
    first, second = sizes(model, places)[0], sizes(model, places)[1]
    assert abs(first - second) < 0.25 * (first + second)
    whole = {name for name, part in model.named_modules() if type(part).__name__ in model._no_split_modules}
    assert whole
    assert not any(part.startswith(f"{block}.") for part in places for block in whole)


def test_a_model_that_does_not_fit_is_refused_and_never_half_offloaded():
    model = hollow("gpt2", "AutoModelForCausalLM", n_layer=24, n_embd=64)
    with pytest.raises(UserError, match="GPT2LMHeadModel does not fit in the free memory of 2 GPUs"):
        placement.spread(model, CARDS, [2**19, 2**19])


def test_a_card_that_would_only_idle_is_refused():
    with pytest.raises(UserError, match=r"layers lie on 3 of 4 GPUs.*type hardware\.index=0, or a list of 3"):
        placement.spread(hollow("gpt2", "AutoModelForCausalLM"), [f"cuda:{n}" for n in range(4)], ROOM * 2)


def test_a_model_that_does_not_say_where_it_may_be_parted_is_refused():
    model = hollow("gpt2", "AutoModelForCausalLM")
    model._no_split_modules = None
    with pytest.raises(UserError, match=r"cannot be spread over 2 GPUs.*type hardware\.index=0"):
        placement.spread(model, CARDS, ROOM)


@pytest.mark.parametrize(("architecture", "auto"), [("gpt2", "AutoModelForCausalLM"), ("t5", "AutoModelForSeq2SeqLM")])
def test_random_weights_of_a_spread_model_are_drawn_where_they_lie_like_those_of_one_device(
    architecture, auto, monkeypatch
):
    import torch
    import transformers

    from joulemark.models.backend import weights

    checkpoint, asked = tiny.random(architecture), []

    def everything_here(model, devices, free_bytes):
        asked.append((model.device.type, devices, free_bytes))
        return {"": "cpu"}

    monkeypatch.setattr(placement, "spread", everything_here)
    monkeypatch.setattr(placement, "free_bytes", lambda devices: ROOM)
    spread = weights.open_weights(auto, checkpoint, "cuda:0,cuda:1", Settings("bf16"))
    assert asked == [("meta", CARDS, ROOM)]
    here = weights.open_weights(auto, checkpoint, "cpu", Settings("bf16"))
    assert isinstance(spread, getattr(transformers, type(here).__name__))
    ours, theirs = dict(spread.named_parameters()), dict(here.named_parameters())
    assert ours.keys() == theirs.keys()
    for name, parameter in ours.items():
        assert (parameter.device.type, parameter.dtype, parameter.shape) == (
            "cpu",
            torch.bfloat16,
            theirs[name].shape,
        )
        if parameter.numel() >= 1000:
            one, other = (tensor.detach().float().std().item() for tensor in (parameter, theirs[name]))
            assert one > 0
            assert one == pytest.approx(other, rel=0.2)
    assert placement.by_device(spread) == {"cpu": sum(p.numel() for p in spread.parameters())}


def test_the_name_of_several_cards_is_none_of_torchs():
    import torch

    assert placement.devices("cuda:0,cuda:1") == CARDS
    assert placement.devices("cpu") == ["cpu"]
    with pytest.raises(RuntimeError):
        torch.device("cuda:0,cuda:1")
