"""What the gallery adds to the library's table of named curves: advice, how starting values are found, and an example."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Text:
    """The additions to one curve.

    Attributes
    ----------
    advice : str
        What to watch for, in Markdown.
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
    known : dict of str to float or tuple of float
        The values of further columns in the example: one for all rows, or several, for each of which x is repeated.
    """

    advice: str
    start: str
    x: np.ndarray
    truth: tuple[float, ...]
    vary: tuple[str, tuple[float, ...]]
    axes: tuple[str, str] = ("x", "y")
    lines: dict[str, str] = field(default_factory=dict)
    log: bool = False
    see: tuple[str, ...] = ()
    noise: float = 0.025
    known: dict[str, float | tuple[float, ...]] = field(default_factory=dict)

    @property
    def kinds(self) -> int:
        """The number of times that x is repeated."""
        return max((len(value) for value in self.known.values() if isinstance(value, tuple)), default=1)

    def columns(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """Return the columns of the example at some x."""
        known = {name: np.repeat(np.broadcast_to(value, self.kinds), len(x)) for name, value in self.known.items()}
        return {"x": np.tile(x, self.kinds)} | {name: np.asarray(values, np.float64) for name, values in known.items()}


GROUP_TEXTS = {
    "Lines and polynomials": "Smooth trends without a theory behind them.",
    "Exponentials": "Quantities that change at a rate proportional to the distance from a final value.",
    "Peaks": "Lines of a spectrum on a constant background, upward or downward.",
    "Dose and response": "Responses between two levels over several decades of dose.",
    "Growth and sigmoids": "Populations and sizes that approach an upper limit.",
    "Kinetics and binding": "Rates and occupancies as a function of concentration or temperature.",
    "Pharmacokinetics": "Concentrations of a drug over time, as solutions of the differential equations of compartments.",
    "Differential equations": "Quantities whose rates of change are known, but not their curves; solved while fitting.",
    "Power laws and logarithms": "Relations that are straight lines on logarithmic axes.",
    "Oscillations": "Periodic signals; the frequency is found from the data.",
}
"""A sentence for each group of curves."""

_EXACT = (
    "The curve is linear in all its parameters, so linear least squares gives the solution directly. "
    "The polynomial is computed on x scaled to [−1, 1], where its powers differ most, and converted."
)


def _grid(linear: str, grid: str) -> str:
    """Say how a separable curve is started."""
    return (
        f"For fixed values of the other parameters, the curve is linear in {linear}. jitgrad tries {grid}. At each point of "
        "this grid, the linear parameters follow from linear least squares (variable projection). The grid is then refined "
        "around its three best minima, and the best point of all is the starting point."
    )


_TIMES = "30 times, evenly spaced on a logarithmic scale from the distance of the first points to ten times the range of x"
_STEPS = "40 midpoints, from a quarter of the range before the data to a quarter after them, and 25 slopes"
_LOGS = "40 midpoints in log(x), from a quarter of the range before the data to a quarter after them, and"
_PEAK = "25 positions and those of the extremes of smoothed y, with 25 widths"
_EXPONENTS = "60 exponents, negative and positive"
_DOSES = np.repeat(np.geomspace(0.01, 100, 9), 3)
_TIME = np.linspace(0.0, 10.0, 41)
_HOURS = np.array([0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24])
_DOSE = {"dose": 100.0}
_INFUSION = {"dose": 100.0, "duration": 2.0}
_DRUG = ("time", "concentration")
_RATES = "30 rates, evenly spaced on a logarithmic scale"
_AS_VOLUMES = " Clearances and volumes follow from the rates and heights."
_SIMULATED = (
    "The epidemic is simulated on a grid of parameters, and fitted by least squares from the three best points of the grid."
)
_COLUMNS = (
    "The dose is a column, so subjects with different doses can be fitted at once by {func}`jitgrad.fit_groups`. With a column "
    'of zeros among the concentrations, `errors="lognormal"` is not possible; leave out rows before the first measurable one. '
)
_ENERGY = np.linspace(0.0, 10.0, 81)

TEXTS: dict[str, Text] = {
    "line": Text(
        "For several columns, robust standard errors or an analysis of variance, use {func}`jitgrad.fit_table` instead.",
        _EXACT, np.linspace(0, 10, 21), (1.0, 0.6), ("slope", (0.2, 0.6, 1.0)), ("x", "y"), {"intercept": "y"},
        see=("quadratic", "logarithm", "power_law"), noise=0.05,
    ),
    "quadratic": Text(
        "Near an extremum, many functions look like a parabola; this one has its extremum at −c1 / (2 c2). Do not extrapolate.",
        _EXACT, np.linspace(-3, 4, 29), (2.0, 1.0, -0.6), ("c2", (-0.6, -0.2, 0.2)), see=("line", "cubic"), noise=0.04,
    ),
    "cubic": Text(
        "For a higher degree, write `polynomial:5` for degree 5, up to `polynomial:20`. Polynomials of high degree swing "
        "between the points and diverge outside them.",
        _EXACT, np.linspace(-3, 3, 31), (1.0, -2.0, 0.3, 0.5), ("c3", (0.2, 0.5, 0.8)), see=("quadratic", "line"), noise=0.04,
    ),
    "exponential_decay": Text(
        "If the data end before the decay does, `offset` and `tau` are strongly correlated: measure longer, or fix the offset "
        'with `fixed={"offset": 0}`.',
        _grid("`offset` and `amplitude`", f"{_TIMES}, for `tau`"), _TIME, (1.0, 4.0, 2.0), ("tau", (0.7, 2.0, 5.0)),
        ("time", "signal"), {"offset": "y", "tau": "x"}, see=("double_exponential", "exponential_rise", "damped_oscillation"),
    ),
    "exponential_rise": Text(
        "It is the same family of curves as [`exponential_decay`](exponential_decay.md), written with the start and the rise "
        "as parameters.",
        _grid("`offset` and `amplitude`", f"{_TIMES}, for `tau`"), _TIME, (1.0, 4.0, 2.0), ("tau", (0.7, 2.0, 5.0)),
        ("time", "signal"), {"offset": "y", "offset + amplitude": "y", "tau": "x"},
        see=("exponential_decay", "michaelis_menten", "weibull"),
    ),
    "double_exponential": Text(
        "The two time constants must differ by a factor of about three or more; otherwise the data do not determine all "
        "parameters. Compare the fit with a single decay by {func}`jitgrad.curvefit.compare`.",
        _grid("`offset` and both amplitudes", "all pairs of 15 times, spaced as for a single decay"),
        np.linspace(0, 20, 81), (0.5, 4.0, 0.8, 2.0, 6.0), ("tau2", (2.0, 6.0, 15.0)), ("time", "signal"), {"offset": "y"},
        see=("exponential_decay",), noise=0.012,
    ),
    "exponential_growth": Text(
        "The fit weights absolute errors, so the largest values dominate. If errors are relative, pass `sigma` proportional to "
        "y. For growth that slows, use [`sigmoid`](sigmoid.md) or [`gompertz`](gompertz.md).",
        _grid("`amplitude`", "60 rates, negative and positive"), np.linspace(0, 8, 25), (0.5, 0.4), ("rate", (0.2, 0.4, 0.5)),
        ("time", "population"), {"amplitude": "y"}, see=("sigmoid", "gompertz", "power_law"),
    ),
    "sigmoid": Text(
        "It solves the differential equation y' = rate · y · (1 − y / upper). "
        "If the approach to the limit is slower than the start, use [`gompertz`](gompertz.md). For doses over several decades, "
        "use [`logistic4`](logistic4.md).",
        _grid("`upper`", f"{_STEPS}, rising and falling"), np.linspace(0, 20, 33), (5.0, 0.7, 9.0), ("rate", (0.35, 0.7, 1.5)),
        ("time", "population"), {"upper": "y", "midpoint": "x"}, see=("gompertz", "weibull", "logistic4"),
    ),
    "gompertz": Text(
        "It solves the differential equation y' = rate · y · log(upper / y). "
        "Compare it with [`sigmoid`](sigmoid.md) if you do not know which of them describes your data; AICc decides.",
        _grid("`upper`", f"{_STEPS}, rising and falling"), np.linspace(0, 20, 33), (5.0, 0.45, 6.0),
        ("rate", (0.25, 0.45, 1.0)), ("time", "size"), {"upper": "y", "inflection": "x"}, see=("sigmoid", "weibull"),
    ),
    "weibull": Text(
        "x must not be negative.",
        _grid("`upper`", f"{_LOGS} 25 shapes"), np.linspace(0, 12, 33), (95.0, 4.0, 2.2), ("shape", (0.8, 1.5, 4.0)),
        ("time", "fraction (%)"), {"upper": "y", "scale": "x"}, see=("exponential_rise", "sigmoid", "gompertz"),
    ),
    "logistic4": Text(
        "It is also called 4PL. The doses should cover both levels; otherwise fix the level that is missing. Exchanging "
        "`bottom` and `top` and changing the sign of `slope` gives the same curve. A dose of 0 is allowed.",
        _grid("`bottom` and `top`", f"{_LOGS} 15 slopes of the sign that the data have"), _DOSES, (10.0, 95.0, 1.2, 1.3),
        ("slope", (0.6, 1.3, 3.0)), ("dose", "response"), {"bottom": "y", "top": "y", "ec50": "x"}, True,
        ("logistic5", "hill", "sigmoid"), 0.03,
    ),
    "logistic5": Text(
        "It is also called 5PL. It needs more points near both bends than the 4PL. Compare both by "
        "{func}`jitgrad.curvefit.compare` before you report an asymmetry.",
        _grid("`bottom` and `top`", f"{_LOGS} 15 slopes of the sign that the data have, and three asymmetries"),
        np.repeat(np.geomspace(0.01, 100, 13), 3), (10.0, 95.0, 1.2, 1.5, 0.4), ("asymmetry", (0.3, 1.0, 4.0)),
        ("dose", "response"), {"bottom": "y", "top": "y", "ec50": "x"}, True, ("logistic4", "gompertz"), 0.015,
    ),
    "michaelis_menten": Text(
        "Measure below and well above `km`. Do not linearize the data (Lineweaver–Burk), which distorts the errors.",
        _grid("`vmax`", "60 values of `km`, from a hundredth of the smallest concentration to a hundred times the largest"),
        np.repeat([0.02, 0.06, 0.11, 0.22, 0.56, 1.1], 3), (210.0, 0.08), ("km", (0.03, 0.08, 0.3)),
        ("concentration", "rate"), {"vmax": "y", "km": "x"}, see=("hill", "langmuir"), noise=0.03,
    ),
    "hill": Text(
        "With n = 1 it is [`michaelis_menten`](michaelis_menten.md), so an *F* test shows whether the data support "
        "cooperativity.",
        _grid("`vmax`", f"{_LOGS} 25 coefficients"), np.repeat(np.linspace(0.5, 12, 12), 2), (100.0, 3.5, 2.7),
        ("n", (1.0, 2.7, 6.0)), ("partial pressure (kPa)", "saturation (%)"), {"vmax": "y", "k": "x"},
        see=("michaelis_menten", "logistic4"),
    ),
    "langmuir": Text(
        "It is the same family of curves as [`michaelis_menten`](michaelis_menten.md) with k = 1 / km.",
        _grid("`qmax`", "60 values of 1 / `k`, from a hundredth of the smallest pressure to a hundred times the largest"),
        np.linspace(0.2, 10, 25), (5.0, 0.6), ("k", (0.2, 0.6, 3.0)), ("pressure", "amount adsorbed"),
        {"qmax": "y", "1 / k": "x"}, see=("michaelis_menten", "hill"),
    ),
    "gaussian": Text(
        "The area of the peak is 2.507 · height · sigma. If its foot is wider than the curve, try [`voigt`](voigt.md).",
        _grid("`offset` and `height`", _PEAK), _ENERGY, (1.0, 5.0, 4.5, 0.9), ("sigma", (0.4, 0.9, 1.8)),
        ("position", "intensity"), {"offset": "y", "centre": "x"}, see=("lorentzian", "voigt"),
    ),
    "lorentzian": Text(
        "The area of the peak is π · height · gamma. The tails are wide, so the background needs data far from the peak.",
        _grid("`offset` and `height`", _PEAK), _ENERGY, (1.0, 5.0, 4.5, 0.8), ("gamma", (0.3, 0.8, 1.6)),
        ("frequency", "intensity"), {"offset": "y", "centre": "x"}, see=("gaussian", "voigt"),
    ),
    "voigt": Text(
        "V is the Voigt profile, the convolution of a Gaussian and a Lorentzian, each with area 1. If the instrument's `sigma` "
        "is known, fix it.",
        "The best Lorentzian is found first, as for [`lorentzian`](lorentzian.md). Around it, positions, total widths and "
        "seven mixtures of both kinds are tried; `offset` and `area` follow from linear least squares at each.",
        _ENERGY, (1.0, 10.0, 4.5, 0.6, 0.5), ("gamma", (0.1, 0.5, 1.2)), ("wavelength", "intensity"),
        {"offset": "y", "centre": "x"}, see=("gaussian", "lorentzian"), noise=0.015,
    ),
    "pk_bolus_1cpt": Text(
        "The half-life is log(2) · V / CL. " + _COLUMNS, _grid("1 / V", f"{_RATES}, for CL / V") + _AS_VOLUMES, _HOURS,
        (2.0, 15.0), ("CL", (1.0, 2.0, 4.0)), _DRUG, see=("pk_bolus_2cpt", "pk_infusion_1cpt", "exponential_growth"),
        known=_DOSE,
    ),
    "pk_infusion_1cpt": Text(
        "The plateau of a long infusion is its rate divided by CL. " + _COLUMNS,
        _grid("1 / V", f"{_RATES}, for CL / V") + _AS_VOLUMES, _HOURS, (4.0, 12.0), ("V", (6.0, 12.0, 24.0)), _DRUG,
        see=("pk_infusion_2cpt", "pk_bolus_1cpt"), known=_INFUSION,
    ),
    "pk_oral_1cpt": Text(
        "Exchanging the rates of absorption and elimination, ka and CL / V, gives the same curve with another volume "
        "(flip-flop kinetics). The starting values have the faster absorption. If it is slower, give starting values `p0`. "
        + _COLUMNS,
        _grid("the height", f"all pairs of {_RATES}, for ka and CL / V") + _AS_VOLUMES, _HOURS, (1.2, 3.0, 20.0),
        ("ka", (0.4, 1.2, 4.0)), _DRUG, see=("pk_oral_2cpt", "pk_bolus_1cpt"), known=_DOSE,
    ),
    "pk_bolus_2cpt": Text(
        "The concentrations must cover both phases. Otherwise, the data do not determine Q and V2; compare with "
        "[`pk_bolus_1cpt`](pk_bolus_1cpt.md) by {func}`jitgrad.curvefit.compare`. " + _COLUMNS,
        _grid("both heights", f"all pairs of {_RATES}, for both phases") + _AS_VOLUMES, _HOURS, (4.0, 8.0, 6.0, 30.0),
        ("Q", (2.0, 6.0, 18.0)), _DRUG, see=("pk_bolus_1cpt", "double_exponential", "pk_infusion_2cpt"),
        noise=0.01, known=_DOSE,
    ),
    "pk_infusion_2cpt": Text(
        "Measure during the infusion and soon after its end, when distribution is visible. " + _COLUMNS,
        _grid("both heights", f"all pairs of {_RATES}, for both phases") + _AS_VOLUMES, _HOURS, (4.0, 8.0, 6.0, 30.0),
        ("V1", (4.0, 8.0, 16.0)), _DRUG, see=("pk_infusion_1cpt", "pk_bolus_2cpt"), noise=0.01, known=_INFUSION,
    ),
    "pk_oral_2cpt": Text(
        "Five parameters need precise data from absorption to the slow phase. Any two of the three rates can be exchanged "
        "(flip-flop kinetics); the starting values decide which of these solutions is found. " + _COLUMNS,
        _grid("two heights", "all triples of 12 rates, evenly spaced on a logarithmic scale") + _AS_VOLUMES, _HOURS,
        (1.5, 4.0, 10.0, 6.0, 40.0), ("ka", (0.7, 1.5, 4.0)), _DRUG, see=("pk_oral_1cpt", "pk_bolus_2cpt"), noise=0.005,
        known=_DOSE,
    ),
    "sir": Text(
        "Measure x from the time at which `I0` individuals are infectious; with `fixed={\"I0\": 1}`, from the first case. "
        "The size of the population is a column. Counts of new cases are not the number of infectious individuals.",
        _SIMULATED, np.arange(1.0, 31.0), (0.9, 0.3, 2.0), ("beta", (0.6, 0.9, 1.5)), ("day", "infectious"),
        see=("seir", "sigmoid"), known={"N": 1000.0},
    ),
    "seir": Text(
        "Exchanging `sigma` and `gamma` changes the curve only a little, so precise data are needed to tell the incubation "
        "period from the time of recovery; fix one of them if it is known. No individual is in the incubation period at x = 0.",
        _SIMULATED, np.arange(1.0, 61.0), (1.2, 0.4, 0.25, 5.0), ("sigma", (0.15, 0.4, 2.0)), ("day", "infectious"),
        see=("sir",), noise=0.01, known={"N": 1000.0},
    ),
    "lotka_volterra": Text(
        "The column `species` contains `prey` or `predator`, or 1 or 2. Numbers that vary by factors are fitted with "
        "`errors=\"lognormal\"`.",
        "The logarithms of both populations change by integrals that are linear in the parameters. The integrals are computed "
        "from the data, and the parameters by linear least squares.",
        np.arange(0.0, 25.0), (0.55, 0.03, 0.8, 0.024, 30.0, 6.0), ("alpha", (0.4, 0.55, 0.8)), ("year", "number"),
        see=("sinusoid",), known={"species": (1.0, 2.0)},
    ),
    "progress_curve": Text(
        "The curve must cover the end of the reaction, where it bends, to determine `km`. For initial rates at several "
        "concentrations, see [`michaelis_menten`](michaelis_menten.md).",
        _grid("`s0`", "40 values of vmax / s0 and 16 of km / s0, evenly spaced on a logarithmic scale")
        + " The curve of each is known in terms of Lambert's W function.",
        np.linspace(0.0, 20.0, 41), (1.2, 3.0, 10.0), ("km", (0.5, 3.0, 10.0)), ("time", "product"), {"s0": "y"},
        see=("michaelis_menten", "exponential_rise"), noise=0.015,
    ),
    "power_law": Text(
        "x must be positive. The fit weights absolute errors, whereas a straight line through logarithms weights relative "
        "ones. To weight relative errors here, pass `sigma` proportional to y.",
        _grid("`amplitude`", _EXPONENTS), np.linspace(0.5, 10, 30), (2.0, 0.75), ("exponent", (0.4, 0.75, 1.1)),
        ("mass", "rate"), see=("power_law_offset", "logarithm", "exponential_growth"),
    ),
    "power_law_offset": Text(
        "The offset and the exponent are strongly correlated unless x covers more than a decade. x must be positive.",
        _grid("`offset` and `amplitude`", _EXPONENTS), np.linspace(0.3, 10, 50), (1.0, 2.0, -1.0),
        ("exponent", (-2.0, -1.0, -0.5)), ("frequency", "noise"), {"offset": "y"}, see=("power_law",), noise=0.015,
    ),
    "logarithm": Text(
        "x must be positive. Per decade of x, the response changes by 2.303 · slope.",
        "The curve is linear in both parameters, so linear least squares gives the solution directly.",
        np.geomspace(0.1, 100, 25), (2.0, 0.8), ("slope", (0.3, 0.8, 1.3)), ("x", "y"), {"intercept": "y"}, True,
        ("line", "power_law"), 0.04,
    ),
    "arrhenius": Text(
        "R is the gas constant, 8.314 J/(mol K). `A` and `Ea` are almost perfectly correlated, because no measurement is near "
        "infinite temperature. Predictions within the measured range do not suffer from this.",
        _grid("`A`", "60 activation energies, from the rates of an exponential in 1/x"), np.linspace(280, 360, 17),
        (2e9, 5.0e4), ("Ea", (4.8e4, 5.0e4, 5.2e4)), ("temperature (K)", "rate constant"),
        see=("exponential_growth", "power_law"),
    ),
    "sinusoid": Text(
        "Points need not be evenly spaced. If the amplitude decays, use [`damped_oscillation`](damped_oscillation.md).",
        "The highest peak of the periodogram gives the frequency to within a quarter of its resolution. Frequencies around it, "
        "and some that the periodogram does not resolve, are tried; `offset` and the sine and cosine amplitudes follow from "
        "linear least squares. The sum of squares has many local minima in the frequency, so a fit without this search often "
        "fails.",
        np.linspace(0, 10, 71), (2.0, 1.5, 0.35, 0.6), ("frequency", (0.15, 0.35, 0.6)), ("time", "signal"), {"offset": "y"},
        see=("damped_oscillation",), noise=0.05,
    ),
    "damped_oscillation": Text(
        "`tau` is well determined only if the data cover at least one or two time constants.",
        "Frequencies come from the periodogram, as for [`sinusoid`](sinusoid.md), and 15 decay times are tried with each; the "
        "linear parameters follow from linear least squares.",
        np.linspace(0, 12, 97), (1.0, 3.0, 4.0, 0.5, 0.4), ("tau", (1.5, 4.0, 12.0)), ("time", "displacement"),
        {"offset": "y"}, see=("sinusoid", "exponential_decay"), noise=0.03,
    ),
}  # fmt: skip
