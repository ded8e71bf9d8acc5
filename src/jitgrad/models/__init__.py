"""Models: layers that are compiled with an optimizer and a loss and fitted by the native loop."""

from jitgrad.models.model import Model
from jitgrad.models.sequential import Input, Sequential

__all__ = ["Input", "Model", "Sequential"]
