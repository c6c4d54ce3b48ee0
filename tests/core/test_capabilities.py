"""What a model can do is a typed part of its record, whichever program wrote it."""

from dataclasses import asdict, replace

import pytest

from joulemark.core.model import Capabilities
from joulemark.core.record_json import from_json, to_json
from tests.core.test_stored_records import stored
from tests.records import a_record

CAN = Capabilities(accepts=("text",), gives=("token",), caches=("dynamic", "static"), graphs=False)


def older(schema, **config):
    """A record as the programs wrote it that kept the capabilities in the configuration alone."""
    values = to_json(a_record()) if schema == 3 else stored("schema_2_interrupted")
    model = {key: value for key, value in values["model"].items() if key != "capabilities"}
    return {**values, "model": model, "config": {**values["config"], **config}}


def test_a_record_keeps_what_its_model_can_do():
    record = a_record()
    record = replace(record, model=replace(record.model, capabilities=CAN))
    assert from_json(to_json(record)).model.capabilities == CAN


def test_a_record_that_holds_the_capabilities_in_its_configuration_alone_has_them_typed():
    assert from_json(older(3, model={"capabilities": asdict(CAN)})).model.capabilities == CAN


def test_a_record_of_schema_2_has_them_by_their_former_names():
    node = {"compiles": True, "graphs": False, "caches": ["dynamic", "static"], "pictures": True}
    capabilities = from_json(older(2, model=node)).model.capabilities
    assert (capabilities.compiles, capabilities.graphs, capabilities.reads_images) == (True, False, True)
    assert capabilities.caches == ("dynamic", "static")


@pytest.mark.parametrize("schema", [2, 3])
def test_what_no_record_states_is_not_assumed(schema):
    assert from_json(older(schema, model={})).model.capabilities is None
    partial = from_json(older(schema, model={"pads": True})).model.capabilities
    assert (partial.compiles, partial.graphs) == (False, False)
