"""Branches in a graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jitgrad.compat.tensorflow.elementwise import where
from jitgrad.compat.tensorflow.v1.graph import get_default_graph
from jitgrad.compat.tensorflow.v1.staging import staged
from jitgrad.compat.tensorflow.v1.variables import as_tensor
from jitgrad.errors import ArgumentError, UnsupportedError
from jitgrad.tape.tree import tree_leaves, tree_pack


def cond(
    pred: Any, true_fn: Callable[[], Any] | None = None, false_fn: Callable[[], Any] | None = None, strict: bool = False,
    name: str | None = None, fn1: Callable[[], Any] | None = None, fn2: Callable[[], Any] | None = None,
) -> Any:  # fmt: skip
    """Return the result of ``true_fn`` or ``false_fn``, depending on ``pred``. Both run, so they must not assign Variables."""
    if true_fn is None or false_fn is None:
        true_fn, false_fn = fn1, fn2
    if true_fn is None or false_fn is None:
        raise ArgumentError("tf.cond requires both branches. Give true_fn and false_fn.")
    graph = get_default_graph()
    before = len(graph.get_operations())
    taken, other = true_fn(), false_fn()
    if any(getattr(op.call, "changes_state", False) for op in graph.get_operations()[before:]):
        raise UnsupportedError(
            "tf.cond has a branch that changes a Variable, and jitgrad computes both branches. "
            "Assign the result of tf.cond instead."
        )
    pairs = zip(tree_leaves(taken), tree_leaves(other), strict=True)
    chosen = [staged("cond", where)(pred, as_tensor(a), as_tensor(b), name=name) for a, b in pairs]
    return tree_pack(taken, chosen)


__all__ = ["cond"]
