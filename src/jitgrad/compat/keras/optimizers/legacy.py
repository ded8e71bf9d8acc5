"""Keras 2's optimizers, which are aliases of Keras 3's."""

from jitgrad.compat.keras.optimizers.named import SGD, Adadelta, Adagrad, Adam, Adamax, Nadam, RMSprop
from jitgrad.compat.keras.optimizers.optimizer import Optimizer
from jitgrad.compat.modules import missing

__all__ = ["SGD", "Adadelta", "Adagrad", "Adam", "Adamax", "Nadam", "Optimizer", "RMSprop"]
__getattr__ = missing("keras.optimizers.legacy", __all__)
