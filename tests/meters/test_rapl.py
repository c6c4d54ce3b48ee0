"""The processor's counters, on a powercap tree of files: what is counted, wraps, and what cannot be known."""

import os

import pytest

from joulemark.core.errors import UserError
from joulemark.meters.rapl import Rapl
from tests.fakes import CPU, FakeClock

WRAPS_UJ = 262_143_328_850


@pytest.fixture
def tree(tmp_path):
    def domain(path, name, joules, limit_w=None):
        folder = tmp_path / path
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "name").write_text(f"{name}\n")
        (folder / "max_energy_range_uj").write_text(str(WRAPS_UJ))
        if limit_w:
            (folder / "constraint_0_power_limit_uw").write_text(str(limit_w * 10**6))
        (folder / "energy_uj").write_text(str(int(joules * 1e6)))
        return folder / "energy_uj"

    return domain


def a_meter(tmp_path):
    clock = FakeClock()
    meter = Rapl(tmp_path, clock.now)
    meter.open(CPU)
    return meter, clock


def add(file, joules):
    file.write_text(str((int(file.read_text()) + int(joules * 1e6)) % WRAPS_UJ))


def test_packages_and_their_memory_are_counted_and_nothing_twice(tmp_path, tree):
    first, two = tree("intel-rapl:0", "package-0", 10), tree("intel-rapl:1", "package-1", 500)
    core, psys = tree("intel-rapl:0/intel-rapl:0:0", "core", 5), tree("intel-rapl:2", "psys", 20)
    ram, mmio = tree("intel-rapl:0/intel-rapl:0:1", "dram", 1), tree("intel-rapl-mmio:0", "package-0", 10)
    ram_two = tree("intel-rapl:1/intel-rapl:1:0", "dram", 2)
    meter, clock = a_meter(tmp_path)
    meter.start()
    for file, joules in ((first, 100), (two, 50), (core, 70), (psys, 300), (ram, 7), (ram_two, 3), (mmio, 100)):
        add(file, joules)
    clock.sleep(10.0)
    reading = meter.stop()
    assert (reading.cpu_j, reading.ram_j, reading.gpu_j) == (pytest.approx(150), pytest.approx(10), None)
    assert reading.method == {"cpu": "rapl", "ram": "rapl"}
    assert reading.duration_s == 10.0


def test_one_wrap_is_put_right(tmp_path, tree):
    package = tree("intel-rapl:0", "package-0", WRAPS_UJ / 1e6 - 30, limit_w=300)
    meter, clock = a_meter(tmp_path)
    meter.start()
    add(package, 100)
    clock.sleep(10.0)
    assert meter.stop().cpu_j == pytest.approx(100)


def test_what_may_have_wrapped_twice_is_not_known(tmp_path, tree):
    tree("intel-rapl:0", "package-0", 0, limit_w=300)
    meter, clock = a_meter(tmp_path)
    meter.start()
    clock.sleep(WRAPS_UJ / 1e6 / 300 + 1)
    reading = meter.stop()
    assert reading.cpu_j is None
    assert reading.method == {}


def test_of_several_packages_the_one_that_may_wrap_twice_first_says_how_long_all_are_known(tmp_path, tree):
    tree("intel-rapl:0", "package-0", 0, limit_w=150)
    tree("intel-rapl:1", "package-1", 500, limit_w=300)
    meter, clock = a_meter(tmp_path)
    meter.start()
    clock.sleep(WRAPS_UJ / 1e6 / 300 + 1)
    assert meter.stop().cpu_j is None


def test_the_memory_of_one_socket_of_two_is_not_the_machines(tmp_path, tree):
    tree("intel-rapl:0", "package-0", 10)
    tree("intel-rapl:1", "package-1", 500)
    tree("intel-rapl:0/intel-rapl:0:0", "dram", 1)
    meter, clock = a_meter(tmp_path)
    meter.start()
    clock.sleep(1.0)
    assert meter.stop().ram_j is None


def test_dies_that_show_one_counter_again_are_counted_once(tmp_path, tree):
    files = [tree(f"intel-rapl:{n}", f"package-0-die-{n}", 1000) for n in range(4)]
    meter, clock = a_meter(tmp_path)
    meter.start()
    for file in files:
        add(file, 40)
    clock.sleep(1.0)
    assert meter.stop().cpu_j == pytest.approx(40)


def test_no_counter_and_no_permission_each_say_what_to_do(tmp_path, tree, monkeypatch):
    with pytest.raises(UserError, match=r"no processor energy counter.*meter=codecarbon"):
        a_meter(tmp_path)
    file = tree("intel-rapl:0", "package-0", 10)
    if os.getuid() == 0:  # root may read anything: say no in its place
        monkeypatch.setattr(
            "joulemark.meters.rapl.Domain.read_j", lambda self: (_ for _ in ()).throw(PermissionError())
        )
    else:
        file.chmod(0)
    with pytest.raises(
        UserError, match=r"only root may read.*CVE-2020-8694.*sudo chmod a\+r .*/intel-rapl\*/energy_uj"
    ):
        a_meter(tmp_path)
