"""From a model, a function of columns and parameters, to a Program of its values and its derivatives."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from jitgrad.curvefit.dimensions import Recorded
from jitgrad.curvefit.edges import Edges, stays
from jitgrad.errors import ShapeError, UnsupportedError
from jitgrad.ops import Shape
from jitgrad.ops.linear import broadcast_to
from jitgrad.program.branches import bodies_of
from jitgrad.program.expression import Step
from jitgrad.program.integrate import SETTINGS
from jitgrad.program.program import Program
from jitgrad.tape import dtypes, trace
from jitgrad.tape.batching import batched, depending
from jitgrad.tape.executable import Executable, lowered
from jitgrad.tape.forward_mode import Held, push_forward
from jitgrad.tape.function import flatten_traced
from jitgrad.tape.integrate import integrate_op
from jitgrad.tape.lru import Recent
from jitgrad.tape.reverse_mode import constant, differentiate
from jitgrad.tape.tensor import Tensor, as_tensor, placeholder, upstream

REVERSE_FROM = 10
"""The smallest number of parameters for reverse mode. With fewer, both modes take about the same number of instructions."""

ERRORS = 100.0
"""The error of a solution of differential equations, as a multiple of the relative tolerance."""

MOST_TOGETHER = 8
"""The largest number of parameters for which solutions and their derivatives are computed in one integration.

