"""The shape of a value: its names and types, apart from its figures, which become a flat row of leaves.

A shape is written as JSON (see ``wsltop.recording.format``), so that a recording describes itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import groupby, islice
from typing import Final, TypeAlias, Union

from wsltop.model.text import clean
from wsltop.recording.varint import Malformed

Leaf: TypeAlias = Union[int, float, str]
Plain: TypeAlias = "bool | int | float | str | list[Plain] | tuple[Plain, ...] | dict[str, Plain] | None"
"""What msgspec makes of a struct: the types of JSON."""
Shape: TypeAlias = "bool | int | str | tuple[Shape, ...] | None"
"""Hashable. The letter of a leaf's type; a constant; ``("{", key, shape, key, shape …)``; or
``("[", count, shape, count, shape …)`` for a list, neighbors of one shape together."""
Builder: TypeAlias = "Callable[[Iterator[Leaf]], Plain]"
MAX_VALUES: Final = 100_000
"""Leaves, constants, objects and lists in one value; the largest real one is a flood of the kernel log: 500 records of
five leaves."""
MAX_DEPTH: Final = 32
LEARNED: Final = 64
LEARNED_TEXT: Final = 16 * 1024
"""How many shapes are remembered, and how long their JSON may be: about a megabyte at the most."""
LETTERS: Final[dict[type, str]] = {int: "i", float: "f", str: "s"}
EMPTY: Final[dict[str, Leaf]] = {"i": 0, "f": 0.0, "s": ""}
"""What the first figures of a shape are a difference to."""


def flatten(value: Plain, leaves: list[Leaf]) -> Shape:
    """Append the leaves of ``value`` in the order of its shape, and return the shape."""
    if isinstance(value, dict):
        items: list[Shape] = ["{"]
        for name, item in value.items():
            items += (name, flatten(item, leaves))
        return tuple(items)
    if isinstance(value, (list, tuple)):
        runs: list[Shape] = ["["]
        for shape, run in groupby([flatten(item, leaves) for item in value]):
            runs += (len(list(run)), shape)
        return tuple(runs)
    if value is None or isinstance(value, bool):
        return value
    leaves.append(value)
    return LETTERS[type(value)]


def builder(shape: Shape) -> Builder:
    """What makes a value again, from as many leaves as its shape has: made once, as it is used for every sample."""
    if isinstance(shape, str):
        return next
    if not isinstance(shape, tuple):
        return lambda _: shape
    if shape[0] == "{":
        return dict_builder(tuple(str(name) for name in shape[1::2]), shape[2::2])
    runs = [
        (int(count) if isinstance(count, int) else 0, builder(item))
        for count, item in zip(shape[1::2], shape[2::2], strict=True)
    ]
    if len(runs) == 1 and runs[0][1] is next:
        return lambda leaves: list(islice(leaves, runs[0][0]))
    return lambda leaves: [make(leaves) for count, make in runs for _ in range(count)]


def dict_builder(names: tuple[str, ...], shapes: tuple[Shape, ...]) -> Builder:
    """What makes an object again."""
    if all(isinstance(shape, str) for shape in shapes):
        return lambda leaves: dict(zip(names, leaves))  # noqa: B905 - there are more leaves than these
    makers = [(name, builder(shape)) for name, shape in zip(names, shapes, strict=True)]
    return lambda leaves: {name: make(leaves) for name, make in makers}


def learn_shape(text: str) -> tuple[Shape, tuple[str, ...], Builder]:
    """A shape from JSON, the letters of its leaves, and what makes its values; every group has the same ones again.

    Raises:
        Malformed: it is no shape, or one that is too large.
    """
    return learn_again(text) if len(text) <= LEARNED_TEXT else learn(text)


def learn(text: str) -> tuple[Shape, tuple[str, ...], Builder]:
    """As ``learn_shape``, and forget it."""
    shape, letters = read_shape(text)
    return shape, tuple(letters), builder(shape)


learn_again = lru_cache(maxsize=LEARNED)(learn)


def write_shape(shape: Shape) -> bytes:
    """The shape as JSON."""
    return json.dumps(as_json(shape), separators=(",", ":")).encode()


def as_json(shape: Shape) -> object:
    """The shape as what ``json`` writes."""
    if not isinstance(shape, tuple):
        return shape
    if shape[0] == "{":
        return {name: as_json(item) for name, item in zip(shape[1::2], shape[2::2], strict=True)}
    return [item if isinstance(item, int) else as_json(item) for item in shape[1:]]


def read_shape(text: str) -> tuple[Shape, list[str]]:
    """A shape from JSON, and the letters of its leaves. Keys are cleaned: they are text from outside.

    Raises:
        Malformed: it is no shape, or one that is too large.
    """
    try:
        parsed: object = json.loads(text)
    except (ValueError, RecursionError):
        raise Malformed("a shape is not JSON") from None
    letters: list[str] = []
    shape, _ = from_json(parsed, letters, MAX_DEPTH)
    return shape, letters


def from_json(parsed: object, letters: list[str], depth: int) -> tuple[Shape, int]:
    """Check a parsed shape and append the letters of its leaves; return it, and how many values it stands for."""
    if depth == 0:
        raise Malformed("a shape is too deep")
    if isinstance(parsed, dict):
        return dict_from_json(parsed, letters, depth)
    if isinstance(parsed, list):
        return list_from_json(parsed, letters, depth)
    if isinstance(parsed, str):
        if parsed not in EMPTY:
            raise Malformed("a shape has an unknown type")
        letters.append(parsed)
        return parsed, 1
    if parsed is None or isinstance(parsed, bool):
        return parsed, 1
    raise Malformed("a shape has a figure in it")


def dict_from_json(parsed: dict[str, object], letters: list[str], depth: int) -> tuple[Shape, int]:
    """Check the items of an object."""
    items: list[Shape] = ["{"]
    total = 1
    for name, item in parsed.items():
        shape, size = from_json(item, letters, depth - 1)
        items += (clean(name), shape)
        total += size
    if total > MAX_VALUES:
        raise Malformed("a shape is too large")
    return tuple(items), total


def list_from_json(parsed: list[object], letters: list[str], depth: int) -> tuple[Shape, int]:
    """Check the counts and shapes of a list."""
    if len(parsed) % 2:
        raise Malformed("a shape has a count without a shape")
    runs: list[Shape] = ["["]
    total = 1
    for count, item in zip(parsed[::2], parsed[1::2], strict=True):
        if type(count) is not int or count < 1:
            raise Malformed("a shape has a wrong count")
        one: list[str] = []
        shape, size = from_json(item, one, depth - 1)
        total += count * size
        if total > MAX_VALUES:  # before the letters are multiplied
            raise Malformed("a shape is too large")
        runs += (count, shape)
        letters += one * count
    return tuple(runs), total
