"""Computing the values of Tensors, and applying changes to Variables.

Asking for a value computes and keeps every value on the way to it, as an eager framework would have, so that a loop that
asks while it records computes nothing twice. The gradients that one call of a tape returns form a group with their target:
asking for one of them computes them all, in one run of one Program, and keeps nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from jitgrad.errors import TracingError, users_line
from jitgrad.tape import segments, trace
from jitgrad.tape.executable import lowered
from jitgrad.tape.flatten import Flat
from jitgrad.tape.recording import is_recorded
from jitgrad.tape.tensor import Tensor, upstream
from jitgrad.tape.trace import StateUpdate
from jitgrad.tape.values import check_leaving


def value_of(tensor: Tensor) -> Any:
    """The value, computed now if it is not known."""
    if tensor.value is None or trace.current() is not None:
        compute([tensor])
    return tensor.value


def compute(wanted: Sequence[Tensor]) -> None:
    """Make the values of ``wanted`` known, and of all on the way, in one run after one for the groups that are met there."""
    _check_not_tracing(wanted)
    flat = Flat(wanted, all_nodes=True)
    if any(node.group for node in flat.nodes):
        _run_groups(wanted)
        flat = Flat(wanted, all_nodes=True)
    if flat.nodes:
        _run(flat, flat.nodes)


def apply(changes: Sequence[StateUpdate]) -> None:
    """Update Variables, in one run with the groups that are met on the way."""
    arguments = [t for change in changes for t in change.args]
    _check_not_tracing(arguments)
    for tensor in arguments:
        check_leaving(tensor, "an update of Variables", explicit=True)
    _run_groups(arguments, changes)


def group(tensors: Iterable[Tensor | None]) -> None:
    """Make a group of those whose value is not known: asking for one of them computes them all, in one run."""
    members = [t for t in tensors if t is not None and t.value is None and t.group is None]
    group = list({id(t): t for t in members}.values())
    for tensor in group:
        tensor.group = group


def _run_groups(roots: Sequence[Tensor], changes: Sequence[StateUpdate] = ()) -> None:
    """Apply ``changes``, and compute all members of the groups that are met first on the way down from ``roots``."""
    met = [node for node in upstream(roots, lambda node: node.value is None and not node.group) if node.value is None]
    members = list({id(t): t for node in met for t in node.group or () if t.value is None}.values())
    flat = Flat(members, changes)
    if changes and segments.is_long(flat):
        compute([t for change in changes for t in change.args])
        flat = Flat(members, changes)
    _run(flat, members)
    for tensor in members:
        tensor.group = None


def force(tensors: Sequence[Tensor], since: int) -> None:
    """Compute what was recorded before ``since``: to what was recorded afterwards it is constant."""
    for node in list(upstream(tensors, lambda node: node.value is None and node.timestamp >= since)):
        if node.op is not None and node.value is None and node.timestamp < since:
            compute([node])


def _run(flat: Flat, keep: list[Tensor]) -> None:
    """Run the expression once: its outputs become the values of ``keep``, its state that of the Variables."""
    leaves = flat.leaves
    if segments.is_long(flat):
        values = segments.values(flat, keep)
    else:
        values = lowered(flat, len(leaves)).call(leaves, [t.level for t in keep])
    for tensor, value in zip(keep, values, strict=True):
        tensor.value = value
        if tensor.timestamp == 0:
            release(tensor)
    release_leaves(leaves)


def release_leaves(leaves: Iterable[Tensor]) -> None:
    """Let go of the operands of those that no tape knows any more."""
    for leaf in leaves:
        if leaf.op is not None and not is_recorded(leaf):
            release(leaf)


def release(tensor: Tensor) -> None:
    """Keep no operands of a known value that no tape will differentiate, unless ``backward`` may."""
    if tensor.gradient is None:
        tensor.op, tensor.inputs, tensor.attrs = None, (), ()
    elif tensor.gradient.spent:
        tensor.inputs, tensor.attrs = (), ()


def _check_not_tracing(wanted: Sequence[Tensor]) -> None:
    tracing = trace.current()
    if tracing is None:
        return
    for tensor in wanted:
        if tensor.timestamp >= tracing.start or tensor.variable is not None:
            raise TracingError(
                f"A value was asked for while a function is traced, and it is not known yet{users_line()}. "
                f"Use where() instead of a branch on it, or a gradient tape without tracing."
            )
