"""``torch.autograd.functional``: derivatives of functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jitgrad.compat.modules import missing
from jitgrad.compat.torch.errors import TorchError
from jitgrad.compat.torch.tensor import Tensor, wrap
from jitgrad.compat.wrapper import unwrap
from jitgrad.tape.tensor import Tensor as Plain
from jitgrad.tape.tree import tree_map
from jitgrad.transforms import gradients, jacobians


def plain(func: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a function of tensors as a function of jitgrad's Tensors."""

    def function(*args: Any, **kwargs: Any) -> Any:
        return unwrap(func(*wrapped(args), **wrapped(kwargs)))

    return function


def wrapped(value: Any) -> Any:
    """Replace jitgrad's Tensors with PyTorch's tensors in any nested structure."""
    return tree_map(lambda x: wrap(x) if isinstance(x, Plain) else x, value)


def _called(transform: Callable[..., Any], func: Callable[..., Any], inputs: Any, create_graph: bool) -> Any:
    """Return a derivative of ``func`` with respect to all inputs, nested as in PyTorch: a tuple for several inputs."""
    several = isinstance(inputs, tuple)
    given = inputs if several else (inputs,)
    if not all(isinstance(x, Tensor) for x in given):
        raise TypeError("The inputs must be a tensor or a tuple of tensors. Convert the inputs.")
    made = wrapped(transform(plain(func), tuple(range(len(given))) if several else 0)(*unwrap(given)))
    return made if create_graph else tree_map(lambda x: x.detach(), made)


def jacobian(
    func: Callable[..., Any], inputs: Any, create_graph: bool = False, strict: bool = False, vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:  # fmt: skip
    """Return the Jacobian of ``func``, of shape output.shape + input.shape; for tuples, nested Jacobians."""
    return _called(jacobians.jacfwd if strategy == "forward-mode" else jacobians.jacrev, func, inputs, create_graph)


def hessian(
    func: Callable[..., Any], inputs: Any, create_graph: bool = False, strict: bool = False, vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:  # fmt: skip
    """Return the Hessian of ``func``, whose result is a scalar."""
    return _called(jacobians.hessian, _of_one_number(func), inputs, create_graph)


def _of_one_number(func: Callable[..., Any]) -> Callable[..., Any]:
    def function(*args: Any) -> Any:
        made = func(*args)
        if not isinstance(made, Tensor) or made.numel() != 1:
            raise TorchError("The Tensor returned by the function given to hessian should contain a single element. Sum it.")
        return made.reshape(())

    return function


def vjp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """Return the outputs of ``func``, and the product of ``v`` and its Jacobian."""
    given = inputs if isinstance(inputs, tuple) else (inputs,)
    value, pull = gradients.vjp(plain(func), *unwrap(given))
    weight = wrapped(value).new_ones(value.shape) if v is None else v
    found = wrapped(pull(unwrap(weight)))
    return wrapped(value), found if isinstance(inputs, tuple) else found[0]


def jvp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """Return the outputs of ``func``, and the product of its Jacobian and ``v``."""
    given = inputs if isinstance(inputs, tuple) else (inputs,)
    direction = tuple(x.new_ones(x.shape) for x in given) if v is None else v if isinstance(v, tuple) else (v,)
    return wrapped(gradients.jvp(plain(func), unwrap(given), unwrap(direction)))


def hvp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> Any:
    """Return the value of ``func``, and the product of its Hessian and ``v``."""
    given = inputs if isinstance(inputs, tuple) else (inputs,)
    direction = tuple(x.new_ones(x.shape) for x in given) if v is None else v if isinstance(v, tuple) else (v,)
    return func(*given), wrapped(gradients.hvp(plain(_of_one_number(func)), unwrap(given), unwrap(direction)))


vhp = hvp

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]
__getattr__ = missing("torch.autograd.functional", __all__)
