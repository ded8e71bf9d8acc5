"""Operations that exist only in TensorFlow 1: placeholders, constants, groups, gradients."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from jitgrad.compat.tensorflow.constants import constant as fixed
from jitgrad.compat.tensorflow.dtypes import COMPUTED, DType, as_dtype
from jitgrad.compat.tensorflow.tensor import INT32, made
from jitgrad.compat.tensorflow.v1.graph import Operation, Symbol, Tensor, get_default_graph, operation_of
from jitgrad.compat.tensorflow.v1.shape import TensorShape
from jitgrad.compat.tensorflow.v1.staging import eager, operation
from jitgrad.compat.tensorflow.v1.variables import Variable, as_tensor
from jitgrad.errors import ArgumentError, DTypeError
from jitgrad.graph.nodes import gradients_of
from jitgrad.tape.tree import tree_leaves


def placeholder(dtype: Any, shape: Any = None, name: str | None = None) -> Tensor:
    """Create a tensor whose value is fed in each run. Sizes that are None may differ between runs."""
    kind = as_dtype(dtype)
    if kind not in COMPUTED:
        raise DTypeError(
            f"A placeholder of {kind.name} cannot be computed with. Use tf.float32, tf.float64, an integer or tf.bool."
        )
    return Tensor(Operation("Placeholder", _unfed, name=name), 0, kind, TensorShape(shape).plain)


def _unfed() -> Any:
    raise AssertionError("a placeholder is replaced by what is fed")


def placeholder_with_default(input: Any, shape: Any, name: str | None = None) -> Tensor:
    """Create a tensor with a default value, which may be replaced by a fed one."""
    made: Tensor = operation("PlaceholderWithDefault", eager, (as_tensor(input),), name=name)
    made._sizes = TensorShape(shape).plain
    return made


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str = "Const", verify_shape: bool = False) -> Tensor:
    """Create a tensor with the values of Python or NumPy objects."""
    found = fixed(value, dtype, shape)
    made: Tensor = operation("Const", lambda: found, (), name=name)
    return made


def convert_to_tensor(
    value: Any, dtype: Any = None, name: str | None = None, preferred_dtype: Any = None, dtype_hint: Any = None
) -> Any:
    """Convert a value to a tensor of the graph."""
    found = as_tensor(value, None if dtype is None else as_dtype(dtype), name or "Const")
    return found.value() if isinstance(found, Variable) else found


def group(*inputs: Any, name: str | None = None) -> Operation:
    """Create an operation that runs others."""
    op = no_op(name or "group_deps")
    op.after = (*op.after, *(operation_of(x) for x in tree_leaves(inputs)))
    return op


def no_op(name: str | None = None) -> Operation:
    """Create an operation that does nothing."""
    return Operation("NoOp", list, name=name)


def tuple(tensors: Sequence[Any], name: str | None = None, control_inputs: Sequence[Any] | None = None) -> list[Any]:
    """Return the tensors after all of them and ``control_inputs`` have been computed."""
    with control_dependencies([x for x in (*tensors, *(control_inputs or ())) if x is not None]):
        return [None if x is None else operation("Identity", eager, (x,)) for x in tensors]


def control_dependencies(control_inputs: Sequence[Any] | None) -> Any:
    """Return a context in which new operations run after the given ones."""
    return get_default_graph().control_dependencies(control_inputs)


@contextmanager
def name_scope(name: str | None, default_name: str | None = None, values: Any = None) -> Iterator[str]:
    """Return a context in which names begin with ``layer/``: ``with tf.name_scope("layer"):``."""
    with get_default_graph().name_scope(name or default_name) as scope:
        yield scope


@contextmanager
def device(name: Any) -> Iterator[None]:
    """Return a context that has no effect: there is only one device."""
    yield


def add_to_collection(name: str, value: Any) -> None:
    """Append a value to a collection of the graph."""
    get_default_graph().add_to_collection(name, value)


def get_collection(key: str, scope: str | None = None) -> list[Any]:
    """Return the values of a collection of the graph."""
    return get_default_graph().get_collection(key, scope)


def set_random_seed(seed: int | None) -> None:
    """Seed the random numbers of each session of this graph."""
    get_default_graph().seed = seed


def gradients(
    ys: Any, xs: Any, grad_ys: Any = None, name: str = "gradients", colocate_gradients_with_ops: bool = False,
    gate_gradients: Any = False, aggregation_method: Any = None, stop_gradients: Any = None,
    unconnected_gradients: Any = "none",
) -> list[Any]:  # fmt: skip
    """Return the derivatives of the sum of ``ys`` with respect to each of ``xs``, or None if it does not depend on one."""
    if stop_gradients is not None:
        raise ArgumentError("tf.gradients does not support stop_gradients. Use tf.stop_gradient on them where they are used.")
    targets = [as_tensor(y) for y in (ys if isinstance(ys, list) else [ys])]
    sources = [as_tensor(x) for x in (xs if isinstance(xs, list) else [xs])]
    weights = [None] * len(targets) if grad_ys is None else (grad_ys if isinstance(grad_ys, list) else [grad_ys])
    used = _used_by(targets)
    wanted = [x for x in sources if id(x) in used]
    op = Operation("Gradients", _Gradients(), (targets, wanted, weights), name=name)
    made = iter([Tensor(op, i, x.dtype, x.get_shape().plain) for i, x in enumerate(wanted)])
    zeros = getattr(unconnected_gradients, "value", unconnected_gradients) == "zero"
    return [next(made) if id(x) in used else as_tensor(0.0, x.dtype) * x if zeros else None for x in sources]


class _Gradients:
    name = "gradients"

    def __call__(self, targets: list[Any], sources: list[Any], weights: list[Any]) -> list[Any]:
        total: Any = None
        for target, weight in zip(targets, weights, strict=True):
            value = target._read() if weight is None else target._read() * eager(weight)._read()
            part = value.sum()
            total = part if total is None else total + part
        integers = [getattr(x, "_integer", INT32) for x in sources]
        found = gradients_of(total, [x._read() for x in sources])
        return [made(g, integer) for g, integer in zip(found, integers, strict=True)]


def _used_by(targets: list[Any]) -> set[int]:
    """Return the ids of the tensors with respect to which a target is differentiable: it depends on them through floats."""
    used: set[int] = set()
    stack = [x for x in targets if x.dtype.is_floating]
    while stack:
        x = stack.pop()
        if id(x) in used:
            continue
        used.add(id(x))
        if isinstance(x, Tensor) and x.op.type not in ("StopGradient", "PreventGradient"):
            below = tree_leaves((x.op.args, x.op.kwargs))
            stack += [y for y in below if isinstance(y, Symbol) and _dtype(y).is_floating]
    return used


def _dtype(x: Any) -> DType:
    found: DType = x.dtype
    return found


__all__ = [
    "add_to_collection", "constant", "control_dependencies", "convert_to_tensor", "device", "get_collection", "gradients",
    "group", "name_scope", "no_op", "placeholder", "placeholder_with_default", "tuple",
]  # fmt: skip
