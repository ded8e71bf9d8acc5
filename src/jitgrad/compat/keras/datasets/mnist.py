"""The data set ``keras.datasets.mnist``."""

from jitgrad.compat.keras.datasets.loading import mnist as load_data

__all__ = ["load_data"]
