"""From Tensors to an Expression: the flat, hashable form that is lowered, and the key of the cache of Programs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from jitgrad.program.expression import Expression, Step, Update, input_step, literal_step
from jitgrad.tape import dtypes
from jitgrad.tape.tensor import Tensor
from jitgrad.tape.trace import Change


class Linear(NamedTuple):
    """An expression, and what its steps stand for.

    Attributes:
        expression: the steps.
        leaves: the Tensor of each input, by number.
        nodes: the Tensors of all steps that are neither input nor literal.
        dtype: the float dtype to compute in.
    """

    expression: Expression
    leaves: list[Tensor]
    nodes: list[Tensor]
    dtype: np.dtype[np.floating]

    def keeping_all(self) -> Linear:
        """The same with every node as an output."""
        outputs = tuple(i for i, step in enumerate(self.expression.steps) if step.op not in ("input", "literal"))
        return self._replace(expression=self.expression._replace(outputs=outputs))


def linearise(outputs: Sequence[Tensor], changes: Sequence[Change] = (), leaves: Iterable[Tensor] = ()) -> Linear:
    """Flatten what ``outputs`` and ``changes`` need, down to Tensors whose value is known.

    ``leaves`` are inputs of the first numbers, whether or not they are needed; then come the targets of the changes.
    """
    walk = _Walk()
    for leaf in leaves:
        walk.leaf(leaf)
    for change in changes:
        for variable in change.targets:
            walk.leaf(variable.leaf)
    for tensor in outputs:
        walk.visit(tensor)
    for change in changes:
        for tensor in change.args:
            walk.visit(tensor)
    place = walk.place
    updates = tuple(
        Update(c.op, tuple(place[id(v.leaf)] for v in c.targets), tuple(place[id(t)] for t in c.args), c.attrs) for c in changes
    )
    expression = Expression(tuple(walk.steps), tuple(place[id(t)] for t in outputs), updates)
    return Linear(expression, walk.leaves, walk.nodes, dtypes.program_dtype(walk.rank))


class _Walk:
    def __init__(self) -> None:
        self.place: dict[int, int] = {}
        self.steps: list[Step] = []
        self.leaves: list[Tensor] = []
        self.nodes: list[Tensor] = []
        self.rank = 0

    def leaf(self, tensor: Tensor) -> None:
        if id(tensor) in self.place:
            return
        if type(tensor.known) is float:
            step = literal_step(tensor.known)
        else:
            step = input_step(len(self.leaves), tensor.shape)
            self.leaves.append(tensor)
        self.rank = max(self.rank, tensor.rank)
        self.place[id(tensor)] = len(self.steps)
        self.steps.append(step)

    def visit(self, tensor: Tensor) -> None:
        """Operands before what is made of them, without recursion."""
        place, stack = self.place, [tensor]
        while stack:
            node = stack[-1]
            if id(node) in place:
                stack.pop()
                continue
            op = node.op
            if op is None or node.known is not None:
                self.leaf(node)
                stack.pop()
                continue
            waiting = [x for x in node.inputs if id(x) not in place]
            if waiting:
                stack.extend(reversed(waiting))
                continue
            stack.pop()
            place[id(node)] = len(self.steps)
            self.steps.append(Step(op.name, tuple([place[id(x)] for x in node.inputs]), node.attrs, node.shape))
            self.nodes.append(node)
