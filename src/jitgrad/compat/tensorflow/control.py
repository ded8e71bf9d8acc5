"""Loops and branches, which run as in Python, and Python functions of tensors."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np

from jitgrad.compat.tensorflow.arguments import integer
from jitgrad.compat.tensorflow.dtypes import as_dtype
from jitgrad.compat.tensorflow.errors import ConversionError, InvalidArgumentError, OutOfRangeError
from jitgrad.compat.tensorflow.shapes import concat, stack, unstack
from jitgrad.compat.tensorflow.tensor import Tensor, convert, wrap_array
from jitgrad.tape.operators import Operators
from jitgrad.tape.tree import tree_leaves, tree_map, tree_pack


def cond(pred: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any], name: str | None = None) -> Any:
    """Return the result of ``true_fn`` if ``pred`` is true, otherwise the result of ``false_fn``."""
    return true_fn() if pred else false_fn()


def case(
    pred_fn_pairs: Any, default: Callable[[], Any] | None = None, exclusive: bool = False, strict: bool = False,
    name: str = "case",
) -> Any:  # fmt: skip
    """Return the result of the first function whose condition is true, otherwise the result of ``default``."""
    holding = [f for pred, f in pred_fn_pairs if pred]
    if exclusive and len(holding) > 1:
        raise InvalidArgumentError(
            "Input error: more than one condition holds, with exclusive=True [Op:Case]. Make them exclusive."
        )
    if not holding and default is None:
        raise InvalidArgumentError("Input error: none of the conditions holds, and there is no default [Op:Case]. Give one.")
    return (holding[0] if holding else default)()  # type: ignore[misc]


def switch_case(branch_index: Any, branch_fns: Any, default: Callable[[], Any] | None = None, name: str = "switch_case") -> Any:
    """Return the result of the function with this index, or of ``default`` or the last function if the index is invalid."""
    branches = dict(branch_fns if isinstance(branch_fns, dict) or isinstance(branch_fns[0], tuple) else enumerate(branch_fns))
    return branches.get(integer(branch_index), default or branches[max(branches)])()


def while_loop(
    cond: Callable[..., Any], body: Callable[..., Any], loop_vars: Any, shape_invariants: Any = None,
    parallel_iterations: int = 10, back_prop: bool = True, swap_memory: bool = False, maximum_iterations: Any = None,
    name: str | None = None,
) -> Any:  # fmt: skip
    """Call ``body`` on its own results while ``cond`` is true."""
    most = float("inf") if maximum_iterations is None else integer(maximum_iterations)
    state = tree_map(lambda x: convert(x) if not isinstance(x, TensorArray) else x, loop_vars)
    trips = 0
    while trips < most and cond(*state):
        found = body(*state)
        state = list(found) if isinstance(found, (list, tuple)) else [found]
        state = [tree_map(lambda x: convert(x) if not isinstance(x, TensorArray) else x, item) for item in state]
        trips += 1
    return type(loop_vars)(state) if isinstance(loop_vars, tuple) and not hasattr(loop_vars, "_fields") else tuple(state)


def _slices(elems: Any) -> Iterator[Any]:
    rows = [unstack(x) for x in tree_leaves(elems)]
    if len({len(r) for r in rows}) > 1:
        raise ConversionError(f"The elements have {[len(r) for r in rows]} rows. Give tensors with the same number of rows.")
    return (tree_pack(elems, list(row)) for row in zip(*rows, strict=True))


def _stacked(results: list[Any]) -> Any:
    leaves = [tree_leaves(result) for result in results]
    return tree_pack(results[0], [stack(list(column)) for column in zip(*leaves, strict=True)])


def map_fn(
    fn: Callable[[Any], Any], elems: Any, dtype: Any = None, parallel_iterations: Any = None, back_prop: bool = True,
    swap_memory: bool = False, infer_shape: bool = True, name: str | None = None, fn_output_signature: Any = None,
) -> Any:  # fmt: skip
    """Apply ``fn`` to each slice along the first axis and stack the results."""
    return _stacked([fn(element) for element in _slices(elems)])


def vectorized_map(fn: Callable[[Any], Any], elems: Any, fallback_to_while_loop: bool = True, warn: bool = True) -> Any:
    """Apply ``fn`` to each slice along the first axis and stack the results."""
    return map_fn(fn, elems)


def foldl(
    fn: Callable[[Any, Any], Any], elems: Any, initializer: Any = None, parallel_iterations: int = 10, back_prop: bool = True,
    swap_memory: bool = False, name: str | None = None,
) -> Any:  # fmt: skip
    """Reduce the slices with ``fn``, from the first to the last."""
    return _folded(fn, list(_slices(elems)), initializer)[-1]


def foldr(
    fn: Callable[[Any, Any], Any], elems: Any, initializer: Any = None, parallel_iterations: int = 10, back_prop: bool = True,
    swap_memory: bool = False, name: str | None = None,
) -> Any:  # fmt: skip
    """Reduce the slices with ``fn``, from the last to the first."""
    return _folded(fn, list(_slices(elems))[::-1], initializer)[-1]


def scan(
    fn: Callable[[Any, Any], Any], elems: Any, initializer: Any = None, parallel_iterations: int = 10, back_prop: bool = True,
    swap_memory: bool = False, infer_shape: bool = True, reverse: bool = False, name: str | None = None,
) -> Any:  # fmt: skip
    """Return all intermediate results of ``foldl``, stacked."""
    rows = list(_slices(elems))
    found = _folded(fn, rows[::-1] if reverse else rows, initializer)
    found = found if initializer is None else found[1:]
    return _stacked(found[::-1] if reverse else found)


def _folded(fn: Callable[[Any, Any], Any], rows: list[Any], initializer: Any) -> list[Any]:
    states = [rows.pop(0)] if initializer is None else [tree_map(convert, initializer)]
    for row in rows:
        states.append(fn(states[-1], row))
    return states


class TensorArray:
    """An array of tensors that are written and read by index.

    Parameters
    ----------
    dtype : DType
        Dtype of the elements.
    size : int
        Number of elements.
    dynamic_size : bool
        Whether writing beyond the end extends the array.
    """

    def __init__(
        self, dtype: Any, size: Any = 0, dynamic_size: bool = False, clear_after_read: Any = None,
        tensor_array_name: str | None = None, handle: Any = None, flow: Any = None, infer_shape: bool = True,
        element_shape: Any = None, colocate_with_first_write_call: bool = True, name: str | None = None,
    ) -> None:  # fmt: skip
        self.dtype = as_dtype(dtype)
        self.dynamic_size = dynamic_size
        self._elements: list[Tensor | None] = [None] * integer(size)

    def write(self, index: Any, value: Any, name: str | None = None) -> TensorArray:
        """Store a tensor at an index; returns the array."""
        at = integer(index)
        if at >= len(self._elements):
            if not self.dynamic_size:
                raise OutOfRangeError(f"Tried to write to index {at} but array size is: {len(self._elements)}. Make it larger.")
            self._elements += [None] * (at + 1 - len(self._elements))
        self._elements[at] = convert(value, self.dtype)
        return self

    def read(self, index: Any, name: str | None = None) -> Tensor:
        """Return the tensor at an index."""
        at = integer(index)
        if not 0 <= at < len(self._elements):
            raise OutOfRangeError(
                f"Tried to read from index {at} but array size is: {len(self._elements)}. Use a smaller index."
            )
        return self._filled()[at]

    def unstack(self, value: Any, name: str | None = None) -> TensorArray:
        """Store the slices of a tensor."""
        self._elements = list(unstack(convert(value, self.dtype)))
        return self

    def stack(self, name: str | None = None) -> Tensor:
        """Return all elements, stacked."""
        return stack(self._filled())

    def concat(self, name: str | None = None) -> Tensor:
        """Return all elements, concatenated."""
        return concat(self._filled(), 0)

    def gather(self, indices: Any, name: str | None = None) -> Tensor:
        """Return some elements, stacked."""
        filled = self._filled()
        return stack([filled[i] for i in np.asarray(convert(indices).numpy()).tolist()])

    def size(self, name: str | None = None) -> Tensor:
        """Return the number of elements."""
        return wrap_array(np.int32(len(self._elements)))

    def _filled(self) -> list[Tensor]:
        """Return all elements, with zeros in place of unwritten ones, in the shape of another element."""
        known = next((x for x in self._elements if x is not None), None)
        if known is None:
            return []
        zeros = wrap_array(np.zeros(known._plain_shape, self.dtype.dtype))
        return [zeros if x is None else x for x in self._elements]


def py_function(func: Any = None, inp: Any = None, Tout: Any = None, name: str | None = None) -> Any:
    """Apply ``func`` to tensors and return its results as tensors of ``Tout``; also a decorator."""
    if func is None or inp is None:
        return lambda f: lambda *args: py_function(f if func is None else func, args, Tout)
    return _typed(func(*[convert(x) for x in inp]), Tout)


def numpy_function(func: Any = None, inp: Any = None, Tout: Any = None, stateful: bool = True, name: str | None = None) -> Any:
    """Apply ``func`` to arrays and return its results as tensors of ``Tout``, without gradients; also a decorator."""
    if func is None or inp is None:
        return lambda f: lambda *args: numpy_function(f if func is None else func, args, Tout)
    return _typed(func(*[convert(x).numpy() for x in inp]), Tout)


def _typed(result: Any, Tout: Any) -> Any:
    if isinstance(Tout, (list, tuple)):
        return [_typed(x, kind) for x, kind in zip(result, Tout, strict=True)]
    if isinstance(result, Operators):
        return convert(result, Tout)
    return result if result is None or Tout in (None, ()) else wrap_array(np.asarray(result), as_dtype(Tout))


def group(*inputs: Any, name: str | None = None) -> None:
    """Do nothing: the arguments are already computed."""


def no_op(name: str | None = None) -> None:
    """Do nothing."""


def timestamp(name: str | None = None) -> Tensor:
    """Return the time in seconds since 1970."""
    return wrap_array(np.float64(time.time()))


def executing_eagerly() -> bool:
    """Return whether tensors are computed eagerly: always True."""
    return True


def init_scope() -> Any:
    """Return a context that has no effect: nothing is traced."""
    return nullcontext()


def control_dependencies(control_inputs: Any) -> Any:
    """Return a context that has no effect: computations run in the order of the program."""
    return nullcontext()


@contextmanager
def device(device_name: Any) -> Iterator[None]:
    """Return a context that has no effect: the CPU is the only device."""
    yield


__all__ = [
    "TensorArray", "case", "cond", "control_dependencies", "device", "executing_eagerly", "foldl", "foldr", "group",
    "init_scope", "map_fn", "no_op", "numpy_function", "py_function", "scan", "switch_case", "timestamp", "vectorized_map",
    "while_loop",
]  # fmt: skip
