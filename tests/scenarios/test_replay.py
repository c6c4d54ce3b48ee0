"""A user's own traffic comes again as it was: its times, its lengths, and one line for a file that has none."""

import json

import pytest

from joulemark.core.errors import UserError
from joulemark.core.serving import Lengths
from joulemark.scenarios.replay import Replay


def trace(tmp_path, text, name="trace.csv"):
    path = tmp_path / name
    path.write_text(text)
    return str(path)


def test_the_first_request_comes_at_once_and_the_others_as_long_after_it_as_they_did(tmp_path):
    made = Replay(trace(tmp_path, "timestamp,input_tokens,output_tokens\n100,5,7\n100.5,6,8\n103,7,9\n")).schedule(
        10, 0
    )
    assert made.at_s == [0.0, 0.5, 3.0]
    assert made.lengths == [Lengths(5, 7), Lengths(6, 8), Lengths(7, 9)]


def test_speed_makes_it_faster_and_samples_make_it_shorter(tmp_path):
    path = trace(tmp_path, "at_s\n0\n2\n4\n")
    assert Replay(path, speed=4.0).schedule(10, 0).at_s == [0.0, 0.5, 1.0]
    assert Replay(path).schedule(2, 0).requests == 2


@pytest.mark.parametrize(
    ("text", "name", "unit"),
    [
        ("TIMESTAMP,ContextTokens,GeneratedTokens\n2024-05-10 00:00:00.009930+00:00,5,7\n"
         "2024-05-10 00:00:01.0099301+00:00,6,8\n", "azure.csv", "s"),
        ("Timestamp,Model,Request tokens,Response tokens,Total tokens\n5,m,5,7,12\n6,m,6,8,14\n", "burst.csv", "s"),
        ("".join(json.dumps({"timestamp": 27000 + at, "input_length": 5 + n, "output_length": 7 + n}) + "\n"
                 for n, at in enumerate((0, 1000))), "mooncake.jsonl", "ms"),
    ],
)  # fmt: skip
def test_published_traces_are_read_by_their_own_names(tmp_path, text, name, unit):
    made = Replay(trace(tmp_path, text, name), time_unit=unit).schedule(10, 0)
    assert made.at_s == pytest.approx([0.0, 1.0], abs=1e-5)
    assert made.lengths == [Lengths(5, 7), Lengths(6, 8)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("at_s\n0\n3\n2\n", r"row 3: its time is 1 s before that of the row above; sort the file by time"),
        ("when\n1\n", "no column of times"),
        ("at_s\nsoon\n", "'soon' is no time"),
        ("at_s,input_tokens\n0,2.5\n", "2.5' tokens: must be a whole number"),
        ("at_s\n", "holds no requests"),
    ],
)
def test_a_file_that_cannot_be_replayed_is_one_line(tmp_path, text, message):
    with pytest.raises(UserError, match=message) as error:
        Replay(trace(tmp_path, text)).schedule(10, 0)
    assert "\n" not in str(error.value)


def test_two_files_with_the_same_requests_are_the_same_traffic(tmp_path):
    first, second = (Replay(trace(tmp_path, "at_s\n0\n1\n", name)) for name in ("a.csv", "b.csv"))
    assert first.digest == second.digest != Replay(trace(tmp_path, "at_s\n0\n2\n", "c.csv")).digest
