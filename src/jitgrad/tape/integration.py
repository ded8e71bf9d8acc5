"""Recording of integrations: the right-hand side and what the method and the events need become bodies of one op."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from jitgrad.ops import OPS, Shape
from jitgrad.ops.linear import concatenate, reshape, transpose
from jitgrad.program.expression import Expression
from jitgrad.program.integrate import OPERANDS, Detection, Integration
from jitgrad.program.passes.cse import dce
from jitgrad.tape.batching import batched
from jitgrad.tape.forward_mode import push_forward
from jitgrad.tape.lru import Recent
from jitgrad.tape.region import Region, Tensors, inlined, input_like
from jitgrad.tape.reverse_mode import constant
from jitgrad.tape.tensor import Tensor, as_tensor, retyped
from jitgrad.vm.integrate.tableaux import METHODS

HOISTED = 1
"""The size of values that are computed once, outside of a body, because they do not depend on the time and the states."""

Pairs = Sequence[tuple[Tensor, Tensor]]
"""States in a body, each with its initial value."""


def integrated(
    region: Region,
    method: str,
    n_controlled: int,
    given: Sequence[Tensor],
    time: Tensor,
    states: Pairs,
    slopes: Sequence[Tensor],
    zeros: Tensor | None,
    detection: Detection,
) -> Tensors:
    """Record the integration, with the values whose zeros are events. Return its results."""
    first, inputs = [x for _, x in states], [time, *(inside for inside, _ in states)]
    outputs = list(slopes) if zeros is None else [*slopes, zeros]
    flat = region.flat(inputs, outputs, HOISTED)
    levels = tuple([t.level for t in (*flat.leaves, *flat.literals)])
    key = (flat.key, flat.numbers, levels, n_controlled, METHODS[method][-1].implicit, zeros is None)
    bodies = _BODIES.get(key) or _BODIES.put(key, _bodies_of(region, method, n_controlled, inputs, slopes, zeros))
    integration = Integration(bodies.body, method, len(first), n_controlled, bodies.jacobian, bodies.events, detection)
    fixed = [*flat.leaves[len(inputs) :], *bodies.constants]
    made = OPS["integrate"](*given, *first, *fixed, integration=integration)
    kinds = [max(x.level, slope.level) for x, slope in zip(first, slopes, strict=True)]
    return [*map(retyped, made[: len(first)], kinds), *made[len(first) :]]


class _Bodies(NamedTuple):
    """The bodies of an integration, and the constants that they read in addition to the leaves of the right-hand side."""

    body: Expression
    jacobian: Expression | None
    events: Expression | None
    constants: Tensors


_BODIES: Recent[_Bodies] = Recent(256)
"""The bodies by structure, so that equations that are recorded again are not differentiated again."""


def _bodies_of(
    region: Region, method: str, n_controlled: int, inputs: Tensors, slopes: Sequence[Tensor], zeros: Tensor | None
) -> _Bodies:
    """Record the Jacobian if the method needs it, and return all bodies."""
    outputs, n = list(slopes) if zeros is None else [*slopes, zeros], len(slopes)
    _, fixed = region.expression(inputs, outputs, HOISTED)
    if METHODS[method][-1].implicit:
        with region:
            outputs.append(_jacobian(region, inputs[1 : 1 + n_controlled], slopes[:n_controlled]))
    whole, more = region.expression(inputs, outputs, fixed=fixed)
    events = None if zeros is None else _only(whole, slice(n, n + 1))
    jacobian = _only(whole, slice(-1, None)) if METHODS[method][-1].implicit else None
    return _Bodies(_only(whole, slice(n)), jacobian, events, more)


def zeros_of(integration: Integration, inputs: Sequence[Tensor]) -> Tensor | None:
    """Return the values whose zeros are events."""
    return None if integration.events is None else inlined(integration.events, inputs)[0]


def _only(body: Expression, which: slice) -> Expression:
    """Return a body with some of its outputs."""
    return dce(body._replace(entries=((body.entries[0][0], body.outputs[which]),)))


def _jacobian(region: Region, states: Sequence[Tensor], slopes: Sequence[Tensor]) -> Tensor:
    """Return the derivatives of the elements of the slopes by those of the states, a matrix."""
    n = sum(x.size for x in states)
    directions = [input_like(x) for x in states]
    found = push_forward(slopes, {id(x): t for x, t in zip(states, directions, strict=True)}, region.has)
    pushed = [constant(0.0, x) if t is None else t for x, t in zip(slopes, found, strict=True)]
    every = _unit_vectors(tuple([x.shape for x in states]))
    columns = [reshape(t, shape=(n, t.size // n)) for t in batched(pushed, directions, every)]
    made: Tensor = transpose(columns[0] if len(columns) == 1 else concatenate(*columns, axis=1), axes=(1, 0))
    return made


@functools.lru_cache(64)
def _unit_vectors(shapes: tuple[Shape, ...]) -> Tensors:
    """Return the unit vectors of states of these shapes, the same Tensors each time: equal Jacobians have equal operands."""
    sizes = [math.prod(shape) for shape in shapes]
    rows = np.split(np.eye(sum(sizes)), np.cumsum(sizes)[:-1], axis=1)
    return [as_tensor(row.reshape(len(row), *shape)) for row, shape in zip(rows, shapes, strict=True)]


def split(integration: Integration, parts: Sequence[Any]) -> tuple[list[Any], list[Any], list[Any]]:
    """Split the operands, or one item per operand, into those before the states, the states and the constants."""
    n = OPERANDS + integration.n_states
    return list(parts[:OPERANDS]), list(parts[OPERANDS:n]), list(parts[n:])


def integrated_again(
    integration: Integration,
    region: Region,
    given: Sequence[Tensor],
    time: Tensor,
    states: Pairs,
    slopes: Sequence[Tensor],
    zeros: Tensor | None,
) -> Tensors:
    """Record an integration by the same method, with other states."""
    return integrated(
        region, integration.method, integration.n_controlled, given, time, states, slopes, zeros, integration.detection
    )
