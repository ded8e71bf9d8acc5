"""Decaying learning rates of ``tf.train``: the library's schedules applied to a global step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jitgrad.compat.tensorflow.tensor import made
from jitgrad.compat.tensorflow.v1.staging import staged
from jitgrad.errors import ArgumentError
from jitgrad.ops import elementwise as ew
from jitgrad.optimizers import schedules
from jitgrad.tape import dtypes as levels
from jitgrad.tape.tensor import cast


def _decayed(name: str, schedule: Any, step: Any, label: str | None, every: int | None = None) -> Any:
    """Return the learning rate at a step as a tensor. With ``every``, the step is rounded down to a multiple of it."""

    def rate(step: Any) -> Any:
        number = cast(step._read(), levels.FLOAT32)
        return made(schedule(ew.floor((number + 0.5) / every) * every if every else number))

    return staged(name, rate)(step, name=label)


def _number(name: str, value: Any) -> float:
    if not isinstance(value, (int, float)):
        raise ArgumentError(f"{name} is {value!r}. Give a Python number; only the step may be a tensor.")
    return float(value)


def exponential_decay(
    learning_rate: float,
    global_step: Any,
    decay_steps: int,
    decay_rate: float,
    staircase: bool = False,
    name: str | None = None,
) -> Any:
    """Return ``learning_rate * decay_rate ** (global_step / decay_steps)``, with an integer exponent if ``staircase``."""
    rate, factor = _number("learning_rate", learning_rate), _number("decay_rate", decay_rate)
    schedule = schedules.ExponentialDecay(rate, int(decay_steps), factor)
    return _decayed("ExponentialDecay", schedule, global_step, name, int(decay_steps) if staircase else None)


def natural_exp_decay(
    learning_rate: float,
    global_step: Any,
    decay_steps: int,
    decay_rate: float,
    staircase: bool = False,
    name: str | None = None,
) -> Any:
    """Return ``learning_rate * exp(-decay_rate * global_step / decay_steps)``."""
    factor = float(ew.exp(-_number("decay_rate", decay_rate)))
    return exponential_decay(learning_rate, global_step, decay_steps, factor, staircase, name)


def inverse_time_decay(
    learning_rate: float,
    global_step: Any,
    decay_steps: int,
    decay_rate: float,
    staircase: bool = False,
    name: str | None = None,
) -> Any:
    """Return ``learning_rate / (1 + decay_rate * global_step / decay_steps)``."""
    rate, factor = _number("learning_rate", learning_rate), _number("decay_rate", decay_rate)
    schedule = schedules.InverseTimeDecay(rate, int(decay_steps), factor, staircase)
    return _decayed("InverseTimeDecay", schedule, global_step, name)


def polynomial_decay(
    learning_rate: float, global_step: Any, decay_steps: int, end_learning_rate: float = 0.0001, power: float = 1.0,
    cycle: bool = False, name: str | None = None,
) -> Any:  # fmt: skip
    """Decay from ``learning_rate`` to ``end_learning_rate`` over ``decay_steps``."""
    rate = _number("learning_rate", learning_rate)
    schedule = schedules.PolynomialDecay(rate, int(decay_steps), end_learning_rate, power, cycle)
    return _decayed("PolynomialDecay", schedule, global_step, name)


def piecewise_constant(x: Any, boundaries: Sequence[Any], values: Sequence[float], name: str | None = None) -> Any:
    """Return ``values[i]`` up to ``boundaries[i]``, then the last value."""
    return _decayed("PiecewiseConstant", schedules.PiecewiseConstant(boundaries, values), x, name)
