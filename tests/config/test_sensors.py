"""Which meters a choice of conf/meter means, and that auto is every sensor that says so, wherever its YAML lies."""

import pytest
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from joulemark.config import sensors
from joulemark.config.compose import composed
from joulemark.core.errors import UserError
from joulemark.core.measurement import METHODS, VENDORS, Capability
from joulemark.core.paths import CONF
from tests.composed import built

SHIPPED = sorted(path.stem for path in (CONF / "meter").glob("*.yaml"))


class Thermal:
    """A sensor that a user might add."""

    capability = Capability({"cpu": ("sampled",)}, trust=93)
    name = "thermal"
    open = start = stop = close = None


class Vague(Thermal):
    capability = Capability({"cpu": ("measured",)}, trust=1)


class Stranger(Thermal):
    capability = Capability({"gpu": ("counter",)}, trust=1, vendor="intel")


class Silent:
    name = "silent"
    open = start = stop = close = None


def sensor(name):
    return {"_target_": f"{__name__}.{name}"}


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Writes a sensor's YAML into a user's own folder; `run()` composes with that folder on the search path."""

    def write(name, text):
        (tmp_path / "meter").mkdir(exist_ok=True)
        (tmp_path / "meter" / f"{name}.yaml").write_text(text)

    def run(*overrides):
        with initialize_config_dir(str(CONF), version_base="1.3"):
            GlobalHydra.instance().config_loader().get_search_path().append("own", str(tmp_path))
            return composed(overrides)

    return write, run


def test_auto_takes_what_ships_most_trusted_first():
    run = built()
    assert [meter.name for meter in run.meters] == ["nvml", "amd", "rapl", "codecarbon"]
    assert not run.meters_required


def test_auto_takes_a_sensor_of_the_users_own_folder_in_its_rank_and_no_other_file(own):
    write, run = own
    write("thermal", f"_target_: {__name__}.Thermal\nauto: true\n")
    write("not_asked", f"_target_: {__name__}.Silent\n")
    write("several", f"required: true\nsensors: [{{_target_: {__name__}.Silent}}]\n")
    assert [meter.name for meter in run().meters] == ["nvml", "amd", "thermal", "rapl", "codecarbon"]
    assert [meter.name for meter in run("meter=traced").meters][-2:] == ["trace", "codecarbon"]
    assert [meter.name for meter in built().meters] == ["nvml", "amd", "rapl", "codecarbon"]


def test_a_sensor_added_or_changed_while_the_process_runs_is_seen(own):
    write, run = own
    write("thermal", f"_target_: {__name__}.Thermal\n")
    assert "thermal" not in [meter.name for meter in run().meters]
    write("thermal", f"_target_: {__name__}.Thermal\nauto: true\n")
    assert "thermal" in [meter.name for meter in run().meters]


def test_one_sensor_is_required_where_it_is_chosen_and_its_parameters_are_options_of_the_meter():
    run = built("meter=trace", "meter.hz=5")
    assert run.meters_required
    assert [meter.hz for meter in run.meters] == [5.0]


def test_the_records_configuration_spells_the_sensors_out():
    node = built("meter=auto").config["meter"]
    assert [entry["_target_"].rpartition(".")[2] for entry in node["sensors"]] == ["Amd", "CodeCarbon", "Nvml", "Rapl"]


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (["Silent"], "a meter states what it reads"),
        (["Vague"], "evidence 'measured' does not exist; choose from: counter"),
        (["Stranger"], "vendor 'intel' does not exist; choose from: nvidia"),
        (["Thermal", "Thermal"], "two sensors of one run have the name thermal"),
    ],
)
def test_a_sensor_that_does_not_say_what_it_reads_is_refused_in_one_line(names, says, tmp_path, monkeypatch):
    (tmp_path / "conf" / "meter").mkdir(parents=True)
    (tmp_path / "conf" / "meter" / "mine.yaml").write_text(f"sensors: {[sensor(name) for name in names]}")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=says) as refused:
        sensors.meters_of([sensor(name) for name in names])
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_meter_that_ships_states_what_it_reads_in_known_terms(name):
    for meter in built(f"meter={name}").meters:
        assert meter.capability.evidence
        assert {method for methods in meter.capability.evidence.values() for method in methods} <= set(METHODS)
        assert meter.capability.vendor in (None, *VENDORS)
