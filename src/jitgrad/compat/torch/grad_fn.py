"""``tensor.grad_fn``: the operation that created a tensor, for programs that inspect it."""

from __future__ import annotations

import functools

from jitgrad.tape.tensor import Tensor as Plain

_SHORT = {"multiply": "Mul", "subtract": "Sub", "divide": "Div", "power": "Pow", "negative": "Neg", "matmul": "Mm"}


class GradFn:
    """The operation that created a tensor, under PyTorch's name."""

    __slots__ = ("_held", "_name")

    def __init__(self, name: str, held: Plain) -> None:
        self._name = name
        self._held = held

    @property
    def next_functions(self) -> tuple[tuple[GradFn | None, int], ...]:
        """The operations that created the operands, with the operands that require gradients first."""
        given = sorted(self._held.inputs, key=lambda x: x.gradient is None)
        return tuple([(None if x.gradient is None else grad_fn(maker(x), x), 0) for x in given])

    def name(self) -> str:
        """Return a name such as "AddBackward0"."""
        return self._name

    def __repr__(self) -> str:
        return f"<{self._name} object at {id(self):#x}>"


@functools.cache
def _kind(name: str) -> type[GradFn]:
    """Return the class for a name, which programs read with ``type(grad_fn).__name__``."""
    return type(name, (GradFn,), {"__slots__": ()})


def grad_fn(name: str, held: Plain) -> GradFn:
    """Return the operation that created a tensor, under PyTorch's name."""
    return _kind(name)(name, held)


def maker(x: Plain) -> str:
    """Return the name of the operation that created a jitgrad Tensor."""
    if x.op is None:
        return "AccumulateGrad"
    return f"{_SHORT.get(x.op.name) or x.op.name.title().replace('_', '')}Backward0"
