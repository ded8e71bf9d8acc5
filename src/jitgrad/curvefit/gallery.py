"""The named curve models: their formulas, their parameters, and the functions that find starting values.

Formulas that take a logarithm of x, where x may be a dose, a time or a pressure of 0, use ``log(x + 1e-300)``. At 0 the curve
then has its limit and finite derivatives, and the sum equals x exactly for every x above 1e-280.
"""

from __future__ import annotations

import numpy as np

from jitgrad.arguments import by_name
from jitgrad.curvefit import dynamics, guesses, named_starts, pharmacokinetics
from jitgrad.curvefit.named_model import NamedModel, named_model
from jitgrad.curvefit.named_starts import GAS_CONSTANT
from jitgrad.errors import ArgumentError

MAX_DEGREE = 20

POLYNOMIALS = "Lines and polynomials"
EXPONENTIALS = "Exponentials"
PEAKS = "Peaks"
DOSES = "Dose and response"
GROWTH = "Growth and sigmoids"
BINDING = "Kinetics and binding"
POWERS = "Power laws and logarithms"
WAVES = "Oscillations"
GROUPS = (
    POLYNOMIALS, EXPONENTIALS, PEAKS, DOSES, GROWTH, BINDING, pharmacokinetics.PHARMACOKINETICS, dynamics.DYNAMICS, POWERS,
    WAVES,
)  # fmt: skip
"""The groups of the gallery, in order."""

_OFFSET = "baseline of the response"
_CENTRE = "position of the peak on x"


def named(name: str) -> NamedModel:
    """Return the named model called `name`.

    Parameters
    ----------
    name : str
        A key of `MODELS`, or ``"polynomial:N"`` for a polynomial of degree N, from 0 to 20.

    Returns
    -------
    NamedModel
        The model.

    Raises
    ------
    ArgumentError
        If there is no model of that name, or the degree is not from 0 to 20. The message suggests the nearest name.

    Examples
    --------
    >>> jg.curvefit.named("gaussian").title
    'Gaussian peak on a constant background'
    >>> jg.curvefit.named("polynomial:4").formula
    'c0 + c1 * x + c2 * x**2 + c3 * x**3 + c4 * x**4'
    """
    kind, _, degree = str(name).partition(":")
    if kind != "polynomial":
        return by_name("curve model", name, MODELS, also=f" or polynomial:DEGREE with a degree up to {MAX_DEGREE}")
    if not (degree.isdecimal() and len(degree) <= 2 and int(degree) <= MAX_DEGREE):
        raise ArgumentError(f"The curve model {name!r} has no degree from 0 to {MAX_DEGREE}. Write polynomial:3 for degree 3.")
    return _polynomial(f"polynomial:{int(degree)}", int(degree))


def _polynomial(name: str, degree: int) -> NamedModel:
    terms = ["c0", "c1 * x", *(f"c{k} * x**{k}" for k in range(2, degree + 1))]
    formula = " + ".join(terms[: degree + 1]) if degree else "c0 + 0 * x"  # one value for each x, even for a constant
    powers = ["c_0", "c_1 x", *(f"c_{{{k}}} x^{{{k}}}" for k in range(2, degree + 1))]
    meanings = {f"c{k}": f"coefficient of x to the power {k}" for k in range(degree + 1)}
    meanings["c0"] = "value at x = 0"
    return named_model(
        name, POLYNOMIALS, f"Polynomial of degree {degree}", formula, " + ".join(powers[: degree + 1]), meanings,
        "Use it to describe a smooth curve inside the range of the data when no physical model is known.",
        lambda x, y: guesses.polynomial(x, y, degree),
    )  # fmt: skip


