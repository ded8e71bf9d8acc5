"""What layers own is found again whatever was set, added, replaced or deleted since it was found."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from jitgrad import Variable
from jitgrad.layers import Dense, Layer
from jitgrad.layers.owned import all_owned


class Holder(Layer):
    """A layer of layers."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = Layer()
        self.inner.weight = Variable(1.0)
        self.some = [Variable(2.0), {"deep": (Variable(3.0),)}]
        self.plain = "a text"


def _deleted(holder: Any) -> None:
    del holder.inner.weight


def _nested(holder: Any) -> None:
    holder.some[1]["other"] = Variable(9.0)


CHANGES: dict[str, tuple[Callable[[Any], Any], list[float]]] = {
    "set": (lambda h: setattr(h, "extra", Variable(9.0)), [1, 2, 3, 9]),
    "set below": (lambda h: setattr(h.inner, "extra", Variable(9.0)), [1, 9, 2, 3]),
    "plain becomes a Variable": (lambda h: setattr(h, "plain", Variable(9.0)), [1, 2, 3, 9]),
    "a layer becomes plain": (lambda h: setattr(h, "inner", None), [2, 3]),
    "deleted": (_deleted, [2, 3]),
    "appended": (lambda h: h.some.append(Variable(9.0)), [1, 2, 3, 9]),
    "replaced": (lambda h: h.some.__setitem__(0, Variable(9.0)), [1, 9, 3]),
    "nested": (_nested, [1, 2, 3, 9]),
    "removed": (lambda h: h.some.pop(), [1, 2]),
    "nothing": (lambda h: setattr(h, "number", 3), [1, 2, 3]),
}


def values(holder: Layer) -> list[float]:
    return [float(v) for v in holder.variables]


@pytest.mark.parametrize("name", CHANGES)
def test_changes_are_seen(name: str) -> None:
    change, expected = CHANGES[name]
    holder = Holder()
    for _ in range(2):
        assert values(holder) == [1, 2, 3]
    change(holder)
    for _ in range(2):
        assert values(holder) == expected


def test_what_was_returned_is_the_callers() -> None:
    holder = Holder()
    holder.variables.clear()
    all_owned(holder).clear()
    assert values(holder) == [1, 2, 3]


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_copies(copied: Callable[[Any], Any]) -> None:
    holder = Holder()
    first = holder.variables
    made = copied(holder)
    assert values(made) == [1, 2, 3]
    assert [a is b for a, b in zip(first, made.variables, strict=True)] == [copied is copy.copy] * 3
    made.extra = Variable(9.0)
    assert values(made)[-1] == 9
    assert values(holder) == [1, 2, 3]


def test_a_layer_that_is_built_later() -> None:
    holder = Holder()
    holder.dense = Dense(2)
    assert len(holder.trainable_variables) == 3
    holder.dense.build((None, 3))
    assert len(holder.trainable_variables) == 5
    holder.dense.trainable = False
    assert len(holder.trainable_variables) == 3
