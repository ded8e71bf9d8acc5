"""Layers that normalise."""

from __future__ import annotations

from jitgrad.compat.keras.layers.layer import Layer
from jitgrad.layers import normalization as library


class BatchNormalization(Layer, library.BatchNormalization):
    """Each feature less its mean over its standard deviation, times gamma plus beta."""


class LayerNormalization(Layer, library.LayerNormalization):
    """Each row's last axis less its mean over its standard deviation, times gamma plus beta."""


class Normalization(Layer, library.Normalization):
    """Each feature less the mean and over the standard deviation that ``adapt`` found."""
