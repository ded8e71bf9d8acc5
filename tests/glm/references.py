"""Fits whose figures are known: from statsmodels, to all digits, and as R prints them.

The tables (``tables.json``) are small public ones, each with its source. ``references.json`` has what
``statsmodels_figures.py`` computed of each case. ``printed`` is what R prints of the same fit, digit by digit, with the file of
R's or of a package's own saved outputs that it stands in.

Where packages differ, this is R's convention:

- Log-likelihoods are full. Those of gaussian, gamma and inverse gaussian have the dispersion deviance / rows. Precision weights
  multiply a row's log-likelihood, and of gaussian rows divide the variance. statsmodels takes Pearson's dispersion for gamma
  and inverse gaussian, so its log-likelihoods and AIC of these differ.
- AIC and BIC count an estimated dispersion or theta as a parameter. statsmodels does not, and its default BIC of a GLM is of
  the deviance.
- Standard errors, and robust ones, are of the expected information (R's ``vcov`` and ``sandwich``). statsmodels takes
  the observed one for robust errors, which differs where the link is not canonical, and computes HC1 to HC3 of a GLM like HC0.
- A negative binomial's theta is the maximum of the likelihood, and standard errors are of the coefficients given theta (R's
  ``glm.nb``). statsmodels' ``NegativeBinomial`` counts how uncertain theta is, too.
- Clusters have the factor G / (G − 1) · (n − 1) / (n − p) for every family, statsmodels' default and ``vcovCL(type="HC1")``.
- Frequency weights are rows given that often. statsmodels' robust errors do not all take them so; it is given the rows.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

TABLES: dict[str, dict[str, Any]] = json.loads((Path(__file__).parent / "tables.json").read_text())
KINDS = ("model", "HC0", "HC1", "HC2", "HC3", "cluster")
HC = KINDS[:5]

LEVELS = {
    "tension": ["L", "M", "H"],
    "Sat": ["Low", "Medium", "High"],
    "Infl": ["Low", "Medium", "High"],
    "Type": ["Tower", "Apartment", "Atrium", "Terrace"],
    "Cont": ["Low", "High"],
    "race": ["white", "black", "other"],
    "education": ["0-5yrs", "6-11yrs", "12+ yrs"],
}
"""Of factors whose levels are not sorted; the first is the reference."""


@dataclass(frozen=True)
class Printed:
    """What R prints: texts, so that the digits are known; by the name of the column, "1" for the intercept."""

    source: str
    coefficients: dict[str, str] = field(default_factory=dict)
    standard_errors: dict[str, str] = field(default_factory=dict)
    figures: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """A fit: a table, its target, and features as R's formulas name them.

    Features are columns, ``log(a)``, ``a^2``, factors ``C(a)`` (each level but the first), ``D(a)`` (each level), and products
    ``a:C(b)``. Weights, offsets, trials and groups are columns, and weights may be "1, 2, 3, 1, …".
    """

    table: str
    y: str
    features: tuple[str, ...]
    family: str = "gaussian"
    link: str | None = None
    intercept: bool = True
    offset: str | None = None
    weights: str | None = None
    freq_weights: str | None = None
    trials: str | None = None
    theta: float | str | None = None
    kinds: tuple[str, ...] = ("model",)
    groups: str | None = None
    start: tuple[float, ...] | None = None
    printed: Printed | None = None

    def column(self, name: str) -> np.ndarray:
        """A column, or what is made of one, as numbers (rows,)."""
        table = TABLES[self.table]
        if name == "1, 2, 3, 1, …":
            return 1.0 + np.arange(len(TABLES[self.table][self.y])) % 3
        if made := re.fullmatch(r"log\((.*)\)", name):
            return np.log(self.column(made[1]))
        if made := re.fullmatch(r"1/(.*)", name):
            return 1 / self.column(made[1])
        if made := re.fullmatch(r"(.*)\^(\d)", name):
            return self.column(made[1]) ** int(made[2])
        return np.array(table[name], float)

    def coded(self, name: str) -> dict[str, np.ndarray]:
        """The columns of a feature by name."""
        if ":" in name:
            first, rest = name.split(":", 1)
            return {f"{a}:{b}": u * v for b, v in self.coded(rest).items() for a, u in self.coded(first).items()}
        if made := re.fullmatch(r"[CD]\((.*)\)", name):
            values = [str(value) for value in TABLES[self.table][made[1]]]
            levels = LEVELS.get(made[1], sorted(set(values)))
            return {f"{made[1]}{level}": np.array([v == level for v in values], float) for level in levels[name[0] == "C" :]}
        return {name: self.column(name)}

    @property
    def group_labels(self) -> np.ndarray | None:
        """The cluster of each row (rows,), None without."""
        return np.array(TABLES[self.table][self.groups]) if self.groups else None

    @property
    def names(self) -> list[str]:
        """Of the coefficients."""
        return ["1", *(name for feature in self.features for name in self.coded(feature))]

    @property
    def x(self) -> np.ndarray:
        """(rows, features), without a column of ones."""
        columns = [column for feature in self.features for column in self.coded(feature).values()]
        return np.column_stack(columns) if columns else np.zeros((len(self.target), 0))

    @property
    def target(self) -> np.ndarray:
        """Numbers, proportions of trials, or positions of classes (rows,)."""
        values = TABLES[self.table][self.y]
        if self.family == "multinomial":
            levels = LEVELS.get(self.y, sorted(set(values)))
            return np.array([levels.index(value) for value in values], float)
        return np.array(values, float) / (self.column(self.trials) if self.trials else 1.0)

    @property
    def rows(self) -> dict[str, np.ndarray]:
        """The keywords of ``glm.fit`` that belong to rows."""
        named = {"offset": self.offset, "weights": self.weights, "freq_weights": self.freq_weights, "trials": self.trials}
        return {keyword: self.column(name) for keyword, name in named.items() if name}
