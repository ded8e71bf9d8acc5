"""The named models of pharmacokinetics: one and two compartments after a bolus, an infusion or an oral dose.

They are the solutions of the linear differential equations of the compartments, in terms of clearances and volumes (Bertrand
and Mentré, *Mathematical Expressions of the Pharmacokinetic and Pharmacodynamic Models Implemented in the Monolix Software*,
2008).
Besides the time ``x``, they have columns ``dose`` and, for infusions, ``duration``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from jitgrad.curvefit import guesses
from jitgrad.curvefit.guesses import Start
from jitgrad.curvefit.named_model import NamedModel, named_model

PHARMACOKINETICS = "Pharmacokinetics"
POINTS = 12
"""The number of rates that are tried for each of three exponentials."""

_SOURCE = "M. Gibaldi and D. Perrier, Pharmacokinetics, 1975"
_MEANINGS = {
    "CL": "clearance: volume that is cleared per unit of x; relative to the bioavailability after an oral dose",
    "V": "volume of distribution, in units of dose / y; relative to the bioavailability after an oral dose",
    "ka": "absorption rate constant, per unit of x",
    "V1": "volume of the central compartment, in units of dose / y",
    "Q": "clearance between the compartments, in the unit of CL",
    "V2": "volume of the peripheral compartment, in the unit of V1",
}

# Two compartments: the sum of the micro constants, the distance of the two rates, and the rates.
_K10, _K12, _K21 = "CL / V1", "Q / V1", "Q / V2"
_APART = f"sqrt(({_K10} + {_K12} - {_K21})**2 + 4 * ({_K12}) * ({_K21}))"
_FAST = f"(({_K10} + {_K12} + {_K21} + {_APART}) / 2)"
_SLOW = f"(({_K10} + {_K12} + {_K21} - {_APART}) / 2)"
_LATEX_RATES = (
    r",\quad \alpha, \beta = \frac{1}{2}\left(s \pm \sqrt{s^2 - 4 k_{10} k_{21}}\right),\quad s = k_{10} + k_{12} + k_{21},"
    r"\quad k_{10} = \frac{CL}{V_1},\ k_{12} = \frac{Q}{V_1},\ k_{21} = \frac{Q}{V_2}"
)


def _infused(rate: str) -> str:
    """Return the response to an infusion, as a formula, of a compartment that is emptied at a rate."""
    return f"(1 - exp(-{rate} * min(x, duration))) * exp(-{rate} * max(x - duration, 0)) / {rate}"


def _absorbed(rate: str) -> str:
    """Return the response to first-order absorption, accurate even if the compartment is emptied at nearly the same rate."""
    return f"exp(-min(ka, {rate}) * x) * -expm1(-abs(ka - {rate}) * x) / abs(ka - {rate})"


def _one_bolus(x: np.ndarray, dose: np.ndarray, y: np.ndarray) -> Start:
    """Return clearance and volume."""
    amplitude, rate = guesses.exponential(*guesses.condensed(x, y / dose), guesses.decays)
    return -rate / amplitude, 1 / amplitude


def _two_bolus(x: np.ndarray, dose: np.ndarray, y: np.ndarray) -> Start:
    """Return CL, V1, Q and V2."""
    x, y = guesses.condensed(x, y / dose)
    grid = -guesses.decays(x)[::-1]
    fast, slow, first, second = guesses.separable(lambda x, *both: [np.exp(-rate * x) for rate in both], [grid, grid], x, y)
    return _micro(fast, slow, first, second)


def _micro(fast: float, slow: float, first: float, second: float) -> Start:
    """Return CL, V1, Q and V2 from the rates of two exponentials and their heights after a bolus of 1."""
    if fast < slow:
        fast, slow, first, second = slow, fast, second, first
    if not (first > 0 and second > 0 and fast > slow > 0):  # one compartment describes the data
        height = max(first + second, first, second)
        slow = slow if second >= first else fast
        return slow / height, 1 / height, slow / height, 1 / height
    total = first + second
    back = (first * slow + second * fast) / total
    out = fast * slow / back
    volume = 1 / total
    between = (fast + slow - out - back) * volume
    return out * volume, volume, between, between / back


def _driven(x: np.ndarray, rate: Any, duration: float) -> Any:
    """Return the response to an infusion at a rate of 1 of a compartment that is emptied at a rate."""
    return -np.expm1(-rate * np.minimum(x, duration)) * np.exp(-rate * np.maximum(x - duration, 0)) / rate


def _one_infusion(x: np.ndarray, dose: np.ndarray, duration: np.ndarray, y: np.ndarray) -> Start:
    """Return clearance and volume."""
    length = float(np.median(duration))
    x, y = guesses.condensed(x, y / dose)
    rate, height = guesses.separable(lambda x, rate: [_driven(x, rate, length) / length], [-guesses.decays(x)[::-1]], x, y)
    return rate / height, 1 / height


def _two_infusion(x: np.ndarray, dose: np.ndarray, duration: np.ndarray, y: np.ndarray) -> Start:
    """Return CL, V1, Q and V2."""
    length = float(np.median(duration))
    x, y = guesses.condensed(x, y / dose)
    grid = -guesses.decays(x)[::-1]
    fast, slow, first, second = guesses.separable(
        lambda x, *both: [_driven(x, rate, length) / length for rate in both], [grid, grid], x, y
    )
    return _micro(fast, slow, first, second)


def _one_oral(x: np.ndarray, dose: np.ndarray, y: np.ndarray) -> Start:
    """Return ka, CL and V, where ka is the faster of the two rates."""
    x, y = guesses.condensed(x, y / dose)
    grid = -guesses.decays(x)[::-1]
    ka, rate, height = guesses.separable(
        lambda x, ka, rate: [np.exp(-rate * x) - np.exp(-ka * x) + 0.0 * (ka + rate)], [grid * 1.03, grid], x, y
    )
    if ka < rate:
        ka, rate, height = rate, ka, -height
    volume = ka / (height * (ka - rate))
    return ka, rate * volume, volume


def _two_oral(x: np.ndarray, dose: np.ndarray, y: np.ndarray) -> Start:
    """Return ka, CL, V1, Q and V2."""
    x, y = guesses.condensed(x, y / dose)
    grid = guesses.evenly_in_log(-guesses.decays(x).max(), -guesses.decays(x).min(), POINTS)
    ka, fast, slow, first, second = guesses.separable(
        lambda x, ka, fast, slow: [np.exp(-fast * x) - np.exp(-ka * x), np.exp(-slow * x) - np.exp(-ka * x)],
        [grid * 1.07, grid * 1.03, grid], x, y,
    )  # fmt: skip
    of_bolus = _micro(fast, slow, first * (ka - fast) / ka, second * (ka - slow) / ka)
    return ka, *of_bolus


def _model(
    name: str,
    title: str,
    formula: str,
    latex: str,
    names: tuple[str, ...],
    use: str,
    start: Callable[..., Start],
    columns: Mapping[str, str],
) -> NamedModel:
    meanings = {name: _MEANINGS[name] for name in names}
    return named_model(name, PHARMACOKINETICS, title, formula, latex, meanings, use, start, _SOURCE, columns)


_TIME = {"x": "time after the dose"}
_DOSED = _TIME | {"dose": "amount of the dose"}
_INFUSED = _DOSED | {"duration": "length of the infusion, in the unit of x"}
_TWO = ("CL", "V1", "Q", "V2")
_HEIGHTS = r"A = \frac{\alpha - k_{21}}{\alpha - \beta},\quad B = \frac{k_{21} - \beta}{\alpha - \beta}"

ALL = [
    _model(
        "pk_bolus_1cpt", "One compartment after an intravenous bolus",
        "dose / V * exp(-CL / V * x)",
        r"\frac{\mathrm{dose}}{V}\, e^{-(CL / V) x}",
        ("CL", "V"), "Use it for concentrations that fall exponentially after an injection.", _one_bolus, _DOSED,
    ),
    _model(
        "pk_infusion_1cpt", "One compartment during and after an infusion",
        f"dose / (duration * V) * {_infused('(CL / V)')}",
        r"\frac{\mathrm{dose}}{\mathrm{duration}\; CL} \left(1 - e^{-(CL / V) \min(x, \mathrm{duration})}\right) "
        r"e^{-(CL / V) \max(x - \mathrm{duration}, 0)}",
        ("CL", "V"), "Use it for concentrations that rise during a constant infusion and fall exponentially after it.",
        _one_infusion, _INFUSED,
    ),
    _model(
        "pk_oral_1cpt", "One compartment with first-order absorption",
        f"dose * ka / V * {_absorbed('CL / V')}",
        r"\frac{\mathrm{dose}\; k_a}{V (k_a - CL / V)} \left(e^{-(CL / V) x} - e^{-k_a x}\right)",
        ("ka", "CL", "V"), "Use it for concentrations after a tablet or an injection into muscle.", _one_oral, _DOSED,
    ),
    _model(
        "pk_bolus_2cpt", "Two compartments after an intravenous bolus",
        f"dose / V1 * (({_FAST} - {_K21}) * exp(-{_FAST} * x) + ({_K21} - {_SLOW}) * exp(-{_SLOW} * x)) / {_APART}",
        r"\frac{\mathrm{dose}}{V_1} \left(A e^{-\alpha x} + B e^{-\beta x}\right),\quad " + _HEIGHTS + _LATEX_RATES,
        _TWO, "Use it for concentrations that fall fast at first, by distribution, and then slowly, by elimination.",
        _two_bolus, _DOSED,
    ),
    _model(
        "pk_infusion_2cpt", "Two compartments during and after an infusion",
        f"dose / (duration * V1) * (({_FAST} - {_K21}) * {_infused(_FAST)} + ({_K21} - {_SLOW}) * {_infused(_SLOW)}) "
        f"/ {_APART}",
        r"\frac{\mathrm{dose}}{\mathrm{duration}\; V_1} \sum_{(C, \lambda) \in \{(A, \alpha), (B, \beta)\}} "
        r"\frac{C}{\lambda} \left(1 - e^{-\lambda \min(x, \mathrm{duration})}\right) "
        r"e^{-\lambda \max(x - \mathrm{duration}, 0)},\quad " + _HEIGHTS + _LATEX_RATES,
        _TWO, "Use it for infusions of a drug that is distributed more slowly than it is infused.", _two_infusion, _INFUSED,
    ),
    _model(
        "pk_oral_2cpt", "Two compartments with first-order absorption",
        f"dose * ka / V1 * (({_FAST} - {_K21}) * {_absorbed(_FAST)} + ({_K21} - {_SLOW}) * {_absorbed(_SLOW)}) / {_APART}",
        r"\frac{\mathrm{dose}\; k_a}{V_1} \left(A \frac{e^{-\alpha x} - e^{-k_a x}}{k_a - \alpha} "
        r"+ B \frac{e^{-\beta x} - e^{-k_a x}}{k_a - \beta}\right),\quad " + _HEIGHTS + _LATEX_RATES,
        ("ka", *_TWO), "Use it for oral doses of a drug that is distributed to tissue and returns from it.", _two_oral, _DOSED,
    ),
]  # fmt: skip
"""The models, in order."""
