"""What the gallery says of each named curve beside the library's own table: formulas as TeX, meanings, advice, examples."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Text:
    """The page of one curve.

    Attributes
    ----------
    tex : str
        The right side of the formula, for mathtext.
    meaning : dict of str to str
        What each parameter is.
    use : str
        When to use the curve, in Markdown.
    start : str
        How starting values are found.
    x : ndarray
        Where the example is measured.
    truth : tuple of float
        Parameters of the example, in the order of the model.
    vary : tuple of (str, tuple of float)
        The parameter that the second picture varies, and its values.
    axes : tuple of str
        Names of x and y in the example.
    lines : dict of str to str
        Lines in the picture: an expression of parameters, and "x" or "y" for the axis that it is a value of.
    log : bool
        Whether the x axis is logarithmic.
    see : tuple of str
        Related curves.
    noise : float
        Standard deviation of the example's errors, in units of the range of y.
    """

    tex: str
    meaning: dict[str, str]
    use: str
    start: str
    x: np.ndarray
    truth: tuple[float, ...]
    vary: tuple[str, tuple[float, ...]]
    axes: tuple[str, str] = ("x", "y")
    lines: dict[str, str] = field(default_factory=dict)
    log: bool = False
    see: tuple[str, ...] = ()
    noise: float = 0.025


KINDS: dict[str, tuple[str, list[str]]] = {
    "Lines and polynomials": (
        "Smooth trends without a theory behind them.",
        ["line", "quadratic", "cubic"],
    ),
    "Decay and relaxation": (
        "Quantities that approach a final value, fast at first and then ever more slowly.",
        ["exponential_decay", "exponential_rise", "double_exponential"],
    ),
    "Growth": (
        "Populations and sizes over time, with and without an upper limit.",
        ["exponential_growth", "sigmoid", "gompertz", "weibull"],
    ),
    "Dose and response": (
        "Responses between two levels over several decades of dose.",
        ["logistic4", "logistic5"],
    ),
    "Enzyme kinetics, binding and adsorption": (
        "Rates and occupancies that saturate as the concentration rises.",
        ["michaelis_menten", "hill", "langmuir"],
    ),
    "Peaks": (
        "Lines of a spectrum on a constant background, upward or downward.",
        ["gaussian", "lorentzian", "voigt"],
    ),
    "Powers, logarithms and temperature": (
        "Relations that are straight lines on logarithmic or reciprocal axes.",
        ["power_law", "power_law_offset", "logarithm", "arrhenius"],
    ),
    "Oscillations": (
        "Periodic signals; the frequency is found from the data.",
        ["sinusoid", "damped_oscillation"],
    ),
}  # fmt: skip

_EXACT = (
    "The curve is linear in all its parameters, so linear least squares gives the solution directly. "
    "The polynomial is computed on x scaled to [−1, 1], where its powers differ most, and converted."
)
_REFINED = "The grid is then refined around its three best minima, and the best point of all is the starting point."


def _grid(linear: str, grid: str) -> str:
    """Say how a separable curve is started."""
    return (
        f"For fixed values of the other parameters, the curve is linear in {linear}. jitgrad tries {grid}. At each point of "
        "this "
        f"grid, the linear parameters follow from linear least squares (variable projection). {_REFINED}"
    )


_TIMES = "30 times, evenly spaced on a logarithmic scale from the distance of the first points to ten times the range of x"
_STEPS = "40 midpoints, from a quarter of the range before the data to a quarter after them, and 25 slopes"
_LOGS = "40 midpoints in log(x), from a quarter of the range before the data to a quarter after them, and"
_DOSES = np.repeat(np.geomspace(0.01, 100, 9), 3)
_TIME = np.linspace(0.0, 10.0, 41)
_ENERGY = np.linspace(0.0, 10.0, 81)

TEXTS: dict[str, Text] = {
    "line": Text(
        r"\mathrm{intercept} + \mathrm{slope} \cdot x",
        {"intercept": "value of y at x = 0", "slope": "change of y per unit of x"},
        "For any relation that looks straight, and for calibrations with a linear detector. For a line with several columns, "
        "robust standard errors or an analysis of variance, use {func}`jitgrad.fit_table` instead.",
        _EXACT, np.linspace(0, 10, 21), (1.0, 0.6), ("slope", (0.2, 0.6, 1.0)), ("x", "y"), {"intercept": "y"},
        see=("quadratic", "logarithm", "power_law"), noise=0.05,
    ),
    "quadratic": Text(
        r"c_0 + c_1 x + c_2 x^2",
        {"c0": "value of y at x = 0", "c1": "slope at x = 0", "c2": "half the second derivative; its sign says whether the "
        "curve "
         "opens upward or downward"},
        "For a trend with one bend or one extremum, near which many functions look like a parabola. The extremum lies at "
        "−c1 / (2 c2). Do not extrapolate.",
        _EXACT, np.linspace(-3, 4, 29), (2.0, 1.0, -0.6), ("c2", (-0.6, -0.2, 0.2)), see=("line", "cubic"), noise=0.04,
    ),
    "cubic": Text(
        r"c_0 + c_1 x + c_2 x^2 + c_3 x^3",
        {"c0": "value of y at x = 0", "c1": "slope at x = 0", "c2": "half the second derivative at x = 0",
         "c3": "a sixth of the third derivative"},
        "For a trend with an inflection. For a higher degree, write `polynomial:5` for degree 5, up to `polynomial:20`. "
        "Polynomials of high degree swing between the points and diverge outside them.",
        _EXACT, np.linspace(-3, 3, 31), (1.0, -2.0, 0.3, 0.5), ("c3", (0.2, 0.5, 0.8)), see=("quadratic", "line"), noise=0.04,
    ),
    "exponential_decay": Text(
        r"\mathrm{offset} + \mathrm{amplitude} \cdot e^{-x/\tau}",
        {"offset": "value that y approaches as x grows", "amplitude": "how far y starts above the offset, at x = 0; "
        "negative if it "
         "starts below", "tau": "time constant, in which the distance to the offset falls to 1/e = 37 %; the half-life is "
         "log(2) · tau"},
        "For radioactive decay, fluorescence, discharging capacitors, cooling, and first-order reactions. If the data end "
        "before the decay does, `offset` and `tau` are strongly correlated: measure longer, or fix the offset with "
        "`fixed={\"offset\": 0}`.",
        _grid("`offset` and `amplitude`", f"{_TIMES}, for `tau`"), _TIME, (1.0, 4.0, 2.0), ("tau", (0.7, 2.0, 5.0)),
        ("time", "signal"), {"offset": "y", "tau": "x"}, see=("double_exponential", "exponential_rise", "damped_oscillation"),
    ),
    "exponential_rise": Text(
        r"\mathrm{offset} + \mathrm{amplitude} \left(1 - e^{-x/\tau}\right)",
        {"offset": "value of y at x = 0", "amplitude": "total rise, so that the curve approaches offset + amplitude",
         "tau": "time constant, after which 63 % of the rise are completed"},
        "For charging capacitors, warming, and products of a first-order reaction. It is the same family of curves as "
        "[`exponential_decay`](exponential_decay.md), written with the start and the rise as parameters.",
        _grid("`offset` and `amplitude`", f"{_TIMES}, for `tau`"), _TIME, (1.0, 4.0, 2.0), ("tau", (0.7, 2.0, 5.0)),
        ("time", "signal"), {"offset": "y", "offset + amplitude": "y", "tau": "x"},
        see=("exponential_decay", "michaelis_menten", "weibull"),
    ),
    "double_exponential": Text(
        r"\mathrm{offset} + \mathrm{amplitude}_1 \, e^{-x/\tau_1} + \mathrm{amplitude}_2 \, e^{-x/\tau_2}",
        {"offset": "value that y approaches as x grows", "amplitude1": "amplitude of the faster decay at x = 0",
         "tau1": "time constant of the faster decay", "amplitude2": "amplitude of the slower decay at x = 0",
         "tau2": "time constant of the slower decay"},
        "For two processes in parallel, such as distribution and elimination of a drug, or two fluorescent species. The two "
        "time constants must differ by a factor of about three or more, otherwise the data do not determine all parameters. "
        "Compare with a single decay by {func}`jitgrad.curvefit.compare`.",
        _grid("`offset` and both amplitudes", "all pairs of 15 times, spaced as for a single decay") + " The faster "
        "decay comes first.",
        np.linspace(0, 20, 81), (0.5, 4.0, 0.8, 2.0, 6.0), ("tau2", (2.0, 6.0, 15.0)), ("time", "signal"), {"offset": "y"},
        see=("exponential_decay",), noise=0.012,
    ),
    "exponential_growth": Text(
        r"\mathrm{amplitude} \cdot e^{\,\mathrm{rate} \cdot x}",
        {"amplitude": "value of y at x = 0", "rate": "relative growth per unit of x; the doubling time is log(2) / rate; "
         "negative for a decay to zero"},
        "For growth without limits: cells in the exponential phase, compound interest, early epidemics. The fit weights "
        "absolute errors, so the largest values dominate. If errors are relative, pass `sigma` proportional to y.",
        _grid("`amplitude`", "60 rates, negative and positive"), np.linspace(0, 8, 25), (0.5, 0.4), ("rate", (0.2, 0.4, 0.5)),
        ("time", "population"), {"amplitude": "y"}, see=("sigmoid", "gompertz", "power_law"),
    ),
    "sigmoid": Text(
        r"\frac{\mathrm{upper}}{1 + e^{-\mathrm{rate}\,(x - \mathrm{midpoint})}}",
        {"upper": "value that y approaches, the carrying capacity", "rate": "relative growth rate at the beginning; negative "
        "if the "
         "curve falls", "midpoint": "x at which y is half of `upper`, and the curve is steepest"},
        "For growth that slows symmetrically as it approaches a limit (Verhulst's logistic). If the approach to the limit is "
        "slower than the start, use [`gompertz`](gompertz.md). For doses over several decades, use "
        "[`logistic4`](logistic4.md).",
        _grid("`upper`", f"{_STEPS}, rising and falling"), np.linspace(0, 20, 33), (5.0, 0.7, 9.0), ("rate", (0.35, 0.7, 1.5)),
        ("time", "population"), {"upper": "y", "midpoint": "x"}, see=("gompertz", "weibull", "logistic4"),
    ),
    "gompertz": Text(
        r"\mathrm{upper} \cdot \exp\left(-e^{-\mathrm{rate}\,(x - \mathrm{inflection})}\right)",
        {"upper": "value that y approaches", "rate": "how fast growth slows; negative if the curve falls",
         "inflection": "x at which the curve is steepest, where y is 37 % of `upper`"},
        "For growth that starts fast and approaches its limit slowly: tumors, animals, bacteria after a lag.",
        _grid("`upper`", f"{_STEPS}, rising and falling"), np.linspace(0, 20, 33), (5.0, 0.45, 6.0),
        ("rate", (0.25, 0.45, 1.0)),
        ("time", "size"), {"upper": "y", "inflection": "x"}, see=("sigmoid", "weibull"),
    ),
    "weibull": Text(
        r"\mathrm{upper} \left(1 - e^{-(x/\mathrm{scale})^{\mathrm{shape}}}\right)",
        {"upper": "value that y approaches", "scale": "x at which 63 % of `upper` are reached", "shape": "1 for a simple "
        "exponential "
         "rise; larger values give a lag and then a steep rise"},
        "For cumulative quantities such as the fraction of a drug dissolved, seeds germinated or parts failed. x must not be "
        "negative.",
        _grid("`upper`", f"{_LOGS} 25 shapes"), np.linspace(0, 12, 33), (95.0, 4.0, 2.2), ("shape", (0.8, 1.5, 4.0)),
        ("time", "fraction (%)"), {"upper": "y", "scale": "x"}, see=("exponential_rise", "sigmoid", "gompertz"),
    ),
    "logistic4": Text(
        r"\mathrm{bottom} + \frac{\mathrm{top} - \mathrm{bottom}}{1 + (\mathrm{ec50}/x)^{\mathrm{slope}}}",
        {"bottom": "level at small doses if `slope` is positive", "top": "level at large doses if `slope` is positive",
         "ec50": "dose at which the response is halfway between the levels", "slope": "Hill slope; negative for a response "
         "that falls with the dose"},
        "For dose-response curves, ELISA and other assays: the four-parameter logistic (4PL). The doses should cover both "
        "levels; otherwise fix the level that is missing. Exchanging `bottom` and `top` and changing the sign of `slope` "
        "gives the same curve. A dose of 0 is allowed.",
        _grid("`bottom` and `top`", f"{_LOGS} 15 slopes of the sign that the data have"), _DOSES, (10.0, 95.0, 1.2, 1.3),
        ("slope", (0.6, 1.3, 3.0)), ("dose", "response"), {"bottom": "y", "top": "y", "ec50": "x"}, True,
        ("logistic5", "hill", "sigmoid"), 0.03,
    ),
    "logistic5": Text(
        r"\mathrm{bottom} + \frac{\mathrm{top} - \mathrm{bottom}}"
        r"{\left(1 + (2^{1/\mathrm{asymmetry}} - 1)(\mathrm{ec50}/x)^{\mathrm{slope}}\right)^{\mathrm{asymmetry}}}",
        {"bottom": "level at small doses if `slope` is positive", "top": "level at large doses if `slope` is positive",
         "ec50": "dose at which the response is halfway between the levels, whatever the asymmetry",
         "slope": "steepness; negative for a response that falls with the dose",
         "asymmetry": "1 for the symmetric curve; otherwise one end bends more sharply than the other"},
        "For assays whose two bends differ: the five-parameter logistic (5PL). It needs more points near both bends than the "
        "4PL. Compare both by {func}`jitgrad.curvefit.compare` before you report an asymmetry.",
        _grid("`bottom` and `top`", f"{_LOGS} 15 slopes of the sign that the data have, and three asymmetries"),
        np.repeat(np.geomspace(0.01, 100, 13), 3), (10.0, 95.0, 1.2, 1.5, 0.4), ("asymmetry", (0.3, 1.0, 4.0)),
        ("dose", "response"), {"bottom": "y", "top": "y", "ec50": "x"}, True, ("logistic4", "gompertz"), 0.015,
    ),
    "michaelis_menten": Text(
        r"\frac{v_{\max}\, x}{K_m + x}",
        {"vmax": "rate at saturation", "km": "Michaelis constant: concentration at which the rate is half of `vmax`"},
        "For the rate of an enzyme over the concentration of its substrate. Measure below and well above `km`. Do not "
        "linearize the data (Lineweaver–Burk): it distorts the errors.",
        _grid("`vmax`", "60 values of `km`, from a hundredth of the smallest concentration to a hundred times the largest"),
        np.repeat([0.02, 0.06, 0.11, 0.22, 0.56, 1.1], 3), (210.0, 0.08), ("km", (0.03, 0.08, 0.3)),
        ("concentration", "rate"), {"vmax": "y", "km": "x"}, see=("hill", "langmuir"), noise=0.03,
    ),
    "hill": Text(
        r"\frac{v_{\max}\, x^n}{k^n + x^n}",
        {"vmax": "response at saturation", "k": "concentration at which the response is half of `vmax`",
         "n": "Hill coefficient: above 1 for positive cooperativity, 1 for Michaelis–Menten"},
        "For cooperative binding, as of oxygen to hemoglobin. With n = 1 it is [`michaelis_menten`](michaelis_menten.md), so "
        "an *F* test tells whether the data support cooperativity.",
        _grid("`vmax`", f"{_LOGS} 25 coefficients"), np.repeat(np.linspace(0.5, 12, 12), 2), (100.0, 3.5, 2.7),
        ("n", (1.0, 2.7, 6.0)), ("partial pressure (kPa)", "saturation (%)"), {"vmax": "y", "k": "x"},
        see=("michaelis_menten", "logistic4"),
    ),
    "langmuir": Text(
        r"\frac{q_{\max}\, k\, x}{1 + k\, x}",
        {"qmax": "capacity: amount adsorbed when the surface is full",
         "k": "affinity; at x = 1 / k, half of the capacity is used"},
        "For the adsorption of a gas or solute on a surface with equal sites. It is the same family of curves as "
        "[`michaelis_menten`](michaelis_menten.md) with k = 1 / km.",
        _grid("`qmax`", "60 values of 1 / `k`, from a hundredth of the smallest pressure to a hundred times the largest"),
        np.linspace(0.2, 10, 25), (5.0, 0.6), ("k", (0.2, 0.6, 3.0)), ("pressure", "amount adsorbed"),
        {"qmax": "y", "1 / k": "x"}, see=("michaelis_menten", "hill"),
    ),
    "gaussian": Text(
        r"\mathrm{offset} + \mathrm{height} \cdot \exp\left(-\frac{(x - \mathrm{centre})^2}{2\,\sigma^2}\right)",
        {"offset": "constant background", "height": "height of the peak above the background; negative for a dip",
         "centre": "position of the peak", "sigma": "standard deviation; the full width at half maximum is 2.355 · sigma, "
         "the area is 2.507 · height · sigma"},
        "For peaks broadened by many small independent effects: chromatography, instrument resolution, Doppler broadening.",
        _grid("`offset` and `height`", "25 positions and those of the extremes of smoothed y, with 25 widths"), _ENERGY,
        (1.0, 5.0, 4.5, 0.9), ("sigma", (0.4, 0.9, 1.8)), ("position", "intensity"), {"offset": "y", "centre": "x"},
        see=("lorentzian", "voigt"),
    ),
    "lorentzian": Text(
        r"\mathrm{offset} + \frac{\mathrm{height}}{1 + \left((x - \mathrm{centre})/\gamma\right)^2}",
        {"offset": "constant background", "height": "height of the peak above the background; negative for a dip",
         "centre": "position of the peak", "gamma": "half width at half maximum; the area is π · height · gamma"},
        "For resonances and lifetime-broadened lines. Its tails are much wider than a Gaussian's, so the background needs "
        "data far from the peak.",
        _grid("`offset` and `height`", "25 positions and those of the extremes of smoothed y, with 25 widths"), _ENERGY,
        (1.0, 5.0, 4.5, 0.8), ("gamma", (0.3, 0.8, 1.6)), ("frequency", "intensity"), {"offset": "y", "centre": "x"},
        see=("gaussian", "voigt"),
    ),
    "voigt": Text(
        r"\mathrm{offset} + \mathrm{area} \cdot V(x - \mathrm{centre};\ \sigma, \gamma)",
        {"offset": "constant background", "area": "area of the peak above the background", "centre": "position of the peak",
         "sigma": "standard deviation of the Gaussian part", "gamma": "half width at half maximum of the Lorentzian part"},
        "For spectral lines with both kinds of broadening. V is the Voigt profile, the convolution of a Gaussian and a "
        "Lorentzian, each with area 1. If the instrument's `sigma` is known, fix it.",
        "The best Lorentzian is found first, as for [`lorentzian`](lorentzian.md). Around it, positions, total widths and "
        "seven mixtures of both kinds are tried; `offset` and `area` follow from linear least squares at each.",
        _ENERGY, (1.0, 10.0, 4.5, 0.6, 0.5), ("gamma", (0.1, 0.5, 1.2)), ("wavelength", "intensity"),
        {"offset": "y", "centre": "x"}, see=("gaussian", "lorentzian"), noise=0.015,
    ),
    "power_law": Text(
        r"\mathrm{amplitude} \cdot x^{\,\mathrm{exponent}}",
        {"amplitude": "value of y at x = 1", "exponent": "slope on doubly logarithmic axes"},
        "For scaling laws, as of metabolic rate with body mass. x must be positive. The fit weights absolute errors; a "
        "straight line through logarithms weights relative ones. To weight relative errors here, pass `sigma` "
        "proportional to y.",
        _grid("`amplitude`", "60 exponents, negative and positive"), np.linspace(0.5, 10, 30), (2.0, 0.75),
        ("exponent", (0.4, 0.75, 1.1)), ("mass", "rate"), see=("power_law_offset", "logarithm", "exponential_growth"),
    ),
    "power_law_offset": Text(
        r"\mathrm{offset} + \mathrm{amplitude} \cdot x^{\,\mathrm{exponent}}",
        {"offset": "constant that is added to the power law", "amplitude": "value of the power law at x = 1",
         "exponent": "its exponent"},
        "For a power law on a background, as of noise over frequency (1/*f* noise). The offset and the exponent are strongly "
        "correlated unless x covers more than a decade. x must be positive.",
        _grid("`offset` and `amplitude`", "60 exponents, negative and positive"), np.linspace(0.3, 10, 50), (1.0, 2.0, -1.0),
        ("exponent", (-2.0, -1.0, -0.5)), ("frequency", "noise"), {"offset": "y"}, see=("power_law",), noise=0.015,
    ),
    "logarithm": Text(
        r"\mathrm{intercept} + \mathrm{slope} \cdot \ln x",
        {"intercept": "value of y at x = 1", "slope": "change of y when x grows by a factor e; per decade it is 2.303 · slope"},
        "For responses to a stimulus over decades, electrode potentials (Nernst), and learning curves. x must be positive.",
        "The curve is linear in both parameters, so linear least squares gives the solution directly.",
        np.geomspace(0.1, 100, 25), (2.0, 0.8), ("slope", (0.3, 0.8, 1.3)), ("x", "y"), {"intercept": "y"}, True,
        ("line", "power_law"), 0.04,
    ),
    "arrhenius": Text(
        r"A \cdot e^{-E_a/(R\,x)}",
        {"A": "rate at infinite temperature", "Ea": "activation energy in J/mol"},
        "For rate constants over absolute temperature in kelvin. R is the gas constant, 8.314 J/(mol K). `A` and `Ea` are "
        "almost perfectly correlated, because no measurement is near infinite temperature. That does no harm to predictions "
        "within the measured range.",
        _grid("`A`", "60 activation energies, from the rates of an exponential in 1/x"), np.linspace(280, 360, 17),
        (2e9, 5.0e4),
        ("Ea", (4.8e4, 5.0e4, 5.2e4)), ("temperature (K)", "rate constant"), see=("exponential_growth", "power_law"),
    ),
    "sinusoid": Text(
        r"\mathrm{offset} + \mathrm{amplitude} \cdot \sin(2\pi \cdot \mathrm{frequency} \cdot x + \mathrm{phase})",
        {"offset": "mean level", "amplitude": "half the distance between the extremes", "frequency": "periods per unit of x",
         "phase": "phase at x = 0 in radians"},
        "For a single tone, seasonal cycles, and rotation. Points need not be evenly spaced. If the amplitude decays, use "
        "[`damped_oscillation`](damped_oscillation.md).",
        "The highest peak of the periodogram gives the frequency to within a quarter of its resolution. Frequencies around "
        "it, and some that the periodogram does not resolve, are tried; `offset` and the sine and cosine amplitudes follow "
        "from linear least squares. The sum of squares has many local minima in the frequency, so a plain fit without "
        "this search often fails.",
        np.linspace(0, 10, 71), (2.0, 1.5, 0.35, 0.6), ("frequency", (0.15, 0.35, 0.6)), ("time", "signal"), {"offset": "y"},
        see=("damped_oscillation",), noise=0.05,
    ),
    "damped_oscillation": Text(
        r"\mathrm{offset} + \mathrm{amplitude} \cdot e^{-x/\tau} \sin(2\pi \cdot \mathrm{frequency} \cdot x + "
        r"\mathrm{phase})",
        {"offset": "value that y approaches", "amplitude": "amplitude at x = 0", "tau": "time constant of the envelope",
         "frequency": "periods per unit of x", "phase": "phase at x = 0 in radians"},
        "For pendulums, ringing circuits, and free induction decays.",
        "Frequencies come from the periodogram, as for [`sinusoid`](sinusoid.md), and 15 decay times are tried with each; "
        "the linear parameters follow from linear least squares.",
        np.linspace(0, 12, 97), (1.0, 3.0, 4.0, 0.5, 0.4), ("tau", (1.5, 4.0, 12.0)), ("time", "displacement"), {"offset": "y"},
        see=("sinusoid", "exponential_decay"), noise=0.03,
    ),
}  # fmt: skip
