"""Optimizers: how gradients change Variables."""

from collections.abc import Callable

from jitgrad.arguments import by_name
from jitgrad.optimizers import schedules
from jitgrad.optimizers.adafactor import Adafactor
from jitgrad.optimizers.adam import Adam, Adamax, AdamW, AMSGrad, Lion, Nadam, RAdam
from jitgrad.optimizers.adaptive import Adadelta, Adagrad, RMSprop
from jitgrad.optimizers.lbfgs import LBFGS
from jitgrad.optimizers.optimizer import Optimizer
from jitgrad.optimizers.sgd import ASGD, SGD, Rprop

OPTIMIZERS: dict[str, Callable[[], Optimizer]] = {
    kind.__name__.lower(): kind
    for kind in (
        SGD, Adam, AdamW, AMSGrad, Nadam, RAdam, Adamax, Lion, RMSprop, Adagrad, Adadelta, Adafactor, ASGD, Rprop, LBFGS,
    )
}  # fmt: skip


def get(optimizer: str | Optimizer) -> Optimizer:
    """A new optimizer by name, in lower case, or an optimizer itself. Raises ArgumentError for an unknown name."""
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
