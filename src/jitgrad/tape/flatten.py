"""Conversion of Tensors to an Expression, the flat form that is lowered, and its key."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from jitgrad.program.expression import Expression, Step, Update, input_step, literal_step
from jitgrad.tape import dtypes
from jitgrad.tape.tensor import Tensor
from jitgrad.tape.trace import StateUpdate


class Flat:
    """A flat list of the Tensors that some results depend on, down to those with known values, operands first.

    Parameters
    ----------
    outputs, changes
        The results and the updates: the entries "value" and "update" of the Program.
    first : sequence of Tensor
        Tensors that come first, in this order, whether or not they are needed: the first inputs, and nodes whose operands
        precede them. The targets of the changes follow.
    all_nodes : bool
        Whether every node is an output.
    entries : sequence
        Additional named entries; see Expression.
    recorded : callable, optional
        Which ops to include, even if their values are known. By default, those whose values are not known.
    level : int
        The lowest level to compute in.
    lifted : callable, optional
        Which numbers are inputs rather than literals.

    Attributes
    ----------
    order : list of Tensor
        All Tensors, operands first.
    leaves : list of Tensor
        The Tensor of each input, by number.
    literals : list of Tensor
        The literals among them.
    nodes : list of Tensor
        The steps that are neither inputs nor literals.
    level, dtype
        The highest level of the leaves, and the float dtype to compute in.
    """

    def __init__(
        self,
        outputs: Sequence[Tensor],
        changes: Sequence[StateUpdate] = (),
        first: Iterable[Tensor] = (),
        all_nodes: bool = False,
        entries: Sequence[tuple[str, Sequence[Tensor]]] = (),
        recorded: Callable[[Tensor], bool] | None = None,
        level: int = 0,
        lifted: Callable[[float], bool] = lambda value: False,
    ) -> None:
        self.place: dict[int, int] = {}
        self.order: list[Tensor] = []
        self._structure: list[Any] = []
        self.level = level
        self._recorded, self._lifted = recorded, lifted
        self.leaves: list[Tensor] = []
        self.literals: list[Tensor] = []
        self.nodes: list[Tensor] = []
        self._updates: tuple[Update, ...] = ()
        wanted = [*outputs, *(t for _, tensors in entries for t in tensors)] if entries else outputs
        self._visit(first)
        if changes:
            self._updates = self._visit_changes(wanted, changes)
        else:
            self._visit(wanted)
        place = self.place
        named = (("value", self.nodes if all_nodes else outputs), *entries)
        self._entries = tuple([(name, tuple([place[id(t)] for t in tensors])) for name, tensors in named])
        self.dtype = dtypes.program_dtype(self.level)

    def _visit_changes(self, outputs: Sequence[Tensor], changes: Sequence[StateUpdate]) -> tuple[Update, ...]:
        """Visit the targets and arguments of changes. Targets come first because they are inputs."""
        leaves = [
            [variable.leaf for variable in change.targets] for change in changes
        ]  # read once, because other threads may write
        self._visit([leaf for own in leaves for leaf in own])
        self._visit([*outputs, *(t for change in changes for t in change.args)])
        place = self.place
        return tuple(
            Update(c.op, tuple(place[id(leaf)] for leaf in own), tuple(place[id(t)] for t in c.args), c.attrs)
            for c, own in zip(changes, leaves, strict=True)
        )

    def _visit(self, tensors: Iterable[Tensor]) -> None:
        """Visit nodes without recursion, operands before results."""
        place, structure, recorded = self.place, self._structure, self._recorded
        nodes, order = self.nodes, self.order
        stack: list[Any] = [*tensors][::-1]
        while stack:
            node = stack.pop()
            entered = node is None  # the operands of the next node are complete
            if node is None:
                node = stack.pop()
            elif id(node) in place:
                continue
            elif node.op is None or (node.value is not None if recorded is None else not recorded(node)):
                self._leaf(node)
                continue
            places = []
            for x in node.inputs:
                at = place.get(id(x))
                if at is None:
                    if x.op is not None and not entered:
                        stack += (node, None)
                        stack += [t for t in node.inputs[::-1] if t.op is not None and id(t) not in place]
                        break
                    at = self._leaf(x)
                places.append(at)
            else:
                structure += (node.op.name, node.attrs, node.shape, *places)
                nodes.append(node)
                order.append(node)
                place[id(node)] = len(place)

    def _leaf(self, node: Tensor) -> int:
        if type(node.value) is float and not self._lifted(node.value):
            self._structure.append("literal")
            self.literals.append(node)
        else:
            self._structure += ("input", node.shape)
            self.leaves.append(node)
        if node.level > self.level:
            self.level = node.level
        self.order.append(node)
        self.place[id(node)] = at = len(self.place)
        return at

    @functools.cached_property
    def key(self) -> tuple[Any, ...]:
        """A key that is equal for equal Expressions, except for their literals."""
        return (tuple(self._structure), self._entries, self._updates, self.dtype)

    @property
    def numbers(self) -> tuple[float | str, ...]:
        """A key of the literals, in which 0.0 and -0.0 differ and nan equals nan."""
        values: list[float] = [t.value for t in self.literals]
        return tuple([value if value != 0 and value == value else repr(value) for value in values])

    def expression(self, inputs: Sequence[Tensor]) -> Expression:
        """Return the Expression for these inputs: the leaves, and the literals that become inputs."""
        place, numbers = self.place, {id(t): number for number, t in enumerate(inputs)}
        nodes = {id(t) for t in self.nodes}
        steps = []
        for tensor in self.order:
            key, op = id(tensor), tensor.op
            if op is not None and key in nodes:
                steps.append(Step(op.name, tuple(map(place.__getitem__, map(id, tensor.inputs))), tensor.attrs, tensor.shape))
            elif key in numbers:
                steps.append(input_step(numbers[key], tensor.shape))
            else:
                steps.append(literal_step(tensor.value))
        return Expression(tuple(steps), self._entries, self._updates)
