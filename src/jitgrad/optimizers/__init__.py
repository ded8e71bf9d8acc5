"""Optimizers: rules that update Variables with their gradients."""

from collections.abc import Callable

from jitgrad.arguments import by_name
from jitgrad.optimizers import schedules
from jitgrad.optimizers.adafactor import Adafactor
from jitgrad.optimizers.adam import Adam, Adamax, AdamW, AMSGrad, Nadam, RAdam
from jitgrad.optimizers.adaptive import Adadelta, Adagrad, RMSprop
from jitgrad.optimizers.lbfgs import LBFGS
from jitgrad.optimizers.lion import Lion
from jitgrad.optimizers.optimizer import Optimizer
from jitgrad.optimizers.sgd import ASGD, SGD, Rprop

OPTIMIZERS: dict[str, Callable[[], Optimizer]] = {
    kind.__name__.lower(): kind
    for kind in (
        SGD, Adam, AdamW, AMSGrad, Nadam, RAdam, Adamax, Lion, RMSprop, Adagrad, Adadelta, Adafactor, ASGD, Rprop, LBFGS,
    )
}  # fmt: skip
"""The optimizers by name, as ``compile`` accepts them."""


def get(optimizer: str | Optimizer) -> Optimizer:
    """Return an optimizer.

    Parameters
    ----------
    optimizer : str or Optimizer
        Name of an optimizer in lower case (a key of ``OPTIMIZERS``), for a new one with default arguments; or
        an optimizer, which is returned unchanged.

    Returns
    -------
    Optimizer
        The optimizer.

    Raises
    ------
    ArgumentError
        If no optimizer has this name.

    Examples
    --------
    >>> jg.optimizers.get("adamw").learning_rate
    0.001
    """
    if isinstance(optimizer, Optimizer):
        return optimizer
    return by_name("optimizer", optimizer, OPTIMIZERS)()


__all__ = [
    "ASGD",
    "LBFGS",
    "SGD",
    "AMSGrad",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Lion",
    "Nadam",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Rprop",
    "get",
    "schedules",
]
