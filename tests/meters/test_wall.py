"""The socket's meter, on files whose joules are known."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from joulemark.core.errors import UserError
from joulemark.meters.wall import Wall
from tests.fakes import CPU, FakeClock

NOON_S = datetime(2026, 1, 31, 12, tzinfo=UTC).timestamp()


@pytest.fixture
def wall(tmp_path):
    """A meter over a file of (seconds after noon, value), at noon."""

    def made(rows, head="time,watts", stamp=lambda at: at, **options):
        path = tmp_path / "socket.csv"
        path.write_text("\n".join([head, *(f"{stamp(NOON_S + at)},{value}" for at, value in rows)]) + "\n")
        clock = FakeClock()
        clock.time = NOON_S
        return Wall(str(path), clock=clock.now, sleep=clock.sleep, **options), clock

    return made


def read(meter, clock, start_s=0.5, seconds=10.0):
    clock.time = NOON_S + start_s
    meter.open(CPU)
    meter.start()
    clock.sleep(seconds)
    return meter.stop()


def test_constant_watts_are_watts_times_seconds_whatever_the_edges(wall):
    for start_s in (0.0, 0.5, 0.99):
        reading = read(*wall([(at, 300) for at in range(20)]), start_s)
        assert reading.wall_j == pytest.approx(300 * 10.0)
    assert (reading.method, reading.gpu_j, reading.cpu_j, reading.ram_j) == ({"wall": "wall"}, None, None, None)
    assert reading.duration_s == pytest.approx(10.0)


def test_a_ramp_is_interpolated_at_the_edges(wall):
    reading = read(*wall([(at, 100 + 10 * at) for at in range(0, 30, 3)]), 2.0, 10.0)
    assert reading.wall_j == pytest.approx((120 + 220) / 2 * 10)


def test_what_was_drawn_between_the_edges_counts_and_not_only_what_was_drawn_at_them(wall):
    reading = read(*wall([(0, 100), (5, 400), (10, 100), (15, 100)]), 0.0, 10.0)
    assert reading.wall_j == pytest.approx((100 + 400) / 2 * 10)


def test_what_is_outside_the_window_does_not_count(wall):
    rows = [(at, 300 if 5 <= at <= 15 else 9000) for at in range(20)]
    assert read(*wall(rows), 5.0, 10.0).wall_j == pytest.approx(3000)


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=5, minutes=30))])
def test_a_zone_moves_nothing(wall, zone):
    meter, clock = wall(
        [(at, 100 + at) for at in range(20)], stamp=lambda at: datetime.fromtimestamp(at, zone).isoformat()
    )
    assert read(meter, clock).wall_j == pytest.approx((100.5 + 110.5) / 2 * 10)


def test_a_time_without_a_zone_is_refused(wall):
    meter, _ = wall([(0, 1)], stamp=lambda at: "2026-01-31T12:00:00")
    with pytest.raises(UserError, match=r"line 2: .* has no zone"):
        meter.open(CPU)


def test_a_clock_that_is_ahead_is_refused(wall):
    meter, _ = wall([(3600, 1)])
    with pytest.raises(UserError, match="3600 s in the future"):
        meter.open(CPU)


def test_a_file_or_a_column_that_is_not_there_is_named(wall, tmp_path):
    with pytest.raises(UserError, match=r"type meter\.path=FILE"):
        Wall().open(CPU)
    with pytest.raises(UserError, match="no such file"):
        Wall(str(tmp_path / "none.csv")).open(CPU)
    meter, _ = wall([(0, 1)], head="date,power")
    with pytest.raises(UserError, match=r"no column time and watts \(it has: date, power\)"):
        meter.open(CPU)


def test_stop_waits_for_the_row_after_the_window_and_reads_no_half_line(wall):
    meter, clock = wall([(at, 300) for at in range(10)], patience_s=5.0)

    parts = ["", f"{NOON_S + 10},300\n", f"{NOON_S + 11},3", "00\n"]  # 3 W is no row: its line has no end yet

    def writes(seconds):
        clock.sleep(seconds)
        with open(meter.path, "a") as file:
            file.write(parts.pop(0))

    meter.sleep = writes
    reading = read(meter, clock, 0.5, 10.0)
    assert reading.wall_j == pytest.approx(3000)
    assert reading.duration_s == pytest.approx(10.0)  # waiting is no part of the window
    assert clock.now() > NOON_S + 10.5


def test_a_meter_that_stopped_writing_is_an_error_after_the_patience(wall):
    meter, clock = wall([(at, 300) for at in range(8)], patience_s=5.0)
    with pytest.raises(RuntimeError, match=r"no row after the window's end within 5 s.*3\.5 s older"):
        read(meter, clock)
    assert clock.now() >= NOON_S + 15.5


def test_a_gap_or_a_late_beginning_is_an_error(wall):
    with pytest.raises(RuntimeError, match=r"no row for 8\.0 s"):
        read(*wall([(0, 300), (1, 300), (9, 300), (20, 300)], max_gap_s=5.0), 0.5, 8.0)
    with pytest.raises(RuntimeError, match=r"1\.5 s after the window's beginning"):
        read(*wall([(at, 300) for at in range(2, 20)]))


def test_a_kwh_counter_is_a_difference(wall):
    rows = [(at, f"{7 + at * 300 / 3.6e6:.7f}") for at in range(20)]
    assert read(*wall(rows, head="time,energy", kwh_column="energy")).wall_j == pytest.approx(3000, rel=0.001)


def test_a_kwh_counter_that_is_coarse_or_was_reset_is_an_error(wall):
    with pytest.raises(RuntimeError, match="too coarse"):
        read(*wall([(at, f"{7 + at * 300 / 3.6e6:.3f}") for at in range(20)], head="time,kwh", kwh_column="kwh"))
    with pytest.raises(RuntimeError, match="backwards"):
        read(*wall([(at, f"{7 - (at > 5):.6f}") for at in range(20)], head="time,kwh", kwh_column="kwh"))


def test_a_stop_needs_a_start(wall):
    with pytest.raises(RuntimeError, match="stop without start"):
        wall([(0, 1)])[0].stop()
