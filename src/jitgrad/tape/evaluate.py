"""Computing the values of Tensors, and applying changes to Variables.

Asking for a value computes and keeps every value on the way to it, as an eager framework would have, so that a loop that
asks while it records computes nothing twice. The gradients that one call of a tape returns form a group with their target:
asking for one of them computes them all, in one run of one Program, and keeps nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from jitgrad.errors import TracingError
from jitgrad.program.lowering import ProgramCache
from jitgrad.program.machine import Machine
from jitgrad.program.program import Program
from jitgrad.tape import dtypes, trace
from jitgrad.tape.linearise import Linear, linearise
from jitgrad.tape.tensor import Tensor
from jitgrad.tape.trace import Change

PROGRAMS = ProgramCache()

KEPT_ARENA_BYTES = 1 << 24
"""Arenas up to this size wait for the next run of their Program; larger ones are given back."""

_idle: WeakKeyDictionary[Program, list[Machine]] = WeakKeyDictionary()


def value_of(tensor: Tensor) -> Any:
    """The value, computed now if it is not known."""
    if tensor.known is None or trace.current() is not None:
        compute([tensor])
    return tensor.known


def compute(wanted: Sequence[Tensor], changes: Sequence[Change] = ()) -> None:
    """Make the values of ``wanted`` known and apply ``changes``, in one run, after a run for each group on the way."""
    roots = [*wanted, *(t for change in changes for t in change.args)]
    _check_not_tracing(roots)
    grouped = _grouped(roots)
    if grouped and not changes and not any(t.group for t in wanted):
        compute(grouped)
        grouped = []
    linear = linearise(grouped if grouped or changes else wanted, changes)
    _run(linear, grouped if grouped or changes else linear.nodes, changes)
    for tensor in grouped:
        tensor.group = None


def _grouped(roots: Sequence[Tensor]) -> list[Tensor]:
    """The members without a value of the groups that are met first on the way down from ``roots``."""
    found: dict[int, Tensor] = {}
    seen: set[int] = set()
    stack = list(roots)
    while stack:
        node = stack.pop()
        if node.known is not None or id(node) in seen:
            continue
        seen.add(id(node))
        if node.group:
            found |= {id(t): t for t in node.group if t.known is None}
        else:
            stack.extend(node.inputs)
    return list(found.values())


def settle(tensors: Sequence[Tensor], since: int) -> None:
    """Compute what was recorded before ``since``: to what was recorded afterwards it is constant."""
    seen: set[int] = set()
    stack = list(tensors)
    while stack:
        node = stack.pop()
        if id(node) in seen or node.op is None or node.known is not None:
            continue
        seen.add(id(node))
        if node.order < since:
            compute([node])
        else:
            stack.extend(node.inputs)


def _run(linear: Linear, keep: list[Tensor], changes: Sequence[Change]) -> None:
    expression = linear.expression
    if not keep and not changes:
        return
    if keep is linear.nodes:
        outputs = tuple(i for i, step in enumerate(expression.steps) if step.op not in ("input", "literal"))
        expression = expression._replace(outputs=outputs)
    program, literals = PROGRAMS.get(expression, linear.dtype, len(linear.leaves))
    with machine_for(program) as machine:
        machine.load([*leaf_values(linear.leaves, linear.dtype), *literals])
        machine.run()
        for tensor, value in zip(keep, machine.outputs, strict=True):
            tensor.known = from_arena(value, tensor.rank)
            if tensor.order == 0:  # nobody will differentiate it: let go of its operands
                tensor.op, tensor.inputs, tensor.attrs = None, (), ()
        store_state(machine, linear.leaves)


def leaf_values(leaves: Iterable[Tensor], dtype: np.dtype[Any], replayed: bool = False) -> Iterator[Any]:
    """The values of leaves: of a Variable the one when it was read, or in a replay of a trace the one it has now."""
    for leaf in leaves:
        value = leaf.variable.leaf.known if replayed and leaf.variable is not None else leaf.known
        if leaf.rank == dtypes.INTEGER:
            dtypes.check_exact(np.asarray(value), dtype)
        yield value


def store_state(machine: Machine, leaves: Sequence[Tensor]) -> None:
    """Give the Variables that a run updated their new values."""
    for number in machine.program.state:
        variable = leaves[number].variable
        assert variable is not None
        variable.store(machine.inputs[number])


def from_arena(value: np.ndarray, rank: int) -> np.ndarray:
    """A value out of the arena, copied, in the dtype of ``rank``."""
    if rank == dtypes.BOOL:
        known = value != 0
    elif rank == dtypes.INTEGER:
        known = np.rint(value).astype(np.int64)
    else:
        known = value.astype(dtypes.DTYPE[rank])
    known = np.asarray(known)
    known.flags.writeable = False
    return known


@contextmanager
def machine_for(program: Program) -> Iterator[Machine]:
    """A machine of the Program that no other thread uses."""
    idle = _idle.setdefault(program, [])
    try:
        machine = idle.pop()
    except IndexError:
        machine = Machine(program)
    try:
        yield machine
    finally:
        if machine.arena.nbytes <= KEPT_ARENA_BYTES:
            idle.append(machine)


def _check_not_tracing(wanted: Sequence[Tensor]) -> None:
    tracing = trace.current()
    if tracing is None:
        return
    for tensor in wanted:
        if tensor.order >= tracing.start or tensor.variable is not None:
            raise TracingError(
                "A value was asked for while a function is traced: it is not known yet. "
                "Use where() instead of a branch on it, or a gradient tape without tracing."
            )
