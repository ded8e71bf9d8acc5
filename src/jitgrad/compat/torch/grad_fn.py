"""``tensor.grad_fn``: what made a tensor, for programs that look."""

from __future__ import annotations

import functools

from jitgrad.tape.tensor import Tensor as Plain

_SHORT = {"multiply": "Mul", "subtract": "Sub", "divide": "Div", "power": "Pow", "negative": "Neg", "matmul": "Mm"}


class GradFn:
    """What made a tensor that requires a gradient, by the name that PyTorch gives it."""

    __slots__ = ("_held", "_name")

    def __init__(self, name: str, held: Plain) -> None:
        self._name = name
        self._held = held

    @property
    def next_functions(self) -> tuple[tuple[GradFn | None, int], ...]:
        """What made its operands, first those that require gradients."""
        given = sorted(self._held.inputs, key=lambda x: x.gradient is None)
        return tuple([(None if x.gradient is None else grad_fn(maker(x), x), 0) for x in given])

    def name(self) -> str:
        """Such as "AddBackward0"."""
        return self._name

    def __repr__(self) -> str:
        return f"<{self._name} object at {id(self):#x}>"


@functools.cache
def _kind(name: str) -> type[GradFn]:
    """The class of what has a name, as programs ask by ``type(grad_fn).__name__``."""
    return type(name, (GradFn,), {"__slots__": ()})


def grad_fn(name: str, held: Plain) -> GradFn:
    """What made a tensor, by the name that PyTorch gives it."""
    return _kind(name)(name, held)


def maker(x: Plain) -> str:
    """The name of what made a Tensor of jitgrad."""
    if x.op is None:
        return "AccumulateGrad"
    return f"{_SHORT.get(x.op.name) or x.op.name.title().replace('_', '')}Backward0"
