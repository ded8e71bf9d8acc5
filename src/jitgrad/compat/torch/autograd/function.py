"""``torch.autograd.Function``: operations with a custom derivative."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from jitgrad.compat.modules import missing
from jitgrad.compat.torch.errors import TorchError
from jitgrad.compat.torch.tensor import Tensor, wrap
from jitgrad.tape import recording
from jitgrad.transforms.custom import custom_gradient


class FunctionCtx:
    """Values that ``forward`` saves for ``backward``: tensors by ``save_for_backward``, everything else as attributes."""

    def __init__(self, needs_input_grad: tuple[bool, ...]) -> None:
        self.needs_input_grad = needs_input_grad
        self.saved_tensors: tuple[Any, ...] = ()
        self._constant: tuple[Any, ...] = ()
        self._zeros = True

    def save_for_backward(self, *tensors: Any) -> None:
        """Save tensors for ``backward``, which reads them from ``ctx.saved_tensors``."""
        self.saved_tensors = tensors

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Mark outputs that have no gradient."""
        self._constant = tensors

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Raise TorchError: not supported."""
        raise TorchError("ctx.mark_dirty: jitgrad's Functions do not change their inputs. Return a new tensor.")

    def set_materialize_grads(self, value: bool) -> None:
        """Accepted for compatibility: unused outputs always get gradients of zeros."""
        self._zeros = value


class Function:
    """An operation defined by ``forward(ctx, *args)`` and ``backward(ctx, *grad_outputs)``, called with ``apply``."""

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Return the outputs; to be overridden."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """Return the gradient of each input, or None; to be overridden."""
        raise NotImplementedError("You must implement the backward method for your custom autograd.Function.")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        """Save values for ``backward`` if ``forward`` does not take ``ctx``."""
        raise NotImplementedError("setup_context is not implemented.")

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """Compute the outputs of ``forward``, with ``backward`` as the derivative."""
        places = [i for i, x in enumerate(args) if isinstance(x, Tensor)]
        ctx = FunctionCtx(tuple([isinstance(x, Tensor) and x.requires_grad for x in args]))
        shown: list[Any] = []

        def both(*inputs: Any) -> Any:
            with recording.no_grad():
                result = _forward(cls, ctx, args)
            shown.append(result)
            outputs = result if isinstance(result, tuple) else (result,)
            plain = [x._tensor._read() for x in outputs]
            return tuple(plain) if isinstance(result, tuple) else plain[0], lambda *g: _backward(cls, ctx, g, len(args), places)

        if not places:
            return _forward(cls, ctx, args)
        made = custom_gradient(both)(*[args[i]._tensor for i in places])
        name = f"{cls.__name__}Backward"
        if not isinstance(shown[0], tuple):
            return wrap(made, name, shown[0]._integer)
        constant = [any(x is y for y in ctx._constant) for x in shown[0]]
        wrapped = [wrap(t, name, x._integer) for t, x in zip(made, shown[0], strict=True)]
        return tuple([x.detach() if still else x for x, still in zip(wrapped, constant, strict=True)])


def _forward(cls: type[Function], ctx: FunctionCtx, args: tuple[Any, ...]) -> Any:
    if cls.setup_context is Function.setup_context:
        result = cls.forward(ctx, *args)
    else:
        result = cls.forward(*args)
        cls.setup_context(ctx, args, result)
    parts = result if isinstance(result, tuple) else (result,)
    if not all(isinstance(x, Tensor) for x in parts):
        raise TypeError(f"{cls.__name__}.forward returns {result!r}. Return a tensor, or a tuple of them.")
    return result


def _backward(cls: type[Function], ctx: FunctionCtx, g: Sequence[Any], count: int, places: list[int]) -> tuple[Any | None, ...]:
    """Return the cotangents of the tensors among the arguments."""
    found = cls.backward(ctx, *[wrap(x) for x in g])
    given = list(found) if isinstance(found, tuple) else [found]
    if len(given) < count or any(x is not None for x in given[count:]):
        raise TorchError(
            f"function {cls.__name__}Backward returned an incorrect number of gradients (expected {count}, got {len(given)}). "
            f"Return one gradient, or None, for each argument of forward."
        )
    return tuple([None if given[i] is None else given[i]._tensor for i in places])


def once_differentiable(function: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a ``backward`` that is not differentiated again; returns the function itself."""
    return function


__all__ = ["Function", "FunctionCtx", "once_differentiable"]
__getattr__ = missing("torch.autograd.function", __all__)