They have the same steps, so this saves an integration for each accepted step of a fit, and costs derivatives for each other.
"""

MOST_OPERATIONS = 20_000
"""The largest model that is traced, which takes a few seconds to lower. A Python loop over rows records more."""

ModelFunction = Callable[[Sequence[Tensor], Sequence[Tensor]], Any]
"""Takes the columns and the parameters, and returns the prediction for each row."""


@dataclass(frozen=True, eq=False)
class LoweredModel:
    """A model as a Program.

    Attributes
    ----------
    free : tuple of int
        The indices of the parameters with derivatives.
    n_parameters : int
        The number of all parameters.
    executable : Executable
        Takes the parameters and then the columns. Its entries are "value", the prediction, and "jacobian", the derivatives with
        respect to the free parameters. An output has one element per row, or one for all rows.
    rows : int
        The number of rows for which it was traced.
    by_rows : bool
        Whether the prediction for each row is computed from that row alone.
    linear : tuple of bool
        For each free parameter, whether it is in the set in which the model is jointly linear.
    recorded : Recorded
        The recorded model.
    edges : Edges
        Determines for which columns the model must be traced with edges.
    structure : object
        For a model that computes rows independently, a key of its computation for any number of rows.
    constants : sequence of Tensor
        The constants that the recorded model closes over.
    idle : list
        Idle solvers; see ``least_squares``.
    """

    free: tuple[int, ...]
    n_parameters: int
    executable: Executable
    rows: int
    by_rows: bool
    linear: tuple[bool, ...]
    recorded: Recorded
    edges: Edges
    structure: Any = None
    constants: Sequence[Tensor] = ()
    idle: list[Any] = field(default_factory=list)

    def uses(self, *names: str) -> bool:
        """Return whether the model uses one of these ops."""
        return any(node.op is not None and node.op.name in names for node in upstream([self.recorded.value]))

    @functools.cached_property
    def accuracy(self) -> float:
        """The relative error of the values: that of the solutions of differential equations, or 0."""
        settings = [node.inputs[SETTINGS].value for node in upstream([self.recorded.value]) if node.op is integrate_op]
        return ERRORS * max((float(numbers[0]) for numbers in settings if numbers is not None), default=0.0)

    @property
    def solves_equations(self) -> bool:
        """Whether the model contains solutions of differential equations."""
        return bool(_solutions(self.recorded.value))

    @property
    def program(self) -> Program:
        """The Program of the executable."""
        return self.executable.program

    def closed_over(self) -> list[Any]:
        """Return the current values of the variables that the model closes over."""
        return list(self.executable.closed_over())


def trace_model(
    model: ModelFunction,
    shapes: Sequence[Shape],
    n_parameters: int,
    free: Sequence[int],
    rows: int | None = None,
    edges: bool = False,
    kept: Recent[LoweredModel] | None = None,
) -> LoweredModel:
    """Trace ``model`` for columns of these shapes, with derivatives with respect to the parameters ``free``.

    Without ``rows``, their number is the number of values of the model or, if it has a single value, of the first column. With
    ``edges``, derivatives are also correct at edges (see ``edges.py``), and take more instructions. A model that records the
    same operations as a ``kept`` one, with equal constants, is neither differentiated nor lowered again.

    Raises
    ------
    ShapeError
        If the model does not return one number per row.
    UnsupportedError
        If the model records too many operations.
    """
    with trace.tracing() as tracing:
        parameters = [placeholder((), dtypes.FLOAT64) for _ in range(n_parameters)]
        columns = [placeholder(shape, dtypes.FLOAT64) for shape in shapes]
        value = as_tensor(model(columns, parameters))
        if rows is None:
            rows = value.size if value.size > 1 or not shapes[0] else shapes[0][-1]
        if value.shape not in ((rows,), (1,), ()):
            raise ShapeError(
                f"The model returns shape {value.shape} for {rows} rows. It should return one number per row, shape ({rows},)."
            )
        leaves, key, constants = [*parameters, *columns], None, []
        if kept is not None:
            model_alone = flatten_traced(tracing, [value], (), leaves)
            key = "recorded", model_alone.key, model_alone.numbers, rows, tuple(free), edges
            constants = model_alone.leaves[len(leaves) :]
            found = kept.get(key)
            if found is not None and all(map(_is_same, found.constants, constants)):
                return found
        nodes = list(upstream([value]))
        if len(nodes) > MOST_OPERATIONS:
            raise UnsupportedError(
                f"The model records {len(nodes)} operations. Write it with array operations instead of a loop over rows."
            )
        by_rows = all(c.shape == (rows,) for c in columns) and all(_keeps_rows(node, rows) for node in nodes)
        recorded = Recorded(value, parameters, columns)
        in_reverse = by_rows and len(free) >= REVERSE_FROM and not edges
        value, derivatives, linear = _differentiated(tracing, model if in_reverse else None, recorded, free, rows, edges)
    together = _n_together(value, free)
    outputs, later = [value, *derivatives[:together]], derivatives[together:]
    flat = flatten_traced(tracing, outputs, (), leaves, [("jacobian", later)])
    by_rows = by_rows and all(c.shape == () for c in flat.leaves[len(leaves) :])
    structure = (_structure(flat.key, rows), flat.numbers) if by_rows else None
    executable = lowered(flat, len(leaves))
    edges_of = Edges(recorded)
    made = LoweredModel(tuple(free), n_parameters, executable, rows, by_rows, linear, recorded, edges_of, structure, constants)
    return made if kept is None else kept.put(key, made)


def _differentiated(
    tracing: trace.Trace, model: ModelFunction | None, recorded: Recorded, free: Sequence[int], rows: int, edges: bool
) -> tuple[Tensor, list[Tensor], tuple[bool, ...]]:
    """Return the model, its derivatives, and the parameters in which it is linear; in reverse mode if ``model`` is given."""
    (value, parameters, columns), has = recorded, tracing.recording.has
    by, inside = [parameters[k] for k in free], {id(x) for x in upstream(_solutions(value))}
    if model is not None:
        value, derivatives = _by_reverse(model, columns, parameters, free, rows, has)
    else:  # a solution is not linear in parameters, so its derivatives are not needed here
        derivatives = [value if id(p) in inside else _by_forward(value, p, has) for p in by]
    linear = _linear(derivatives, by)
    held = stays(value, by) if edges else None
    if any(id(p) in inside for p in by):
        derivatives = _together(value, by, has, held)
    elif edges:
        derivatives = [_by_forward(value, p, has, held) for p in by]
    return _single(value), [_single(t) for t in derivatives], linear


def _n_together(value: Tensor, free: Sequence[int]) -> int:
    """Return the number of derivatives that are computed with the value: those of solutions, if there are few."""
    return len(free) if _solutions(value) and len(free) <= MOST_TOGETHER else 0


class LoweredBundle(NamedTuple):
    """A model as a Program for a bundle of fits, one per lane. If it mixes rows, all fits have as many rows.

    Attributes
    ----------
    executable : Executable
        Takes the parameters, (lanes,) each, and then the columns, (lanes, rows), or (rows,) if all lanes share them. Its
        entries are the same as in a LoweredModel.
    rows, lanes : int
        The size of the bundle.
    across : list of int
        For the model and each derivative, the distance between lanes: ``rows``, 1 for one number per lane, or 0 if all lanes
        share it.
    along : list of int
        The distance between rows: 1, or 0 for a single number.
    """

    executable: Executable
    rows: int
    lanes: int
    across: list[int]
    along: list[int]


def trace_bundle(
    model: ModelFunction, n_columns: int, n_parameters: int, free: Sequence[int], rows: int, lanes: int, shared: bool,
    edges: bool = False,
) -> LoweredBundle:  # fmt: skip
    """Trace a model for a bundle of fits; see ``trace_model``."""
    with trace.tracing() as tracing:
        parameters = [placeholder((), dtypes.FLOAT64) for _ in range(n_parameters)]
        columns = [placeholder((rows,), dtypes.FLOAT64) for _ in range(n_columns)]
        recorded = Recorded(as_tensor(model(columns, parameters)), parameters, columns)
        in_reverse = len(free) >= REVERSE_FROM and not edges and not _solutions(recorded.value)
        value, derivatives, _ = _differentiated(tracing, model if in_reverse else None, recorded, free, rows, edges)
        own = parameters if shared else [*parameters, *columns]
        many = [placeholder((lanes, *t.shape), dtypes.FLOAT64) for t in own]
        whole = [value, *derivatives]
        made = [b if depending([t], own) else t for t, b in zip(whole, batched(whole, own, many), strict=True)]
    leaves = [*many, *columns] if shared else many
    together = _n_together(value, free)
    flat = flatten_traced(tracing, made[: 1 + together], (), leaves, [("jacobian", made[1 + together :])])
    of_lanes = [t is not b for t, b in zip(whole, made, strict=True)]
    across = [b.size // lanes if own else 0 for b, own in zip(made, of_lanes, strict=True)]
    return LoweredBundle(lowered(flat, len(leaves)), rows, lanes, across, [int(t.size > 1) for t in whole])


def _is_same(a: Tensor, b: Tensor) -> bool:
    """Return whether two constants have the same value and belong to the same Variable, or to no Variable."""
    return a.variable is b.variable and np.array_equal(a.value, b.value)


def _structure(part: Any, rows: int) -> Any:
    """Return a key of an expression that does not depend on the number of rows."""
    if isinstance(part, tuple):
        return ("rows",) if part == (rows,) else tuple(_structure(inner, rows) for inner in part)
    return part


def _by_reverse(
    model: ModelFunction,
    columns: Sequence[Tensor],
    parameters: Sequence[Tensor],
    free: Sequence[int],
    rows: int,
    recorded: Callable[[Tensor], bool],
) -> tuple[Tensor, list[Tensor]]:
    """Return the model and its derivatives by reverse mode, in a single sweep.

    Each row gets its own parameters, so the gradient of the sum over the rows is the Jacobian.
    """
    own = [broadcast_to(p, shape=(rows,)) for p in parameters]
    sources = [id(own[k]) for k in free]
    value = as_tensor(model(columns, own))
    found = differentiate([value], sources, lambda t: id(t) in sources, lambda t: recorded(t) and not any(t is p for p in own))
    return value, [constant(0.0, value) if g is None else g for g in found]


def _by_forward(value: Tensor, parameter: Tensor, recorded: Callable[[Tensor], bool], held: Held | None = None) -> Tensor:
    """Return the derivative of the model with respect to one parameter by forward mode."""
    tangent = push_forward([value], {id(parameter): constant(1.0, parameter)}, recorded, held)[0]
    return constant(0.0, value) if tangent is None else tangent


def _together(
    value: Tensor, parameters: Sequence[Tensor], recorded: Callable[[Tensor], bool], held: Held | None
) -> list[Tensor]:
    """Return the derivatives of the model with respect to the parameters by forward mode, all from one tangent."""
    directions = [placeholder((), p.level) for p in parameters]
    along = {id(p): t for p, t in zip(parameters, directions, strict=True)}
    tangent = push_forward([value], along, recorded, held)[0]
    if tangent is None:
        return [constant(0.0, value) for _ in parameters]
    rows = batched([tangent], directions, [as_tensor(row) for row in np.eye(len(parameters))])[0]
    return [rows[k] for k in range(len(parameters))]


def _solutions(value: Tensor) -> list[Tensor]:
    """Return the integrations of differential equations on which a value depends, and loops that contain them."""
    return [node for node in upstream([value]) if node.op is not None and _integrates(node.op.name, node.attrs)]


def _integrates(op: str, attrs: Any) -> bool:
    """Return whether an op or a body of it integrates differential equations."""
    bodies = bodies_of(Step(op, (), attrs, ()))
    return op == "integrate" or any(_integrates(step.op, step.attrs) for body in bodies for step in body.steps)


def _single(tensor: Tensor) -> Tensor:
    """Return a single number instead of copies of it for all rows."""
    while tensor.op is broadcast_to and tensor.inputs[0].size == 1:
        tensor = tensor.inputs[0]
    return tensor


def _keeps_rows(node: Tensor, rows: int) -> bool:
    """Return whether a node is a leaf, a number, or an elementwise op of rows."""
    if node.op is None:
        return node.shape in ((), (rows,))
    return (bool(node.op.partials) or node.op is broadcast_to) and node.shape in ((), (1,), (rows,))


def _linear(derivatives: Sequence[Tensor], parameters: Sequence[Tensor]) -> tuple[bool, ...]:
    """Return which parameters, taken in order, have derivatives that do not depend on one another."""
    needs = [{id(node) for node in upstream([d])} for d in derivatives]
    taken: list[int] = []
    for k, parameter in enumerate(parameters):
        if all(id(parameter) not in needs[j] and id(parameters[j]) not in needs[k] for j in [*taken, k]):
            taken.append(k)
    return tuple(k in taken for k in range(len(parameters)))
