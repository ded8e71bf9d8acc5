"""Records: one declaration, read and written by Python and by compiled code."""

from __future__ import annotations

import ctypes
from typing import Annotated, Any

import numpy as np
import pytest

from jitgrad.vm.compiler.expressions import CompileError
from jitgrad.vm.compiler.functions import Native
from jitgrad.vm.compiler.language import compiled
from jitgrad.vm.compiler.types import Records
from jitgrad.vm.native import Function
from jitgrad.vm.records import (
    Choice,
    Count,
    Elements,
    Flag,
    Real,
    Reals,
    Record,
    Shared,
    address,
    in_row,
    pointer_to,
    record,
)


@record
class Item(Record):
    numbers: Elements
    n: Count
    counts: Flag


@record
class Whole(Record):
    items: Annotated[int, pointer_to("Item")]
    n: Count
    total: Real
    sums: Reals
    phase: Choice
    ticket: Shared


def call(function: Any, whole: Whole, dtype: str = "float64") -> None:
    """Call a function of a Whole in compiled code."""
    code = Native(function, lambda element: (Records(Whole, element),)).compile(dtype)
    native = Function(code, ctypes.CFUNCTYPE(None, ctypes.c_void_p))  # its code lives as long
    native.call(address(whole))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_compiled_code_reads_and_writes_what_python_does(dtype: str) -> None:
    @compiled
    def function(whole):  # type: ignore[no-untyped-def]
        for i in range(whole.n):
            item = whole.items[i]
            if item.counts:
                for k in range(item.n):
                    whole.sums[i] += float(item.numbers[k])
                whole.total += whole.sums[i]
            item.counts = not item.counts
        whole.phase = -whole.phase

    numbers, sums = [np.arange(k, dtype=dtype) for k in (4, 5, 7)], np.zeros(3)
    items = in_row(Item, [Item(numbers=x, n=len(x), counts=len(x) != 5) for x in numbers])
    whole = Whole(items=items, n=3, total=0.5, sums=sums, phase=3)
    call(function, whole, dtype)
    assert (whole.total, whole.phase, sums.tolist()) == (27.5, -3, [6, 0, 21])
    assert [(item.n, item.counts) for item in items] == [(4, False), (5, True), (7, False)]


def test_a_shared_field_has_a_cache_line_of_its_own() -> None:
    ends = Whole.phase.offset + Whole.phase.size
    assert Whole.ticket.offset - ends >= 56
    assert ctypes.sizeof(Whole) - Whole.ticket.offset >= 64


def test_no_other_names() -> None:
    with pytest.raises(KeyError, match="totals"):
        Whole(totals=1.0)

    @compiled
    def function(whole):  # type: ignore[no-untyped-def]
        whole.totals = 1.0

    with pytest.raises(CompileError, match="totals"):
        call(function, Whole())
