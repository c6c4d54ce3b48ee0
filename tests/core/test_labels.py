"""How labels of a checkpoint are matched with those of a task."""

import pytest

from joulemark.core.labels import Labels, listed, mapped, mapped_tags, option, without_counterpart


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("aquarium_fish", "aquarium_fish"),
        ("aquarium fish", "aquarium_fish"),
        ("Aquarium-Fish", "aquarium_fish"),
        ("sport", "sport"),
        ("Sports News", "sports_news"),
        ("sports", None),
        ("fish", None),
    ],
)
def test_a_label_is_matched_whole_but_for_case_and_separators(name, label):
    assert Labels.of(("sport", "sports_news", "aquarium_fish")).match(name) == label


def test_two_labels_that_differ_by_case_alone_are_matched_exactly_or_not_at_all():
    labels = Labels.of(("us", "US"))
    assert [labels.match(name) for name in ("us", "US", "Us")] == ["us", "US", None]


def test_labels_seen_in_the_data_add_to_the_declared_ones_only_what_is_new():
    labels = Labels.of(("Dog",), ("dog", "cat"), ("CAT",))
    assert labels.names == ("Dog", "cat")
    assert labels.name("DOG") == "Dog"
    assert labels.name("wolf") == "wolf"


def test_what_is_typed_comes_before_the_name_and_its_key_may_differ_by_case():
    names = ["LABEL_0", "LABEL_1", "positive"]
    assert mapped(names, {"label_0": "negative", "positive": "good"}) == {
        "LABEL_0": "negative",
        "LABEL_1": "LABEL_1",
        "positive": "good",
    }


def test_a_kind_of_entity_is_mapped_with_its_prefixes_and_a_whole_tag_before_it():
    names = ["O", "B-person", "I-person", "B-x"]
    assert mapped_tags(names, {"person": "PER", "x": "MISC", "B-x": "B-LOC"}) == {
        "O": "O",
        "B-person": "B-PER",
        "I-person": "I-PER",
        "B-x": "B-LOC",
    }


def test_the_option_that_maps_a_label_is_written_as_a_shell_takes_it():
    assert option("LABEL_0", "negative") == "model.labels.LABEL_0=negative"
    assert option("1 star", "negative") == "'model.labels={1 star: negative}'"


def test_unknown_labels_are_named_with_the_checkpoints_own_name_in_the_option():
    known = Labels.of(("negative", "positive"))
    message = without_counterpart({"LABEL_0": "bad", "LABEL_1": "good"}, known, known.names)
    assert message is not None
    assert "(bad, good)" in message
    assert "(negative, positive)" in message
    assert "model.labels.LABEL_0=negative" in message


def test_a_long_list_of_labels_is_cut_and_counted():
    assert listed(map(str, range(9))) == "0, 1, 2, 3, 4, 5, … (9 in all)"
