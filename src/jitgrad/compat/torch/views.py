"""Views of other tensors and their gradients: a change of the view changes the tensor."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from jitgrad.compat.torch.dtypes import INT64
from jitgrad.compat.torch.errors import TorchError
from jitgrad.compat.torch.tensor import Tensor
from jitgrad.functions.shapes import reshape
from jitgrad.ops.elementwise import stop_gradient
from jitgrad.tape.dtypes import INTEGER
from jitgrad.tape.recording import grad_enabled
from jitgrad.tape.requires_grad import Gradient
from jitgrad.tape.tensor import Tensor as Plain
from jitgrad.tape.variable import Variable

_new = object.__new__
Function = Callable[[Any], Plain]
"""A function that rearranges the elements of a jitgrad Tensor, such as a reshape or a slice."""


class View(Tensor):
    """The elements of another tensor in another shape; both change together."""

    __slots__ = ("_base", "_function", "_made", "_seen")
    _base: Any
    _function: Function
    _made: Plain
    _seen: Plain | None

    @property
    def _tensor(self) -> Any:
        base = self._base
        if base is not None:
            now = _state(base)
            if now is not self._seen:
                self._made = self._function(base._tensor)
                self._seen = now
        return self._made

    @_tensor.setter
    def _tensor(self, value: Any) -> None:
        self._base, self._made = None, value

    def _become(self, value: Plain, name: str = "") -> None:
        base = self._base
        if base is None:
            super()._become(value, name)
            return
        if grad_enabled() and base.is_leaf and base.requires_grad:
            raise TorchError(
                "a view of a leaf Variable that requires grad is being used in an in-place operation. "
                "Change it inside torch.no_grad(), or create a new tensor."
            )
        base._become(_replaced(base._tensor, self._function, value), "CopySlices")

    def _keep_value(self) -> None:
        self._tensor = self._tensor


class Detached(View):
    """A tensor detached from its derivative, which shares the value of the original."""

    __slots__ = ()

    @property
    def _tensor(self) -> Any:
        base = self._base if type(self._base) is not weakref.ref else self._base()
        if base is not None:
            now = _state(base)
            if now is not self._seen:
                self._made = _constant(base._tensor)
                self._seen = now
        return self._made

    @_tensor.setter
    def _tensor(self, value: Any) -> None:
        self._base, self._made = None, value

    def _become(self, value: Plain, name: str = "") -> None:
        base = self._base if type(self._base) is not weakref.ref else self._base()
        if base is None:
            self._tensor = stop_gradient(value)
            return
        held = base._tensor
        if isinstance(held, Variable):
            held.assign(stop_gradient(value))
        else:
            base._become(stop_gradient(value), name)


class GradientOf(Tensor):
    """The gradient that ``backward`` accumulates, ``tensor.grad``."""

    __slots__ = ("_kept", "_shown")
    _kept: Gradient | None
    _shown: Plain

    @property
    def _tensor(self) -> Any:
        kept = self._kept
        if kept is not None and kept.value is not None:
            self._shown = kept.value
        return self._shown

    @_tensor.setter
    def _tensor(self, value: Any) -> None:
        if self._kept is not None:
            self._kept.value = value
        self._shown = value

    def _keep_value(self) -> None:
        self._shown, self._kept = self._tensor, None


def view(base: Tensor, function: Function, name: str, now: Plain | None = None) -> Tensor:
    """Return a view of a tensor, defined by a function of Tensors that only rearranges and selects elements.

    ``now`` is the function's result for the current value, if it is known.
    """
    if now is None and not grad_enabled() and base._tensor.gradient is not None:
        with_gradient = function

        def function(x: Any) -> Plain:
            return stop_gradient(with_gradient(x))

    made = _new(View)
    made._integer = base._integer
    made._name = name
    made._grad = None
    made._base = base
    made._function = function
    made._seen = _state(base)
    made._made = function(base._tensor) if now is None else now
    return made


def detach(self: Tensor) -> Tensor:
    """Return the same value without its derivative. In-place changes to the result also change this tensor."""
    made = _new(Detached)
    made._integer = self._integer
    made._name = ""
    made._grad = None
    made._base = self if isinstance(self._tensor, Variable) or self.is_leaf else weakref.ref(self)
    made._seen = _state(self)
    made._made = _constant(self._tensor)
    return made


def _constant(held: Any) -> Plain:
    """Return the value without its derivative."""
    return (
        stop_gradient(held)
        if held.gradient is not None or (isinstance(held, Variable) and held.level > INTEGER)
        else held._read()
    )


def _set_data(self: Tensor, value: Tensor) -> None:
    if value is not self:
        held, new = self._tensor, _constant(value._tensor)
        if isinstance(held, Variable):
            held.assign(new)
        else:
            self._tensor = new
            self._integer = value._integer


def _show(self: Tensor, kept: Gradient) -> Tensor:
    made = _new(GradientOf)
    made._integer = INT64
    made._name = ""
    made._grad = None
    made._kept = kept
    return made


def _state(base: Tensor) -> Plain:
    """Return a placeholder for the current value of a tensor."""
    held = base._tensor
    return held.leaf if isinstance(held, Variable) else held


def _replaced(held: Any, function: Function, value: Plain) -> Plain:
    """Return ``held`` with ``value`` in the elements that ``function`` selects."""
    places = np.asarray(function(Plain(None, (), (), held.shape, 1, _numbered(held.shape))).force(), np.int64)
    if np.unique(places).size < places.size:
        raise TorchError(
            "unsupported operation: more than one element of the written-to tensor refers to a single memory location. "
            "clone() the tensor before changing it in place."
        )
    flat = reshape(held, (held.size,))
    return reshape(flat.at[places.ravel()].set(reshape(value, (places.size,))), held.shape)


def _numbered(shape: tuple[int, ...]) -> np.ndarray:
    return np.arange(int(np.prod(shape)), dtype=np.int64).reshape(shape)


for _shown in (View, Detached, GradientOf):  # as programs print them
    _shown.__name__, _shown.__qualname__, _shown.__module__ = "Tensor", "Tensor", "torch"
Tensor.detach = detach  # type: ignore[method-assign]
Tensor.data = property(detach, _set_data)
Tensor._show = _show  # type: ignore[method-assign]
