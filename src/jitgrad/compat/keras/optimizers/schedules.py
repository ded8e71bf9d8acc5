"""Keras's schedules: learning rates that follow the number of the step."""

from __future__ import annotations

from typing import Any

from jitgrad.compat.keras.border import unwrap, wrap
from jitgrad.compat.keras.configs import config_of, deserialized, made_with_config, serialized
from jitgrad.compat.modules import missing
from jitgrad.optimizers import schedules as library
from jitgrad.tape.tensor import Tensor, as_tensor


class LearningRateSchedule(library.Schedule):
    """Base class: a subclass has ``__call__(self, step)``, which returns the learning rate."""

    family = "keras"

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__call__" in vars(cls) and not cls.__module__.startswith("jitgrad."):
            cls.__call__ = _seen_wrapped(cls.__call__)  # type: ignore[method-assign]

    def __call__(self, step: Any) -> Any:
        """The learning rate of a step, or of each of several."""
        if type(step) is Tensor:
            return super().__call__(step)  # type: ignore[safe-super]
        return wrap(as_tensor(super().__call__(as_tensor(unwrap(step)) * 1.0)))  # type: ignore[safe-super]

    def get_config(self) -> dict[str, Any]:
        """The arguments that make another one alike."""
        return config_of(self, {})

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """One made with the arguments of ``get_config``."""
        return made_with_config(cls, config)


def _seen_wrapped(call: Any) -> Any:
    """A user's ``__call__``, which the library gives a plain step."""

    def inside(self: Any, step: Any) -> Any:
        made = call(self, wrap(as_tensor(unwrap(step)) * 1.0))
        return unwrap(made) if type(step) is Tensor else made

    return inside


def native(rate: Any) -> Any:
    """A learning rate for the library: a schedule, or a float."""
    return rate if isinstance(rate, library.Schedule) else float(rate)


def serialize(learning_rate_schedule: Any) -> Any:
    """A schedule as a config."""
    return serialized(learning_rate_schedule)


def deserialize(config: Any, custom_objects: Any = None) -> Any:
    """The schedule of a config."""
    return deserialized(config, custom_objects)


__all__ = ["LearningRateSchedule", "deserialize", "serialize"]
__getattr__ = missing("keras.optimizers.schedules", __all__)
