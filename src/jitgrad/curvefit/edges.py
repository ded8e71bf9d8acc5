"""Derivatives at edges: points at which a model is finite but a factor of the chain rule is not.

``d + (a - d) / (1 + (x / c)**b)`` equals a at x = 0 for all c and b, but its derivative with respect to c, factor by factor, is
∞ · 0 for b < 1. There x / c is 0 for all c, so (x / c)**b is 0 for all c and b, and its derivatives are 0. The same holds for
everything that is 0 or infinite and stays so when every parameter changes a little. This is determined by recording the model
again for changed parameters. A quantity that is 0 only at a single value of a parameter, such as p in ``sqrt(p)`` at 0, does
not stay 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from jitgrad.curvefit.dimensions import Recorded
from jitgrad.ops.elementwise import equal, not_equal, where
from jitgrad.ops.linear import gather
from jitgrad.ops.table import Op
from jitgrad.program.integrate import OPERANDS
from jitgrad.tape.integrate import integrate_op
from jitgrad.tape.tensor import Tensor, recorded_again
from jitgrad.tape.tree import operands_first

MOVED = 2.0**-20
"""The relative change of the first parameter. The others change by more, so that equal parameters become different."""


def stays(value: Tensor, parameters: Sequence[Tensor]) -> Callable[[Tensor], Tensor]:
    """Return a function that finds, for Tensors in the graph of ``value``, the elements that are and stay 0, infinite or nan.

    Elements that are nan and do not contribute to a finite value, as in ``where(x > t, sqrt(x - t), 0)``, then do not
    contribute to a derivative either.
    """
    moved: dict[int, Any] = {}  # a tuple for ops with several results
    for k, p in enumerate(parameters):
        moved[id(p)] = p + MOVED * (1 + 0.1 * k) * where(equal(p, 0.0), 1.0, p)
    for node in operands_first([value], lambda node: node.inputs):
        if node.op is not None and any(id(x) in moved for x in node.inputs):
            moved[id(node)] = recorded_again(node, [moved.get(id(x), x) for x in node.inputs])

    def held(node: Tensor) -> Tensor:
        other = moved[id(node)]
        both = node + other  # only 0 + 0 and ∞ + ∞ equal both operands
        return equal(both, node) * equal(both, other) + not_equal(node, node) * not_equal(other, other)

    return held


class Edges:
    """Determines whether a model has edges, from the zeros and infinities of its columns and of expressions of columns.

    Attributes
    ----------
    may_be : bool
        Whether the model has edges for any columns.
    """

    def __init__(self, model: Recorded) -> None:
        order = operands_first([model.value], lambda node: node.inputs)
        of_parameters, of_columns = {id(p) for p in model.parameters}, {id(x) for x in model.columns}
        self._columns = [id(column) for column in model.columns]
        self._mixed: list[Tensor] = []
        for node in order:
            if any(id(x) in of_parameters for x in node.inputs):
                of_parameters.add(id(node))
                self._mixed.append(node)
            elif any(id(x) in of_columns for x in node.inputs):
                of_columns.add(id(node))
        boundary = {id(x): x for node in self._mixed for x in node.inputs if id(x) not in of_parameters}
        self._boundary = [x for key, x in boundary.items() if key in of_columns]
        needs = operands_first(self._boundary, lambda node: node.inputs)
        self._made = [node for node in needs if id(node) in of_columns and node.op is not None]
        with np.errstate(all="ignore"):
            self._constant = {key: _flags_of(_constant(x)) for key, x in boundary.items() if key not in of_columns}
            self._values = {id(x): _constant(x) for node in self._made for x in node.inputs if id(x) not in of_columns}
        self._found: dict[tuple[Extremes, ...], bool] = {}
        self.may_be = self._reached([Extremes(True, x.op is not None) for x in self._boundary])
        self._zeros_may_be = self._reached([Extremes(True, False) for x in self._boundary])

    def needed(self, columns: Sequence[np.ndarray]) -> bool:
        """Return whether these columns may lead to an infinite partial derivative or tangent that is multiplied by 0."""
        if not self.may_be:
            return False
        return self._needed(tuple([_flags_of(value, self._zeros_may_be) for value in self._at_boundary(columns)]))

    def needed_by(self, columns: Sequence[np.ndarray]) -> np.ndarray:
        """Like ``needed``, for each of many groups, (G,), from columns of shape (G, rows)."""
        flags = np.zeros((len(columns[0]), 2 * len(self._boundary)), bool)
        for k, value in enumerate(self._at_boundary(columns)):
            flags[:, 2 * k] = self._zeros_may_be and (value == 0).any(axis=1)
            flags[:, 2 * k + 1] = ~np.isfinite(value).all(axis=1)
        kinds, which = np.unique(flags, axis=0, return_inverse=True)
        needed = [self._needed(tuple([Extremes(*pair) for pair in row.reshape(-1, 2).tolist()])) for row in kinds]
        return np.array(needed, bool)[which.ravel()]

    def _at_boundary(self, columns: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Return the values of expressions of columns alone that are combined with parameters."""
        values = self._values | dict(zip(self._columns, columns, strict=True))
        with np.errstate(all="ignore"):
            for node in self._made:
                assert node.op is not None
                values[id(node)] = node.op.numpy(*[values[id(x)] for x in node.inputs], **dict(node.attrs))
        return [values[id(node)] for node in self._boundary]

    def _needed(self, flags: tuple[Extremes, ...]) -> bool:
        if flags not in self._found:
            self._found[flags] = self._reached(flags)
        return self._found[flags]

    def _reached(self, flags: Sequence[Extremes]) -> bool:
        known = self._constant | {id(node): flag for node, flag in zip(self._boundary, flags, strict=True)}
        mixed = {id(node) for node in self._mixed}
        risky: set[int] = set()
        for node in self._mixed:
            assert node.op is not None
            name, operands = node.op.name, [known.get(id(x), Extremes(False, False, False)) for x in node.inputs]
            fixed, operands = all(f.fixed for f in operands), operands[_beginning(node)]
            zero, infinite = any(f.zero for f in operands), any(f.infinite for f in operands)
            safe = name == "power" and _at_least_one(node.inputs[1])
            points = () if safe else node.op.singular
            if name == "where" and any(id(x) in risky for x in node.inputs[1:]):
                return True
            if any(node.op.singular) or any(id(x) in risky for x in node.inputs):
                risky.add(id(node))
            if infinite and (not node.op.affine or (name == "multiply" and _may_be_nan(*operands))):
                return True
            if fixed and any(point != 0 for of_operand in points for point in of_operand):
                return True
            if zero and any(
                0 in at and f.zero and id(x) in mixed for at, f, x in zip(points, operands, node.inputs, strict=False)
            ):
                return True
            if name == "divide" or (name == "power" and zero and not safe):
                found = Extremes(operands[0].zero, operands[-1].zero or name == "power")
            elif name in ("add", "subtract"):
                found = Extremes(all(f.zero for f in operands) or (fixed and name == "subtract"), infinite)
            else:
                found = Extremes(zero and _may_be_zero_at_zero(node.op), infinite)
            known[id(node)] = found._replace(fixed=fixed or found.zero or found.infinite)
        return False


