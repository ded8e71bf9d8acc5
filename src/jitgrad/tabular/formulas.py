"""Wilkinson's formulas of models: ``y ~ a * b + C(g) + log(x)``, read by formulaic, computed and kept here.

Wilkinson and Rogers, "Symbolic description of factorial models for analysis of variance", 1973. Terms are in R's order, by the
number of their factors; columns have the names of patsy and statsmodels. formulaic says which terms there are and which of
their factors have all columns, so that none depends on the others; what is kept needs it no more, but for splines and
polynomials.
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
from jitgrad.tabular.encoding import Unseen, positions, sorted_values
from jitgrad.tabular.expressions import Categories, Expression, Value
from jitgrad.tabular.transforms import formulaic

MAX_LEVELS = 1000
_SQUARE = re.compile(r"(?<![\w(.`])([^\W\d]\w*) ?(?:\*\*|\^) ?(\d+)")
"""A power of a name, outside parentheses."""
_DOT = re.compile(r"(?<![\w.)`])\.(?![\w.])")
"""A point that is no part of a number or a name."""


@dataclass(frozen=True)
class Factor:
    """A factor of terms: an expression, and how its value becomes columns.

    Attributes:
        text: the expression.
        labels: of a number of several columns, what tells them apart; empty for one.
        levels: of categories, in order; empty for numbers.
        reference: the position of the level that a text counts as which was not there.
        reduced, full: float64 (levels, columns), the coding beside other columns that have the mean, and alone.
        reduced_labels, full_labels: what their columns are called after the text, as in ``[T.b]``.
        states: what functions have learned, by their text.
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
        """Of its columns."""
        labels = (self.reduced_labels if reduced else self.full_labels) if self.levels else self.labels
        return [f"{self.text}{label}" for label in labels] if self.levels or labels else [self.text]

    def encoded(self, value: Value, unseen: Unseen | None) -> np.ndarray:
        """A value of the expression as float64 (rows, columns), or of categories their positions among the levels (rows,)."""
        if not self.levels:
            made = np.asarray(value, np.float64)
            return made[:, None] if made.ndim == 1 else made
        series = value if isinstance(value, pl.Series) else pl.Series(value)
        return positions(series.rename(self.text), self.levels, unseen, self.reference)

    def columns(self, encoded: np.ndarray, reduced: bool) -> np.ndarray:
        """float64 (rows, columns) of an encoded value."""
        if not self.levels:
            return encoded
        coding = self.reduced if reduced else self.full
        made = np.full((len(encoded), coding.shape[1]), np.nan)
        there = ~np.isnan(encoded)
        made[there] = coding[encoded[there].astype(np.int64)]
        return made


@dataclass(frozen=True)
class ModelFormula:
    """The right side of a formula, with all that it has learned.

    Attributes:
        text: as it was written.
        intercept: whether it has one.
        factors: of all terms.
        terms: of each the name and its parts; a part is a list of factors by position, and whether each is reduced.
        variables: the table's columns in it.
    """

    text: str
    intercept: bool
    factors: tuple[Factor, ...]
    terms: tuple[tuple[str, tuple[tuple[tuple[int, bool], ...], ...]], ...]
    variables: tuple[str, ...]

    def names(self) -> list[tuple[str, list[str]]]:
        """Of each term its name and those of its columns."""
        made = []
        for name, parts in self.terms:
            columns = []
            for part in parts:
                lists = [self.factors[number].names(reduced) for number, reduced in part]
                columns += [":".join(reversed(names)) for names in itertools.product(*reversed(lists))]
            made.append((name, columns))
        return made

    def columns(self, values: Mapping[str, Value], rows: int, unseen: Unseen | None) -> np.ndarray:
        """float64 (rows, columns) for columns of a table without missing values. Raises DataError for what is not finite."""
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
        """Raise DataError or FormulaError for parts, perhaps from a file, that do not go together."""
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
    """A formula from a dict of its attributes, as ``dataclasses.asdict`` makes it and JSON keeps it, checked."""
    tuples = ("labels", "levels", "reduced_labels", "full_labels")
    factors = tuple(Factor(**{**factor, **{name: tuple(factor[name]) for name in tuples}}) for factor in given["factors"])
    terms = tuple(
        (name, tuple(tuple((number, reduced) for number, reduced in part) for part in parts)) for name, parts in given["terms"]
    )
    return ModelFormula(given["text"], given["intercept"], factors, terms, tuple(given["variables"]))


@dataclass(frozen=True)
class Sides:
    """A formula as it is written.

    Attributes:
        text: the whole.
        target: the left side.
        intercept: whether there is one.
        terms: of the right side, each the texts of its factors.
        offsets: the expressions of ``offset(…)``.
        names: the table's columns on the right side.
    """

    text: str
    target: Expression
    intercept: bool
    terms: tuple[tuple[str, ...], ...]
    offsets: tuple[Expression, ...]
    names: tuple[str, ...]


def of_target(formula: str, target: str, columns: Sequence[str]) -> str:
    """A formula that has this column on its left, where it stands already or where nothing stands.

    Raises ArgumentError for a formula of another target.
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
    """The left side of a formula: a column, or an expression of columns."""
    return _unquoted(formula.partition("~")[0].strip(), columns)


def read_formula(
    text: str, columns: Sequence[str], others: Callable[[Sequence[str]], tuple[list[str], list[str]]]
) -> tuple[Sides, list[str]]:
    """Read a formula of these columns, and give notes on it.

    Args:
        text: the formula, ``left ~ right``.
        columns: of the table.
        others: given the columns of the left side, those that a ``.`` stands for, and notes on what it leaves out.

    Raises:
        FormulaError: where it cannot be read, or has what is not listed in ``expressions``.
        MissingError: where formulaic is not installed.
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
    """The factors of each term of a right side. An offset is a factor ``offset(…)``."""
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
    """A name in backticks without them, and an offset its argument."""
    inner = text[1:-1] if text.startswith("`") and text.endswith("`") else text
    if inner in columns:
        return inner
    return text[len("offset(") : -1] if text.startswith("offset(") and text.endswith(")") else text


def learn(sides: Sides, values: Mapping[str, Value]) -> ModelFormula:
    """What the right side learns from columns without missing values: levels, codings, and what functions need.

    Raises:
        FormulaError: for a factor that cannot be computed.
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
    """A factor of categories, with formulaic's coding."""
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
    """Of each term its parts, which formulaic finds so that no column depends on others: on a table with a column a factor."""
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
