"""Vectorization: a function of one row, applied to all rows at once."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from jitgrad.errors import ArgumentError, ShapeError, UnsupportedError
from jitgrad.functions.axes import axis_of
from jitgrad.functions.shapes import moveaxis
from jitgrad.ops.random import uniform
from jitgrad.tape.batching import batched, depending
from jitgrad.tape.protocol import public
from jitgrad.tape.recording import Recording
from jitgrad.tape.tensor import Tensor, as_tensor, placeholder, upstream
from jitgrad.tape.tree import tree_leaves, tree_pack

R = TypeVar("R")

Axes = Any
"""An int, None for a value shared by all rows, or lists, tuples and dicts of these."""


def vmap(f: Callable[..., R], in_axes: Axes = 0, out_axes: Axes = 0) -> Callable[..., R]:
    """Return a function that applies ``f`` to all rows of its arguments in one run.

    Parameters
    ----------
    f : callable
        A function of arrays, or lists, tuples and dicts of them, which returns the same. It is called once, with Tensors whose
        values are unknown, so it cannot branch on them; use ``where`` instead.
    in_axes : int, None or sequence, default 0
        The axis of each positional argument that holds the rows; None for an argument that all rows share. A tuple or list
        has one entry for each argument, which may have the structure of the argument. Keyword arguments have their rows along
        axis 0.
    out_axes : int, None or structure of them, default 0
        The axis of the results that holds the rows; None for a result that is the same for all rows.

    Returns
    -------
    callable
        A function of the same arguments with one more axis. It can be differentiated, traced and mapped again, and ``f`` may
        compute gradients.

    Raises
    ------
    ArgumentError
        When it is called, if ``in_axes`` or ``out_axes`` do not match, or no argument has rows.
    ShapeError
        When it is called, if the arguments have different numbers of rows, or lack an axis.
    TracingError
        When it is called, if ``f`` requests a value, for example to branch on it.
    UnsupportedError
        When it is called, if ``f`` draws random numbers, which would be the same in each row.

    Examples
    --------
    >>> slopes = jg.vmap(jg.grad(lambda x: x**3))
    >>> slopes(np.array([0.0, 1.0, 2.0])).numpy()
    array([ 0.,  3., 12.])

    Share one argument among all rows:

    >>> weighted = jg.vmap(lambda x, w: jg.sum(x * w), in_axes=(0, None))
    >>> weighted(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1.0, 10.0])).numpy()
    array([21., 43.])
    """

    @public()
    @functools.wraps(f)
    def mapped(*args: Any, **kwargs: Any) -> Any:
        given = [*_axes_of_arguments(in_axes, args), *[0] * len(tree_leaves(kwargs))]
        leaves = [as_tensor(x) for x in tree_leaves((args, kwargs))]
        moved = [x if axis is None else moveaxis(x, _row_axis(axis, x), 0) for axis, x in zip(given, leaves, strict=True)]
        rows = [x for axis, x in zip(given, moved, strict=True) if axis is not None]
        _check_rows(rows)
        inside = [x if axis is None else placeholder(x.shape[1:], x.level) for axis, x in zip(given, moved, strict=True)]
        mine = [x for axis, x in zip(given, inside, strict=True) if axis is not None]
        with Recording("vmap", unknown=True) as recording:
            called = tree_pack((args, kwargs), inside)
            result = f(*called[0], **called[1])
            if any(part is None for part in tree_leaves(result)):
                raise ArgumentError(f"vmap: the function returns {result!r}. Return the values that it computes, without None.")
            outputs = [as_tensor(t) for t in tree_leaves(result)]
        _check_random(outputs, recording)
        wanted = _spread("out_axes", out_axes, result)
        for t, axis in zip(outputs, wanted, strict=True):
            if axis is None and depending([t], mine):
                raise ArgumentError("vmap: out_axes is None for a result that differs between rows. Give an axis.")
        many = batched(outputs, mine, rows)
        placed = [
            t if axis is None else moveaxis(y, 0, axis_of("vmap: out_axes", axis, y.ndim))
            for t, y, axis in zip(outputs, many, wanted, strict=True)
        ]
        return tree_pack(result, placed)

    return mapped


def _axes_of_arguments(in_axes: Axes, args: tuple[Any, ...]) -> list[int | None]:
    """Return the axis of each leaf of the arguments."""
    if isinstance(in_axes, (tuple, list)):
        if len(in_axes) != len(args):
            raise ArgumentError(
                f"vmap: in_axes has {len(in_axes)} items for {len(args)} positional arguments. Give one for each."
            )
        return [axis for given, arg in zip(in_axes, args, strict=True) for axis in _spread("in_axes", given, arg)]
    return _spread("in_axes", in_axes, args)


def _spread(name: str, axes: Axes, nest: Any) -> list[int | None]:
    """Return the axis of each leaf of a structure that is at least as deep as ``axes``."""
    if axes is None or (isinstance(axes, int) and not isinstance(axes, bool)):
        return [axes] * len(tree_leaves(nest))
    if isinstance(axes, dict) and isinstance(nest, dict) and axes.keys() == nest.keys():
        return [axis for key, item in nest.items() for axis in _spread(name, axes[key], item)]
    if isinstance(axes, (tuple, list)) and isinstance(nest, (tuple, list)) and len(axes) == len(nest):
        return [axis for given, item in zip(axes, nest, strict=True) for axis in _spread(name, given, item)]
    raise ArgumentError(f"vmap: {name} has {axes!r} for {_kind(nest)}. Give an integer, None, or the same structure.")


def _kind(nest: Any) -> str:
    if isinstance(nest, dict):
        return f"a dict with keys {list(nest)}"
    return f"a sequence of {len(nest)}" if isinstance(nest, (tuple, list)) else "one value"


def _row_axis(axis: int, x: Tensor) -> int:
    if not x.shape:
        raise ShapeError("vmap: an argument is a number, so it has no rows. Give None for it in in_axes.")
    return axis_of("vmap: in_axes", axis, x.ndim)


def _check_rows(rows: Sequence[Tensor]) -> None:
    if not rows:
        raise ArgumentError("vmap: no argument has rows. Give an axis for at least one argument in in_axes.")
    counts = {x.shape[0] for x in rows}
    if len(counts) > 1:
        raise ShapeError(
            f"vmap: the arguments have {' and '.join(map(str, sorted(counts)))} rows. "
            "Give arguments with the same number of rows."
        )


def _check_random(outputs: Sequence[Tensor], recording: Recording) -> None:
    if any(node.op is uniform for node in upstream(outputs, recording.has)):
        raise UnsupportedError(
            "vmap: the function draws random numbers, which would be the same in each row. Draw them first, and map over them."
        )
