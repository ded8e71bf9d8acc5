"""Keras's schedules: learning rates that depend on the step."""

from __future__ import annotations

from typing import Any

from jitgrad.compat.keras.border import as_plain, unwrap, wrap
from jitgrad.compat.keras.configs import config_of, deserialized, made_with_config, serialized
from jitgrad.compat.modules import missing
from jitgrad.optimizers import schedules as library
from jitgrad.tape.tensor import Tensor, as_tensor


class LearningRateSchedule(library.Schedule):
    """Base class: a subclass defines ``__call__(self, step)``, which returns the learning rate."""

    family = "keras.schedules"
    plain: library.Schedule
    """The corresponding schedule in jitgrad."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__call__" in vars(cls) and not cls.__module__.startswith("jitgrad."):
            cls.__call__ = _seen_wrapped(cls.__call__)  # type: ignore[method-assign]

    def __call__(self, step: Any) -> Any:
        """Return the learning rate at a step, or at each of several steps."""
        if isinstance(step, (Tensor, float)):
            return self.plain(step)
        return wrap(as_tensor(self.plain(as_plain(step) * 1.0)))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return config_of(self, {})

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Create a schedule from the result of ``get_config``."""
        return made_with_config(cls, config)


def _seen_wrapped(call: Any) -> Any:
    """Wrap a user's ``__call__``, which the library calls with a plain number."""

    def inside(self: Any, step: Any) -> Any:
        made = call(self, wrap(as_plain(step) * 1.0))
        return unwrap(made) if isinstance(step, (Tensor, float)) else made

    return inside


class ExponentialDecay(LearningRateSchedule):
    """``initial_learning_rate * decay_rate ** (step / decay_steps)``, with the integer quotient if ``staircase``."""

    def __init__(
        self,
        initial_learning_rate: Any,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
        name: str = "ExponentialDecay",
    ) -> None:
        self.initial_learning_rate, self.decay_steps, self.decay_rate = initial_learning_rate, decay_steps, decay_rate
        self.staircase, self.name = staircase, name
        kind = library.StepDecay if staircase else library.ExponentialDecay
        self.plain = kind(initial_learning_rate, int(decay_steps), decay_rate)


class InverseTimeDecay(LearningRateSchedule):
    """``initial_learning_rate / (1 + decay_rate * step / decay_steps)``, with the integer quotient if ``staircase``."""

    def __init__(
        self,
        initial_learning_rate: Any,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
        name: str = "InverseTimeDecay",
    ) -> None:
        self.initial_learning_rate, self.decay_steps, self.decay_rate = initial_learning_rate, decay_steps, decay_rate
        self.staircase, self.name = staircase, name
        self.plain = library.InverseTimeDecay(initial_learning_rate, int(decay_steps), decay_rate, staircase)


class PiecewiseConstantDecay(LearningRateSchedule):
    """``values[i]`` up to step ``boundaries[i]`` inclusive, then the last value."""

    def __init__(self, boundaries: Any, values: Any, name: str = "PiecewiseConstant") -> None:
        self.boundaries, self.values, self.name = boundaries, values, name
        self.plain = library.PiecewiseConstant(list(boundaries), list(values))


class PolynomialDecay(LearningRateSchedule):
    """Decay to ``end_learning_rate`` over ``decay_steps`` along a polynomial."""

    def __init__(
        self, initial_learning_rate: Any, decay_steps: int, end_learning_rate: float = 0.0001, power: float = 1.0,
        cycle: bool = False, name: str = "PolynomialDecay",
    ) -> None:  # fmt: skip
        self.initial_learning_rate, self.decay_steps, self.end_learning_rate = (
            initial_learning_rate,
            decay_steps,
            end_learning_rate,
        )
        self.power, self.cycle, self.name = power, cycle, name
        self.plain = library.PolynomialDecay(initial_learning_rate, int(decay_steps), end_learning_rate, power, cycle)


class CosineDecay(LearningRateSchedule):
    """Decay to ``alpha`` times the rate along a cosine, after increasing to ``warmup_target`` over ``warmup_steps``."""

    def __init__(
        self, initial_learning_rate: Any, decay_steps: int, alpha: float = 0.0, name: str = "CosineDecay",
        warmup_target: float | None = None, warmup_steps: int = 0,
    ) -> None:  # fmt: skip
        self.initial_learning_rate, self.decay_steps, self.alpha, self.name = initial_learning_rate, decay_steps, alpha, name
        self.warmup_target, self.warmup_steps = warmup_target, warmup_steps
        if warmup_target is None:
            self.plain = library.CosineDecay(initial_learning_rate, int(decay_steps), alpha)
        else:
            self.plain = library.CosineDecay(warmup_target, int(decay_steps), alpha, warmup_steps, initial_learning_rate)


class CosineDecayRestarts(LearningRateSchedule):
    """Decay along a cosine with warm restarts."""

    def __init__(
        self, initial_learning_rate: Any, first_decay_steps: int, t_mul: float = 2.0, m_mul: float = 1.0, alpha: float = 0.0,
        name: str = "SGDRDecay",
    ) -> None:  # fmt: skip
        self.initial_learning_rate, self.first_decay_steps = initial_learning_rate, first_decay_steps
        self.t_mul, self.m_mul, self.alpha, self.name = t_mul, m_mul, alpha, name
        self.plain = library.CosineRestarts(initial_learning_rate, int(first_decay_steps), t_mul, m_mul, alpha)


def native(rate: Any) -> Any:
    """Return a learning rate for the library: a schedule, or a float."""
    return rate if isinstance(rate, library.Schedule) else float(rate)


def serialize(learning_rate_schedule: Any) -> Any:
    """Return the config of a schedule."""
    return serialized(learning_rate_schedule)


def deserialize(config: Any, custom_objects: Any = None) -> Any:
    """Return the schedule for a config."""
    return deserialized(config, custom_objects)


__all__ = [
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LearningRateSchedule",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "deserialize",
    "serialize",
]
__getattr__ = missing("keras.optimizers.schedules", __all__)
