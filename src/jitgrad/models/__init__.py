"""Models: layers put together, compiled with an optimizer and a loss, fitted by the native loop."""

from jitgrad.models.model import Model
from jitgrad.models.sequential import Input, Sequential

__all__ = ["Input", "Model", "Sequential"]
