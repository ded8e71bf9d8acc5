"""Wilkinson formulas: ``y ~ a * b + C(g) + log(x)``, parsed by formulaic, and evaluated and saved here.

Wilkinson and Rogers, "Symbolic description of factorial models for analysis of variance", 1973. Terms are in R's order, by the
number of their factors; columns have the names of patsy and statsmodels. formulaic determines the terms and the coding of their
factors, so that columns are linearly independent. A saved formula does not need formulaic, except for splines and polynomials.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from jitgrad.errors import ArgumentError, DataError, FormulaError, brief
from jitgrad.tabular.encoding import positions, sorted_values
from jitgrad.tabular.expressions import Categories, Expression, Value
from jitgrad.tabular.transforms import formulaic
from jitgrad.tabular.unseen import Unseen

MAX_LEVELS = 1000
_SQUARE = re.compile(r"(?<![\w(.`])([^\W\d]\w*) ?(?:\*\*|\^) ?(\d+)")
"""A power of a name outside parentheses."""
_DOT = re.compile(r"(?<![\w.)`])\.(?![\w.])")
"""A dot that is not part of a number or name."""


@dataclass(frozen=True)
class Factor:
    """A factor of terms: an expression, and the encoding of its value.

    Attributes
    ----------
    text : str
        The expression.
    labels : tuple of str
        Suffixes of the columns of a numeric value with several columns; empty for one column.
    levels : tuple
        The levels of a categorical value, in order; empty for numbers.
    reference : int
        The position of the level that stands for unseen categories.
    reduced, full : ndarray, shape (levels, columns)
        The coding of reduced rank, for use with other columns that span the constant, and of full rank.
    reduced_labels, full_labels : tuple of str
        Suffixes of the columns of each coding, such as ``[T.b]``.
    states : dict
        The learned states of functions, by their text.
    """

    text: str
    labels: tuple[str, ...] = ()
    levels: tuple[Any, ...] = ()
    reference: int = 0
    reduced: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))
    full: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))
    reduced_labels: tuple[str, ...] = ()
    full_labels: tuple[str, ...] = ()
    states: dict[str, Any] = field(default_factory=dict)

    def names(self, reduced: bool) -> list[str]:
        """Return the names of its columns."""
        labels = (self.reduced_labels if reduced else self.full_labels) if self.levels else self.labels
        return [f"{self.text}{label}" for label in labels] if self.levels or labels else [self.text]

    def encoded(self, value: Value, unseen: Unseen | None) -> np.ndarray:
        """Convert a value to float64 (n, columns), or a categorical value to level numbers (n,)."""
        if not self.levels:
            made = np.asarray(value, np.float64)
            return made[:, None] if made.ndim == 1 else made
        series = value if isinstance(value, pl.Series) else pl.Series(value)
        return positions(series.rename(self.text), self.levels, unseen, self.reference)

    def columns(self, encoded: np.ndarray, reduced: bool) -> np.ndarray:
        """Return the columns of an encoded value, float64 (n, columns)."""
        if not self.levels:
            return encoded
        coding = self.reduced if reduced else self.full
        made = np.full((len(encoded), coding.shape[1]), np.nan)
        there = ~np.isnan(encoded)
        made[there] = coding[encoded[there].astype(np.int64)]
        return made


@dataclass(frozen=True)
class ModelFormula:
    """The right side of a formula with everything learned from the training rows.

    Attributes
    ----------
    text : str
        The formula as written.
    intercept : bool
        Whether it has an intercept.
    factors : tuple of Factor
        The factors of all terms.
    terms : tuple
        The name and the parts of each term. A part lists factors by position, and whether each has reduced rank.
    variables : tuple of str
        The columns of the table that it uses.
    """

    text: str
    intercept: bool
    factors: tuple[Factor, ...]
    terms: tuple[tuple[str, tuple[tuple[tuple[int, bool], ...], ...]], ...]
    variables: tuple[str, ...]

    def names(self) -> list[tuple[str, list[str]]]:
        """Return the name of each term and the names of its columns."""
        made = []
        for name, parts in self.terms:
            columns = []
            for part in parts:
                lists = [self.factors[number].names(reduced) for number, reduced in part]
                columns += [":".join(reversed(names)) for names in itertools.product(*reversed(lists))]
            made.append((name, columns))
        return made

    def columns(self, values: Mapping[str, Value], rows: int, unseen: Unseen | None) -> np.ndarray:
        """Return the columns, float64 (n, columns), of a table without missing values. Raises DataError for unknown levels."""
        computed = [
            factor.encoded(_value_of(Expression(factor.text, self.variables).value(values, dict(factor.states))), unseen)
            for factor in self.factors
        ]
        made = [np.zeros((rows, 0))]
        for _, parts in self.terms:
            for part in parts:
                product = np.ones((rows, 1))
                for number, reduced in part:
                    own = self.factors[number].columns(computed[number], reduced)
                    product = (own[:, :, None] * product[:, None, :]).reshape(rows, -1)
                made.append(product)
        return np.concatenate(made, axis=1)

    def check(self) -> None:
        """Raise DataError or FormulaError for inconsistent parts, perhaps from a file."""
        for factor in self.factors:
            Expression(factor.text, self.variables)
            count = len(factor.levels)
            shapes = {(count, len(factor.reduced_labels)): factor.reduced, (count, len(factor.full_labels)): factor.full}
            kinds = {type(level) for level in factor.levels}
            if not (kinds <= {str} or kinds <= {bool} or kinds <= {int, float}) or not 0 <= factor.reference < max(count, 1):
                raise DataError(f"its factor {factor.text!r} has inconsistent levels")
            if count and any(coding.shape != shape for shape, coding in shapes.items()):
                raise DataError(f"its factor {factor.text!r} has a coding that does not match its levels")
        if any(not 0 <= number < len(self.factors) for _, parts in self.terms for part in parts for number, _ in part):
            raise DataError("its terms refer to factors that do not exist")


def formula_from(given: Mapping[str, Any]) -> ModelFormula:
    """Make a formula from a dict of its attributes, as written by ``dataclasses.asdict`` and read from JSON."""
    tuples = ("labels", "levels", "reduced_labels", "full_labels")
    factors = tuple(Factor(**{**factor, **{name: tuple(factor[name]) for name in tuples}}) for factor in given["factors"])
    terms = tuple(
        (name, tuple(tuple((number, reduced) for number, reduced in part) for part in parts)) for name, parts in given["terms"]
    )
    return ModelFormula(given["text"], given["intercept"], factors, terms, tuple(given["variables"]))


@dataclass(frozen=True)
class Sides:
    """A parsed formula.

    Attributes
    ----------
    text : str
        The formula.
    target : Expression
        The left side.
    intercept : bool
        Whether there is an intercept.
    terms : tuple of tuple of str
        The factors of each term on the right side.
    offsets : tuple of Expression
        The expressions in ``offset(…)``.
    names : tuple of str
        The columns on the right side.
    """

    text: str
    target: Expression
    intercept: bool
    terms: tuple[tuple[str, ...], ...]
    offsets: tuple[Expression, ...]
    names: tuple[str, ...]


def of_target(formula: str, target: str, columns: Sequence[str]) -> str:
    """Return a formula with the target on its left side, adding it if necessary.

    Raises ArgumentError for a formula with another target.
    """
    left, tilde, right = formula.partition("~")
    if tilde and not left.strip():
        return f"`{target}` ~{right}"
    if tilde and target_of(formula, columns) != target:
        raise ArgumentError(
            f"{{argument}} is {target!r}, but the left side of the formula is {left.strip()!r}. Give the target only once.",
            argument="target",
        )
    return formula


def target_of(formula: str, columns: Sequence[str]) -> str:
    """Return the left side of a formula: a column, or an expression of columns."""
    return _unquoted(formula.partition("~")[0].strip(), columns)


def read_formula(
    text: str, columns: Sequence[str], others: Callable[[Sequence[str]], tuple[list[str], list[str]]]
) -> tuple[Sides, list[str]]:
    """Parse a formula, and return notes on it.

    Parameters
    ----------
    text : str
        The formula, ``left ~ right``.
    columns : sequence of str
        The columns of the table.
    others : callable
        Takes the columns of the left side. Returns the columns that ``.`` stands for, and notes on columns that it leaves out.

    Returns
    -------
    Sides
        The parsed formula.
    list of str
        Notes for the user.

    Raises
    ------
    FormulaError
        If the formula is invalid, or contains anything that ``expressions`` does not support.
    MissingError
        If formulaic is not installed.
    """
    left, tilde, right = (part.strip() for part in text.partition("~"))
    if not tilde:
        raise FormulaError(
            f"The formula {brief(text)} has no ~. Write a formula of terms with the target before a ~, such as y ~ a + b. "
            f"A formula with parameters, such as a*exp(-b*x), is a curve: pass it as {{argument}}.",
            argument="model",
        )
    if not left or not right:
        raise FormulaError(
            f"The formula {brief(text)} has nothing {'before' if not left else 'after'} the ~. Write it like y ~ a + b."
        )
    target = Expression(_unquoted(left, columns), columns)
    rest, notes = others(target.names) if _DOT.search(right) else ([], [])
    square = _SQUARE.search(right)
    if square is not None and square[1] in columns:
        name = square[1]
        notes = [
            *notes,
            f"{square[0]} in a formula means {name} crossed with itself, which is just {name}. "
            f"For the power, write I({name} ** {square[2]}).",
        ]
    intercept, terms, offsets = False, [], []
    for factors in _terms(right, rest):
        texts = [
            Expression(_unquoted(factor, columns), columns, of_terms=True) if factor != "1" else None for factor in factors
        ]
        own = tuple(expression.text for expression in texts if expression is not None)
        if not own:
            intercept = True
        elif len(factors) == 1 and factors[0].startswith("offset("):
            offsets.append(texts[0])
        else:
            terms.append(own)
    read = [Expression(factor, columns) for factors in terms for factor in factors]
    names = dict.fromkeys(name for expression in (*read, *filter(None, offsets)) for name in expression.names)
    if set(names) & set(target.names):
        both = next(name for name in names if name in target.names)
        raise FormulaError(f"{both!r} is on both sides of the formula. Remove it from one side.")
    terms.sort(key=len)
    return Sides(text, target, intercept, tuple(dict.fromkeys(terms)), tuple(filter(None, offsets)), tuple(names)), notes


def _terms(right: str, others: Sequence[str]) -> list[list[str]]:
    """Return the factors of each term of a right side. An offset is a factor ``offset(…)``."""
    package = formulaic()
    context = {"__formulaic_variables_available__": list(others)}
    try:
        parsed = package.parser.DefaultFormulaParser().get_terms(right, context=context)
        if parsed._has_structure:
            raise NotImplementedError("it has several parts separated by | or ~")
        return [[factor.expr for factor in term.factors] for term in parsed.root]
    except (package.errors.FormulaicError, SyntaxError, AttributeError, NotImplementedError, TypeError) as error:
        said = str(error).splitlines()[0].removesuffix(".") if str(error) else type(error).__name__
        raise FormulaError(
            f"The formula {brief(right)} cannot be parsed: {said}. Correct it; enclose arithmetic in I(…), such as I(x ** 2)."
        ) from None


def _unquoted(text: str, columns: Collection[str]) -> str:
    """Return a name without backticks, and the argument of an offset."""
    inner = text[1:-1] if text.startswith("`") and text.endswith("`") else text
    if inner in columns:
        return inner
    return text[len("offset(") : -1] if text.startswith("offset(") and text.endswith(")") else text


def learn(sides: Sides, values: Mapping[str, Value]) -> ModelFormula:
    """Learn levels, codings and function states from columns without missing values.

    Raises FormulaError for a factor that cannot be computed.
    """
    names = list(dict.fromkeys(factor for term in sides.terms for factor in term))
    factors = [_factor(name, values) for name in names]
    structure = _structure([[names.index(factor) for factor in term] for term in sides.terms], factors, sides.intercept)
    terms = tuple((":".join(term), parts) for term, parts in zip(sides.terms, structure, strict=True))
    used = tuple(dict.fromkeys(name for factor in names for name in Expression(factor, list(values)).names))
    return ModelFormula(sides.text, sides.intercept, tuple(factors), terms, used)


def _factor(text: str, values: Mapping[str, Value]) -> Factor:
    states: dict[str, Any] = {}
    value = Expression(text, list(values)).value(values, states)
    coded = value if isinstance(value, Categories) else Categories(value)
    inner = coded.value
    if not isinstance(value, Categories) and not isinstance(inner, pl.Series) and np.asarray(inner).dtype != bool:
        if np.ndim(inner) == 0:
            raise FormulaError(f"The term {text!r} of the formula contains no column. Leave it out.")
        width = 1 if np.ndim(inner) == 1 else np.shape(inner)[1]
        return Factor(text, tuple(f"[{number + 1}]" for number in range(width)) if width > 1 else (), states=states)
    if np.ndim(inner) > 1:
        raise FormulaError(
            f"The term {text!r} of the formula has several columns, which cannot be categorical. Use one column."
        )
    return _coded(text, coded, states)


def _coded(text: str, coded: Categories, states: dict[str, Any]) -> Factor:
    """Return a categorical factor with formulaic's coding."""
    series = coded.value if isinstance(coded.value, pl.Series) else pl.Series(coded.value)
    there = sorted_values(series)
    levels = list(coded.levels) if coded.levels is not None else there
    strange = [level for level in there if level not in levels]
    if strange:
        raise FormulaError(f"The levels of the term {text!r} of the formula do not include {strange[0]!r}. List all levels.")
    if len(levels) < 2:
        raise FormulaError(f"The term {text!r} of the formula is {levels[0]!r} in every row. Leave it out.")
    if len(levels) > MAX_LEVELS:
        raise FormulaError(
            f"The term {text!r} of the formula has {len(levels)} levels; the limit is {MAX_LEVELS}. Leave it out."
        )
    if coded.reference is not None and coded.reference not in levels:
        raise FormulaError(
            f"The reference {coded.reference!r} of the term {text!r} is not one of its levels, {levels}. Choose one of them."
        )
    from formulaic.transforms import contrasts

    made = getattr(contrasts, f"{coded.coding}Contrasts")(**({} if coded.reference is None else {"base": coded.reference}))
    codings, labels = [], []
    for reduced in (True, False):
        codings.append(np.asarray(made.get_coding_matrix(levels, reduced_rank=reduced), np.float64))
        form = made.get_factor_format(levels, reduced_rank=reduced).removeprefix("{name}")
        columns = made.get_coding_column_names(levels, reduced_rank=reduced)
        labels.append(tuple(form.format(field=name) for name in columns))
    reference = 0 if coded.reference is None else levels.index(coded.reference)
    return Factor(text, (), tuple(levels), reference, codings[0], codings[1], labels[0], labels[1], states)


def _structure(terms: Sequence[Sequence[int]], factors: Sequence[Factor], intercept: bool) -> list[Any]:
    """Return the parts of each term, which formulaic determines from a table with one column per factor."""
    package = formulaic()
    import pandas as pd

    frame = pd.DataFrame(
        {f"f{k}": pd.Categorical(["a", "b"]) if factor.levels else [0.0, 1.0] for k, factor in enumerate(factors)}, index=[0, 1]
    )
    kinds = package.parser.types
    one = [kinds.Term([kinds.Factor("1", eval_method="literal")])] * intercept
    made = [kinds.Term([kinds.Factor(f"f{k}", eval_method="lookup") for k in term]) for term in terms]
    formula = package.formula.SimpleFormula([*one, *made], _ordering="none")
    found = formula.get_model_matrix(frame).model_spec.structure[int(intercept) :]
    return [
        tuple(
            tuple((int(part.factor.expr[1:]), bool(part.reduced)) for part in scoped.factors)
            for scoped in structure.scoped_terms
        )
        for structure in found
    ]


def _value_of(value: Value) -> Value:
    return value.value if isinstance(value, Categories) else value
