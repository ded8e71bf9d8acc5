"""``torch.func``: transforms of functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jitgrad.compat.modules import missing
from jitgrad.compat.torch.autograd.functional import plain, wrapped
from jitgrad.compat.torch.nn.module import Module
from jitgrad.compat.torch.nn.state import replaced
from jitgrad.compat.wrapper import unwrap
from jitgrad.transforms import gradients, jacobians
from jitgrad.transforms.vmap import vmap as _vmap


def _transformed(transform: Callable[..., Any], func: Callable[..., Any], *args: Any) -> Callable[..., Any]:
    made = transform(plain(func), *args)

    def function(*given: Any, **named: Any) -> Any:
        return wrapped(made(*unwrap(given), **unwrap(named)))

    return function


def grad(func: Callable[..., Any], argnums: Any = 0, has_aux: bool = False) -> Callable[..., Any]:
    """Return a function that computes the gradient of a scalar-valued function."""
    return _transformed(gradients.grad, func, argnums, has_aux)


def grad_and_value(func: Callable[..., Any], argnums: Any = 0, has_aux: bool = False) -> Callable[..., Any]:
    """Return a function that computes the gradient and the value."""
    both = _transformed(gradients.value_and_grad, func, argnums, has_aux)

    def function(*given: Any, **named: Any) -> Any:
        value, gradient = both(*given, **named)
        return gradient, value

    return function


def vmap(func: Callable[..., Any], in_dims: Any = 0, out_dims: Any = 0) -> Callable[..., Any]:
    """Vectorize a function of one row over all rows."""
    return _transformed(_vmap, func, in_dims, out_dims)


def jacrev(func: Callable[..., Any], argnums: Any = 0, has_aux: bool = False) -> Callable[..., Any]:
    """Return a function that computes the Jacobian in reverse mode."""
    return _transformed(jacobians.jacrev, func, argnums, has_aux)


def jacfwd(func: Callable[..., Any], argnums: Any = 0, has_aux: bool = False) -> Callable[..., Any]:
    """Return a function that computes the Jacobian in forward mode."""
    return _transformed(jacobians.jacfwd, func, argnums, has_aux)


def hessian(func: Callable[..., Any], argnums: Any = 0) -> Callable[..., Any]:
    """Return a function that computes the Hessian."""
    return _transformed(jacobians.hessian, func, argnums)


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """Return the outputs of a function, and a function that maps their cotangents to the cotangents of the inputs."""
    value, pull, *aux = gradients.vjp(plain(func), *unwrap(primals), has_aux=has_aux)
    return (wrapped(value), lambda *v: wrapped(pull(unwrap(v[0] if len(v) == 1 else v))), *wrapped(aux))


def jvp(func: Callable[..., Any], primals: Any, tangents: Any, *, has_aux: bool = False) -> Any:
    """Return the outputs of a function, and their derivatives in a direction."""
    return wrapped(gradients.jvp(plain(func), unwrap(tuple(primals)), unwrap(tuple(tangents)), has_aux))


def functional_call(
    module: Module, parameter_and_buffer_dicts: Any, args: Any = None, kwargs: dict[str, Any] | None = None, *,
    tie_weights: bool = True, strict: bool = False,
) -> Any:  # fmt: skip
    """Call a module with other tensors in place of its parameters and buffers, given by name.

    With ``tie_weights``, a shared parameter is replaced under all of its names. A name that the module does not have raises an
    error even if ``strict`` is False.
    """
    dicts = parameter_and_buffer_dicts
    given = dict(dicts) if isinstance(dicts, Mapping) else {name: x for one in dicts for name, x in one.items()}
    inputs = () if args is None else args if isinstance(args, tuple) else (args,)
    with replaced(module, given, tie_weights, strict):
        return module(*inputs, **(kwargs or {}))


__all__ = ["functional_call", "grad", "grad_and_value", "hessian", "jacfwd", "jacrev", "jvp", "vjp", "vmap"]
__getattr__ = missing("torch.func", __all__)
