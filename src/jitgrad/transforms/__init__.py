"""Transforms of functions: from a function of arrays to its derivatives. The signatures are JAX's."""

from jitgrad.transforms.check import check_grads
from jitgrad.transforms.custom import custom_gradient, custom_op
from jitgrad.transforms.gradients import grad, hvp, jvp, value_and_grad, vjp
from jitgrad.transforms.jacobians import hessian, jacfwd, jacobian, jacrev
from jitgrad.transforms.vmap import vmap

__all__ = [
    "check_grads",
    "custom_gradient",
    "custom_op",
    "grad",
    "hessian",
    "hvp",
    "jacfwd",
    "jacobian",
    "jacrev",
    "jvp",
    "value_and_grad",
    "vjp",
    "vmap",
]
