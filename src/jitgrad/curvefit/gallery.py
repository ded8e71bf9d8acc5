"""The named curve models: their formulas, their parameters, and how starting values are found.

Where a logarithm of x is taken that may be a dose, a time or a pressure of 0, it is that of ``x + 1e-300``: the curve has its
limit there and finite derivatives, and an x above 1e-280 is unchanged to the bit.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from jitgrad.arguments import by_name
from jitgrad.curvefit import guesses
from jitgrad.curvefit.guesses import Start
from jitgrad.errors import ArgumentError

MAX_DEGREE = 20
GAS_CONSTANT = 8.31446261815324  # J / (mol K), exact in the SI of 2019


@dataclass(frozen=True)
class NamedModel:
    """A curve y of one column x.

    Attributes:
        name: what it is asked for by.
        title: a few words.
        formula: text in the formula language; the independent column is ``x``.
        parameters: names in the order of the formula or of convention.
        guess: starting values by name from x and y, both (n,), n >= 1, finite float64 in any order. They are finite for any
            such data; nothing is raised and nothing warned of.
    """

    name: str
    title: str
    formula: str
    parameters: tuple[str, ...]
    guess: Callable[[np.ndarray, np.ndarray], dict[str, float]]


def named(name: str) -> NamedModel:
    """The model of a name: a key of ``MODELS``, or ``polynomial:5`` for a polynomial of that degree, from 0 to 20.

    Raises ArgumentError for another name, with the near one, and for another degree.
    """
    kind, _, degree = str(name).partition(":")
    if kind != "polynomial":
        return by_name("curve model", name, MODELS, also=f" or polynomial:DEGREE, to degree {MAX_DEGREE}")
    if not (degree.isdecimal() and len(degree) <= 2 and int(degree) <= MAX_DEGREE):
        raise ArgumentError(f"The curve model {name!r} has no degree from 0 to {MAX_DEGREE}. Write polynomial:3 for degree 3.")
    return _polynomial(f"polynomial:{int(degree)}", int(degree))


def _model(
    name: str, title: str, formula: str, parameters: str, start: Callable[[np.ndarray, np.ndarray], Start]
) -> NamedModel:
    """``parameters`` are in the order in which ``start`` returns them."""
    names = tuple(parameters.split())
    return NamedModel(name, title, formula, names, functools.partial(_guess, names, start))


def _guess(
    names: tuple[str, ...], start: Callable[[np.ndarray, np.ndarray], Start], x: np.ndarray, y: np.ndarray
) -> dict[str, float]:
    """Starting values; 1 for what is beyond all floats."""
    with np.errstate(all="ignore"):
        values = start(x, y)
    return {name: float(value) if np.isfinite(value) else 1.0 for name, value in zip(names, values, strict=True)}


def _polynomial(name: str, degree: int) -> NamedModel:
    terms = ["c0", "c1 * x", *(f"c{k} * x**{k}" for k in range(2, degree + 1))]
    formula = " + ".join(terms[: degree + 1]) if degree else "c0 + 0 * x"  # a value for each x, too
    parameters = " ".join(f"c{k}" for k in range(degree + 1))
    return _model(name, f"Polynomial of degree {degree}", formula, parameters, lambda x, y: guesses.polynomial(x, y, degree))


def _line_in_log(x: np.ndarray, y: np.ndarray) -> Start:
    x, y = guesses.where_positive(x, y)
    return guesses.polynomial(np.log(x), y, 1)


def _exponential_decay(x: np.ndarray, y: np.ndarray) -> Start:
    offset, amplitude, rate = guesses.exponential_with_offset(x, y, guesses.decays)
    return offset, amplitude, -1 / rate


def _exponential_growth(x: np.ndarray, y: np.ndarray) -> Start:
    return guesses.exponential(x, y, guesses.rates)


def _exponential_rise(x: np.ndarray, y: np.ndarray) -> Start:
    offset, amplitude, tau = _exponential_decay(x, y)
    return offset + amplitude, -amplitude, tau


def _arrhenius(x: np.ndarray, y: np.ndarray) -> Start:
    x, y = guesses.where_positive(x, y)
    factor, rate = guesses.exponential(1 / x, y, guesses.rates)
    return factor, -rate * GAS_CONSTANT


def _power_law(x: np.ndarray, y: np.ndarray) -> Start:
    x, y = guesses.where_positive(x, y)
    return guesses.exponential(np.log(x), y, guesses.rates)


def _power_law_offset(x: np.ndarray, y: np.ndarray) -> Start:
    x, y = guesses.where_positive(x, y)
    return guesses.exponential_with_offset(np.log(x), y, guesses.rates)


def _gaussian(u: np.ndarray) -> np.ndarray:
    return np.exp(-0.5 * u**2)


def _lorentzian(u: np.ndarray) -> np.ndarray:
    return 1 / (1 + u**2)


def _sigmoid(u: np.ndarray) -> np.ndarray:
    return 0.5 + 0.5 * np.tanh(u / 2)


def _logistic5(x: np.ndarray, y: np.ndarray) -> Start:
    x, y = guesses.where_positive(x, y)
    bottom, top, middle, *others = guesses.logistic_step(np.log(x), y, np.geomspace(0.3, 3, 3))
    return bottom, top, np.exp(middle), *others


def _logistic(x: np.ndarray, y: np.ndarray) -> Start:
    x, y = guesses.where_positive(x, y)
    bottom, top, middle, slope, _ = guesses.logistic_step(np.log(x), y, np.ones(1))
    return bottom, top, np.exp(middle), slope


def _growth(x: np.ndarray, y: np.ndarray, shape: Callable[[np.ndarray], np.ndarray]) -> Start:
    rates = guesses.slopes(x, 25)
    upper, middle, rate = guesses.step(x, y, shape, np.concatenate([-rates[::-1], rates]))
    return upper, rate, middle


def _step_in_log(x: np.ndarray, y: np.ndarray, shape: Callable[[np.ndarray], np.ndarray]) -> Start:
    x, y = guesses.where_positive(x, y)
    height, middle, slope = guesses.step(np.log(x), y, shape, guesses.slopes(np.log(x), 25))
    return height, np.exp(middle), slope


def _langmuir(x: np.ndarray, y: np.ndarray) -> Start:
    qmax, half = guesses.saturation(x, y)
    return qmax, 1 / half


_ALL = [
    _model("line", "Straight line", "intercept + slope * x", "intercept slope", lambda x, y: guesses.polynomial(x, y, 1)),
    _polynomial("quadratic", 2),
    _polynomial("cubic", 3),
    _model(
        "exponential_decay", "Exponential decay to an offset",
        "offset + amplitude * exp(-x / tau)", "offset amplitude tau", _exponential_decay,
    ),
    _model(
        "exponential_growth", "Exponential growth from 0",
        "amplitude * exp(rate * x)", "amplitude rate", _exponential_growth,
    ),
    _model(
        "exponential_rise", "Exponential rise to saturation, from an offset",
        "offset + amplitude * (1 - exp(-x / tau))", "offset amplitude tau", _exponential_rise,
    ),
    _model(
        "double_exponential", "Two exponential decays to an offset",
        "offset + amplitude1 * exp(-x / tau1) + amplitude2 * exp(-x / tau2)",
        "offset amplitude1 tau1 amplitude2 tau2", guesses.two_decays,
    ),
    _model(
        "gaussian", "Gaussian peak on a constant background",
        "offset + height * exp(-0.5 * ((x - centre) / sigma)**2)",
        "offset height centre sigma", lambda x, y: guesses.peak(x, y, _gaussian),
    ),
    _model(
        "lorentzian", "Lorentzian peak on a constant background, gamma its half width at half maximum",
        "offset + height / (1 + ((x - centre) / gamma)**2)",
        "offset height centre gamma", lambda x, y: guesses.peak(x, y, _lorentzian),
    ),
    _model(
        "voigt", "Voigt peak on a constant background: a Gaussian of sigma in a Lorentzian of half width gamma",
        "offset + area * voigt_profile(x - centre, abs(sigma), gamma)",
        "offset area centre sigma gamma", guesses.voigt_peak,
    ),
    _model(
        "logistic4", "Dose and response: four-parameter logistic in log(x)",
        "bottom + (top - bottom) * sigmoid(slope * (log(x + 1e-300) - log(ec50)))",
        "bottom top ec50 slope", _logistic,
    ),
    _model(
        "logistic5", "Dose and response: five-parameter logistic in log(x), half of the way at ec50",
        "bottom + (top - bottom) * exp(-asymmetry * softplus("
        "log(expm1(log(2) / asymmetry)) - slope * (log(x + 1e-300) - log(ec50))))",
        "bottom top ec50 slope asymmetry", _logistic5,
    ),
    _model(
        "sigmoid", "Growth: logistic in x, from 0 to upper",
        "upper * sigmoid(rate * (x - midpoint))", "upper rate midpoint", lambda x, y: _growth(x, y, _sigmoid),
    ),
    _model(
        "gompertz", "Growth: Gompertz, from 0 to upper, steepest at the inflection",
        "upper * exp(-exp(-rate * (x - inflection)))",
        "upper rate inflection", lambda x, y: _growth(x, y, lambda u: np.exp(-np.exp(-u))),
    ),
    _model(
        "weibull", "Growth: Weibull's distribution, upper (1 - exp(-(x / scale)^shape))",
        "upper * (1 - exp(-exp(shape * (log(x + 1e-300) - log(scale)))))",
        "upper scale shape", lambda x, y: _step_in_log(x, y, lambda u: -np.expm1(-np.exp(u))),
    ),
    _model(
        "michaelis_menten", "Enzyme kinetics: Michaelis and Menten",
        "vmax * x / (km + x)", "vmax km", guesses.saturation,
    ),
    _model(
        "hill", "Cooperative binding: Hill, vmax x^n / (k^n + x^n)",
        "vmax * sigmoid(n * (log(x + 1e-300) - log(k)))", "vmax k n", lambda x, y: _step_in_log(x, y, _sigmoid),
    ),
    _model(
        "langmuir", "Adsorption: Langmuir's isotherm",
        "qmax * k * x / (1 + k * x)", "qmax k", _langmuir,
    ),
    _model(
        "arrhenius", "Rate over temperature: Arrhenius, x in K, Ea in J/mol",
        f"A * exp(-Ea / ({GAS_CONSTANT} * x))", "A Ea", _arrhenius,
    ),
    _model("power_law", "Power law", "amplitude * x**exponent", "amplitude exponent", _power_law),
    _model(
        "power_law_offset", "Power law on an offset",
        "offset + amplitude * x**exponent", "offset amplitude exponent", _power_law_offset,
    ),
    _model("logarithm", "Line over log(x)", "intercept + slope * log(x)", "intercept slope", _line_in_log),
    _model(
        "sinusoid", "Sine wave on an offset, phase in radians",
        "offset + amplitude * sin(2 * pi * frequency * x + phase)",
        "offset amplitude frequency phase", guesses.oscillation,
    ),
    _model(
        "damped_oscillation", "Sine wave that decays to an offset, phase in radians",
        "offset + amplitude * exp(-x / tau) * sin(2 * pi * frequency * x + phase)",
        "offset amplitude tau frequency phase", guesses.damped_oscillation,
    ),
]  # fmt: skip

MODELS: dict[str, NamedModel] = {model.name: model for model in _ALL}
"""The models by name; polynomials of other degrees than 1 to 3 come from ``named``."""
