"""Bodies of region ops: functions that are recorded once, with inputs whose values are unknown, and run in the Program."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from jitgrad.errors import DTypeError, ShapeError, UnsupportedError
from jitgrad.ops import OPS
from jitgrad.ops.random import uniform
from jitgrad.ops.table import size_of
from jitgrad.program.expression import Expression, literal_value
from jitgrad.tape import dtypes
from jitgrad.tape.flatten import Flat
from jitgrad.tape.recording import Recording
from jitgrad.tape.reverse_mode import topological
from jitgrad.tape.tensor import Tensor, as_tensor, cast, placeholder, record

Tensors = list[Tensor]


def input_like(x: Tensor) -> Tensor:
    """Return an input of a body with the shape and the dtype of ``x``."""
    return placeholder(x.shape, x.level)


def slice_of(x: Tensor) -> Tensor:
    """Return an input of a body that is a slice of ``x`` along its first axis."""
    return placeholder(x.shape[1:], x.level)


class Region(Recording):
    """The recording of the bodies of a region op, with its name in errors."""

    def __init__(self, what: str) -> None:
        super().__init__(unknown=True)
        self.what = what

    def expression(
        self,
        inputs: Sequence[Tensor],
        outputs: Sequence[Tensor],
        hoisted: float = 0,
        fixed: Sequence[Tensor] = (),
        lifted: bool = True,
    ) -> tuple[Expression, Tensors]:
        """Return a body, and the other values that it reads, which are its last inputs.

        Parameters
        ----------
        inputs, outputs : sequence of Tensor
            The inputs and the results of the body.
        hoisted : float, default 0
            The size up to which the body reads values that do not depend on the inputs from outside.
        fixed : sequence of Tensor
            Other values that it reads, before those that are returned.
        lifted : bool, default True
            Whether it also reads numbers that vary.
        """
        flat = self.flat(inputs, outputs, hoisted, fixed, lifted)
        return flat.expression(flat.leaves), flat.leaves[len(inputs) + len(fixed) :]

    def flat(
        self,
        inputs: Sequence[Tensor],
        outputs: Sequence[Tensor],
        hoisted: float = 0,
        fixed: Sequence[Tensor] = (),
        lifted: bool = True,
    ) -> Flat:
        """Return the steps of a body, whose numbers are among its leaves if they vary; see ``expression``."""
        order = topological(outputs, self.has)
        self._check_ops(order)
        inside = {id(x) for x in inputs}
        for node in order:
            if any(id(x) in inside for x in node.inputs) or (size_of(node.shape) > hoisted and node.op and self.has(node)):
                inside.add(id(node))
        inside.difference_update(map(id, (*inputs, *fixed)))
        first, numbers = [*inputs, *fixed], _varies if lifted else _never
        return Flat(outputs, first=first, recorded=lambda t: id(t) in inside and self.has(t), lifted=numbers)

    def bodies(
        self, inputs: Sequence[Tensor], *outputs: Sequence[Tensor], hoisted: float = 0
    ) -> tuple[list[Expression], Tensors]:
        """Return several bodies with the same inputs, and the other values that they read, which are their last inputs."""
        fixed: Tensors = []
        for part in outputs:
            fixed += self.expression(inputs, part, hoisted, fixed)[1]
        return [self.expression(inputs, part, hoisted, fixed)[0] for part in outputs], fixed

    def _check_ops(self, nodes: Sequence[Tensor]) -> None:
        """Raise UnsupportedError for ops that a body cannot contain: ops that are not in the table, and random numbers."""
        for node in nodes:
            op = node.op
            if op is None or not self.has(node):
                continue
            if OPS.get(op.name) is not op:
                raise UnsupportedError(
                    f"{self.what}: the body contains a function with a custom gradient that is written with functions of "
                    f"jitgrad. Use a function compiled by numba.njit, or leave out the custom gradient."
                )
            if op is uniform:
                raise UnsupportedError(
                    f"{self.what}: the body draws random numbers, which would be the same each time it runs. "
                    f"Draw them before, for example one row for each trip of a loop, and pass them as an input."
                )


def _varies(value: float) -> bool:
    """Return whether a number in a body is passed to it, so that a body with another number is the same.

    Integers and halves are part of the body, because passes use their values, as in ``x**2``.
    """
    return math.isfinite(value) and not (2 * value).is_integer()


def _never(value: float) -> bool:
    return False


def inlined(body: Expression, operands: Sequence[Tensor]) -> Tensors:
    """Record a body on ``operands``."""
    made: list[Any] = []  # a tuple for several results
    for step in body.steps:
        if step.op == "get":
            made.append(made[step.args[0]][step.attr("index")])
        elif step.op == "input":
            made.append(operands[step.attrs[0][1]])
        elif step.op == "literal":
            made.append(as_tensor(literal_value(step)))
        else:
            made.append(record(OPS[step.op], tuple([made[i] for i in step.args]), dict(step.attrs)))
    return [made[i] for i in body.outputs]


def in_numpy(body: Expression, inputs: Sequence[Any]) -> list[Any]:
    """Return the values of all steps of a body for arrays."""
    made: list[Any] = []
    for step in body.steps:
        if step.op in ("input", "literal"):
            made.append(inputs[step.attr("leaf")] if step.op == "input" else literal_value(step))
        else:
            made.append(OPS[step.op].numpy(*[made[i] for i in step.args], **dict(step.attrs)))
    return made


def depends(body: Expression, inputs: Sequence[bool]) -> list[bool]:
    """Return which outputs of a body depend on the marked inputs."""
    found: list[bool] = []
    for step in body.steps:
        found.append(inputs[step.attr("leaf")] if step.op == "input" else any(found[i] for i in step.args))
    return [found[i] for i in body.outputs]


def swap_first(x: Tensor) -> Tensor:
    """Exchange the first two axes."""
    made: Tensor = OPS["transpose"](x, axes=(1, 0, *range(2, x.ndim)))
    return made


def all_rows(x: Tensor, row: Tensor | None, n: int) -> Tensor:
    """Return the n rows of a value, which are equal if it has none."""
    made: Tensor = OPS["broadcast_to"](x, shape=(n, *x.shape)) if row is None else row
    return made


# Carries.


class Carry(NamedTuple):
    """The name of a carry in errors, and whether its dtype gives way to the dtype that it has after a trip."""

    name: str
    weak: bool


def carries_of(names: Sequence[str], first: Sequence[Tensor]) -> list[Carry]:
    """Describe carries by their names and their initial values."""
    return [Carry(name, weak(x)) for name, x in zip(names, first, strict=True)]


def settled(
    what: str, kinds: Sequence[Carry], first: Tensors, run: Callable[[Tensors], tuple[Region, Tensors, Tensors, Any]]
) -> tuple[Region, Tensors, Tensors, Tensors, Any]:
    """Record a body until its carries keep their dtypes, and check that they keep their shapes.

    Parameters
    ----------
    what : str
        The name of the loop in errors.
    kinds : sequence of Carry
        The carries.
    first : list of Tensor
        Their values before the first trip.
    run : callable
        ``run(first)`` records the body in a new region and returns the region, the inputs for the carries, the carries after
        a trip, and anything else.

    Returns
    -------
    tuple
        The region, the initial carries with their final dtypes, the inputs, the carries after a trip, and the rest.
    """
    while True:
        region, inside, following, rest = run(first)
        levels = [_kept(what, kind, x, t) for kind, x, t in zip(kinds, first, following, strict=True)]
        if levels == [x.level for x in first]:
            with region:
                following = [cast(t, level) for t, level in zip(following, levels, strict=True)]
            return region, first, inside, following, rest
        first = [cast(x, level) for x, level in zip(first, levels, strict=True)]


def weak(x: Tensor) -> bool:
    """Return whether the dtype of a value gives way to the dtype of another one: Python numbers, and arrays of floats."""
    return (type(x.value) is float and x.level > dtypes.BOOL) or dtypes.INTEGER < x.level <= dtypes.DATA64


def _kept(what: str, kind: Carry, x: Tensor, t: Tensor) -> int:
    """Return the level of a carry that is ``x`` before a trip and ``t`` after it."""
    if t.shape != x.shape:
        raise ShapeError(
            f"{what}: {kind.name} has shape {x.shape} before a trip and {t.shape} after it. "
            f"Return it in the shape of its initial value, or change the initial value, for example by jg.broadcast_to."
        )
    if x.level == t.level or (t.level > x.level and kind.weak):
        return t.level
    if t.level < x.level and weak(t):
        return x.level
    if x.dtype == t.dtype:
        return max(x.level, t.level)
    raise DTypeError(
        f"{what}: {kind.name} has dtype {x.dtype} before a trip and {t.dtype} after it. "
        f"Give an initial value of dtype {t.dtype}, or return a value of dtype {x.dtype}."
    )
