"""Starting values of the named models: how each combines the guesses of ``guesses.py`` into its own parameters.

Each function takes x and y, both (n,), and returns the starting values in the order in which the model declares its parameters.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from jitgrad.curvefit import guesses
from jitgrad.curvefit.guesses import Start

GAS_CONSTANT = 8.31446261815324
"""The molar gas constant in J / (mol K), exact since the SI of 2019."""


def line_in_log(x: np.ndarray, y: np.ndarray) -> Start:
    """Return intercept and slope of a line in log(x)."""
    x, y = guesses.where_positive(x, y)
    return guesses.polynomial(np.log(x), y, 1)


def exponential_decay(x: np.ndarray, y: np.ndarray) -> Start:
    """Return offset, amplitude and time constant."""
    offset, amplitude, rate = guesses.exponential_with_offset(x, y, guesses.decays)
    return offset, amplitude, -1 / rate


def exponential_growth(x: np.ndarray, y: np.ndarray) -> Start:
    """Return amplitude and rate."""
    return guesses.exponential(x, y, guesses.rates)


def exponential_rise(x: np.ndarray, y: np.ndarray) -> Start:
    """Return offset, amplitude and time constant."""
    offset, amplitude, tau = exponential_decay(x, y)
    return offset + amplitude, -amplitude, tau


def arrhenius(x: np.ndarray, y: np.ndarray) -> Start:
    """Return the pre-exponential factor and the activation energy in J/mol."""
    x, y = guesses.where_positive(x, y)
    factor, rate = guesses.exponential(1 / x, y, guesses.rates)
    return factor, -rate * GAS_CONSTANT


def power_law(x: np.ndarray, y: np.ndarray) -> Start:
    """Return amplitude and exponent."""
    x, y = guesses.where_positive(x, y)
    return guesses.exponential(np.log(x), y, guesses.rates)


def power_law_offset(x: np.ndarray, y: np.ndarray) -> Start:
    """Return offset, amplitude and exponent."""
    x, y = guesses.where_positive(x, y)
    return guesses.exponential_with_offset(np.log(x), y, guesses.rates)


def gaussian(u: np.ndarray) -> np.ndarray:
    """Return the Gaussian of height 1 and standard deviation 1."""
    return np.exp(-0.5 * u**2)


def lorentzian(u: np.ndarray) -> np.ndarray:
    """Return the Lorentzian of height 1 and half width 1."""
    return 1 / (1 + u**2)


def sigmoid(u: np.ndarray) -> np.ndarray:
    """Return the logistic function."""
    return 0.5 + 0.5 * np.tanh(u / 2)


def logistic5(x: np.ndarray, y: np.ndarray) -> Start:
    """Return bottom, top, ec50, slope and asymmetry."""
    x, y = guesses.where_positive(x, y)
    bottom, top, middle, *others = guesses.logistic_step(np.log(x), y, np.geomspace(0.3, 3, 3))
    return bottom, top, np.exp(middle), *others


def logistic4(x: np.ndarray, y: np.ndarray) -> Start:
    """Return bottom, top, ec50 and slope."""
    x, y = guesses.where_positive(x, y)
    bottom, top, middle, slope, _ = guesses.logistic_step(np.log(x), y, np.ones(1))
    return bottom, top, np.exp(middle), slope


def growth(x: np.ndarray, y: np.ndarray, shape: Callable[[np.ndarray], np.ndarray]) -> Start:
    """Return upper limit, rate and midpoint of a step of the given shape."""
    rates = guesses.slopes(x, 25)
    upper, middle, rate = guesses.step(x, y, shape, np.concatenate([-rates[::-1], rates]))
    return upper, rate, middle


def step_in_log(x: np.ndarray, y: np.ndarray, shape: Callable[[np.ndarray], np.ndarray]) -> Start:
    """Return height, midpoint and slope of a step of the given shape in log(x)."""
    x, y = guesses.where_positive(x, y)
    height, middle, slope = guesses.step(np.log(x), y, shape, guesses.slopes(np.log(x), 25))
    return height, np.exp(middle), slope


def langmuir(x: np.ndarray, y: np.ndarray) -> Start:
    """Return capacity and equilibrium constant."""
    qmax, half = guesses.saturation(x, y)
    return qmax, 1 / half
