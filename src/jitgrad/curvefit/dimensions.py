"""The units of parameters, inferred from the model: in ``a * exp(-x / t)``, a has the unit of the response and t the unit of x.

The terms of a sum have the same dimension, exponents and angles have none, and the dimensions of factors add. These are
linear equations in the exponents of the dimensions (Bridgman, "Dimensional Analysis", 1922).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from jitgrad.ops.table import Op
from jitgrad.tape.tensor import Tensor, upstream

LARGEST_POWER = 1e3
"""Larger powers are ignored, so that sums of exponents stay finite."""


class Recorded(NamedTuple):
    """A recorded model: its value, and the Tensors that the value depends on."""

    value: Tensor
    parameters: Sequence[Tensor]
    columns: Sequence[Tensor]


def oscillates(model: Recorded) -> bool:
    """Return whether a model contains sines, cosines or tangents."""
    return any(node.op is not None and node.op.name in ("sin", "cos", "tan") for node in upstream([model.value]))


def dimensions(model: Recorded) -> np.ndarray:
    """Return the exponents of each column, and of the response, in the dimension of each parameter, (parameters, columns + 1).
    Exponents that the model does not determine are as small as possible. Inconsistencies such as x - 1950 are ignored.
    """
    count = len(model.parameters)
    unit = np.eye(count + len(model.columns) + 1)
    known = {id(tensor): unit[k] for k, tensor in enumerate([*model.parameters, *model.columns])}
    numbers: dict[int, float] = {}
    equations: list[np.ndarray] = []  # sums of exponents that are 0
    for node in sorted(upstream([model.value]), key=lambda node: node.timestamp):
        if id(node) in known:
            continue
        _note_number(node, numbers)
        if node.op is None or not node.inputs or any(id(operand) not in known for operand in node.inputs):  # known before
            known[id(node)] = 0 * unit[0]
            continue
        power = numbers.get(id(node.inputs[1])) if node.op.name == "power" else None
        if power is not None and not abs(power) <= LARGEST_POWER:
            power = None
        known[id(node)] = _dimension(node.op, [known[id(operand)] for operand in node.inputs], power, equations)
    equations.append(known[id(model.value)] - unit[-1])
    rows = np.stack(equations)
    rows = rows[rows[:, :count].any(axis=1) & np.isfinite(rows).all(axis=1)]  # powers of powers may overflow
    return -np.linalg.lstsq(rows[:, :count], rows[:, count:], rcond=1e-9)[0]


def _note_number(node: Tensor, numbers: dict[int, float]) -> None:
    """Record the value of a constant node."""
    if node.op is None and node.value is not None and node.size == 1:
        numbers[id(node)] = float(np.ravel(node.value)[0])
    elif node.op is not None and node.op.partials and all(id(operand) in numbers for operand in node.inputs):
        with np.errstate(all="ignore"):
            numbers[id(node)] = float(node.op.numpy(*[numbers[id(operand)] for operand in node.inputs]))


def _dimension(op: Op, operands: list[np.ndarray], power: float | None, equations: list[np.ndarray]) -> np.ndarray:
    """Return the dimension of the result of an op with the exponent ``power``, and add the sums of exponents that must be 0."""
    if op.name == "divide":
        return operands[0] - operands[1]
    if op.name == "multiply" or (op.linear and op.name != "concatenate"):
        return np.sum(operands, axis=0)
    if power is not None:
        return power * operands[0]
    degree = 1.0 if op.linear else op.degree
    if degree is None:
        equations.extend(operands)
        return 0 * operands[0]
    if len(operands) == 1:
        return degree * operands[0]
    first, second = operands[-2:]  # for ``where``, the two alternatives
    equations.append(first - second)
    return degree * (first if first.any() else second)
