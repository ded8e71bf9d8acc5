"""From Tensors to an Expression: the flat, hashable form that is lowered, and the key of the cache of Programs."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from jitgrad.program.expression import Expression, Step, Update, input_step, literal_step
from jitgrad.tape import dtypes
from jitgrad.tape.tensor import Tensor
from jitgrad.tape.trace import StateUpdate


class Flat:
    """What some Tensors need, flat, down to those whose value is known, operands first.

    Args:
        outputs, changes: what is asked for, the entries "value" and "update" of the Program.
        leaves: the inputs of the first numbers, whether or not they are needed; then come the targets of the changes.
        all_nodes: whether every node is an output.
        entries: names, and what is asked for beyond the outputs, see Expression.

    Attributes:
        leaves: the Tensor of each input, by number.
        nodes: the Tensors of all steps that are neither input nor literal.
        dtype: the float dtype to compute in.
        key: the same for what has the same Expression, and quicker to make.
    """

    def __init__(
        self,
        outputs: Sequence[Tensor],
        changes: Sequence[StateUpdate] = (),
        leaves: Iterable[Tensor] = (),
        all_nodes: bool = False,
        entries: Sequence[tuple[str, Sequence[Tensor]]] = (),
    ) -> None:
        self._place: dict[int, int] = {}
        self._order: list[Tensor] = []
        self._structure: list[Any] = []
        self._rank = 0
        self.leaves: list[Tensor] = []
        self.nodes: list[Tensor] = []
        self._updates: tuple[Update, ...] = ()
        wanted = [*outputs, *(t for _, tensors in entries for t in tensors)] if entries else outputs
        for leaf in leaves:
            self._visit(leaf)
        if changes:
            self._updates = self._visit_changes(wanted, changes)
        else:
            for tensor in wanted:
                self._visit(tensor)
        place = self._place
        named = (("value", self.nodes if all_nodes else outputs), *entries)
        self._entries = tuple([(name, tuple([place[id(t)] for t in tensors])) for name, tensors in named])
        self.dtype = dtypes.program_dtype(self._rank)
        self.key = (tuple(self._structure), self._entries, self._updates, self.dtype)

    def _visit_changes(self, outputs: Sequence[Tensor], changes: Sequence[StateUpdate]) -> tuple[Update, ...]:
        """Targets come first; they are inputs."""
        for change in changes:
            for variable in change.targets:
                self._visit(variable.leaf)
        for tensor in [*outputs, *(t for change in changes for t in change.args)]:
            self._visit(tensor)
        place = self._place
        return tuple(
            Update(c.op, tuple(place[id(v.leaf)] for v in c.targets), tuple(place[id(t)] for t in c.args), c.attrs)
            for c in changes
        )

    def _visit(self, tensor: Tensor) -> None:
        """Operands before what is made of them, without recursion."""
        place, order, structure = self._place, self._order, self._structure
        stack = [tensor]
        while stack:
            node = stack[-1]
            if id(node) in place:
                stack.pop()
                continue
            op, value = node.op, node.value
            if op is not None and value is None:
                places = [place.get(id(x)) for x in node.inputs]
                if None in places:
                    stack += [x for x in reversed(node.inputs) if id(x) not in place]
                    continue
                structure += (op.name, node.attrs, node.shape, *places)
                self.nodes.append(node)
            else:
                if type(value) is float:
                    structure += ("literal", literal_key(value))
                else:
                    structure += ("input", node.shape)
                    self.leaves.append(node)
                if node.level > self._rank:
                    self._rank = node.level
            stack.pop()
            place[id(node)] = len(order)
            order.append(node)

    @functools.cached_property
    def expression(self) -> Expression:
        """The steps, the entries and the updates."""
        return Expression(tuple(self._steps()), self._entries, self._updates)

    def _steps(self) -> Iterator[Step]:
        inputs, nodes = 0, {id(node) for node in self.nodes}
        for tensor in self._order:
            if id(tensor) in nodes:
                assert tensor.op is not None
                args = tuple([self._place[id(x)] for x in tensor.inputs])
                yield Step(tensor.op.name, args, tensor.attrs, tensor.shape)
            elif type(tensor.value) is float:
                yield literal_step(tensor.value)
            else:
                yield input_step(inputs, tensor.shape)
                inputs += 1


def literal_key(value: float) -> float | str:
    """Equal for the same number: 0.0 is not -0.0, and nan is nan."""
    return value if value != 0 and value == value else repr(value)
