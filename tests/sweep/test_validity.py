"""Whether overrides of a suite or sweep make a run."""

from joulemark.sweep.validity import Validity


def test_a_label_may_be_mapped_in_the_runs_of_a_suite():
    validity = Validity()
    assert validity(["model.labels.LABEL_0=negative", "batch_size=1"]) is None
    assert validity.run(["model.labels.LABEL_0=negative"]).model.labels == {"LABEL_0": "negative"}
    assert "unknown key model.labelz.LABEL_0" in validity(["model.labelz.LABEL_0=negative"])
