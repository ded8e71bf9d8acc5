"""Learning rate schedules: functions of the step number, which starts at 0.

A schedule that is passed to an optimizer as its learning rate becomes part of the update and runs natively. A
schedule can also be called with a number.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from jitgrad.arguments import Described, count, nonnegative, number, positive
from jitgrad.errors import ArgumentError
from jitgrad.ops.elementwise import ceil, cos, exp, floor, less, log, maximum, minimum, where

__all__ = [
    "CosineDecay",
    "CosineRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "OneCycle",
    "PiecewiseConstant",
    "PolynomialDecay",
    "Schedule",
    "StepDecay",
]


class Schedule(Described, ABC):
    """Base class of learning rate schedules.

    A subclass defines ``__call__(step)`` with jitgrad functions.

    See Also
    --------
    jitgrad.callbacks.LearningRateScheduler : Sets the learning rate once per epoch.

    Examples
    --------
    >>> class SquareRoot(jg.optimizers.schedules.Schedule):
    ...     def __init__(self, rate):
    ...         self.rate = rate
    ...
    ...     def __call__(self, step):
    ...         return self.rate / jg.sqrt(step + 1.0)
    >>> float(SquareRoot(0.1)(3))
    0.05
    >>> adam = jg.optimizers.Adam(SquareRoot(0.1))
    """

    def __init__(self) -> None:
        pass

    @abstractmethod
    def __call__(self, step: Any) -> Any:
        """Return the learning rate of a step.

        Parameters
        ----------
        step : Tensor or float
            Number of the step, a scalar.

        Returns
        -------
        Tensor or float
            The learning rate.
        """


class StepDecay(Schedule):
    """Multiply the learning rate by a factor at regular intervals.

    Parameters
    ----------
    rate : float
        Initial learning rate, positive.
    every : int
        Number of steps between two changes.
    factor : float, default 0.1
        The factor, positive.

    See Also
    --------
    ExponentialDecay : Decays in every step.

    Notes
    -----
    The learning rate of step t is ``rate·factor^⌊t/every⌋``.

    Examples
    --------
    >>> schedule = jg.optimizers.schedules.StepDecay(0.1, every=100)
    >>> [round(float(schedule(step)), 4) for step in (0, 99, 100, 200)]
    [0.1, 0.1, 0.01, 0.001]
    """

    def __init__(self, rate: float, every: int, factor: float = 0.1) -> None:
        self.rate, self.every, self.factor = positive("rate", rate), count("every", every), positive("factor", factor)

    def __call__(self, step: Any) -> Any:
        return self.rate * exp(math.log(self.factor) * floor((step + 0.5) / self.every))


class ExponentialDecay(Schedule):
    """Decay the learning rate exponentially.

    Parameters
    ----------
    rate : float
        Initial learning rate, positive.
    steps : int
        Number of steps over which the learning rate changes by `factor`.
    factor : float, default 0.1
        The factor, positive.

    See Also
    --------
    StepDecay : Decays in steps.

    Notes
    -----
    The learning rate of step t is ``rate·factor^(t/steps)``.

    Examples
    --------
    >>> schedule = jg.optimizers.schedules.ExponentialDecay(0.1, steps=100)
    >>> [round(float(schedule(step)), 4) for step in (0, 50, 100)]
    [0.1, 0.0316, 0.01]
    """

    def __init__(self, rate: float, steps: int, factor: float = 0.1) -> None:
        self.rate, self.steps, self.factor = positive("rate", rate), count("steps", steps), positive("factor", factor)

    def __call__(self, step: Any) -> Any:
        return self.rate * exp(math.log(self.factor) / self.steps * step)


class PiecewiseConstant(Schedule):
    """Use a constant learning rate in each of several intervals of steps, as in Keras.

    Parameters
    ----------
    boundaries : sequence of int
        Last step of each interval except the last, in increasing order.
    rates : sequence of float
        Learning rate of each interval, one more than `boundaries`.

    Raises
    ------
    ArgumentError
        If boundaries are not in order, or the number of rates is wrong.

    Examples
    --------
    >>> schedule = jg.optimizers.schedules.PiecewiseConstant([10, 20], [0.1, 0.01, 0.001])
    >>> [round(float(schedule(step)), 4) for step in (0, 10, 11, 30)]
    [0.1, 0.1, 0.01, 0.001]
    """

    def __init__(self, boundaries: Sequence[int], rates: Sequence[float]) -> None:
        self.boundaries = [count("a boundary", b, 0) for b in boundaries]
        self.rates = [nonnegative("a rate", r) for r in rates]
        if self.boundaries != sorted(self.boundaries) or len(self.rates) != len(self.boundaries) + 1:
            raise ArgumentError(
                f"PiecewiseConstant has boundaries {list(boundaries)} and {len(self.rates)} rates. "
                f"Give boundaries in increasing order, and one more rate than boundaries."
            )

    def __call__(self, step: Any) -> Any:
        rate: Any = self.rates[-1]
        for boundary, earlier in reversed(list(zip(self.boundaries, self.rates[:-1], strict=True))):
            rate = where(less(step, boundary + 0.5), earlier, rate)
        return rate


class CosineDecay(Schedule):
    """Decay the learning rate along half a cosine, optionally after a linear warmup.

    Parameters
    ----------
    rate : float
        Learning rate at the start of the decay, positive.
    steps : int
        Number of steps of the decay.
    alpha : float, default 0.0
        Final learning rate as a fraction of `rate`.
    warmup : int, default 0
        Number of steps before the decay, in which the learning rate increases linearly from `start`.
    start : float, default 0.0
        Learning rate of the first step of the warmup.

    See Also
    --------
    CosineRestarts : Repeats the decay.

    Notes
    -----
    Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", 2017.

    Examples
    --------
    >>> schedule = jg.optimizers.schedules.CosineDecay(0.1, steps=100, warmup=10)
    >>> [round(float(schedule(step)), 4) for step in (0, 5, 10, 60, 110)]
    [0.0, 0.05, 0.1, 0.05, 0.0]
    """

    def __init__(self, rate: float, steps: int, alpha: float = 0.0, warmup: int = 0, start: float = 0.0) -> None:
        self.rate, self.steps, self.alpha = positive("rate", rate), count("steps", steps), float(alpha)
        self.warmup, self.start = count("warmup", warmup, 0), nonnegative("start", start)

    def __call__(self, step: Any) -> Any:
        done = minimum((step - self.warmup) / self.steps, 1.0)
        falling = self.rate * (self.alpha + (1 - self.alpha) * 0.5 * (1 + cos(math.pi * done)))
        if not self.warmup:
            return falling
        return where(less(step, self.warmup), self.start + (self.rate - self.start) / self.warmup * step, falling)


class CosineRestarts(Schedule):
    """Decay the learning rate along half a cosine, and repeat from the start.

    Parameters
    ----------
    rate : float
        Initial learning rate, positive.
    steps : int
        Number of steps of the first decay.
    longer : float, default 2.0
        Factor by which the number of steps grows from one decay to the next, at least 1.
    lower : float, default 1.0
        Factor by which the initial learning rate changes from one decay to the next, positive.
    alpha : float, default 0.0
        Final learning rate as a fraction of `rate`.

    See Also
    --------
    CosineDecay : A single decay.

    Notes
    -----
    Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", 2017.

    Examples
    --------
    >>> schedule = jg.optimizers.schedules.CosineRestarts(0.1, steps=100)
    >>> [round(float(schedule(step)), 4) for step in (0, 50, 100, 200)]
    [0.1, 0.05, 0.1, 0.05]
    """

    def __init__(self, rate: float, steps: int, longer: float = 2.0, lower: float = 1.0, alpha: float = 0.0) -> None:
        self.rate, self.steps, self.alpha = positive("rate", rate), count("steps", steps), float(alpha)
        self.longer, self.lower = number("longer", longer), positive("lower", lower)
        if not self.longer >= 1:
            raise ArgumentError(f"longer is {longer}. Give a number of at least 1.")

    def __call__(self, step: Any) -> Any:
        t, done = self.longer, step / self.steps
        ahead = (step + 0.01) / self.steps  # rounding must not delay a restart
        if t == 1:
            times = floor(ahead)
            part = done - times
        else:
            times = floor(log(1 + ahead * (t - 1)) / math.log(t))
            before = (exp(math.log(t) * times) - 1) / (t - 1)
            part = (done - before) / exp(math.log(t) * times)
        height = exp(math.log(self.lower) * times)
        return self.rate * (self.alpha + (1 - self.alpha) * 0.5 * height * (1 + cos(math.pi * part)))


class PolynomialDecay(Schedule):
    """Decay the learning rate to a final value along a polynomial.

    Parameters
    ----------
    rate : float
        Initial learning rate, positive.
    steps : int
        Number of steps of the decay.
    end : float, default 1e-4
        Final learning rate.
    power : float, default 1.0
        Exponent; 1 is a linear decay.
    cycle : bool, default False
        Whether to repeat the decay over the next multiple of `steps`, instead of staying at `end`.

    Notes
    -----
    The learning rate of step t is ``(rate − end)·(1 − t/steps)^power + end``.

    Examples
    --------
    >>> schedule = jg.optimizers.schedules.PolynomialDecay(0.1, steps=100, end=0.01)
    >>> [round(float(schedule(step)), 4) for step in (0, 50, 100, 200)]
    [0.1, 0.055, 0.01, 0.01]
    """

    def __init__(self, rate: float, steps: int, end: float = 1e-4, power: float = 1.0, cycle: bool = False) -> None:
        self.rate, self.steps, self.end = positive("rate", rate), count("steps", steps), nonnegative("end", end)
        self.power, self.cycle = positive("power", power), cycle

    def __call__(self, step: Any) -> Any:
        times = maximum(1.0, ceil((step - 0.01) / self.steps)) if self.cycle else 1.0
        left = maximum(1 - step / (self.steps * times), 0.0)
        return (self.rate - self.end) * left**self.power + self.end


class InverseTimeDecay(Schedule):
    """Decay the learning rate in inverse proportion to the number of steps.

    Parameters
    ----------
    rate : float
        Initial learning rate, positive.
    steps : int
        Number of steps over which the divisor increases by `factor`.
    factor : float
        Strength of the decay, at least 0.
    staircase : bool, default False
        Whether to decay only after each multiple of `steps`.

    Notes
    -----
    The learning rate of step t is ``rate / (1 + factor·t/steps)``.

    Examples
    --------
    >>> schedule = jg.optimizers.schedules.InverseTimeDecay(0.1, steps=100, factor=1.0)
    >>> [round(float(schedule(step)), 4) for step in (0, 100, 300)]
    [0.1, 0.05, 0.025]
    """

    def __init__(self, rate: float, steps: int, factor: float, staircase: bool = False) -> None:
        self.rate, self.steps, self.factor = positive("rate", rate), count("steps", steps), nonnegative("factor", factor)
        self.staircase = staircase

    def __call__(self, step: Any) -> Any:
        done = floor((step + 0.5) / self.steps) if self.staircase else step / self.steps
        return self.rate / (1 + self.factor * done)


class OneCycle(Schedule):
    """Increase the learning rate along half a cosine, then decrease it to nearly 0, as in PyTorch.

    Parameters
    ----------
    rate : float
        Largest learning rate, positive.
    steps : int
        Number of steps of the cycle.
    rise : float, default 0.3
        Fraction of the steps in which the learning rate increases.
    start : float, default 25.0
        The initial learning rate is ``rate / start``.
    end : float, default 1e4
        The final learning rate is ``rate / (start·end)``.

    Raises
    ------
    ArgumentError
        If `rise` is not between 0 and 1, or leaves no steps for one of the phases.

    Notes
    -----
    Smith and Topin, "Super-convergence: very fast training of neural networks using large learning
    rates", 2018.

    Examples
    --------
    >>> schedule = jg.optimizers.schedules.OneCycle(0.1, steps=101)
    >>> [round(float(schedule(step)), 4) for step in (0, 15, 29, 65, 100)]
    [0.004, 0.0538, 0.1, 0.0492, 0.0]
    """

    def __init__(self, rate: float, steps: int, rise: float = 0.3, start: float = 25.0, end: float = 1e4) -> None:
        self.rate, self.steps = positive("rate", rate), count("steps", steps, 2)
        self.start, self.end = positive("start", start), positive("end", end)
        self.top = rise * self.steps - 1
        if not 0 < rise < 1 or not 0 < self.top < self.steps - 1:
            raise ArgumentError(f"rise is {rise} with {self.steps} steps. Give a number between 0 and 1, or more steps.")

    def __call__(self, step: Any) -> Any:
        first = self.rate / self.start
        last = first / self.end
        rising = _between(first, self.rate, step / self.top)
        falling = _between(self.rate, last, minimum((step - self.top) / (self.steps - 1 - self.top), 1.0))
        return where(less(step, self.top + 1e-9), rising, falling)


def _between(a: float, b: float, part: Any) -> Any:
    """Return the value at fraction ``part`` of half a cosine from a to b."""
    return b + (a - b) / 2 * (1 + cos(math.pi * part))
