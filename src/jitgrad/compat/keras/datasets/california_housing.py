"""The data set ``keras.datasets.california_housing``."""

from jitgrad.compat.keras.datasets.loading import california_housing as load_data

__all__ = ["load_data"]