class Extremes(NamedTuple):
    """Whether, for all parameters, a value is 0, infinite or nan, or constant (``fixed``) in some row."""

    zero: bool
    infinite: bool
    fixed: bool = True


def _beginning(node: Tensor) -> slice:
    """Return the operands whose zeros and infinities may be those of results.

    Those of an integration are the initial states, and conditions and indices are none of them.
    """
    if node.op is integrate_op:
        return slice(OPERANDS, OPERANDS + dict(node.attrs)["integration"].n_states)
    return slice(1, 3) if node.op is where else slice(0, 1) if node.op is gather else slice(None)


def _may_be_zero_at_zero(op: Op) -> bool:
    """Return whether the result of an op may be 0 if an operand is."""
    return not op.partials or op.arity != 1 or not op.numpy(0.0)


def _may_be_nan(a: Extremes, b: Extremes) -> bool:
    """Return whether a product may be 0 times infinity."""
    return (a.zero and b.infinite) or (a.infinite and b.zero)


def _at_least_one(exponent: Tensor) -> bool:
    """Return whether an exponent is a constant of at least 1, so that the power has a finite derivative at 0."""
    return exponent.op is None and exponent.value is not None and bool(np.all(np.asarray(exponent.value) >= 1))


def _flags_of(value: Any, zeros: bool = True) -> Extremes:
    """Return the extremes of a value. Zeros are ignored unless ``zeros`` is True."""
    numbers = np.asarray(value).reshape(-1)
    with np.errstate(all="ignore"):
        finite = numbers.dot(numbers) < np.inf or np.isfinite(numbers).all()  # the first is faster, but may overflow
    return Extremes(zeros and not numbers.all(), not finite)


def _constant(node: Tensor) -> Any:
    """Return the value of a node without parameters and columns; 1 if it is unknown during tracing."""
    values: dict[int, Any] = {}
    for inner in operands_first([node], lambda inner: inner.inputs):
        known = np.asarray(1.0 if inner.value is None else inner.value)
        operands = [values[id(x)] for x in inner.inputs]
        values[id(inner)] = known if inner.op is None else inner.op.numpy(*operands, **dict(inner.attrs))
    return values[id(node)]
