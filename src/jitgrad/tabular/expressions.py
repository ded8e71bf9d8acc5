"""Expressions of columns, as in the terms of model formulas: ``log(x)``, ``I(x ** 2)``, ``bs(x, df=4)``.

They are parsed by Python's parser and evaluated here, node by node, from the lists below. Python does not evaluate them, so an
expression from an untrusted file is harmless.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from jitgrad.errors import FormulaError, brief, near_name
from jitgrad.tabular import transforms

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv, ast.Pow: operator.pow,
    ast.Mod: operator.mod, ast.FloorDiv: operator.floordiv, ast.BitAnd: operator.and_, ast.BitOr: operator.or_,
}  # fmt: skip
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.USub: operator.neg, ast.UAdd: operator.pos, ast.Invert: np.logical_not, ast.Not: np.logical_not,
}  # fmt: skip
_LOGICAL = (ast.BitAnd, ast.BitOr, ast.Invert, ast.Not)
_COMPARED: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge, ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}  # fmt: skip
FUNCTIONS: dict[str, Callable[..., Any]] = {
    name: getattr(np, name)
    for name in (
        "log", "log2", "log10", "log1p", "exp", "exp2", "expm1", "sqrt", "cbrt", "square", "abs", "sign", "floor", "ceil",
        "sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh",
        "minimum", "maximum",
    )
}  # fmt: skip
"""NumPy functions of numbers, which are also available as ``np.log`` and so on."""
_TWO = ("minimum", "maximum")
_OWN = ("I", "Q", "C", *transforms.NAMES)
_LONGEST = 10_000  # characters in an expression
_QUOTED = re.compile(r"`([^`]*)`")

Value = Any
"""float64 (n,) or (n, columns), bool (n,), or a Series of text."""


@dataclass(frozen=True)
class Categories:
    """The result of ``C(…)``.

    Attributes
    ----------
    value : Value
        One value per row.
    coding : {"Treatment", "Sum", "Helmert", "Poly", "Diff"}
        The coding.
    reference : Any
        The reference level of treatment coding; None for the first level.
    levels : tuple or None
        The levels in order; None for all levels found.
    """

    value: Value
    coding: str = "Treatment"
    reference: Any = None
    levels: tuple[Any, ...] | None = None


class Expression:
    """A checked expression.

    Attributes
    ----------
    text : str
        The expression, normalized by ``ast.unparse``.
    names : tuple of str
        The columns that the expression uses.
    """

    def __init__(self, text: str, columns: Collection[str], of_terms: bool = False) -> None:
        """Parse an expression of the given columns; names in backticks may contain any characters.

        ``of_terms`` adds advice for users who may mean a formula with parameters.

        Raises FormulaError if the expression is invalid, or contains a name, function or operator that is not supported.
        """
        self._aliases: dict[str, str] = {}
        self._columns, self._of_terms = columns, of_terms
        self._written = text
        if len(text) > _LONGEST:
            raise FormulaError(f"The formula has a term of {len(text)} characters. The limit is {_LONGEST}.")
        if text in columns:
            self._tree: ast.expr = ast.Name(text)
        else:
            self._tree = self._parsed(text)
        self.text = text if text in columns else self._shown(self._tree)
        self.names = tuple(dict.fromkeys(self._names(self._tree)))

    @property
    def pair(self) -> tuple[str, str] | None:
        """The two expressions of ``cbind(a, b)``, which is allowed only on the left side of a formula."""
        match self._tree:
            case ast.Call(ast.Name("cbind"), [a, b]):
                return self._shown(a), self._shown(b)
        return None

    @property
    def quotient(self) -> tuple[str, str] | None:
        """The two expressions of ``a / b``."""
        match self._tree:
            case ast.BinOp(a, ast.Div(), b):
                return self._shown(a), self._shown(b)
        return None

    def value(self, columns: Mapping[str, Value], states: dict[str, Any]) -> Value:
        """Evaluate the expression.

        Parameters
        ----------
        columns : mapping of str to Value
            The columns without missing values: numbers as float64, Booleans as bool, text as Series.
        states : dict
            The learned state of functions such as ``scale``, by their text; filled if empty.

        Returns
        -------
        Value
            The value of each row.

        Raises
        ------
        FormulaError
            For an operation on text, and for invalid arguments.
        """
        with np.errstate(all="ignore"):
            return self._value(self._tree, columns, states)

    def _parsed(self, text: str) -> ast.expr:
        def alias(found: re.Match[str]) -> str:
            name = f"_column_{len(self._aliases)}_"
            self._aliases[name] = found[1]
            return name

        try:
            tree = ast.parse(_QUOTED.sub(alias, text).strip(), mode="eval").body
        except (SyntaxError, ValueError, MemoryError) as error:
            raise FormulaError(f"The term {text!r} of the formula cannot be read: {error}. Correct it.") from None
        match tree:
            case ast.Call(ast.Name("cbind"), [a, b], []):
                self._check(a)
                self._check(b)
            case _:
                self._check(tree)
        return tree

    def _shown(self, node: ast.expr) -> str:
        shown = ast.unparse(node)
        for alias, name in self._aliases.items():
            shown = shown.replace(alias, f"`{name}`")
        return shown

    def _column(self, name: str) -> str:
        name = self._aliases.get(name, name)
        if name not in self._columns:
            near = near_name(name, [*self._columns, *FUNCTIONS, *_OWN])
            curve = " A formula with parameters, such as a*exp(-b*x), is a curve: pass it as {argument}."
            raise FormulaError(
                f"{name!r} in the formula is not a column of the table.{near} Correct the name, or add the column."
                f"{curve if self._of_terms and not near_name(name, self._columns) else ''}",
                argument="model",
            )
        return name

    def _check(self, node: ast.expr) -> None:
        """Raise FormulaError for unsupported nodes."""
        match node:
            case ast.Name(name):
                self._column(name)
            case ast.Constant(value) if isinstance(value, (bool, int, float, str)):
                pass
            case ast.BinOp(left, op, right) if type(op) in _BINARY:
                self._check(left)
                self._check(right)
            case ast.UnaryOp(op, operand) if type(op) in _UNARY:
                self._check(operand)
            case ast.Compare(left, [op], [right]) if type(op) in _COMPARED:
                self._check(left)
                self._check(right)
            case ast.Call(_, arguments, keywords):
                self._check_call(_name_of(node.func), arguments, keywords, node)
            case ast.BinOp(_, ast.BitXor(), _):
                raise FormulaError(
                    f"The term {self._written!r} of the formula contains ^ inside parentheses. Write ** for a power."
                )
            case _:
                raise FormulaError(
                    f"The term {self._written!r} of the formula contains {brief(ast.unparse(node))}, which is not supported. "
                    f"Compute it as a column of the table first."
                )

    def _check_call(self, name: str, arguments: list[ast.expr], keywords: list[ast.keyword], node: ast.Call) -> None:
        if name in FUNCTIONS:
            wanted = 2 if name in _TWO else 1
            if keywords or len(arguments) != wanted:
                raise FormulaError(
                    f"{name} takes {wanted} argument{'s' * (wanted > 1)} in a formula. Correct {ast.unparse(node)!r}."
                )
            for argument in arguments:
                self._check(argument)
            return
        if name not in _OWN:
            near = near_name(name, [*FUNCTIONS, *_OWN])
            raise FormulaError(
                f"The function {name or ast.unparse(node.func)!r} is not supported in formulas.{near} "
                f"The functions are {', '.join(FUNCTIONS)}, {', '.join(_OWN)}."
            )
        if not arguments:
            raise FormulaError(f"{name} in the formula has no argument. Give it a column.")
        if name == "Q":
            self._column(_literal(arguments[0]))
            return
        self._check(arguments[0])
        if name == "I" and (arguments[1:] or keywords):
            raise FormulaError(f"I takes one argument in a formula. Correct {ast.unparse(node)!r}.")
        if name == "C":
            _coding(arguments[1:], keywords)
        elif name != "I":
            transforms.check(name, [_literal(a) for a in arguments[1:]], {k.arg or "": _literal(k.value) for k in keywords})

    def _names(self, node: ast.AST) -> Iterator[str]:
        """Yield the columns in a node."""
        for part in ast.walk(node):
            if isinstance(part, ast.Call) and _name_of(part.func) == "Q":
                yield _literal(part.args[0])
        codings = {id(n) for p in ast.walk(node) if isinstance(p, ast.Call) for n in _codes(p)}
        for part in ast.walk(node):
            if isinstance(part, ast.Name) and id(part) not in codings:
                yield self._aliases.get(part.id, part.id)

    def _value(self, node: ast.expr, columns: Mapping[str, Value], states: dict[str, Any]) -> Value:
        match node:
            case ast.Name(name):
                return columns[self._aliases.get(name, name)]
            case ast.Constant(value):
                return np.float64(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value
            case ast.BinOp(left, op, right):
                kind = bool if isinstance(op, _LOGICAL) else np.float64
                return _BINARY[type(op)](*(np.asarray(self._numbers(part, columns, states), kind) for part in (left, right)))
            case ast.UnaryOp(op, operand):
                kind = bool if isinstance(op, _LOGICAL) else np.float64
                return _UNARY[type(op)](np.asarray(self._numbers(operand, columns, states), kind))
            case ast.Compare(left, [op], [right]):
                a, b = self._value(left, columns, states), self._value(right, columns, states)
                return np.asarray(_COMPARED[type(op)](*_comparable(a, b)), bool)
            case ast.Call(_, [first, *rest], keywords):
                name = _name_of(node.func)
                if name == "Q":
                    return columns[_literal(first)]
                if name in FUNCTIONS:
                    values = (np.asarray(self._numbers(part, columns, states), np.float64) for part in (first, *rest))
                    return FUNCTIONS[name](*values)
                if name == "I":
                    return self._value(first, columns, states)
                if name == "C":
                    return Categories(self._value(first, columns, states), *_coding(rest, keywords))
                given = {keyword.arg or "": _literal(keyword.value) for keyword in keywords}
                own = np.asarray(self._numbers(first, columns, states), np.float64)
                return transforms.apply(name, own, [_literal(a) for a in rest], given, states.setdefault(ast.unparse(node), {}))
        raise AssertionError(ast.unparse(node))  # checked before

    def _numbers(self, node: ast.expr, columns: Mapping[str, Value], states: dict[str, Any]) -> Value:
        """Evaluate a numeric part of an expression."""
        value = self._value(node, columns, states)
        if isinstance(value, (pl.Series, Categories, str)):
            raise FormulaError(
                f"{ast.unparse(node)!r} in the formula is text, but arithmetic needs numbers. Use it as a separate term."
            )
        return value


def _name_of(node: ast.expr) -> str:
    """Return the name of a function without the prefix ``np.``; empty for other nodes."""
    match node:
        case ast.Name(name):
            return name
        case ast.Attribute(ast.Name("np" | "numpy"), name) if name in FUNCTIONS:
            return name
    return ""


def _literal(node: ast.expr) -> Any:
    """Return a number, a string, or a list of them. Raises FormulaError for anything else."""
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, MemoryError):
        raise FormulaError(
            f"{ast.unparse(node)!r} in the formula is not a number, a string or a list of them. Write the value out."
        ) from None


_CODINGS = {
    "Treatment": "Treatment", "Sum": "Sum", "Helmert": "Helmert", "Poly": "Poly", "Diff": "Diff",
    "contr.treatment": "Treatment", "contr.sum": "Sum", "contr.helmert": "Helmert", "contr.poly": "Poly", "contr.diff": "Diff",
}  # fmt: skip


def _codes(node: ast.Call) -> Iterator[ast.AST]:
    """Yield the nodes of functions and codings, which do not name columns."""
    yield from ast.walk(node.func)
    if _name_of(node.func) == "C":
        for part in (*node.args[1:], *(keyword.value for keyword in node.keywords)):
            yield from ast.walk(part)


def _coding(arguments: list[ast.expr], keywords: list[ast.keyword]) -> tuple[str, Any, tuple[Any, ...] | None]:
    """Return the coding, reference and levels of ``C(x, …)``. Raises FormulaError if they are invalid."""
    given = {keyword.arg or "": keyword.value for keyword in keywords}
    levels = given.pop("levels", None)
    node = arguments[0] if arguments else given.pop("contrasts", None)
    if given or arguments[1:]:
        raise FormulaError("C in a formula takes a column, a coding and levels. Write it like C(g, Treatment('a')).")
    chosen = None if levels is None else tuple(_literal(levels))
    if node is None:
        return "Treatment", None, chosen
    function = node.func if isinstance(node, ast.Call) else node
    coding = _CODINGS.get(ast.unparse(function))
    if coding is None:
        near = near_name(ast.unparse(function), _CODINGS)
        raise FormulaError(
            f"{ast.unparse(node)!r} in the formula is not a known coding.{near} The codings are {', '.join(_CODINGS)}."
        )
    references = (
        [*node.args, *(k.value for k in node.keywords if k.arg in ("reference", "base"))] if isinstance(node, ast.Call) else []
    )
    if (isinstance(node, ast.Call) and len(references) != len(node.args) + len(node.keywords)) or len(references) > (
        coding == "Treatment"
    ):
        raise FormulaError(
            f"The coding {ast.unparse(node)!r} has invalid arguments. Only Treatment takes one, the reference level."
        )
    return coding, _literal(references[0]) if references else None, chosen


def _comparable(a: Value, b: Value) -> tuple[Value, Value]:
    """Convert two values to comparable arrays: text with text, numbers with numbers."""
    made = [np.asarray(value.cast(pl.String).to_list(), object) if isinstance(value, pl.Series) else value for value in (a, b)]
    texts = [isinstance(value, str) or (isinstance(value, np.ndarray) and value.dtype == object) for value in made]
    if texts[0] != texts[1] or any(isinstance(value, Categories) for value in made):
        raise FormulaError("The formula compares text with a number. Quote both sides for text, or neither for numbers.")
    return made[0], made[1]
