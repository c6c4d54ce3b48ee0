"""Options given in Python reach a composed configuration as they were given."""

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from joulemark.config.options import composed, conf_found, overrides_of
from joulemark.core.errors import UserError

VALUES = (
    8, 0.5, 1e-7, True, False, None, "bf16", "google/flan-t5-small", "a b", "it's", r"C:\x", "\\'", "ends in \\", "a,b",
    "{x}", "[1]", "k=v", "$x", "", " ", "émile", '"', [1, "a b"], ["x=y"], "12e4", "~/x", "a#b", "sqlite:///x y/z.db",
)  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_of_python_is_the_value_that_hydra_reads(value):
    (override,) = OverridesParser.create().parse_overrides(overrides_of((), {"key": value}))
    assert override.value() == value or str(override.value()) == value


def test_a_mapping_sets_the_options_of_a_group():
    assert overrides_of(["seed=1"], {"site": {"zone": "FRA", "pue": 1.2}, "model": "gpt2"}) == [
        "seed=1", "site.zone=FRA", "site.pue=1.2", "model=gpt2",
    ]  # fmt: skip


@pytest.mark.parametrize("override", ["batch_size", "--batch_size=8", "-m"])
def test_what_is_no_override_is_refused(override):
    with pytest.raises(UserError, match="options are written batch_size=8"):
        overrides_of([override], {})


def test_a_value_that_no_yaml_has_is_refused():
    with pytest.raises(UserError, match=r"seed=.*no option"):
        overrides_of((), {"seed": object()})


def test_composing_leaves_the_state_of_a_program_that_uses_hydra_itself(tmp_path):
    from hydra import compose, initialize_config_dir

    (tmp_path / "own.yaml").write_text("a: 1\n")
    with initialize_config_dir(str(tmp_path), version_base="1.3"):
        with conf_found():
            assert composed("run", ["seed=3"]).seed == 3
        with conf_found(), pytest.raises(UserError):
            composed("run", ["sed=3"])
        assert compose("own").a == 1
