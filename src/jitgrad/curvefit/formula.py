"""Formulas such as ``b1 * (1 - exp(-b2 * x))``, as text.

A formula is parsed by Python's parser, checked, and evaluated with Tensors. It is never passed to ``eval``.
"""

from __future__ import annotations

import ast
import functools
import math
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import numpy as np

from jitgrad.curvefit.text_model import TextModel
from jitgrad.errors import FormulaError, near_name
from jitgrad.functions import cumulative, elementwise, extremes, logic, reductions
from jitgrad.functions.faddeeva import voigt_profile
from jitgrad.ops import OPS
from jitgrad.ops.elementwise import arccos, arccosh, arcsin, arcsinh, arctan, arctan2, arctanh, gammaln, maximum, minimum, where
from jitgrad.tape.tensor import Tensor, as_tensor

CONSTANTS = {"pi": math.pi}
EULER = "e"
"""``e()`` is Euler's number; ``e`` is an ordinary name, because many models have a fifth parameter."""
LONGEST = 10_000
"""The largest number of characters in a formula."""
DEEPEST = 200
"""The deepest nesting of operations."""

NamedFunction = Callable[..., Any]


def _either(of_two: NamedFunction, of_one: NamedFunction) -> NamedFunction:
    """Return a function that reduces one argument over all rows, and combines several arguments row by row."""
    return lambda *given: of_one(*given) if len(given) == 1 else functools.reduce(of_two, given)


# Functions besides the elementwise ops, each with its smallest and largest number of arguments.
_MORE: dict[str, tuple[NamedFunction, int, int]] = {
    "clip": (elementwise.clip, 3, 3),
    "max": (_either(maximum, extremes.max), 1, 99),
    "min": (_either(minimum, extremes.min), 1, 99),
    "sum": (reductions.sum, 1, 1),
    "mean": (reductions.mean, 1, 1),
    "std": (reductions.std, 1, 1),
    "cumsum": (cumulative.cumsum, 1, 1),
    EULER: (lambda: as_tensor(math.e), 0, 0),
    "voigt_profile": (voigt_profile, 3, 3),
    **{
        name: (op, op.arity or 1, op.arity or 1)
        for name, op in {
            "acos": arccos, "acosh": arccosh, "asin": arcsin, "asinh": arcsinh, "atan": arctan, "atan2": arctan2,
            "atanh": arctanh, "lgamma": gammaln, "pow": OPS["power"], "ln": OPS["log"],
        }.items()
    },
}  # fmt: skip

_BINARY: dict[type[ast.operator], NamedFunction] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv, ast.Pow: operator.pow,
    ast.Mod: operator.mod, ast.FloorDiv: operator.floordiv,
}  # fmt: skip
_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Lt: "less", ast.LtE: "less_equal", ast.Gt: "greater", ast.GtE: "greater_equal", ast.Eq: "equal", ast.NotEq: "not_equal",
}  # fmt: skip


@functools.cache
def functions() -> dict[str, tuple[NamedFunction, int, int]]:
    """Return the functions of formulas by name, each with its smallest and largest number of arguments."""
    table = {name: (op, op.arity, op.arity) for name, op in OPS.items() if op.value is not None and op.arity is not None}
    return table | _MORE


