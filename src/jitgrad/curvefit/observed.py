"""What is measured of a model with several states, and the column that says which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from jitgrad.curvefit.equations import Equations, parsed
from jitgrad.curvefit.formula import Formula
from jitgrad.errors import ArgumentError, DataError, FormulaError, listed, near_name
from jitgrad.ops.elementwise import equal, where
from jitgrad.tape.tensor import Tensor


@dataclass(frozen=True)
class Observed:
    """The quantities that a column contains.

    Attributes
    ----------
    formulas : dict of str to Formula
        The quantities by the labels in the column ``which``.
    which : str or None
        The column of labels; None if there is a single quantity.
    numbered : bool
        Whether the labels may also be the numbers 1, 2, … of the quantities.
    """

    formulas: dict[str, Formula]
    which: str | None
    numbered: bool = False

    def coded(self, values: Any) -> np.ndarray:
        """Return the number of the quantity in each row, from 0; nan for missing labels.

        Raises DataError for an unknown label.
        """
        given = np.asarray(values.to_numpy() if hasattr(values, "to_numpy") else values)
        labels = list(self.formulas)
        if given.dtype.kind in "biuf":
            known = [float(k + 1) if self.numbered else _number(label) for k, label in enumerate(labels)]
            said, missing = given.astype(np.float64), np.isnan(given.astype(np.float64))
        else:
            known = labels  # type: ignore[assignment]
            said = np.array(["" if value is None else str(value) for value in given.tolist()])
            missing = said == ""
        codes = np.full(len(said), np.nan)
        for code, label in enumerate(known):
            codes[said == label] = code
        wrong = np.isnan(codes) & ~missing
        if wrong.any():
            value = said[wrong][0].item()
            shown = f"{value:g}" if isinstance(value, float) else repr(value)
            near = near_name(str(value), labels)
            raise DataError(
                f"Column {self.which!r} has the value {shown}, which is not observed.{near} "
                f"The labels are {listed(f'{k:g}' if isinstance(k, float) else repr(k) for k in known)}."
            )
        return codes

    def chosen(self, values: Sequence[Tensor], codes: Tensor | None) -> Tensor:
        """Return the quantity of each row."""
        found = values[-1]
        if codes is None:
            return found
        for code, value in reversed(list(enumerate(values[:-1]))):
            found = where(equal(codes, float(code)), value, found)
        return found


def _number(label: str) -> float:
    try:
        return float(label)
    except ValueError:
        return np.nan


def observed(observe: Any, which: str | None, of: Equations) -> Observed:
    """Return what is observed. Raises ArgumentError if it is not clear, and FormulaError for an invalid expression.

    Parameters
    ----------
    observe : str, sequence of str, mapping of label to str, or None
        The expressions, as given by the user.
    which : str or None
        The column of labels.
    of : Equations
        The equations.
    """
    found = _observed(observe, which, list(of.rates))
    names = {name for formula in of.used(found.formulas.values()) for name in formula.names}
    if names.isdisjoint(of.rates):
        raise FormulaError(
            f"No state is observed by {listed(found.formulas)}. Give an expression of states, which are {listed(of.rates)}."
        )
    return found


def _observed(observe: Any, which: str | None, states: Sequence[str]) -> Observed:
    if observe is None:
        if len(states) > 1:
            raise ArgumentError(
                f"The equations have the states {', '.join(states)}. Say which is measured by {{argument}}, as in "
                f"{{argument}}={states[-1]!r}, or an expression of states.",
                argument="observe",
            )
        observe = states[0]
    if isinstance(observe, str):
        if which is not None:
            raise ArgumentError(
                f"{{argument}} names the column {which!r}, but there is a single observed quantity, {observe!r}. "
                f"Give several by observe, or leave {{argument}} out.",
                argument="which",
            )
        return Observed({observe: parsed(observe, "observe")}, None)
    given = (
        observe if isinstance(observe, Mapping) else {text: text for text in observe} if isinstance(observe, Sequence) else {}
    )
    if not given or not all(isinstance(text, str) for text in given.values()):
        raise ArgumentError(
            f"{{argument}} is {observe!r}. Give an expression such as 'C', or a dict from labels to expressions.",
            argument="observe",
        )
    if which is None:
        raise ArgumentError(
            "Several quantities are observed, but not which of them a row has. Name the column that says so by {argument}.",
            argument="which",
        )
    formulas = {str(label): parsed(text, f"observe[{label!r}]") for label, text in given.items()}
    return Observed(formulas, which, not isinstance(observe, Mapping))
