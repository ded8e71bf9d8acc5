"""The named models that are differential equations: epidemics, predators and prey, and the progress of an enzyme reaction."""

from __future__ import annotations

from jitgrad.curvefit import dynamics_starts
from jitgrad.curvefit.named_model import named_model
from jitgrad.curvefit.ode import ode

DYNAMICS = "Differential equations"

_EPIDEMIC = {"x": "time since the beginning", "N": "size of the population"}
_INFECTION = {
    "beta": "transmission rate: infections per infectious individual and unit of x, if all others are susceptible",
    "gamma": "recovery rate, per unit of x; the reproduction number is beta / gamma",
    "I0": "number of infectious individuals at x = 0",
}

ALL = [
    named_model(
        "sir", DYNAMICS, "Infectious individuals in an epidemic (SIR)",
        ode(
            "S' = -beta * S * I / N; I' = beta * S * I / N - gamma * I",
            {"S": "N - I0", "I": "I0"}, "I", time="x",
        ),
        r"I(x),\quad S' = -\beta \frac{S I}{N},\quad I' = \beta \frac{S I}{N} - \gamma I,\quad I(0) = I_0,\ S(0) = N - I_0",
        _INFECTION,
        "Use it for the number of cases over time in a closed population, such as a school.",
        dynamics_starts.sir, "W. O. Kermack and A. G. McKendrick, Proc. R. Soc. A 115, 700, 1927", _EPIDEMIC,
    ),
    named_model(
        "seir", DYNAMICS, "Infectious individuals in an epidemic with an incubation period (SEIR)",
        ode(
            "S' = -beta * S * I / N; E' = beta * S * I / N - sigma * E; I' = sigma * E - gamma * I",
            {"S": "N - I0", "E": 0, "I": "I0"}, "I", time="x",
        ),
        r"I(x),\quad S' = -\beta \frac{S I}{N},\quad E' = \beta \frac{S I}{N} - \sigma E,\quad I' = \sigma E - \gamma I,\quad "
        r"I(0) = I_0,\ E(0) = 0,\ S(0) = N - I_0",
        {
            "beta": _INFECTION["beta"],
            "sigma": "rate at which exposed individuals become infectious; 1 / sigma is the mean incubation period",
            "gamma": _INFECTION["gamma"],
            "I0": _INFECTION["I0"],
        },
        "Use it if infected individuals become infectious only after some time.",
        dynamics_starts.seir, "R. M. Anderson and R. M. May, Infectious Diseases of Humans, 1991", _EPIDEMIC,
    ),
    named_model(
        "lotka_volterra", DYNAMICS, "Predators and prey (Lotka-Volterra)",
        ode(
            "prey' = alpha * prey - beta * prey * predator; predator' = delta * prey * predator - gamma * predator",
            {"prey": "prey0", "predator": "predator0"}, ["prey", "predator"], which="species", time="x",
        ),
        r"u(x) \text{ or } v(x),\quad u' = \alpha u - \beta u v,\quad v' = \delta u v - \gamma v,"
        r"\quad u(0) = \mathrm{prey0},\ v(0) = \mathrm{predator0}",
        {
            "alpha": "growth rate of the prey, per unit of x",
            "beta": "rate at which a predator kills prey, per unit of x and of the prey",
            "gamma": "death rate of the predators, per unit of x",
            "delta": "growth rate of the predators per prey, per unit of x",
            "prey0": "number of prey at x = 0",
            "predator0": "number of predators at x = 0",
        },
        "Use it for two populations that oscillate because one feeds on the other.",
        dynamics_starts.lotka_volterra,
        "A. J. Lotka, Elements of Physical Biology, 1925; V. Volterra, Nature 118, 558, 1926",
        {"x": "time since the beginning", "species": "prey or predator, or 1 or 2: the population that the row counts"},
    ),
    named_model(
        "progress_curve", DYNAMICS, "Product of an enzyme reaction over time (Michaelis-Menten)",
        ode("S' = -vmax * S / (km + S)", {"S": "s0"}, "s0 - S", time="x"),
        r"s_0 - S(x),\quad S' = -\frac{v_{\max} S}{K_m + S},\quad S(0) = s_0",
        {
            "vmax": "maximum rate, in the unit of y per unit of x",
            "km": "Michaelis constant, in the unit of y",
            "s0": "concentration of the substrate at x = 0, which the product approaches",
        },
        "Use it for the whole time course of a reaction, instead of initial rates at several concentrations.",
        dynamics_starts.progress, "L. Michaelis and M. L. Menten, Biochem. Z. 49, 333, 1913",
        {"x": "time since the substrate was added"},
    ),
]  # fmt: skip
"""The models, in order."""
