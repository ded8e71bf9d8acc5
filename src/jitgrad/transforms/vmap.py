"""A function of one row, applied to all rows at once."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from jitgrad.errors import ArgumentError, ShapeError, UnsupportedError
from jitgrad.functions.axes import axis_of
from jitgrad.functions.shapes import moveaxis
from jitgrad.ops.random import uniform
from jitgrad.tape.batching import batched, depending
from jitgrad.tape.protocol import public
from jitgrad.tape.recording import Recording
from jitgrad.tape.tensor import Tensor, as_tensor, placeholder, upstream
from jitgrad.tape.tree import tree_leaves, tree_pack

Axes = Any
"""A number, None for what is the same in each row, or a nesting of them as far as the value's goes."""


def vmap(f: Callable[..., Any], in_axes: Axes = 0, out_axes: Axes = 0) -> Callable[..., Any]:
    """``f`` for each row of its arguments, all rows in one run.

    Parameters
    ----------
    f : callable
        Takes and returns arrays, nested in lists, tuples and dicts or not. It is called once, with Tensors whose values are
        not known, so it may not branch on them: use ``where``.
    in_axes : int, None or sequence, default 0
        Which axis of each positional argument has the rows; None for an argument that is the same in each. A tuple or list
        has one for each argument, which may be nested as the argument is, or end earlier. Keywords have rows along axis 0.
    out_axes : int, None or nesting, default 0
        Where the axis of the rows stands in the results; None for a result that is the same in each row.

    Returns
    -------
    callable
        Takes the same arguments with one more axis. It may be differentiated, traced, and mapped again; and ``f`` may
        contain gradients.

    Raises
    ------
    ArgumentError
        On a call, where ``in_axes`` or ``out_axes`` do not fit, or nothing has rows.
    ShapeError
        Where the arguments differ in rows, or lack an axis.
    TracingError
        Where ``f`` asks for a value.
    UnsupportedError
        Where ``f`` draws random numbers, which would be the same in each row.

    Examples
    --------
    >>> import jitgrad as jg
    >>> slopes = jg.vmap(jg.grad(lambda x: x**3))
    >>> print(f"{slopes(jg.arange(3.0))}")
    [ 0.  3. 12.]
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
        with Recording("vmap") as recording:
            called = tree_pack((args, kwargs), inside)
            result = f(*called[0], **called[1])
            if any(part is None for part in tree_leaves(result)):
                raise ArgumentError(f"vmap: the function returns {result!r}. Return what it computes, and no None.")
            outputs = [as_tensor(t) for t in tree_leaves(result)]
        _check_random(outputs, recording)
        wanted = _spread("out_axes", out_axes, result)
        for t, axis in zip(outputs, wanted, strict=True):
            if axis is None and depending([t], mine):
                raise ArgumentError("vmap: out_axes is None for a result that differs by row. Give it an axis.")
        many = batched(outputs, mine, rows)
        placed = [
            t if axis is None else moveaxis(y, 0, axis_of("vmap: out_axes", axis, y.ndim))
            for t, y, axis in zip(outputs, many, wanted, strict=True)
        ]
        return tree_pack(result, placed)

    return mapped


def _axes_of_arguments(in_axes: Axes, args: tuple[Any, ...]) -> list[int | None]:
    """For each leaf of the arguments its axis."""
    if isinstance(in_axes, (tuple, list)):
        if len(in_axes) != len(args):
            raise ArgumentError(
                f"vmap: in_axes has {len(in_axes)} items for {len(args)} positional arguments. Give one for each."
            )
        return [axis for given, arg in zip(in_axes, args, strict=True) for axis in _spread("in_axes", given, arg)]
    return _spread("in_axes", in_axes, args)


def _spread(name: str, axes: Axes, nest: Any) -> list[int | None]:
    """``axes`` for each leaf of a nesting, which goes at least as far."""
    if axes is None or (isinstance(axes, int) and not isinstance(axes, bool)):
        return [axes] * len(tree_leaves(nest))
    if isinstance(axes, dict) and isinstance(nest, dict) and axes.keys() == nest.keys():
        return [axis for key, item in nest.items() for axis in _spread(name, axes[key], item)]
    if isinstance(axes, (tuple, list)) and isinstance(nest, (tuple, list)) and len(axes) == len(nest):
        return [axis for given, item in zip(axes, nest, strict=True) for axis in _spread(name, given, item)]
    raise ArgumentError(f"vmap: {name} has {axes!r} where there is {_kind(nest)}. Give a number, None, or nest it alike.")


def _kind(nest: Any) -> str:
    if isinstance(nest, dict):
        return f"a dict with keys {list(nest)}"
    return f"a sequence of {len(nest)}" if isinstance(nest, (tuple, list)) else "one value"


def _row_axis(axis: int, x: Tensor) -> int:
    if not x.shape:
        raise ShapeError("vmap: an argument is a number, which has no rows. Give None for it in in_axes.")
    return axis_of("vmap: in_axes", axis, x.ndim)


def _check_rows(rows: Sequence[Tensor]) -> None:
    if not rows:
        raise ArgumentError("vmap: no argument has rows. Give an axis for at least one in in_axes.")
    counts = {x.shape[0] for x in rows}
    if len(counts) > 1:
        raise ShapeError(f"vmap: the arguments have {' and '.join(map(str, sorted(counts)))} rows. Give as many of each.")


def _check_random(outputs: Sequence[Tensor], recording: Recording) -> None:
    if any(node.op is uniform for node in upstream(outputs, recording.has)):
        raise UnsupportedError(
            "vmap: the function draws random numbers, which would be the same in each row. Draw them before, and map over them."
        )
