"""A named model: a formula with its description and a function that finds starting values."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from jitgrad.curvefit.formula import Formula
from jitgrad.curvefit.guesses import Start
from jitgrad.curvefit.ode import OdeModel
from jitgrad.curvefit.text_model import TextModel
from jitgrad.errors import DataError, enumerated, listed


@dataclass(frozen=True)
class NamedModel:
    """A curve y = f(x) with a name, a formula and starting values that are found from the data.

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
        (n,), n >= 1, finite and in any order. The values are always finite. No exception or warning is raised. If the model
        has more columns, they are passed in order before ``y``.
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
    columns : mapping of str to str, default {"x": ""}
        The columns of the formula, in order, with their meanings. The first is the independent variable; others are known
        numbers, such as a dose.
    equations : OdeModel, optional
        The differential equations, if the model is not a formula. `formula` is then their text.

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
    guess: Callable[..., dict[str, float]]
    group: str = ""
    use: str = ""
    meanings: Mapping[str, str] = field(default_factory=dict, hash=False)
    latex: str = ""
    source: str = ""
    columns: Mapping[str, str] = field(default_factory=lambda: {"x": ""}, hash=False)
    equations: OdeModel | None = field(default=None, hash=False)

    @property
    def text_model(self) -> TextModel:
        """The model as a `Formula` or an `OdeModel`."""
        return Formula(self.formula) if self.equations is None else self.equations

    def named_columns(self, columns: Mapping[str, Any]) -> dict[str, Any]:
        """Return given columns under the names of the model: by name if they are there, else in order.

        Parameters
        ----------
        columns : mapping
            The columns.

        Returns
        -------
        dict
            The columns of the model.

        Raises
        ------
        DataError
            If columns are missing, or their number does not match.

        Examples
        --------
        >>> jg.curvefit.named("pk_oral_1cpt").named_columns({"hours": [0, 1], "mg": [4, 4]})
        {'x': [0, 1], 'dose': [4, 4]}
        """
        if len(columns) == len(self.columns) and (len(columns) == 1 or not set(self.columns) <= set(columns)):
            return dict(zip(self.columns, columns.values(), strict=True))
        if not set(self.columns) <= set(columns):
            raise DataError(
                f"The model {self.name} takes the columns {enumerated(self.columns)}, and those given are "
                f"{listed(columns) or 'none'}. Give its columns in this order, or by these names."
            )
        return {name: columns[name] for name in self.columns}


def named_model(
    name: str,
    group: str,
    title: str,
    formula: str | OdeModel,
    latex: str,
    meanings: Mapping[str, str],
    use: str,
    start: Callable[..., Start],
    source: str = "",
    columns: Mapping[str, str] | None = None,
) -> NamedModel:
    """Return a model. ``meanings`` is in the order in which ``start`` returns the parameters."""
    names = tuple(meanings)
    guess = functools.partial(_guess, names, start)
    text, equations = (formula, None) if isinstance(formula, str) else (formula.text, formula)
    known = columns or {"x": ""}
    return NamedModel(name, title, text, names, guess, group, use, meanings, latex, source, known, equations)


def _guess(names: tuple[str, ...], start: Callable[..., Start], *columns: np.ndarray) -> dict[str, float]:
    """Return the starting values by name, with 1 in place of any that overflow."""
    with np.errstate(all="ignore"):
        values = start(*columns)
    return {name: float(value) if np.isfinite(value) else 1.0 for name, value in zip(names, values, strict=True)}
