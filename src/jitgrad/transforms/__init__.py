"""Function transforms: derivatives of functions, and functions mapped over rows. Their signatures follow JAX."""

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