_ALL = [
    named_model(
        "line", POLYNOMIALS, "Straight line",
        "intercept + slope * x",
        r"\mathrm{intercept} + \mathrm{slope} \cdot x",
        {"intercept": "value at x = 0", "slope": "change of the response per unit of x"},
        "Use it when the response changes at a constant rate, as a calibration line does.",
        lambda x, y: guesses.polynomial(x, y, 1),
    ),
    _polynomial("quadratic", 2),
    _polynomial("cubic", 3),
    named_model(
        "exponential_decay", EXPONENTIALS, "Exponential decay to an offset",
        "offset + amplitude * exp(-x / tau)",
        r"\mathrm{offset} + \mathrm{amplitude}\, e^{-x / \tau}",
        {
            "offset": "value that the curve approaches as x grows",
            "amplitude": "height above the offset at x = 0",
            "tau": "time constant: the distance on x in which the height falls to 1/e; the half-life is tau * log(2)",
        },
        "Use it for first-order decay: radioactivity with a background, discharge, clearance, fluorescence lifetimes.",
        named_starts.exponential_decay,
    ),
    named_model(
        "exponential_growth", EXPONENTIALS, "Exponential growth or decay without an offset",
        "amplitude * exp(rate * x)",
        r"\mathrm{amplitude}\, e^{\mathrm{rate} \cdot x}",
        {
            "amplitude": "value at x = 0",
            "rate": "relative change per unit of x; the doubling time is log(2) / rate; negative for decay",
        },
        "Use it for unlimited growth at a constant relative rate, such as a population in its early phase.",
        named_starts.exponential_growth,
    ),
    named_model(
        "exponential_rise", EXPONENTIALS, "Exponential rise from an offset to a plateau",
        "offset + amplitude * (1 - exp(-x / tau))",
        r"\mathrm{offset} + \mathrm{amplitude}\, (1 - e^{-x / \tau})",
        {
            "offset": "value at x = 0",
            "amplitude": "height of the plateau above the offset",
            "tau": "time constant: the distance on x in which 63% of the rise is completed",
        },
        "Use it for a first-order approach to a plateau: charging, uptake, association kinetics.",
        named_starts.exponential_rise,
    ),
    named_model(
        "double_exponential", EXPONENTIALS, "Sum of two exponential decays and an offset",
        "offset + amplitude1 * exp(-x / tau1) + amplitude2 * exp(-x / tau2)",
        r"\mathrm{offset} + \mathrm{amplitude}_1\, e^{-x / \tau_1} + \mathrm{amplitude}_2\, e^{-x / \tau_2}",
        {
            "offset": "value that the curve approaches as x grows",
            "amplitude1": "height of the first component at x = 0",
            "tau1": "time constant of the first component, in the unit of x; the faster one in the starting values",
            "amplitude2": "height of the second component at x = 0",
            "tau2": "time constant of the second component, in the unit of x",
        },
        "Use it for decay with a fast and a slow phase, as in two-compartment pharmacokinetics.",
        guesses.two_decays,
    ),
    named_model(
        "gaussian", PEAKS, "Gaussian peak on a constant background",
        "offset + height * exp(-0.5 * ((x - centre) / sigma)**2)",
        r"\mathrm{offset} + \mathrm{height} \cdot \exp\left(-\frac{(x - \mathrm{centre})^2}{2\sigma^2}\right)",
        {
            "offset": _OFFSET,
            "height": "height of the peak above the offset; negative for a dip",
            "centre": _CENTRE,
            "sigma": "standard deviation, in the unit of x; the full width at half maximum is 2.3548 * sigma",
        },
        "Use it for peaks that are broadened by many independent effects: chromatography, instrument resolution.",
        lambda x, y: guesses.peak(x, y, named_starts.gaussian),
    ),
    named_model(
        "lorentzian", PEAKS, "Lorentzian peak on a constant background",
        "offset + height / (1 + ((x - centre) / gamma)**2)",
        r"\mathrm{offset} + \frac{\mathrm{height}}{1 + ((x - \mathrm{centre}) / \gamma)^2}",
        {
            "offset": _OFFSET,
            "height": "height of the peak above the offset; negative for a dip",
            "centre": _CENTRE,
            "gamma": "half width at half maximum, in the unit of x",
        },
        "Use it for resonances and spectral lines with lifetime broadening; its tails are wider than those of a Gaussian.",
        lambda x, y: guesses.peak(x, y, named_starts.lorentzian),
    ),
    named_model(
        "voigt", PEAKS, "Voigt peak on a constant background",
        "offset + area * voigt_profile(x - centre, abs(sigma), gamma)",
        r"\mathrm{offset} + \mathrm{area} \cdot V(x - \mathrm{centre};\, |\sigma|,\, \gamma)",
        {
            "offset": _OFFSET,
            "area": "area under the peak; negative for a dip",
            "centre": _CENTRE,
            "sigma": "standard deviation of the Gaussian part, in the unit of x",
            "gamma": "half width at half maximum of the Lorentzian part, in the unit of x",
        },
        "Use it for spectral lines with both Doppler or instrument broadening (Gaussian) and lifetime broadening (Lorentzian).",
        guesses.voigt_peak,
        "W. Voigt, Sitzungsber. Bayer. Akad. Wiss., 603, 1912",
    ),
    named_model(
        "logistic4", DOSES, "Four-parameter logistic dose-response curve",
        "bottom + (top - bottom) * sigmoid(slope * (log(x + 1e-300) - log(ec50)))",
        r"\mathrm{bottom} + \frac{\mathrm{top} - \mathrm{bottom}}{1 + (\mathrm{ec50} / x)^{\mathrm{slope}}}",
        {
            "bottom": "response at dose 0 if the slope is positive, at very high doses if it is negative",
            "top": "response at very high doses if the slope is positive, at dose 0 if it is negative",
            "ec50": "dose at which the response is halfway between bottom and top",
            "slope": "Hill slope, the steepness in log(x); negative for a falling curve with top > bottom",
        },
        "Use it for assays with a symmetric S-shaped response to the logarithm of the dose: ELISA, IC50 and EC50 estimation.",
        named_starts.logistic4,
        "A. V. Hill, J. Physiol. 40, iv, 1910",
    ),
    named_model(
        "logistic5", DOSES, "Five-parameter logistic dose-response curve",
        "bottom + (top - bottom) * exp(-asymmetry * softplus("
        "log(expm1(log(2) / asymmetry)) - slope * (log(x + 1e-300) - log(ec50))))",
        r"\mathrm{bottom} + \frac{\mathrm{top} - \mathrm{bottom}}"
        r"{\left(1 + (2^{1/\mathrm{asymmetry}} - 1)\,(\mathrm{ec50} / x)^{\mathrm{slope}}\right)^{\mathrm{asymmetry}}}",
        {
            "bottom": "response at dose 0 if the slope is positive, at very high doses if it is negative",
            "top": "response at very high doses if the slope is positive, at dose 0 if it is negative",
            "ec50": "dose at which the response is halfway between bottom and top, for every asymmetry",
            "slope": "steepness in log(x); negative for a falling curve with top > bottom",
            "asymmetry": "1 for the symmetric four-parameter curve; below and above 1 one end is approached more slowly",
        },
        "Use it for dose-response data whose two ends are approached at different rates.",
        named_starts.logistic5,
        "F. J. Richards, J. Exp. Bot. 10, 290, 1959; P. G. Gottschalk and J. R. Dunn, Anal. Biochem. 343, 54, 2005",
    ),
    named_model(
        "sigmoid", GROWTH, "Logistic growth from 0 to an upper limit",
        "upper * sigmoid(rate * (x - midpoint))",
        r"\frac{\mathrm{upper}}{1 + e^{-\mathrm{rate}\,(x - \mathrm{midpoint})}}",
        {
            "upper": "upper limit",
            "rate": "relative growth rate far below the limit, per unit of x; negative for a falling curve",
            "midpoint": "position on x at which the curve reaches half of the upper limit",
        },
        "Use it for growth that is symmetric about its midpoint, such as a population with limited resources.",
        lambda x, y: named_starts.growth(x, y, named_starts.sigmoid),
        "P.-F. Verhulst, Corresp. Math. Phys. 10, 113, 1838",
    ),
    named_model(
        "gompertz", GROWTH, "Gompertz growth from 0 to an upper limit",
        "upper * exp(-exp(-rate * (x - inflection)))",
        r"\mathrm{upper} \cdot e^{-e^{-\mathrm{rate}\,(x - \mathrm{inflection})}}",
        {
            "upper": "upper limit",
            "rate": "rate at which the relative growth rate declines, per unit of x; negative for a falling curve",
            "inflection": "position on x of the steepest growth, at 37% of the upper limit",
        },
        "Use it for growth that starts quickly and levels off slowly: tumors, plants, bacteria.",
        lambda x, y: named_starts.growth(x, y, lambda u: np.exp(-np.exp(-u))),
        "B. Gompertz, Phil. Trans. R. Soc. 115, 513, 1825",
    ),
    named_model(
        "weibull", GROWTH, "Weibull distribution function, scaled to an upper limit",
        "upper * (1 - exp(-exp(shape * (log(x + 1e-300) - log(scale)))))",
        r"\mathrm{upper} \cdot \left(1 - e^{-(x / \mathrm{scale})^{\mathrm{shape}}}\right)",
        {
            "upper": "upper limit",
            "scale": "position on x at which the curve reaches 63% of the upper limit",
            "shape": "1 for an exponential rise; above 1 the curve is S-shaped",
        },
        "Use it for cumulative failures, dissolution profiles and germination over time.",
        lambda x, y: named_starts.step_in_log(x, y, lambda u: -np.expm1(-np.exp(u))),
        "W. Weibull, J. Appl. Mech. 18, 293, 1951",
    ),
    named_model(
        "michaelis_menten", BINDING, "Michaelis-Menten enzyme kinetics",
        "vmax * x / (km + x)",
        r"\frac{v_{\max}\, x}{K_m + x}",
        {
            "vmax": "maximum rate, in the unit of y",
            "km": "Michaelis constant: the concentration at which the rate is vmax / 2, in the unit of x",
        },
        "Use it for the initial rate of an enzyme reaction as a function of the substrate concentration.",
        guesses.saturation,
        "L. Michaelis and M. L. Menten, Biochem. Z. 49, 333, 1913",
    ),
    named_model(
        "hill", BINDING, "Hill equation for cooperative binding",
        "vmax * sigmoid(n * (log(x + 1e-300) - log(k)))",
        r"\frac{v_{\max}\, x^n}{k^n + x^n}",
        {
            "vmax": "value at saturation, in the unit of y",
            "k": "concentration at half saturation, in the unit of x",
            "n": "Hill coefficient: above 1 for positive cooperativity, 1 for independent sites",
        },
        "Use it for binding or rates whose sites influence each other, such as oxygen on hemoglobin.",
        lambda x, y: named_starts.step_in_log(x, y, named_starts.sigmoid),
        "A. V. Hill, J. Physiol. 40, iv, 1910",
    ),
    named_model(
        "langmuir", BINDING, "Langmuir adsorption isotherm",
        "qmax * k * x / (1 + k * x)",
        r"\frac{q_{\max}\, k\, x}{1 + k\, x}",
        {
            "qmax": "capacity: the adsorbed amount at saturation, in the unit of y",
            "k": "adsorption equilibrium constant, in the inverse of the unit of x",
        },
        "Use it for adsorption on a surface of identical, independent sites, over pressure or concentration.",
        named_starts.langmuir,
        "I. Langmuir, J. Am. Chem. Soc. 40, 1361, 1918",
    ),
    named_model(
        "arrhenius", BINDING, "Arrhenius equation for the temperature dependence of a rate",
        f"A * exp(-Ea / ({GAS_CONSTANT} * x))",
        r"A\, e^{-E_a / (R x)}",
        {
            "A": "pre-exponential factor, in the unit of y",
            "Ea": "activation energy, in J/mol",
        },
        "Use it for rate constants over the absolute temperature x in kelvin.",
        named_starts.arrhenius,
        "S. Arrhenius, Z. Phys. Chem. 4, 226, 1889",
    ),
    *pharmacokinetics.ALL,
    *dynamics.ALL,
    named_model(
        "power_law", POWERS, "Power law",
        "amplitude * x**exponent",
        r"\mathrm{amplitude} \cdot x^{\mathrm{exponent}}",
        {
            "amplitude": "value at x = 1",
            "exponent": "slope of the curve in a plot with two logarithmic axes",
        },
        "Use it for data on a straight line in a log-log plot: allometry, scaling laws, Freundlich isotherms.",
        named_starts.power_law,
    ),
    named_model(
        "power_law_offset", POWERS, "Power law with an offset",
        "offset + amplitude * x**exponent",
        r"\mathrm{offset} + \mathrm{amplitude} \cdot x^{\mathrm{exponent}}",
        {
            "offset": _OFFSET,
            "amplitude": "difference from the offset at x = 1",
            "exponent": "power of x",
        },
        "Use it for a power law on a constant background.",
        named_starts.power_law_offset,
    ),
    named_model(
        "logarithm", POWERS, "Straight line in log(x)",
        "intercept + slope * log(x)",
        r"\mathrm{intercept} + \mathrm{slope} \cdot \ln x",
        {
            "intercept": "value at x = 1",
            "slope": "change of the response when x grows by a factor of e",
        },
        "Use it when equal ratios of x change the response by equal amounts, as for electrode potentials.",
        named_starts.line_in_log,
    ),
    named_model(
        "sinusoid", WAVES, "Sine wave with an offset",
        "offset + amplitude * sin(2 * pi * frequency * x + phase)",
        r"\mathrm{offset} + \mathrm{amplitude} \cdot \sin(2\pi \cdot \mathrm{frequency} \cdot x + \mathrm{phase})",
        {
            "offset": "mean value of the wave",
            "amplitude": "half of the distance from trough to crest",
            "frequency": "cycles per unit of x",
            "phase": "phase at x = 0, in radians",
        },
        "Use it for a periodic signal of one frequency: seasons, tides, alternating current.",
        guesses.oscillation,
    ),
    named_model(
        "damped_oscillation", WAVES, "Sine wave that decays to an offset",
        "offset + amplitude * exp(-x / tau) * sin(2 * pi * frequency * x + phase)",
        r"\mathrm{offset} + \mathrm{amplitude}\, e^{-x / \tau} \sin(2\pi \cdot \mathrm{frequency} \cdot x + \mathrm{phase})",
        {
            "offset": "value that the curve approaches as x grows",
            "amplitude": "amplitude at x = 0",
            "tau": "time constant: the distance on x in which the amplitude falls to 1/e",
            "frequency": "cycles per unit of x",
            "phase": "phase at x = 0, in radians",
        },
        "Use it for an oscillation that loses energy: pendulums, NMR signals, mechanical vibration.",
        guesses.damped_oscillation,
    ),
]  # fmt: skip

MODELS: dict[str, NamedModel] = {model.name: model for model in _ALL}
"""The named models by name. `named` returns these and polynomials of every degree up to 20."""
