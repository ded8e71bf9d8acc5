"""Optimizers: how gradients change Variables."""

from jitgrad.optimizers.adam import Adam
from jitgrad.optimizers.optimizer import Optimizer
from jitgrad.optimizers.sgd import SGD

__all__ = ["SGD", "Adam", "Optimizer"]
