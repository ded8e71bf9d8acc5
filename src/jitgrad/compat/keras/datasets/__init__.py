"""Keras's data sets."""

from jitgrad.compat.keras.datasets import boston_housing, california_housing, fashion_mnist, mnist
from jitgrad.compat.modules import missing

__all__ = ["boston_housing", "california_housing", "fashion_mnist", "mnist"]
_TEXTS = "It is of texts, and jitgrad has no layers for sequences."
_PICTURES = "It is of coloured pictures, and jitgrad has no convolutions. Use fashion_mnist."
_REASONS = {"imdb": _TEXTS, "reuters": _TEXTS, "cifar10": _PICTURES, "cifar100": _PICTURES}
__getattr__ = missing("keras.datasets", __all__, _REASONS)
