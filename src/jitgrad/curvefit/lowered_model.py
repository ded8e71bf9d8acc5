"""From a model, a function of columns and parameters, to a Program of its values and of its derivatives by the parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from jitgrad.curvefit.dimensions import Recorded
from jitgrad.curvefit.edges import Edges, stays
from jitgrad.errors import ShapeError, UnsupportedError
from jitgrad.ops import Shape
from jitgrad.ops.linear import broadcast_to
from jitgrad.program.program import Program
from jitgrad.tape import dtypes, trace
from jitgrad.tape.batching import batched, depending
from jitgrad.tape.executable import Executable, lowered
from jitgrad.tape.forward_mode import Held, push_forward
from jitgrad.tape.function import flatten_traced
from jitgrad.tape.lru import Recent
from jitgrad.tape.reverse_mode import constant, differentiate
from jitgrad.tape.tensor import Tensor, as_tensor, placeholder, upstream

REVERSE_FROM = 10
"""Parameters from which on reverse mode is used: with fewer, or in sums of terms, both take as many instructions."""

MOST_OPERATIONS = 20_000
"""Of a model that is traced: as many take some seconds to lower. A Python loop over rows records more."""

ModelFunction = Callable[[Sequence[Tensor], Sequence[Tensor]], Any]
"""Takes the columns and the parameters, returns what the model says for each row."""


@dataclass(frozen=True, eq=False)
class LoweredModel:
    """A model as a Program.

    Attributes:
        free: the numbers of the parameters by which there are derivatives.
        n_parameters: of all.
        executable: it is given the parameters and then the columns; its entries are "value", what the model says, and
            "jacobian", its derivatives by the free parameters. An output has an element for each row, or one for all of them.
        rows: for how many it was traced.
        by_rows: whether what the model says for a row depends on this row alone.
        linear: for each free parameter, whether the model is linear in all those that are marked, together.
        recorded: the model itself.
        edges: for which columns it is to be traced for edges.
        structure: of a model that goes by rows what it computes, the same whatever the number of rows.
        constants: what the recorded model closes over.
        idle: solvers for it that nobody uses, see ``least_squares``.
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

    @property
    def program(self) -> Program:
        """That of the executable."""
        return self.executable.program

    def closed_over(self) -> list[Any]:
        """The values now of what the model closes over."""
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
    """Trace ``model`` for columns of these shapes, and its derivatives by the parameters with the numbers ``free``.

    Without ``rows`` there are as many as the model returns numbers, or, where it returns one, as the first column has. With
    ``edges`` derivatives are right at edges too, see ``edges.py``, and take more instructions. A model that records the same as
    one that is ``kept``, of constants of the same values, is neither differentiated nor lowered again.

    Raises:
        ShapeError: where it does not return one number for each of ``rows`` rows.
        UnsupportedError: where it records very many operations.
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
    flat = flatten_traced(tracing, [value], (), leaves, [("jacobian", derivatives)])
    by_rows = by_rows and all(c.shape == () for c in flat.leaves[len(leaves) :])
    structure = (_structure(flat.key, rows), flat.numbers) if by_rows else None
    executable = lowered(flat, len(leaves))
    edges_of = Edges(recorded)
    made = LoweredModel(tuple(free), n_parameters, executable, rows, by_rows, linear, recorded, edges_of, structure, constants)
    return made if kept is None else kept.put(key, made)


def _differentiated(
    tracing: trace.Trace, model: ModelFunction | None, recorded: Recorded, free: Sequence[int], rows: int, edges: bool
) -> tuple[Tensor, list[Tensor], tuple[bool, ...]]:
    """The model and its derivatives, in reverse mode by recording ``model`` again if it is given; and in which it is linear."""
    (value, parameters, columns), has = recorded, tracing.recording.has
    if model is not None:
        value, derivatives = _by_reverse(model, columns, parameters, free, rows, has)
    else:
        derivatives = [_by_forward(value, parameters[k], has) for k in free]
    by = [parameters[k] for k in free]
    linear = _linear(derivatives, by)
    if edges:
        held = stays(value, by)
        derivatives = [_by_forward(value, p, has, held) for p in by]
    return _single(value), [_single(t) for t in derivatives], linear


class LoweredBundle(NamedTuple):
    """A model that goes by rows as a Program for a bundle of fits, a lane each.

    Attributes:
        executable: it is given the parameters, (lanes,) each, and then the columns, (lanes, rows), or (rows,) where all lanes
            share them; its entries are as a LoweredModel's.
        rows, lanes: of the bundle.
        across: for the model and for each of its derivatives the distance of two lanes: ``rows``, 1 for one number a lane, or 0
            for what all lanes share.
        along: the distance of two rows: 1, or 0 for one number.
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
    """Trace a model that goes by rows for a bundle of fits, see ``trace_model``."""
    with trace.tracing() as tracing:
        parameters = [placeholder((), dtypes.FLOAT64) for _ in range(n_parameters)]
        columns = [placeholder((rows,), dtypes.FLOAT64) for _ in range(n_columns)]
        recorded = Recorded(as_tensor(model(columns, parameters)), parameters, columns)
        in_reverse = len(free) >= REVERSE_FROM and not edges
        value, derivatives, _ = _differentiated(tracing, model if in_reverse else None, recorded, free, rows, edges)
        own = parameters if shared else [*parameters, *columns]
        many = [placeholder((lanes, *t.shape), dtypes.FLOAT64) for t in own]
        whole = [value, *derivatives]
        made = [b if depending([t], own) else t for t, b in zip(whole, batched(whole, own, many), strict=True)]
    leaves = [*many, *columns] if shared else many
    flat = flatten_traced(tracing, made[:1], (), leaves, [("jacobian", made[1:])])
    of_lanes = [t is not b for t, b in zip(whole, made, strict=True)]
    across = [b.size // lanes if own else 0 for b, own in zip(made, of_lanes, strict=True)]
    return LoweredBundle(lowered(flat, len(leaves)), rows, lanes, across, [int(t.size > 1) for t in whole])


def _is_same(a: Tensor, b: Tensor) -> bool:
    """Whether two constants are one Variable, or none, and have the same value."""
    return a.variable is b.variable and np.array_equal(a.value, b.value)


def _structure(part: Any, rows: int) -> Any:
    """A key of an expression, the same for any number of rows unless something else depends on that."""
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
    """The model, and its derivatives by reverse mode, all in one sweep: of a model that goes by rows, each of which is given
    parameters of its own, the gradient of the sum of all rows is the Jacobian."""
    own = [broadcast_to(p, shape=(rows,)) for p in parameters]
    sources = [id(own[k]) for k in free]
    value = as_tensor(model(columns, own))
    found = differentiate([value], sources, lambda t: id(t) in sources, lambda t: recorded(t) and not any(t is p for p in own))
    return value, [constant(0.0, value) if g is None else g for g in found]


def _by_forward(value: Tensor, parameter: Tensor, recorded: Callable[[Tensor], bool], held: Held | None = None) -> Tensor:
    """The model's derivative by one parameter: forward mode, one tangent that is 1."""
    tangent = push_forward([value], {id(parameter): constant(1.0, parameter)}, recorded, held)[0]
    return constant(0.0, value) if tangent is None else tangent


def _single(tensor: Tensor) -> Tensor:
    """One number instead of as many copies of it as there are rows."""
    while tensor.op is broadcast_to and tensor.inputs[0].size == 1:
        tensor = tensor.inputs[0]
    return tensor


def _keeps_rows(node: Tensor, rows: int) -> bool:
    """Whether a node is a leaf, a number, or an elementwise op of rows."""
    if node.op is None:
        return node.shape in ((), (rows,))
    return (bool(node.op.partials) or node.op is broadcast_to) and node.shape in ((), (1,), (rows,))


def _linear(derivatives: Sequence[Tensor], parameters: Sequence[Tensor]) -> tuple[bool, ...]:
    """The parameters, taken in order, of which no derivative by one that is taken depends."""
    needs = [{id(node) for node in upstream([d])} for d in derivatives]
    taken: list[int] = []
    for k, parameter in enumerate(parameters):
        if all(id(parameter) not in needs[j] and id(parameters[j]) not in needs[k] for j in [*taken, k]):
            taken.append(k)
    return tuple(k in taken for k in range(len(parameters)))
