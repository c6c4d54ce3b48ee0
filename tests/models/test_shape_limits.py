"""A configuration that asks for more than any model has is refused before anything is built of it."""

import json

import pytest

from joulemark.config import model_files
from joulemark.core.errors import UserError
from joulemark.models.backend import shape_limits


@pytest.mark.parametrize(
    "shape",
    [
        {"n_layer": 10**7},
        {"num_hidden_layers": 10**7},
        {"text_config": {"num_hidden_layers": 2000}},
        {"depths": [2, 2, 10**6]},
        {"vocab_size": 10**9},
        {"num_local_experts": 10**6},
        {"hidden_size": float("inf")},
    ],
)
def test_a_shape_beyond_every_model_is_refused(shape, tmp_path):
    with pytest.raises(UserError, match="is more than any model has"):
        shape_limits.check(shape, "model.shape")
    if float("inf") not in shape.values():
        (tmp_path / "unet").mkdir()
        (tmp_path / "unet" / "config.json").write_text(json.dumps(shape))
        with pytest.raises(UserError, match=r"the folder, unet/config\.json: .* is more than any model has"):
            shape_limits.check_folder(tmp_path, "the folder")


@pytest.mark.parametrize("name", model_files.names())
def test_every_shape_of_conf_is_within_the_limits(name):
    node = model_files.node(name)
    for values in (node, *node.get("sizes", {}).values()):
        shape_limits.check(values.get("shape") or {}, "model.shape")


def test_long_contexts_and_large_bases_are_no_size():
    shape_limits.check({"max_position_embeddings": 10_485_760, "rope_theta": 5e8, "block_size": 2048}, "model.shape")
