"""Computing the values of Tensors.

When a value is requested, all values that it depends on are computed and kept, as in an eager framework, so a loop that
requests values while it records does not compute anything twice. The gradients that one call of a tape returns form a group
with their target: requesting one of them computes all of them in one run of one Program, and keeps nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jitgrad.errors import TracingError, users_line
from jitgrad.tape import path, trace
from jitgrad.tape.flatten import Flat
from jitgrad.tape.recording import here, unfollowed
from jitgrad.tape.runs import release, release_leaves, run, values_of
from jitgrad.tape.tensor import Tensor, is_recorded_op, operands_of, upstream
from jitgrad.tape.tree import operands_first


def value_of(tensor: Tensor) -> Any:
    """Return the value, computed now if necessary.

    Returns
    -------
    ndarray or float
        The value itself, which must not be changed.
    """
    if tensor.value is None or trace.current() is not None:
        compute([tensor])
    return tensor.value


def compute_apart(tensor: Tensor) -> None:
    """Compute the value, off the path."""
    with unfollowed():
        compute([tensor])


def compute(wanted: Sequence[Tensor]) -> None:
    """Compute the values of ``wanted`` and all values that they depend on, or the values of their groups."""
    check_not_tracing(wanted)
    for tensor in wanted:
        if tensor.value is None and tensor.group is not None:
            tensor.group.value(tensor)
    alone = [t for t in wanted if t.value is None]
    where = here.path
    known: list[Tensor] = []
    if alone and where.pending is not None and where.pending.joins(alone):
        where.pending.make(alone)
    elif alone:
        known = _computed(alone)
    goes_on = where.groups or where.tapes or where.pending is not None
    if not here.active and (where.lost or not goes_on):
        here.begin()
    elif known:
        _learn(alone, known)


def _computed(asked: Sequence[Tensor]) -> list[Tensor]:
    """Compute these values and the values that they depend on, and return the Tensors whose values are kept."""
    run_groups(asked)
    where = here.path
    if where.lost or not path.REPLAY or any(t.path is not where or t.place < 0 for t in asked):
        flat = Flat(asked, all_nodes=True)
        known = flat.nodes
        values = values_of(flat, known)
        leaves = flat.leaves
    else:
        known, leaves = [t for t in on_the_way(asked) if is_recorded_op(t)], []
        what = ("asked", *[t.place for t in asked])
        values = run(where, where.event, what, lambda: Flat(known), [t.level for t in known])
    for tensor, value in zip(known, values, strict=True):
        tensor.value = value
        if tensor.timestamp == 0:
            release(tensor)
    release_leaves(leaves)
    return known


def on_the_way(roots: Sequence[Tensor]) -> list[Tensor]:
    """Return the Tensors without a value that ``roots`` depend on, operands first. Of composites, only results are included."""
    return operands_first(
        [t for t in roots if t.value is None],
        lambda t: () if t.group is not None else [x for x in operands_of(t) if x.value is None],
    )


def _learn(asked: Sequence[Tensor], known: Sequence[Tensor]) -> None:
    paths = {t.path for t in known}
    if paths == {here.path}:
        here.path.learn(known, *[t.place for t in asked])
        return
    for where in paths:
        if where is not None:
            where.lose()


def run_groups(roots: Sequence[Tensor]) -> None:
    """Compute the groups that ``roots`` depend on directly."""
    for node in on_the_way(roots):
        if node.value is None and node.group is not None:
            node.group.value(node)


def force(tensors: Sequence[Tensor], since: int) -> None:
    """Compute the values recorded before ``since``, which are constant to the operations recorded afterwards."""
    for node in list(upstream(tensors, lambda node: node.value is None and node.timestamp >= since)):
        if (node.op is not None or node.group is not None) and node.value is None and node.timestamp < since:
            compute([node])


def check_not_tracing(wanted: Sequence[Tensor]) -> None:
    """Raise TracingError if one of the values is being recorded by an active trace; constants are allowed."""
    tracing = trace.current()
    if tracing is None:
        return
    for tensor in wanted:
        if tensor.op is None and tensor.value is not None and tensor.variable is None:
            continue
        if tensor.timestamp >= tracing.start or tensor.variable is not None:
            raise TracingError(
                f"A value was requested while a function was being traced, and it is not known yet{users_line()}. "
                f"Use where() instead of a branch on it, or a gradient tape without tracing."
            )
