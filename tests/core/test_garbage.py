"""When garbage is looked for: not while packages are imported, and never among what they left."""

import gc

import pytest

from joulemark.core import garbage


@pytest.fixture(autouse=True)
def _as_before():
    yield
    gc.unfreeze()
    gc.enable()


def test_what_was_made_at_rest_is_visited_by_no_later_collection_and_what_comes_after_is():
    garbage.rest()
    made = [[] for _ in range(1000)]
    assert not gc.isenabled()
    garbage.resume()
    assert gc.isenabled()
    visited = {id(one) for one in gc.get_objects()}
    assert not visited & {id(one) for one in made}
    later: list = []
    assert id(later) in {id(one) for one in gc.get_objects()}
