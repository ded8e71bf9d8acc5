"""A model as the operations that its function recorded: plain data that can be pickled and replayed in another process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from jitgrad.errors import UnsupportedError
from jitgrad.ops import OPS
from jitgrad.ops.linear import broadcast_to, reshape
from jitgrad.tape import dtypes, trace
from jitgrad.tape.tensor import Tensor, as_tensor, placeholder
from jitgrad.tape.tree import operands_first

SOME_ROWS = 3
"""The number of rows for which a function is recorded."""

Step = tuple[str | float, tuple[int, ...], tuple[tuple[str, Any], ...]]
"""The name of an op, or a number; the indices of its operands; its attributes."""


class RecordedModel:
    """A function of columns and parameters, elementwise in the rows.

    Attributes
    ----------
    name : str
        The name of the function.
    given : int
        The number of columns and parameters.
    steps : tuple of Step
        The operations, in order. Operands are the columns and parameters, followed by earlier steps.
    """

    def __init__(self, name: str, given: int, steps: tuple[Step, ...]) -> None:
        self.__name__, self.given, self.steps = name, given, steps

    def __call__(self, x: Any, *parameters: Tensor) -> Tensor:
        """Record the steps, with the columns in the form that the function received."""
        columns = list(x.values()) if isinstance(x, dict) else list(x) if isinstance(x, tuple) else [x]
        values: list[Any] = [*columns, *parameters]
        for of, operands, attrs in self.steps:
            values.append(OPS[of](*[values[k] for k in operands], **dict(attrs)) if isinstance(of, str) else as_tensor(of))
        return values[-1]


def recorded(model: Any, columns: int, parameters: int, name: str) -> RecordedModel:
    """Return the recorded operations of a model. Raises UnsupportedError if it uses anything that is not plain data.

    Parameters
    ----------
    model : callable
        Takes columns and parameters, sequences of Tensors.
    columns, parameters : int
        The numbers of columns and parameters.
    name : str
        The name of the function.
    """
    with trace.tracing():
        leaves = [placeholder((SOME_ROWS,), dtypes.FLOAT64) for _ in range(columns)]
        leaves += [placeholder((), dtypes.FLOAT64) for _ in range(parameters)]
        value = as_tensor(model(leaves[:columns], leaves[columns:]))
        places = {id(leaf): k for k, leaf in enumerate(leaves)}
        steps: list[Step] = []
        for node in operands_first([value], lambda node: node.inputs):
            if id(node) in places:
                continue
            if node.op is broadcast_to or (node.op is reshape and node.shape == node.inputs[0].shape):  # a cast
                places[id(node)] = places[id(node.inputs[0])]
                continue
            places[id(node)] = len(leaves) + len(steps)
            steps.append(_step(node, [places[id(operand)] for operand in node.inputs], name))
    if not steps:  # the model is a column or a parameter
        steps += [(0.0, (), ()), ("add", (places[id(value)], len(leaves)), ())]
    return RecordedModel(name, len(leaves), tuple(steps))


def _step(node: Tensor, operands: Sequence[int], name: str) -> Step:
    if node.op is None and node.shape == () and node.variable is None and node.value is not None:
        return np.asarray(node.value).item(), (), ()
    if node.op is None or not node.op.partials or OPS.get(node.op.name) is not node.op:
        what = f"the op {node.op.name}, which is not elementwise" if node.op is not None else "an array or a Variable"
        raise UnsupportedError(
            f"The function {name} uses {what}, so it cannot be sent to another process. Write the model as a formula."
        )
    return node.op.name, tuple(operands), tuple(node.attrs)
