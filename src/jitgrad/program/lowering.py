"""Lowering: the pipeline from a recorded expression to a Program.

Passes map an Expression to an equivalent one: *canonicalise* rewrites to canonical forms, *cse* and *dce* remove redundant and
dead steps, *distribute_loops* moves steps out of loops, *fuse* merges steps that one instruction computes, *legalise* replaces
steps that no instruction computes, and *tile_rows* creates loops over blocks of rows. Then each step is assigned a place in the
arena, and its row emits instructions.
"""

from __future__ import annotations

import bisect
from typing import Any

import numpy as np

from jitgrad.ops import Shapes
from jitgrad.program.assembler import Assembler
from jitgrad.program.encode import encode_step, encode_update
from jitgrad.program.expression import Expression, Step, entry_numbers, literal_value

# Importing a module adds its rows.
from jitgrad.program.lowering_rules import (  # noqa: F401
    adjoint,
    branches,
    calls,
    elementwise,
    integrate,
    loop,
    products,
    recurrences,
    reductions,
    rows,
    updates,
    views,
)  # fmt: skip
from jitgrad.program.memory import Memory, assign_memory
from jitgrad.program.passes.canonicalise import canonicalise
from jitgrad.program.passes.cse import cse, dce, in_order
from jitgrad.program.passes.distribute import distribute_loops
from jitgrad.program.passes.elements import split_states
from jitgrad.program.passes.fuse import fuse
from jitgrad.program.passes.hoist_scale import hoist_scale
from jitgrad.program.passes.integrations import unite_integrations
from jitgrad.program.passes.lanes import integrate_in_lanes
from jitgrad.program.passes.legalise import legalise
from jitgrad.program.passes.regions import legalise_regions, lower_bodies
from jitgrad.program.passes.tile_rows import tile_rows
from jitgrad.program.program import Program
from jitgrad.program.slots import GRADIENT, UPDATE, Entry, Slot


def optimise(expression: Expression) -> Expression:
    """Run all passes on an Expression, or on the body of a loop in it."""
    for apply in RECIPE:
        expression = apply(expression)
    return expression


def _simplified(expression: Expression) -> Expression:
    """Run the passes that simplify recorded ops."""
    return dce(hoist_scale(cse(canonicalise(split_states(expression)))))


RECIPE = (
    canonicalise, cse, hoist_scale, dce, unite_integrations, split_states, distribute_loops(_simplified), integrate_in_lanes,
    lower_bodies(optimise), fuse, dce, legalise, cse, tile_rows, legalise_regions,
)  # fmt: skip
"""The passes, in order. Ordering by entries, memory assignment and encoding follow."""


def lower(expression: Expression, dtype: np.dtype[Any]) -> Program:
    """Lower an expression to a Program of one float dtype, and validate it."""
    expression, ends = _by_entries(optimise(expression))
    memory = assign_memory(expression)
    code, entries, first = Assembler(dtype), [], 0
    for name, end in ends:
        start = code.stop
        for i in range(first, end):
            encode_step(code, expression, memory, i)
        entries.append(Entry(name, start, code.stop))
        first = end
    if expression.updates:
        start = code.stop
        for update in expression.updates:
            encode_update(code, expression, memory, update)
        entries.append(Entry(UPDATE, start, code.stop))
    program = _program(expression, memory, code, tuple(entries))
    program.validate()
    return program


def _by_entries(expression: Expression) -> tuple[Expression, list[tuple[str, int]]]:
    """Order steps by the first entry that needs them; return the name and the last step of each entry."""
    names = [name for name, _ in expression.entries] + [GRADIENT] * bool(expression.updates)
    entry = entry_numbers(expression)
    order = sorted(range(len(expression.steps)), key=entry.__getitem__)
    ends = [bisect.bisect(order, k, key=entry.__getitem__) for k in range(len(names))]
    return in_order(expression, order), list(zip(names, ends, strict=True))


def _program(expression: Expression, memory: Memory, code: Assembler, entries: tuple[Entry, ...]) -> Program:
    steps, places = expression.steps, memory.places
    inputs = sorted((step.attr("leaf"), i) for i, step in enumerate(steps) if step.op == "input")
    state = expression.state
    return Program(
        dtype=code.dtype,
        code=code.code(),
        table=np.array(code.table, np.int64).view(np.uint64),
        entries=entries,
        size=memory.size,
        inputs=tuple(_slot(places[i], steps[i]) for _, i in inputs),
        outputs=tuple(_slot(places[i], steps[i]) for i in expression.outputs),
        literals=tuple((places[i], literal_value(step)) for i, step in enumerate(steps) if step.op == "literal"),
        state=tuple(leaf for leaf, i in inputs if i in state),
    )


def _slot(place: int, step: Step) -> Slot:
    """Return the place of a step, or the block of its results."""
    return Slot(place, (step.size,) if type(step.shape) is Shapes else step.shape)
