"""What a call asks of the device, against counts by hand."""

from types import SimpleNamespace

import pytest

from joulemark.core.measurement import Work
from joulemark.models.backend import flop_counting

pytestmark = pytest.mark.weights

FP32 = 4  # bytes


class Calls:
    """A predictor that shows its model, or its pipe, and does what it is told."""

    def __init__(self, run, **shown):
        self.run = run
        self.__dict__.update(shown)

    def __call__(self, batch):
        import torch

        with torch.inference_mode():
            return self.run(batch)


def bytes_of(*parts):
    return sum(p.numel() * p.element_size() for part in parts for p in part.parameters())


def test_a_linear_layer_does_two_flops_a_weight_and_row_and_reads_its_weights_once():
    import torch

    layer = torch.nn.Linear(30, 50)
    predict = Calls(lambda batch: layer(torch.randn(len(batch), 30)), model=layer)
    assert flop_counting.count(predict, ["a"]) == Work(2 * 30 * 50, (30 * 50 + 50) * FP32)
    # the rows of a batch share one reading of the weights
    assert flop_counting.count(predict, ["a", "b", "c", "d"]) == Work(2 * 30 * 50, (30 * 50 + 50) * FP32 / 4)


def test_what_is_not_a_weight_is_not_read_and_a_weight_expanded_is_read_once():
    import torch

    layer = torch.nn.Linear(8, 8, bias=False)
    data = torch.randn(64, 8, 8)

    def run(batch):
        return data @ layer.weight.expand(64, 8, 8)

    assert flop_counting.count(Calls(run, model=layer), ["a"]) == Work(2 * 64 * 8**3, 8 * 8 * FP32)


def test_a_parameter_that_is_handed_to_a_module_is_counted_and_still_asks_for_its_gradient_afterwards():
    import torch

    layer = torch.nn.Linear(8, 8, bias=False)
    layer.query = torch.nn.Parameter(torch.randn(3, 8))
    assert flop_counting.count(Calls(lambda batch: layer(layer.query), model=layer), ["a"]) == Work(
        2 * 3 * 64, (64 + 24) * FP32
    )
    assert all(parameter.requires_grad for parameter in layer.parameters())


def test_of_a_table_only_the_rows_that_are_looked_up_are_read():
    import torch

    table = torch.nn.Embedding(1000, 16)
    predict = Calls(lambda batch: table(torch.tensor([[1, 2, 3]])), model=table)
    assert flop_counting.count(predict, ["a"]) == Work(0, 3 * 16 * FP32)


def gpt2():
    from transformers import GPT2Config, GPT2LMHeadModel

    return GPT2LMHeadModel(GPT2Config(n_embd=16, n_layer=2, n_head=2, vocab_size=97, n_positions=32)).eval()


@pytest.mark.parametrize("tokens", [1, 5])
def test_a_decoder_reads_its_weights_once_for_every_token_it_generates(tokens):
    import torch

    model, prompt = gpt2(), 7
    ids = torch.arange(prompt)[None]
    generate = {"max_new_tokens": tokens, "min_new_tokens": tokens, "do_sample": False, "pad_token_id": 0}
    found = flop_counting.count(Calls(lambda batch: model.generate(ids, **generate), model=model), ["a"])
    # the tied table is the output's matrix, read whole in each pass; the rows of the two lookups come on top
    passes = bytes_of(model.transformer.h, model.transformer.ln_f, model.transformer.wte)
    rows = 2 * 16 * FP32 * (prompt + tokens - 1)
    assert found.bytes_read == tokens * passes + rows


def test_the_flops_of_a_decoders_pass_are_two_a_weight_and_position_and_the_attention():
    import torch

    model, positions = gpt2(), 7
    ids = torch.arange(positions)[None]
    found = flop_counting.count(Calls(lambda batch: model(ids), model=model), ["a"])
    matrices = sum(p.numel() for p in model.transformer.h.parameters() if p.dim() == 2) + 97 * 16
    attention = 2 * (2 * 2 * positions * positions * 16)  # layers x (queries by keys, and their weights by values)
    assert found.flops == 2 * matrices * positions + attention


def test_an_encoder_is_read_once_and_its_decoder_for_every_token():
    import torch
    from transformers import T5Config, T5ForConditionalGeneration

    shape = {"d_model": 16, "d_ff": 32, "d_kv": 8, "num_layers": 2, "num_heads": 2, "vocab_size": 97}
    model = T5ForConditionalGeneration(T5Config(**shape, decoder_start_token_id=0)).eval()
    ids = torch.arange(2, 9)[None]

    def found(tokens):
        generate = {"max_new_tokens": tokens, "min_new_tokens": tokens, "do_sample": False, "pad_token_id": 0}
        return flop_counting.count(Calls(lambda batch: model.generate(ids, **generate), model=model), ["a"]).bytes_read

    blocks = bytes_of(model.decoder.block, model.decoder.final_layer_norm)
    # keys and values of the text are kept from the first token on, and position tables are looked up
    kept = bytes_of(*(part for b in model.decoder.block for part in (b.layer[1].EncDecAttention.k,) * 2))
    table = model.decoder.block[0].layer[0].SelfAttention.relative_attention_bias
    step = blocks - kept - bytes_of(table) + bytes_of(model.lm_head)
    growth = found(4) - found(3)
    assert growth == pytest.approx(step, rel=0.01)
    assert found(1) < bytes_of(model.encoder.block) + blocks + bytes_of(model.lm_head) * 1.2


def test_only_the_experts_that_are_chosen_are_read():
    import torch
    from transformers import OlmoeConfig, OlmoeForCausalLM

    shape = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    model = OlmoeForCausalLM(OlmoeConfig(**shape, vocab_size=97, num_experts=8, num_experts_per_tok=2)).eval()
    found = flop_counting.count(Calls(lambda batch: model(torch.tensor([[5]])), model=model), ["a"])
    experts = bytes_of(model.model.layers[0].mlp.experts)
    rest = bytes_of(model) - experts - bytes_of(model.model.embed_tokens)
    assert found.bytes_read == rest + experts * 2 / 8 + 16 * FP32


def test_the_parts_of_a_pipeline_count_together_as_often_as_they_are_called():
    import torch

    encoder, denoiser = torch.nn.Linear(4, 4), torch.nn.Linear(4, 4)

    def run(batch):
        made = encoder(torch.randn(1, 4))
        for _ in range(3):
            made = denoiser(made)

    pipe = SimpleNamespace(components={"encoder": encoder, "denoiser": denoiser, "scheduler": "none"})
    one = (16 + 4) * FP32
    assert flop_counting.count(Calls(run, pipe=pipe), ["a"]) == Work(2 * 16 * 4, 4 * one)


def test_a_predictor_without_a_module_has_no_known_work():
    assert flop_counting.count(Calls(lambda batch: batch), ["a"]) is None
    import torch

    idle = torch.nn.Linear(2, 2)
    assert flop_counting.count(Calls(lambda batch: batch, model=idle), ["a"]) is None
