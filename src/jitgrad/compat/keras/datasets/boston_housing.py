"""The data set ``keras.datasets.boston_housing``."""

from jitgrad.compat.keras.datasets.loading import boston_housing as load_data

__all__ = ["load_data"]
