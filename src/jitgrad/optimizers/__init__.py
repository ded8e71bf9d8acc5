"""Optimizers: how gradients change Variables."""

from jitgrad.optimizers import schedules
from jitgrad.optimizers.adam import Adam, AdamW, AMSGrad, Nadam
from jitgrad.optimizers.adaptive import Adadelta, Adagrad, RMSprop
from jitgrad.optimizers.optimizer import Optimizer
from jitgrad.optimizers.sgd import SGD

__all__ = ["SGD", "AMSGrad", "Adadelta", "Adagrad", "Adam", "AdamW", "Nadam", "Optimizer", "RMSprop", "schedules"]