class Formula(TextModel):
    """A parsed and checked formula.

    Use `formula` to make one.

    Parameters
    ----------
    text : str
        The formula.
    more : mapping of str to callable, optional
        Additional functions of Tensors, by name.

    Attributes
    ----------
    text : str
        The formula as given.
    names : list of str
        The names of columns and parameters, in order of appearance.
    constants : list of str
        The names in the formula, such as ``pi``, that are constants unless the data have a column of that name.
    plain : bool
        Whether the formula uses built-in functions only.

    See Also
    --------
    formula : Describes the language of formulas.

    Examples
    --------
    >>> f = jg.curvefit.formula("a * exp(-k * t) + c")
    >>> f.names
    ['a', 'k', 't', 'c']
    >>> f.parameters(["t"])
    ['a', 'k', 'c']
    >>> f(a=2.0, k=0.0, t=np.array([0.0, 1.0]), c=1.0).numpy()
    array([3., 3.])
    """

    def __init__(self, text: str, more: Mapping[str, NamedFunction] | None = None) -> None:
        super().__init__(text)
        self.plain, self._more = not more, more
        self._functions = functions() | {name: (f, 0, 99) for name, f in (more or {}).items()}
        if len(text) > LONGEST:
            raise FormulaError(f"The formula has {len(text)} characters. Use at most {LONGEST}, or write a function in Python.")
        if not text.strip():
            raise FormulaError("The formula is empty. Write one, such as a * x + b.")
        self._standing: dict[str, str] = {}
        self._plain, self._places = self._replaced()
        self._tree = self._parsed()
        noted: dict[str, bool] = {}
        self._check(self._tree, noted)
        self.names = [name for name, constant in noted.items() if not constant]
        self.constants = [name for name, constant in noted.items() if constant]

    def __reduce__(self) -> Any:
        return Formula, (self.text, self._more)

    def __repr__(self) -> str:
        return f"formula({self.text!r})"

    @property
    def calls(self) -> list[str]:
        """The names of the functions that the formula calls."""
        calls = [
            node.func.id for node in ast.walk(self._tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        ]
        return [self._standing.get(name, name) for name in calls]

    def __call__(self, /, **values: Any) -> Tensor:
        """Evaluate the formula.

        Parameters
        ----------
        **values : array_like
            A value for each name: numbers, arrays or Tensors, which broadcast.

        Returns
        -------
        Tensor
            The value.

        Raises
        ------
        FormulaError
            If a name has no value.
        """
        for name in self.names:
            if name not in values:
                raise FormulaError(
                    f"The formula needs a value for {name!r}.{near_name(name, values)} Pass it as a keyword argument."
                )
        return as_tensor(self._value(self._tree, values))

    def _replaced(self) -> tuple[str, list[int]]:
        """Return the text for Python's parser, and the position in the original of each of its characters.

        The text is put on one line. Names in backticks, which may contain any characters, and names with non-ASCII letters,
        which Python would normalize to NFKC, are replaced by placeholders.
        """
        prefix = "_" + max(re.findall("_*", self.text), key=len) + "n"
        stand_ins: dict[str, str] = {}
        pieces, places, end = ["("], [0], 0
        for match in re.finditer(r"`([^`]+)`|[^\W\d](?:\w|[^\x00-\x7f])*", self.text):
            name, start = match[1] or match[0], match.start()
            if match[0].isascii() and match[1] is None:
                continue
            if match[1] is None:
                self._check_letters(name, start)
            name = stand_ins.setdefault(name, f"{prefix}{len(stand_ins)}_")
            pieces += [self.text[end:start], name]
            places += [*range(end, start), *[start] * len(name)]
            end = match.end()
        self._standing = {stand_in: name for name, stand_in in stand_ins.items()}
        pieces.append(self.text[end:])
        places += range(end, len(self.text))
        line = "".join(pieces).translate({ord(c): " " for c in "\n\r\t\f"})
        return line + "\n)", [*places, len(self.text) - 1]

    def _check_letters(self, name: str, start: int) -> None:
        """Raise FormulaError for a name with characters that a name cannot have, such as × and ²."""
        for length in range(1, len(name) + 1):
            if (
                not name[:length].isidentifier() or name[length - 1] in "\u00b7\u0387"
            ):  # dots for products, which Python accepts in names
                fault = f"contains {name[length - 1]!r}, which is not a letter"
                self._refuse(start + length - 1, fault, "Write * / - ** for operations, or enclose the name in backticks")

    def _parsed(self) -> ast.expr:
        """Return the syntax tree."""
        unbalanced = _unbalanced(self._plain[1:-2])
        if unbalanced is not None:
            place = self._places[1 + unbalanced]
            self._refuse(place, f"has an unmatched {self.text[place]!r}", "Close or remove it")
        for place, character in zip(self._places, self._plain, strict=False):
            if character in "#\\":
                self._refuse(place, f"contains a {character}", "Remove it, or enclose the name in backticks")
            if not character.isprintable() and character != "\n":
                self._refuse(place, f"contains {character!r}, which is not printable", "Remove it")
        try:
            return ast.parse(self._plain, mode="eval").body
        except SyntaxError as error:
            self._refuse_syntax(error)
        except (RecursionError, MemoryError):
            raise FormulaError(_TOO_DEEP) from None

    def _refuse_syntax(self, error: SyntaxError) -> NoReturn:
        if "too many nested" in error.msg:
            raise FormulaError(_TOO_DEEP) from None
        place = self._places[min(max((error.offset or 2) - 1, 1), len(self._places) - 1) if error.lineno == 1 else -1]
        number = re.search(r"\d{4000,}", self.text)
        if number and "digits" in error.msg:
            self._refuse(number.start(), "has a number too large for float64", "Use a smaller number")
        if "=" in self.text and "==" not in self.text:
            self._refuse(
                self.text.index("="), "has an equals sign", "Write the right-hand side only; the target is given separately"
            )
        if "~" in self.text:
            self._refuse(self.text.index("~"), "has a tilde", "Write the right-hand side only; the target is given separately")
        self._refuse(place, "has a syntax error", "Check the marked place, and write * for every product")

    def _refuse(self, place: int, fault: str, advice: str) -> NoReturn:
        """Raise FormulaError, pointing at a character."""
        first = max(0, place - 60)
        shown = "".join(c if c.isprintable() else " " for c in self.text[first : first + 100])
        end = "" if advice.endswith("?") else "."
        raise FormulaError(
            f"The formula {fault}, at character {place + 1}. {advice}{end}\n  {shown}\n  {' ' * (place - first)}^"
        )

    def _check(self, node: ast.expr, noted: dict[str, bool], depth: int = 0) -> Any:
        """Return the value of a constant expression, else None. Record the names, and which of them are constants.

        Raises FormulaError for an expression that is not allowed, and for a constant that is not finite.
        """
        place = self._places[min(node.col_offset, len(self._places) - 1)]
        if depth > DEEPEST:
            self._refuse(place, "is nested too deeply", "Write a Python function instead")

        def of(*inner: ast.expr) -> list[Any]:
            return [self._check(one, noted, depth + 1) for one in inner]

        value = None
        with np.errstate(all="ignore"):
            if isinstance(node, ast.Name):
                self._check_name(node, place, noted)
            elif isinstance(node, ast.Constant):
                value = self._check_number(node, place)
            elif isinstance(node, ast.Call):
                function = self._check_call(node, place)
                value = _folded(getattr(function, "numpy", None), of(*node.args))
            elif isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
                first, chain = _chain(node)
                value, *others = of(first, *(link.right for link in chain))
                for link, other in zip(chain, others, strict=True):
                    value = _folded(_BINARY[type(link.op)], [value, other])
            elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd, ast.Not)):
                value = _folded(operator.neg if isinstance(node.op, ast.USub) else None, of(node.operand))
            elif isinstance(node, ast.Compare) and all(type(op) in _COMPARISONS for op in node.ops):
                of(node.left, *node.comparators)
            elif isinstance(node, ast.BoolOp):
                of(*node.values)
            elif isinstance(node, ast.IfExp):
                of(node.test, node.body, node.orelse)
            elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitXor):
                at = self._plain.find("^", node.left.end_col_offset or 1)
                self._refuse(self._places[at], "contains a ^", "Write ** for powers")
            else:
                self._refuse(
                    place,
                    "contains an expression that is not allowed",
                    "Use numbers, names, + - * / **, comparisons and functions",
                )
        if value is not None and not np.isfinite(value):
            self._refuse(place, f"has a constant that evaluates to {value}", "Use finite constants")
        return value

    def _check_name(self, node: ast.Name, place: int, noted: dict[str, bool]) -> None:
        if node.id in self._functions and node.id not in self._standing and node.id != EULER:
            advice = f"Write {node.id}(…), or rename the parameter"
            self._refuse(place, f"uses the function {node.id!r} without arguments", advice)
        noted[self._standing.get(node.id, node.id)] = node.id in CONSTANTS

    def _check_number(self, node: ast.Constant, place: int) -> Any:
        if type(node.value) not in (int, float):
            self._refuse(place, f"contains {node.value!r}, which is not a number", "Use real numbers")
        try:
            value = np.float64(node.value)  # type: ignore[arg-type]
        except OverflowError:
            value = np.float64(math.inf)
        if math.isinf(value):
            self._refuse(place, "has a number too large for float64", "Use a smaller number")
        return value

    def _check_call(self, node: ast.Call, place: int) -> NamedFunction:
        if not isinstance(node.func, ast.Name):
            self._refuse(place, "calls something that is not a name", "Call functions by name, as in exp(x)")
        name = self._standing.get(node.func.id, node.func.id)
        if name not in self._functions:
            advice = near_name(name, self._functions).strip() or f"The functions include {', '.join(_COMMON)}"
            self._refuse(place, f"uses the unknown function {name!r}", advice)
        function, least, most = self._functions[name]
        if node.keywords or not least <= len(node.args) <= most:
            wanted = f"{least}" if least == most else f"{least} to {most}"
            self._refuse(
                place,
                f"calls {name} with {len(node.args)} argument{'s' * (len(node.args) != 1)}",
                f"Give it {wanted}, by position",
            )
        return function

    def _value(self, node: ast.expr, values: Mapping[str, Any]) -> Any:
        def of(inner: ast.expr) -> Any:
            return self._value(inner, values)

        match node:
            case ast.Name(id=name):
                full = self._standing.get(name, name)
                return as_tensor(values[full]) if full in values else _number(CONSTANTS[name])
            case ast.Constant(value=value):
                return _number(value)
            case ast.Call(func=ast.Name(id=name), args=args):
                return self._functions[self._standing.get(name, name)][0](*map(of, args))
            case ast.BinOp():
                first, chain = _chain(node)
                return functools.reduce(lambda value, link: _BINARY[type(link.op)](value, of(link.right)), chain, of(first))
            case ast.UnaryOp(op=op, operand=operand):
                value = of(operand)
                return logic.logical_not(value) if isinstance(op, ast.Not) else -value if isinstance(op, ast.USub) else value
            case ast.Compare():
                sides = [of(side) for side in (node.left, *node.comparators)]
                parts = [OPS[_COMPARISONS[type(op)]](a, b) for op, a, b in zip(node.ops, sides, sides[1:], strict=False)]
                return functools.reduce(logic.logical_and, parts)
            case ast.BoolOp(op=op, values=parts):
                join = logic.logical_and if isinstance(op, ast.And) else logic.logical_or
                return functools.reduce(join, map(of, parts))
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return where(of(test), of(body), of(orelse))
        raise AssertionError(node)  # _check rejects everything else


