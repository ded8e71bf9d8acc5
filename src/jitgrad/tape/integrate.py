"""Integration of differential equations as an op: the right-hand side is recorded once and differentiated as an integration.

The tangents of the states satisfy differential equations themselves, the variational equations. They become further states,
whose errors do not determine the steps, so that the derivatives of all orders are those of the computed solution. The
derivative by a time is the right-hand side.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from jitgrad.errors import ShapeError
from jitgrad.ops import Shape
from jitgrad.ops.linear import reshape
from jitgrad.ops.linear import sum as sum_
from jitgrad.ops.table import Op, declare, vanishes
from jitgrad.program.adjoint import Adjoint
from jitgrad.program.integrate import OPERANDS, START, TIMES, Detection, Integration
from jitgrad.tape.adjoint import adjoint
from jitgrad.tape.batching import batched
from jitgrad.tape.forward_mode import push_forward
from jitgrad.tape.integration import integrated, integrated_again, split, zeros_of
from jitgrad.tape.loop import loop
from jitgrad.tape.recording import Recording
from jitgrad.tape.region import Region, Tensors, all_rows, depends, in_numpy, inlined, input_like, swap_first
from jitgrad.tape.reverse_mode import constant, differentiate
from jitgrad.tape.tensor import Tensor, as_tensor, identity, placeholder
from jitgrad.vm.integrate.layout import RESULTS, SETTINGS
from jitgrad.vm.integrate.tableaux import packed

RightHandSide = Callable[[Tensor, Tensors], Sequence[Any]]
"""A function from the time and the states to the derivatives of the states."""

MAX_STEPS = 100_000


def integrate(
    fun: RightHandSide,
    start: Any,
    times: Any,
    states: Sequence[Any],
    *,
    method: str = "dopri5",
    rtol: Any = 1e-3,
    atol: Any = 1e-6,
    first_step: Any = 0.0,
    max_step: Any = np.inf,
    max_steps: int = MAX_STEPS,
    events: Callable[[Tensor, Tensors], Any] | None = None,
    directions: Sequence[int] = (),
    terminal: Sequence[int] = (),
    most_events: int = 2,
    recorded: int = 0,
) -> Integrated:
    """Integrate ordinary differential equations, as one op.

    Parameters
    ----------
    fun : callable
        ``fun(t, states)`` returns the derivatives of the states, of the same shapes. It is called once, with Tensors whose
        values are unknown. Other values that it reads are constants of the equations.
    start : array_like
        The time at which the states are given.
    times : array_like
        The times at which the states are wanted, a vector in the direction of the integration.
    states : sequence of array_like
        The initial states.
    method : str, default "dopri5"
        The name of the method, see ``vm/integrate/tableaux.py``.
    rtol, atol : array_like
        The tolerances: a step's error is at most ``atol + rtol * abs(y)`` in the root mean square. ``atol`` is a number or has
        one number for each element of the states.
    first_step : array_like, default 0.0
        The size of the first step. The default, 0, estimates it.
    max_step : array_like, default inf
        The largest size of a step.
    max_steps : int
        The largest number of steps.
    events : callable, optional
        ``events(t, states)`` returns a vector. An event is a zero of one of its elements.
    directions : sequence of int, optional
        For each event, 1 for zeros of rising values, -1 for zeros of falling values, and 0, the default, for both.
    terminal : sequence of int, optional
        For each event, the number of zeros that stops the integration, or 0, the default.
    most_events : int, default 2
        The number of zeros to return for each event.
    recorded : int, default 0
        The number of steps whose ends are returned.

    Returns
    -------
    Integrated
        The states at the times, and what happened.

    Raises
    ------
    ShapeError
        If ``fun`` returns other shapes than the states have.
    TracingError
        If ``fun`` requests a value, for example to branch on it.
    UnsupportedError
        If ``fun`` draws random numbers, or contains a ``custom_gradient``.
    """
    first = [as_tensor(x) for x in states]
    begin, wanted = as_tensor(start), as_tensor(times)
    with Region("integrate") as region:
        time, inside = input_like(begin), [input_like(x) for x in first]
        slopes = [as_tensor(t) for t in fun(time, inside)]
    if [t.shape for t in slopes] != [x.shape for x in first]:
        raise ShapeError(
            f"integrate: the states have shapes {[x.shape for x in first]}, and their derivatives {[t.shape for t in slopes]}. "
            "Return derivatives of the same shapes."
        )
    zeros = None
    if events is not None:
        with region:
            zeros = as_tensor(events(time, inside))
    size = sum(x.size for x in first)
    settings = np.concatenate([[rtol, first_step, max_step, max_steps], np.broadcast_to(atol, size)])
    given = [begin, wanted, as_tensor(settings), as_tensor(packed(method))]
    count = 0 if zeros is None else zeros.size
    signs, stops = tuple(sign % 3 for sign in directions) or (0,) * count, tuple(terminal) or (0,) * count
    detection = Detection(signs, stops, most_events, recorded)
    made = integrated(region, method, len(first), given, time, list(zip(inside, first, strict=True)), slopes, zeros, detection)
    return Integrated(made[: len(first)], *made[len(first) :])


class Integrated(NamedTuple):
    """The results of an integration, of which only the values have derivatives.

    Attributes
    ----------
    values : list of Tensor
        The states at the times, stacked along a first axis. They are nan from the first time on that is not reached.
    statistics : Tensor
        What ended the integration, and its counts, see ``vm/integrate/layout.py``.
    events : Tensor
        The times of the zeros of each event, of shape ``(n_events, most_events)``, and nan after the last one.
    steps : Tensor
        The ends of the steps, and nan after the last one.
    """

    values: Tensors
    statistics: Tensor
    events: Tensor
    steps: Tensor


# Derivatives.


def _jvp(tangents: Sequence[Tensor | None], y: Sequence[Tensor], *operands: Tensor, integration: Integration) -> list[Any]:
    """Return the tangents of the results, by an integration of the states and their tangents."""
    given, first, fixed = split(integration, operands)
    of_given, along, shifted = split(integration, tangents)
    begun = _begun(integration, operands, of_given[START], along)
    moved: list[Any]
    if all(t is None for t in (*begun, *shifted)):
        values, moved = list(y[: len(first)]), [None] * len(first)
    else:
        made = _variational(integration, operands, begun, shifted)
        values, moved = made[: len(first)], made[len(first) : 2 * len(first)]
    if of_given[TIMES] is not None:
        slopes = _slopes(integration, given[TIMES], values, fixed)
        by_time = [slope * _beside(of_given[TIMES], slope) for slope in slopes]
        moved = [t if by is None else by if t is None else t + by for t, by in zip(moved, by_time, strict=True)]
    moved += [None] * (len(y) - len(moved))
    return [constant(0.0, x) if t is None else t for t, x in zip(moved, y, strict=True)]


def _begun(integration: Integration, operands: Sequence[Tensor], by_start: Any, along: Sequence[Any]) -> list[Any]:
    """Return the tangents of the states at the start, which move along the solution if the start does."""
    if by_start is None:
        return list(along)
    given, first, fixed = split(integration, operands)
    slopes = inlined(integration.body, [given[START], *first, *fixed])
    return [-slope * by_start if t is None else t - slope * by_start for t, slope in zip(along, slopes, strict=True)]


def _variational(integration: Integration, operands: Sequence[Tensor], begun: Sequence[Any], shifted: Sequence[Any]) -> Tensors:
    """Return the results of the integration of the states and their tangents."""
    given, first, fixed = split(integration, operands)
    begun = [constant(0.0, x) if t is None else t for t, x in zip(begun, first, strict=True)]
    with Region("integrate") as region:
        time, inside, directions = input_like(given[START]), [input_like(x) for x in first], [input_like(t) for t in begun]
        slopes, zeros = inlined(integration.body, [time, *inside, *fixed]), zeros_of(integration, [time, *inside, *fixed])
        known = zip((*inside, *fixed), (*directions, *shifted), strict=True)
        found = push_forward(slopes, {id(x): t for x, t in known if t is not None}, region.has)
        pushed = [constant(0.0, x) if t is None else t for x, t in zip(slopes, found, strict=True)]
    pairs = [*zip(inside, first, strict=True), *zip(directions, begun, strict=True)]
    return integrated_again(integration, region, given, time, pairs, [*slopes, *pushed], zeros)


def _slopes(integration: Integration, times: Tensor, values: Sequence[Tensor], fixed: Sequence[Tensor]) -> Tensors:
    """Return the derivatives of the states at all times."""
    leaves = [placeholder((), times.level), *(placeholder(x.shape[1:], x.level) for x in values)]
    return batched(inlined(integration.body, [*leaves, *fixed]), leaves, [times, *values])


def _beside(times: Tensor, values: Tensor) -> Tensor:
    """Return numbers for each time in a shape that broadcasts along the values at the times."""
    made: Tensor = reshape(times, shape=(*times.shape, *(1,) * (values.ndim - 1)))
    return made


MOST_SENSITIVITIES = 8
"""Up to this number of elements, reverse mode solves the variational equations."""


def _pullback(
    wanted: Sequence[int], g: Sequence[Tensor], y: Sequence[Tensor], *operands: Tensor, integration: Integration
) -> list[Any]:
    """Return the cotangents of the operands: by sensitivities, or from step to step if many are wanted."""
    given, first, fixed = split(integration, operands)
    found: list[Any] = [None] * len(operands)
    used = [k for k in range(len(first)) if not vanishes(g[k])]
    states = range(OPERANDS, OPERANDS + len(first))
    needed = [i for i in range(OPERANDS, len(operands)) if i in wanted or (i in states and START in wanted)]
    if not used:
        return found
    if needed and integration.events is None and sum(operands[i].size for i in needed) > MOST_SENSITIVITIES:
        asked = [i for i in needed if i not in states]
        of_states, of_fixed = adjoint(integration, given, first, g[: len(first)], fixed, [i - states.stop for i in asked])
        for i, t in zip((*states, *asked), (*of_states, *of_fixed), strict=True):
            found[i] = t
    elif needed:
        found = by_sensitivities(integration, needed, used, g, operands)
    if START in wanted:
        slopes = inlined(integration.body, [given[START], *first, *fixed])
        parts = [sum_(found[i] * slope, axes=tuple(range(slope.ndim))) for i, slope in zip(states, slopes, strict=True)]
        found[START] = -sum(parts[1:], start=parts[0])
    if TIMES in wanted:
        slopes = _slopes(integration, given[TIMES], y[: len(first)], fixed)
        parts = [sum_(slopes[k] * g[k], axes=tuple(range(1, slopes[k].ndim))) for k in used]
        found[TIMES] = sum(parts[1:], start=parts[0])
    return found


def by_sensitivities(
    integration: Integration, needed: Sequence[int], used: Sequence[int], g: Sequence[Tensor], operands: Sequence[Tensor]
) -> list[Any]:
    """Return the cotangents of the ``needed`` operands, those of the ``used`` states times the sensitivities."""
    n, found = integration.n_states, [None] * len(operands)
    leaves = {i: input_like(operands[i]) for i in needed}
    _, along, shifted = split(integration, [leaves.get(i) for i in range(len(operands))])
    moved = _variational(integration, operands, along, shifted)[n : 2 * n]
    sizes = [operands[i].size for i in needed]
    rows = np.split(np.eye(sum(sizes)), np.cumsum(sizes)[:-1], axis=1)
    every = [as_tensor(row.reshape(len(row), *operands[i].shape)) for i, row in zip(needed, rows, strict=True)]
    many = batched([moved[k] for k in used], list(leaves.values()), every)
    parts = [sum_(one * g[k], axes=tuple(range(1, one.ndim))) for k, one in zip(used, many, strict=True)]
    total, at = sum(parts[1:], start=parts[0]), np.cumsum([0, *sizes])
    for number, i in enumerate(needed):
        found[i] = reshape(total[at[number] : at[number + 1]], shape=operands[i].shape)
    return found


def _batch(n: int, rows: Sequence[Tensor | None], *operands: Tensor, integration: Integration) -> list[Any]:
    """Return the results for n rows: with more states if only tangents have rows, otherwise one integration for each row."""
    given, first, fixed = split(integration, operands)
    of_given, of_states, of_fixed = split(integration, rows)
    with_rows = _with_rows(integration, [False, *(row is not None for row in (*of_states, *of_fixed))])
    moves_events = integration.events is not None and any(depends(integration.events, with_rows))
    if moves_events or any(row is not None for row in of_given) or any(with_rows[1 : 1 + integration.n_controlled]):
        return _each(integrate_op, n, rows, operands, integration=integration)
    with Region("integrate") as region:
        time, inside = input_like(given[START]), [input_like(x) for x in first]
        places = [placeholder((n, *x.shape), x.level) if many else x for x, many in zip(inside, with_rows[1:], strict=False)]
        leaves = [x if row is None else input_like(x) for x, row in zip(fixed, of_fixed, strict=True)]
        slopes, zeros = inlined(integration.body, [time, *inside, *leaves]), zeros_of(integration, [time, *inside, *leaves])
        changing = [(x, place) for x, place in zip(inside, places, strict=True) if x is not place]
        changing += [(x, row) for x, row in zip(leaves, of_fixed, strict=True) if row is not None]
        moved = [k for k, (x, place) in enumerate(zip(inside, places, strict=True)) if x is not place]
        for k, many in zip(moved, batched([slopes[k] for k in moved], *zip(*changing, strict=True)), strict=True):
            slopes[k] = many
    begun = [all_rows(x, row, n) if k in moved else x for k, (x, row) in enumerate(zip(first, of_states, strict=True))]
    made = integrated_again(integration, region, given, time, list(zip(places, begun, strict=True)), slopes, zeros)
    return [swap_first(x) if k in moved else all_rows(x, None, n) for k, x in enumerate(made)]


def _with_rows(integration: Integration, inputs: list[bool]) -> list[bool]:
    """Return which inputs of the body have rows: with a state's derivative, the state has them too.

    Implicit methods solve for the tangents of all states together, so that these have the same number of rows.
    """
    group = integration.n_controlled if integration.jacobian is not None else 1
    while True:
        outputs = depends(integration.body, inputs)
        states = [x or y for x, y in zip(inputs[1:], outputs, strict=False)]
        for k in range(0, len(states), group):
            states[k : k + group] = [any(states[k : k + group])] * group
        found = [inputs[0], *states, *inputs[1 + len(outputs) :]]
        if found == inputs:
            return found
        inputs = found


def _each(op: Op, n: int, rows: Sequence[Tensor | None], operands: Sequence[Tensor], **attrs: Any) -> Tensors:
    """Record an op for each row by itself, so that each has its own steps. Threads share the rows."""

    def body(carries: Tensors, slices: Tensors) -> tuple[Tensors, Tensors]:
        own = iter(slices)
        given = [x if row is None else next(own) for x, row in zip(operands, rows, strict=True)]
        return [], list(op(*given, **attrs))

    _, stacked = loop(body, n, (), [row for row in rows if row is not None], parallel=True)
    return stacked


def _in_numpy(*operands: Any, integration: Integration) -> tuple[Any, ...]:
    """Integrate by SciPy. Nothing is returned about events and steps."""
    from scipy.integrate import solve_ivp

    given, first, fixed = split(integration, operands)
    (start, times, settings, _), shapes = given, [np.shape(x) for x in first]
    at = np.cumsum([0, *(np.size(x) for x in first)])

    def parts(y: np.ndarray) -> list[np.ndarray]:
        return [y[at[k] : at[k + 1]].reshape(shape) for k, shape in enumerate(shapes)]

    def fun(t: float, y: np.ndarray) -> np.ndarray:
        made = in_numpy(integration.body, [t, *parts(y), *fixed])
        return np.concatenate([np.ravel(made[i]) for i in integration.body.outputs])

    y = np.concatenate([np.ravel(x) for x in first])
    found = solve_ivp(fun, (start, times[-1]), y, "DOP853", times, rtol=max(settings[0], 1e-13), atol=settings[SETTINGS:].min())
    values = [found.y[at[k] : at[k + 1]].T.reshape(-1, *shape) for k, shape in enumerate(shapes)]
    detection = integration.detection
    events, steps = (len(detection.directions), detection.most_events), detection.recorded
    return (*values, np.zeros(RESULTS), np.full(events, np.nan), np.full(steps, np.nan))


def _integrate_shape(op: Op, shapes: tuple[Shape, ...], attrs: dict[str, Any]) -> Shape:
    integration: Integration = attrs["integration"]
    return integration.results(shapes)


integrate_op: Op = declare(
    Op(
        "integrate", None, _integrate_shape, (), _in_numpy, pullback=_pullback, jvp=_jvp, batch=_batch, constants=(2, 3),
        result="float", doc="Differential equations that are integrated over time, see ``tape.integrate``.",
    )
)  # fmt: skip


# The op of reverse mode from step to step.


def _split_adjoint(region: Adjoint, parts: Sequence[Any]) -> tuple[list[Any], list[Any], list[Any], list[Any]]:
    """Split the operands into those before the states, the states, the cotangents and the constants."""
    n, m = OPERANDS + region.integration.n_states, OPERANDS + 2 * region.integration.n_states
    return list(parts[:OPERANDS]), list(parts[OPERANDS:n]), list(parts[n:m]), list(parts[m:])


def _wanted(region: Adjoint) -> list[int]:
    """Return the operands of the integration whose cotangents are results."""
    n = OPERANDS + region.integration.n_states
    return [*range(OPERANDS, n), *(n + k for k in region.wanted)]


def _along(
    region: Adjoint, operands: Sequence[Tensor], tangents: Sequence[Tensor | None], weights: Sequence[Tensor | None],
    wanted: Sequence[int],
) -> tuple[list[Tensor | None], list[Tensor | None]]:  # fmt: skip
    """Return the tangents of a solution, and the cotangents of operands for ``weights`` of the solution and its tangents.

    The cotangents are linear in the weights and in the tangents. Derivatives of cotangents are therefore of this form in both
    modes: the derivative of ``<g, y>`` along a direction is ``<g, dy>``, and of its gradient, the gradient of ``<g, dy>``.
    """
    with Recording() as recording:
        inside = [identity(x) for x in operands]
        values = integrate_op(*inside, integration=region.integration)[: region.integration.n_states]
        known = {id(x): t for x, t in zip(inside, tangents, strict=True) if t is not None and not vanishes(t)}
        moved = push_forward(values, known, recording.has)
        pairs = zip((*values, *moved), weights, strict=True)
        used = [(x, t) for x, t in pairs if x is not None and t is not None and not vanishes(t)]
        keys = [id(inside[i]) for i in wanted]
        found = differentiate([x for x, _ in used], keys, lambda t: id(t) in keys, recording.has, [t for _, t in used])
    return moved, found


def _jvp_adjoint(tangents: Sequence[Tensor | None], y: Sequence[Tensor], *operands: Tensor, region: Adjoint) -> list[Any]:
    given, first, g, fixed = _split_adjoint(region, operands)
    of_given, along, of_g, shifted = _split_adjoint(region, tangents)
    directions = (*of_given, *along, *shifted)
    moved, found = _along(region, (*given, *first, *fixed), directions, (*of_g, *g), _wanted(region))
    return [constant(0.0, x) if t is None else t for t, x in zip((*moved, None, *found), y, strict=True)]


def _pullback_adjoint(
    wanted: Sequence[int], g: Sequence[Tensor], y: Sequence[Tensor], *operands: Tensor, region: Adjoint
) -> list[Any]:
    given, first, weights, fixed = _split_adjoint(region, operands)
    integrated, n, at = (*given, *first, *fixed), len(first), OPERANDS + len(first)
    directions: list[Tensor | None] = [None] * len(integrated)
    for i, t in zip(_wanted(region), g[n + 1 :], strict=True):
        directions[i] = t
    moved, found = _along(region, integrated, directions, (*g[:n], *weights), range(len(integrated)))
    return [*found[:at], *moved, *found[at:]]


def _batch_adjoint(n: int, rows: Sequence[Tensor | None], *operands: Tensor, region: Adjoint) -> Tensors:
    return _each(adjoint_op, n, rows, operands, region=region)


def _adjoint_shape(op: Op, shapes: tuple[Shape, ...], attrs: dict[str, Any]) -> Shape:
    made: Adjoint = attrs["region"]
    return made.results(shapes)


def _adjoint_in_numpy(*operands: Any, region: Adjoint) -> tuple[Any, ...]:
    """Return the results by sensitivities."""
    given, first, g, fixed = _split_adjoint(region, operands)
    integrated, n = (*given, *first, *fixed), len(first)
    values = integrate_op(*integrated, integration=region.integration)[: n + 1]
    found = by_sensitivities(region.integration, _wanted(region), list(range(n)), g, integrated)
    return tuple(x.numpy() for x in (*values, *(found[i] for i in _wanted(region))))


adjoint_op: Op = declare(
    Op(
        "adjoint", None, _adjoint_shape, (), _adjoint_in_numpy, pullback=_pullback_adjoint, jvp=_jvp_adjoint,
        batch=_batch_adjoint, constants=(2, 3), result="float", doc="Cotangents of an integration, see ``tape.adjoint``.",
    )
)  # fmt: skip
