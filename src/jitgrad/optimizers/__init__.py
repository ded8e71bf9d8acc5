"""Optimizers: how gradients change Variables."""

from collections.abc import Callable

from jitgrad.arguments import by_name
from jitgrad.optimizers import schedules
from jitgrad.optimizers.adam import Adam, AdamW, AMSGrad, Nadam
from jitgrad.optimizers.adaptive import Adadelta, Adagrad, RMSprop
from jitgrad.optimizers.lbfgs import LBFGS
from jitgrad.optimizers.optimizer import Optimizer
from jitgrad.optimizers.sgd import SGD

OPTIMIZERS: dict[str, Callable[[], Optimizer]] = {
    kind.__name__.lower(): kind for kind in (SGD, Adam, AdamW, AMSGrad, Nadam, RMSprop, Adagrad, Adadelta, LBFGS)
}


def get(optimizer: str | Optimizer) -> Optimizer:
    """A new optimizer by name, in lower case, or an optimizer itself. Raises ArgumentError for an unknown name."""
    if isinstance(optimizer, Optimizer):
        return optimizer
    return by_name("optimizer", optimizer, OPTIMIZERS)()


__all__ = [
    "LBFGS",
    "SGD",
    "AMSGrad",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "get",
    "schedules",
]
