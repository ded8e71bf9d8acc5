"""Learning rates that follow the number of the step, from 0 on: functions of it that work on numbers and on Tensors.

Given to an optimizer as its learning rate, a schedule is part of its update and runs natively.
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
    """Base class: ``schedule(step)`` is the learning rate of a step."""

    @abstractmethod
    def __call__(self, step: Any) -> Any:
        """The learning rate of ``step``, a Tensor without axes."""


class StepDecay(Schedule):
    """``rate·factorⁿ`` after n times ``every`` steps."""

    def __init__(self, rate: float, every: int, factor: float = 0.1) -> None:
        self.rate, self.every, self.factor = positive("rate", rate), count("every", every), positive("factor", factor)

    def __call__(self, step: Any) -> Any:
        return self.rate * exp(math.log(self.factor) * floor((step + 0.5) / self.every))


class ExponentialDecay(Schedule):
    """``rate·factor^(step / steps)``: the factor over so many steps."""

    def __init__(self, rate: float, steps: int, factor: float = 0.1) -> None:
        self.rate, self.steps, self.factor = positive("rate", rate), count("steps", steps), positive("factor", factor)

    def __call__(self, step: Any) -> Any:
        return self.rate * exp(math.log(self.factor) / self.steps * step)


class PiecewiseConstant(Schedule):
    """``rates[i]`` up to and with step ``boundaries[i]``, the last rate afterwards, as in Keras."""

    def __init__(self, boundaries: Sequence[int], rates: Sequence[float]) -> None:
        self.boundaries = [count("a boundary", b, 0) for b in boundaries]
        self.rates = [nonnegative("a rate", r) for r in rates]
        if self.boundaries != sorted(self.boundaries) or len(self.rates) != len(self.boundaries) + 1:
            raise ArgumentError(
                f"PiecewiseConstant has boundaries {list(boundaries)} and {len(self.rates)} rates. "
                f"Give boundaries in order, and one rate more than them."
            )

    def __call__(self, step: Any) -> Any:
        rate: Any = self.rates[-1]
        for boundary, earlier in reversed(list(zip(self.boundaries, self.rates[:-1], strict=True))):
            rate = where(less(step, boundary + 0.5), earlier, rate)
        return rate


class CosineDecay(Schedule):
    """From ``rate`` down to ``rate·alpha`` over ``steps`` along a cosine, after ``warmup`` steps that rise from ``start``.

    Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", 2017.
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
    """A cosine from ``rate`` down to ``rate·alpha`` over ``steps``, again and again, by the same authors.

    Each time it takes ``longer`` times as many steps, and begins at ``lower`` times the rate.
    """

    def __init__(self, rate: float, steps: int, longer: float = 2.0, lower: float = 1.0, alpha: float = 0.0) -> None:
        self.rate, self.steps, self.alpha = positive("rate", rate), count("steps", steps), float(alpha)
        self.longer, self.lower = number("longer", longer), positive("lower", lower)
        if not self.longer >= 1:
            raise ArgumentError(f"longer is {longer}. Give a number from 1 on.")

    def __call__(self, step: Any) -> Any:
        t, done = self.longer, step / self.steps
        ahead = (step + 0.01) / self.steps  # so that rounding does not put a restart off
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
    """From ``rate`` to ``end`` over ``steps``: ``(rate − end)·(1 − step/steps)^power + end``.

    Where it is to ``cycle``, it falls from where it is to ``end`` over a multiple of the steps, instead of staying there.
    """

    def __init__(self, rate: float, steps: int, end: float = 1e-4, power: float = 1.0, cycle: bool = False) -> None:
        self.rate, self.steps, self.end = positive("rate", rate), count("steps", steps), nonnegative("end", end)
        self.power, self.cycle = positive("power", power), cycle

    def __call__(self, step: Any) -> Any:
        times = maximum(1.0, ceil((step - 0.01) / self.steps)) if self.cycle else 1.0
        left = maximum(1 - step / (self.steps * times), 0.0)
        return (self.rate - self.end) * left**self.power + self.end


class InverseTimeDecay(Schedule):
    """``rate / (1 + factor·step/steps)``; a ``staircase`` counts whole multiples of the steps alone."""

    def __init__(self, rate: float, steps: int, factor: float, staircase: bool = False) -> None:
        self.rate, self.steps, self.factor = positive("rate", rate), count("steps", steps), nonnegative("factor", factor)
        self.staircase = staircase

    def __call__(self, step: Any) -> Any:
        done = floor((step + 0.5) / self.steps) if self.staircase else step / self.steps
        return self.rate / (1 + self.factor * done)


class OneCycle(Schedule):
    """Up to ``rate`` along a cosine over the first ``rise`` of the ``steps``, and down again to nearly nothing.

    From rate/start, to rate/(start·end): Smith and Topin, "Super-convergence", 2018, as in PyTorch.
    """

    def __init__(self, rate: float, steps: int, rise: float = 0.3, start: float = 25.0, end: float = 1e4) -> None:
        self.rate, self.steps = positive("rate", rate), count("steps", steps, 2)
        self.start, self.end = positive("start", start), positive("end", end)
        self.top = rise * self.steps - 1
        if not 0 < rise < 1 or not 0 < self.top < self.steps - 1:
            raise ArgumentError(f"rise is {rise} of {self.steps} steps. Give a number between 0 and 1, or more steps.")

    def __call__(self, step: Any) -> Any:
        first = self.rate / self.start
        last = first / self.end
        rising = _between(first, self.rate, step / self.top)
        falling = _between(self.rate, last, minimum((step - self.top) / (self.steps - 1 - self.top), 1.0))
        return where(less(step, self.top + 1e-9), rising, falling)


def _between(a: float, b: float, part: Any) -> Any:
    """Half a wave of a cosine from a to b."""
    return b + (a - b) / 2 * (1 + cos(math.pi * part))