def _chain(node: ast.BinOp) -> tuple[ast.expr, list[ast.BinOp]]:
    """Return the first operand of ``a + b - c …`` and the operations that follow it, without recursion."""
    links: list[ast.BinOp] = []
    left: ast.expr = node
    while isinstance(left, ast.BinOp) and type(left.op) in _BINARY:
        links.append(left)
        left = left.left
    return left, links[::-1]


def _folded(function: Any, operands: list[Any]) -> Any:
    """Return the value of a function of constants, or None if an operand or the function is unknown."""
    return None if function is None or any(operand is None for operand in operands) else np.float64(function(*operands))


_TOO_DEEP = "The formula is nested too deeply, or has thousands of terms. Write a Python function instead."
_COMMON = ("exp", "log", "sqrt", "sin", "cos", "tanh", "where")


def _number(value: Any) -> Any:
    """Return a number of the formula as a literal of the trace."""
    return as_tensor(float(value))


def _unbalanced(text: str) -> int | None:
    """Return the position of an unmatched parenthesis, or None."""
    opened: list[int] = []
    for place, character in enumerate(text):
        if character == "(":
            opened.append(place)
        elif character == ")":
            if not opened:
                return place
            opened.pop()
    return opened[-1] if opened else None


def formula(text: str, functions: Mapping[str, NamedFunction] | None = None) -> Formula:
    """Parse a formula of columns and parameters.

    The result is a model for `curve_fit` and `fit_groups`, and can be called with values for its names.

    Parameters
    ----------
    text : str
        The formula. It may contain

        - numbers, names, parentheses, and the operators ``+ - * / ** % //``,
        - comparisons, ``and``, ``or``, ``not``, and ``a if condition else b``,
        - the constants ``pi`` and ``e()``; ``e`` alone is a parameter,
        - every elementwise function of jitgrad, such as ``exp``, ``log``, ``sqrt``, ``tanh``, ``erf`` and ``sigmoid``,
        - ``where``, ``clip``, ``min``, ``max``, ``sum``, ``mean``, ``std``, ``cumsum`` and ``voigt_profile``.

        Whether a name is a column or a parameter depends on the data. Names with characters other than letters, digits and
        underscores are enclosed in backticks.
    functions : mapping of str to callable, optional
        Additional functions of Tensors, by name.

    Returns
    -------
    Formula
        The parsed formula. It has ``names`` and can be called with a value for each name.

    Raises
    ------
    FormulaError
        If the text has a syntax error or uses something that is not allowed. The message points at the character.

    Examples
    --------
    >>> f = jg.curvefit.formula("b1 * (1 - exp(-b2 * x))")
    >>> f.names
    ['b1', 'b2', 'x']
    >>> float(f(b1=2.0, b2=0.0, x=1.0))
    0.0

    With your own functions:

    >>> f = jg.curvefit.formula("a * square(x)", {"square": lambda x: x * x})
    >>> float(f(a=2.0, x=3.0))
    18.0
    """
    return Formula(text, functions)
