"""Lowering: the recipe from a recorded expression to a Program, and the cache of Programs by structure."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitgrad.program.encode import Encoder
from jitgrad.program.expression import Expression, input_step, literal_value, renamed
from jitgrad.program.memory import assign_memory
from jitgrad.program.passes.canonicalise import canonicalise
from jitgrad.program.passes.cse import cse, dce, needed_by
from jitgrad.program.passes.fuse import fuse
from jitgrad.program.passes.hoist_scale import hoist_scale
from jitgrad.program.passes.legalise import legalise
from jitgrad.program.passes.tile_rows import tile_rows
from jitgrad.program.program import Program, Slot

RECIPE = (canonicalise, cse, hoist_scale, dce, fuse, dce, legalise, cse, tile_rows)
"""The passes, in order. What follows them is sections, memory and encoding."""

CACHED_PROGRAMS = 512
LITERAL_VARIANTS = 4


def lower(expression: Expression, dtype: np.dtype[Any]) -> Program:
    """Lower an expression to a Program of one float dtype. The Program is validated."""
    for apply in RECIPE:
        expression = apply(expression)
    expression, forward = _in_sections(expression)
    offsets, size = assign_memory(expression)
    encoder = Encoder(expression, offsets, dtype)
    for i in range(forward):
        encoder.step(i)
    forward_stop = len(encoder.rows)
    for i in range(forward, len(expression.steps)):
        encoder.step(i)
    backward_stop = len(encoder.rows)
    for update in expression.updates:
        encoder.update(update)
    program = _program(expression, dtype, offsets, size, encoder, (forward_stop, backward_stop))
    program.validate()
    return program


def _in_sections(expression: Expression) -> tuple[Expression, int]:
    """Steps that the outputs need come first; the number of them."""
    forward = needed_by(expression, list(expression.outputs[: expression.ahead]))
    steps = expression.steps
    order = [i for i in range(len(steps)) if forward[i]] + [i for i in range(len(steps)) if not forward[i]]
    place = [0] * len(steps)
    for new, old in enumerate(order):
        place[old] = new
    moved = [steps[i]._replace(args=tuple(place[j] for j in steps[i].args)) for i in order]
    return renamed(expression, moved, place), sum(forward)


def _program(
    expression: Expression,
    dtype: np.dtype[Any],
    offsets: list[int],
    size: int,
    encoder: Encoder,
    stops: tuple[int, int],
) -> Program:
    steps = expression.steps
    leaves = sorted((step.attrs[0][1], i) for i, step in enumerate(steps) if step.op == "input")
    state = {i for update in expression.updates for i in update.targets}
    return Program(
        dtype=dtype,
        code=encoder.code(),
        table=np.array(encoder.table, np.int64).view(np.uint64),
        forward_stop=stops[0],
        backward_stop=stops[1],
        size=size,
        inputs=tuple(Slot(offsets[i], steps[i].shape) for _, i in leaves),
        outputs=tuple(Slot(offsets[i], steps[i].shape) for i in expression.outputs),
        literals=tuple((offsets[i], literal_value(step)) for i, step in enumerate(steps) if step.op == "literal"),
        state=tuple(leaf for leaf, i in leaves if i in state),
    )


class ProgramCache:
    """Programs by structure, the oldest dropped.

    A literal is part of the structure, so that it can be folded. An expression that keeps coming back with other literals
    (a learning rate that changes every step) is lowered once more with its literals as inputs, and that one serves them all.
    """

    def __init__(self) -> None:
        self._programs: dict[tuple[Expression, np.dtype[Any]], Program] = {}
        self._variants: dict[tuple[Expression, np.dtype[Any]], int] = {}

    def __len__(self) -> int:
        return len(self._programs)

    def get(self, expression: Expression, dtype: np.dtype[Any], n_inputs: int) -> tuple[Program, list[float]]:
        """The Program, and the values of its inputs after the first ``n_inputs``: literals that became inputs."""
        program = self._programs.get((expression, dtype))
        if program is not None:
            return program, []
        general, literals = _without_literals(expression, n_inputs)
        seen = self._variants.get((general, dtype), 0)
        if literals and seen >= LITERAL_VARIANTS:
            return self._lowered(general, dtype), literals
        self._variants[general, dtype] = seen + 1
        if len(self._variants) > CACHED_PROGRAMS:
            del self._variants[next(iter(self._variants))]
        return self._lowered(expression, dtype), []

    def _lowered(self, expression: Expression, dtype: np.dtype[Any]) -> Program:
        program = self._programs.get((expression, dtype))
        if program is None:
            program = self._programs[expression, dtype] = lower(expression, dtype)
            if len(self._programs) > CACHED_PROGRAMS:
                del self._programs[next(iter(self._programs))]
        return program


def _without_literals(expression: Expression, n_inputs: int) -> tuple[Expression, list[float]]:
    steps, values = [], []
    for step in expression.steps:
        if step.op == "literal":
            values.append(literal_value(step))
            step = input_step(n_inputs + len(values) - 1, ())
        steps.append(step)
    return expression._replace(steps=tuple(steps)), values
