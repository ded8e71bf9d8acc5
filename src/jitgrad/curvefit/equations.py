"""Differential equations as text: ``A' = -k * A; k = CL / V; A(0) = dose``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jitgrad.curvefit.formula import Formula
from jitgrad.errors import ArgumentError, FormulaError, listed, near_name

TIME = "t"
"""The name of time in equations."""
OVER_ROWS = ("sum", "mean", "std", "cumsum")
"""The functions of formulas that combine the rows of a table, which equations do not have."""

_NAME = r"(`[^`]+`|[^\W\d]\w*)"
_LEFT = {
    "rate": re.compile(rf"{_NAME}\s*['’′]|d\s*{_NAME}\s*/\s*d\s*t|d\s*/\s*d\s*t\s*\(\s*{_NAME}\s*\)"),
    "initial": re.compile(rf"{_NAME}\s*\(\s*0\s*\)"),
    "definition": re.compile(_NAME),
}
_HIGHER = re.compile(rf"{_NAME}\s*(?:['’′]\s*['’′]+|\"|″)")


@dataclass(frozen=True)
class Equations:
    """Differential equations of several states, with definitions.

    Attributes
    ----------
    rates : dict of str to Formula
        The derivative of each state with respect to time.
    definitions : dict of str to Formula
        Names that abbreviate expressions of states, parameters and earlier definitions, in order.
    initial : dict of str to Formula
        The initial values that the text contains.
    """

    rates: dict[str, Formula] = field(default_factory=dict)
    definitions: dict[str, Formula] = field(default_factory=dict)
    initial: dict[str, Formula] = field(default_factory=dict)

    @property
    def lines(self) -> list[str]:
        """The definitions and the equations, one per line."""
        defined = [f"{_quoted(name)} = {f.text}" for name, f in self.definitions.items()]
        return [*defined, *(f"{_quoted(name)}' = {f.text}" for name, f in self.rates.items())]

    def used(self, formulas: Iterable[Formula]) -> list[Formula]:
        """Return formulas and the definitions that they use, directly or through others."""
        found = list(formulas)
        for formula in found:
            found += [f for name, f in self.definitions.items() if name in formula.names and f not in found]
        return found

    def free_names(self, formulas: Iterator[Formula] | list[Formula]) -> list[str]:
        """Return the names in formulas that are neither states, nor definitions, nor time."""
        known = {TIME, *self.rates, *self.definitions}
        return list(dict.fromkeys(name for formula in formulas for name in formula.names if name not in known))


def equations(text: str) -> Equations:
    """Parse equations that are separated by semicolons or lines.

    Raises FormulaError for a statement that is not an equation, two equations for one name, and names that are used before
    their definition.
    """
    made = Equations()
    for statement in _statements(text):
        _add(made, statement)
    if not made.rates:
        advice = "Write the derivative of each state, as in A' = -k * A, and separate equations by semicolons"
        raise FormulaError(f"There is no differential equation in {text!r}. {advice}.")
    _check(made)
    return made


def _statements(text: str) -> Iterator[str]:
    """Yield the statements. A line that ends within parentheses continues on the next line."""
    depth, quoted, begun = 0, False, ""
    for character in text + "\n":
        quoted ^= character == "`"
        if not quoted:
            depth += (character == "(") - (character == ")")
            if character == ";" or (character == "\n" and depth <= 0):
                if begun.strip():
                    yield " ".join(begun.split())
                begun, depth = "", 0
                continue
        begun += character
    if begun.strip():
        yield " ".join(begun.split())


def _add(made: Equations, statement: str) -> None:
    """Add a statement to the equations."""
    left, equals, right = statement.partition("=")
    left, right = left.strip(), right.strip()
    if not equals or right.startswith("=") or left[-1:] in "<>!":
        raise FormulaError(f"{statement!r} is not an equation. Write the derivative of a state, as in A' = -k * A.")
    if found := _HIGHER.fullmatch(left):
        name = _plain(found)
        raise FormulaError(
            f"The equation of {name} has a derivative of higher order. Give the first derivative a name: "
            f"{name}' = v; v' = {right}."
        )
    for kind, pattern in _LEFT.items():
        if found := pattern.fullmatch(left):
            break
    else:
        raise FormulaError(
            f"The left side of {statement!r} is not a derivative. Write A' or dA/dt for the derivative of a state, A(0) for "
            f"its initial value, or a name for a definition."
        )
    name = _plain(found)
    places = {"rate": made.rates, "initial": made.initial, "definition": made.definitions}
    place, what = places[kind], {"rate": "equations", "initial": "initial values", "definition": "definitions"}[kind]
    if name in place:
        raise FormulaError(f"There are two {what} for {name!r}. Remove one.")
    if name == TIME:
        raise FormulaError(f"{TIME!r} is the time of the equations. Give the {what[:-1]} of {name!r} another name.")
    place[name] = parsed(right, left)


def parsed(text: str, of: str) -> Formula:
    """Return the right side of an equation. ``of`` is its left side. Raises FormulaError if it is invalid."""
    try:
        formula = Formula(text)
    except FormulaError as error:
        raise FormulaError(f"In {of} = {text}: {error}") from None
    for name in OVER_ROWS:
        if name in formula.calls:
            raise FormulaError(f"In {of} = {text}: {name} combines the rows of a table. Equations are solved for each time.")
    return formula


def parsed_value(value: str | float, of: str) -> Formula:
    """Return a number or an expression as a formula. Raises FormulaError if it is invalid."""
    return parsed(value if isinstance(value, str) else repr(value), of)


def initial_values(made: Equations, given: Mapping[str, str | float], needed: bool) -> dict[str, Formula]:
    """Return the initial values of all states, from the text and as given. Those without one start at 0.

    Raises FormulaError for two initial values of a state, and if there is none although one is ``needed``.
    """
    found, states = dict(made.initial), list(made.rates)
    for name, value in given.items():
        check_state(name, states)
        if name in found:
            raise FormulaError(f"There are two initial values for {name!r}, in the equations and in initial. Remove one.")
        found[name] = parsed_value(value, f"{name}(0)")
    if not found and needed:
        raise FormulaError(
            f"No state has an initial value. Give initial={{{states[0]!r}: …}}, a number, a column, or a parameter to be "
            f"fitted, such as '{states[0]}0'."
        )
    return {name: found.get(name) or parsed("0", f"{name}(0)") for name in states}


def doses_of(given: Mapping[str, Any], states: Sequence[str]) -> list[tuple[int, Formula, Formula]]:
    """Return the doses: the number of the state, the time and the amount of each."""
    found = []
    for name, doses in given.items():
        if name not in states:
            near = near_name(name, states)
            raise FormulaError(f"There is a dose of {name!r}, which has no equation.{near} The states are {listed(states)}.")
        for dose in doses:
            if not isinstance(dose, (tuple, list)) or len(dose) != 2:
                raise ArgumentError(f"A dose of {name!r} is {dose!r}. Give pairs of a time and an amount.")
            time, amount = (parsed_value(part, f"a dose of {name}") for part in dose)
            found.append((states.index(name), time, amount))
    return found


def _check(made: Equations) -> None:
    """Raise FormulaError for names with two meanings and for definitions that are used too early."""
    for name in made.definitions:
        if name in made.rates:
            raise FormulaError(f"{name!r} has an equation and a definition. Remove one, or rename it.")
    for name in made.initial:
        check_state(name, made.rates)
    known: set[str] = set()
    for name, formula in made.definitions.items():
        for used in formula.names:
            if used in made.definitions and used not in known:
                if used == name:
                    raise FormulaError(f"The definition of {name!r} uses itself. Write {name}' for the derivative of a state.")
                raise FormulaError(
                    f"The definition of {name!r} uses {used!r}, which is defined later. Write definitions before they are used."
                )
        known.add(name)


def check_state(name: str, states: Iterable[str]) -> None:
    """Raise FormulaError for an initial value of something that is not a state."""
    if name not in states:
        raise FormulaError(
            f"There is an initial value for {name!r}, which has no equation.{near_name(name, states)} "
            f"The states are {', '.join(states)}."
        )


def _plain(found: re.Match[str]) -> str:
    """Return the name that a pattern found, without backticks."""
    return next(group for group in found.groups() if group).strip("`")


def _quoted(name: str) -> str:
    """Return a name as it is written in equations."""
    return name if name.isidentifier() else f"`{name}`"
