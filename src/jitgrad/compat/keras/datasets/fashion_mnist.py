"""The data set ``keras.datasets.fashion_mnist``."""

from jitgrad.compat.keras.datasets.loading import fashion_mnist as load_data

__all__ = ["load_data"]
