"""A named model: a formula with its description and a function that finds starting values."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from jitgrad.curvefit.guesses import Start


@dataclass(frozen=True)
class NamedModel:
    """A curve y = f(x) of one column, with a name, a formula and starting values that are found from the data.

    Get one from `MODELS` or with `named`, and pass it, or its name, to `curve_fit` or `fit_groups`.

    Parameters
    ----------
    name : str
        The name under which the model is found, such as ``"logistic4"``.
    title : str
        A short description of the curve.
    formula : str
        The formula, in the language of `formula`. The independent variable is ``x``.
    parameters : tuple of str
        The names of the parameters, in the order in which `CurveFit` reports them.
    guess : callable
        ``guess(x, y)`` returns starting values as a dict from names to float. ``x`` and ``y`` are float64 arrays of shape
        (n,), n >= 1, finite and in any order. The values are always finite. No exception or warning is raised.
    group : str, default ""
        The group of the gallery that the model is in, such as ``"Peaks"``.
    use : str, default ""
        One sentence that says when to use the model.
    meanings : mapping of str to str, default {}
        The meaning and the unit of each parameter.
    latex : str, default ""
        The formula in LaTeX, without ``y =``.
    source : str, default ""
        The publication that the curve is named after or taken from, if there is one.

    See Also
    --------
    MODELS : The named models by name.
    named : Return a model by its name, including polynomials of any degree.

    Examples
    --------
    >>> model = jg.curvefit.MODELS["michaelis_menten"]
    >>> model.formula
    'vmax * x / (km + x)'
    >>> model.meanings["km"]
    'Michaelis constant: the concentration at which the rate is vmax / 2, in the unit of x'
    >>> x = np.array([0.5, 1.0, 2.0, 4.0, 8.0])
    >>> start = model.guess(x, 3 * x / (2 + x))
    >>> {name: round(value, 1) for name, value in start.items()}
    {'vmax': 3.0, 'km': 2.0}
    """

    name: str
    title: str
    formula: str
    parameters: tuple[str, ...]
    guess: Callable[[np.ndarray, np.ndarray], dict[str, float]]
    group: str = ""
    use: str = ""
    meanings: Mapping[str, str] = field(default_factory=dict, hash=False)
    latex: str = ""
    source: str = ""


def named_model(
    name: str,
    group: str,
    title: str,
    formula: str,
    latex: str,
    meanings: Mapping[str, str],
    use: str,
    start: Callable[[np.ndarray, np.ndarray], Start],
    source: str = "",
) -> NamedModel:
    """Return a model. ``meanings`` is in the order in which ``start`` returns the parameters."""
    names = tuple(meanings)
    guess = functools.partial(_guess, names, start)
    return NamedModel(name, title, formula, names, guess, group, use, meanings, latex, source)


def _guess(
    names: tuple[str, ...], start: Callable[[np.ndarray, np.ndarray], Start], x: np.ndarray, y: np.ndarray
) -> dict[str, float]:
    """Return the starting values by name, with 1 in place of any that overflow."""
    with np.errstate(all="ignore"):
        values = start(x, y)
    return {name: float(value) if np.isfinite(value) else 1.0 for name, value in zip(names, values, strict=True)}
