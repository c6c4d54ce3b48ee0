"""No two names of a list read alike where anything tells them apart, and nothing is said that does not."""

from joulemark.core.apart import told_apart


def test_only_what_differs_among_the_same_names_is_said():
    facts = [
        {"samples": "100 samples", "file": "a.csv"},
        {"samples": "100 samples", "file": "b.csv"},
        {"file": "c.csv"},
    ]
    assert told_apart(["x", "x", "y"], facts) == ["x, a.csv", "x, b.csv", "y"]


def test_a_fact_that_one_of_them_lacks_tells_them_apart():
    assert told_apart(["x", "x"], [{"protocol": "protocol smoke"}, {}]) == ["x, protocol smoke", "x"]


def test_what_nothing_tells_apart_stays_as_it_is():
    assert told_apart(["x", "x"], [{"file": "a.csv"}, {"file": "a.csv"}]) == ["x", "x"]
