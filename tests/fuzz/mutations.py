"""A JSON value with a few of its parts replaced, taken out, repeated or added: what a broken or hostile file holds."""

import copy

from hypothesis import strategies

SCALARS = (
    None, True, False, 0, 1, -1, 3, 10**400, -(2**63), 0.5, -0.5, 1e-320, 1e308, -1e308,
    float("nan"), float("inf"), float("-inf"), "", " ", "0", "-1", "nan", "1e999", "é\u202e", "\ud800", "../../x",
    "=1+1", "x" * 5000, "<script>", "2024-13-45", "{", "0x10", "1_000",
)  # fmt: skip
CONTAINERS = ([], {}, [None], [[]], [0], [-1], {"": None}, {"a": 1}, ["a", "a"], [float("nan")], [1.0, 2.0])
ACTIONS = ("replace", "replace", "replace", "delete", "repeat", "empty", "add")
SHOWN = 3  # places of a list that are mutated: its first ones and its last


def places(value, path=()):
    """The path of every part; of a long list those of a few."""
    yield path
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], (*path, key))
    elif isinstance(value, list):
        for index in {*range(min(len(value), SHOWN)), max(len(value) - 1, 0)} if value else ():
            yield from places(value[index], (*path, index))


def texts():
    """Any text at all, surrogates among it."""
    return strategies.text(strategies.characters(), max_size=20)


def values():
    """What may stand anywhere in a file."""
    return strategies.one_of(
        strategies.sampled_from(SCALARS),
        strategies.sampled_from(CONTAINERS),
        strategies.integers(),
        strategies.floats(),
        texts(),
    )


@strategies.composite
def mutated(draw, bases, most=3):
    """One of the values with one part changed, or a few."""
    value = copy.deepcopy(draw(strategies.sampled_from(bases)))
    for _ in range(draw(strategies.integers(1, most))):
        value = _changed(draw, value)
    return value


def _changed(draw, root):
    path = draw(strategies.sampled_from(list(places(root))))
    action = draw(strategies.sampled_from(ACTIONS))
    if not path:
        return copy.deepcopy(draw(values())) if draw(strategies.integers(0, 20)) == 0 else root  # it is changed next
    parent = root
    for key in path[:-1]:
        parent = parent[key]
    key, old = path[-1], parent[path[-1]]
    if action == "replace":
        parent[key] = copy.deepcopy(draw(values()))
    elif action == "delete":
        del parent[key]
    elif action == "repeat" and isinstance(parent, list):
        parent.insert(key, copy.deepcopy(old))
    elif action == "empty" and isinstance(old, dict | list | str):
        parent[key] = type(old)()
    elif action == "add" and isinstance(parent, dict):
        parent[draw(texts())] = copy.deepcopy(draw(values()))
    return root
