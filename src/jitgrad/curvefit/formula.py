"""Formulas: text such as ``b1 * (1 - exp(-b2 * x))``, parsed by Python's own parser and checked; never evaluated by it."""

from __future__ import annotations

import ast
import functools
import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn

import numpy as np

from jitgrad.errors import FormulaError, near_name
from jitgrad.functions import cumulative, elementwise, extremes, logic, reductions
from jitgrad.functions.faddeeva import voigt_profile
from jitgrad.ops import OPS
from jitgrad.ops.elementwise import arccos, arccosh, arcsin, arcsinh, arctan, arctan2, arctanh, gammaln, maximum, minimum, where
from jitgrad.tape.tensor import Tensor, as_tensor

CONSTANTS = {"pi": math.pi}
EULER = "e"
"""Calls of it are Euler's number; alone it is a name as any other, for many models have a fifth parameter."""
LONGEST = 10_000
"""Characters of a formula."""
DEEPEST = 200
"""Operations in one another."""

NamedFunction = Callable[..., Any]


def _either(of_two: NamedFunction, of_one: NamedFunction) -> NamedFunction:
    """``max(x)`` of all rows, and ``max(a, b, …)`` row by row."""
    return lambda *given: of_one(*given) if len(given) == 1 else functools.reduce(of_two, given)


# Beside the elementwise ops of the table: each with the fewest and the most arguments that it takes.
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
    """What a formula may call, by name: the function, the fewest and the most arguments that it takes."""
    table = {name: (op, op.arity, op.arity) for name, op in OPS.items() if op.value is not None and op.arity is not None}
    return table | _MORE


class Formula:
    """A formula, checked. Made by ``formula``.

    Attributes:
        text: as it was given.
        names: the columns and parameters, in the order in which they are met.
        constants: those of its names that stand for a constant, unless there is a column of that name.
        plain: whether it has no functions but those that all formulas have.
    """

    def __init__(self, text: str, more: Mapping[str, NamedFunction] | None = None) -> None:
        self.text = text
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

    def parameters(self, columns: Iterable[str]) -> list[str]:
        """The names that are no columns."""
        known = set(columns)
        return [name for name in self.names if name not in known]

    def __call__(self, /, **values: Any) -> Tensor:
        """What the formula says for values of all its names: numbers, arrays or Tensors, which broadcast.

        Raises FormulaError where one is missing.
        """
        for name in self.names:
            if name not in values:
                raise FormulaError(
                    f"The formula needs a value for {name!r}.{near_name(name, values)} Pass it as a keyword argument."
                )
        return as_tensor(self._value(self._tree, values))

    def _replaced(self) -> tuple[str, list[int]]:
        """The text as Python is to parse it, and for each of its characters the place of the one that it is for.

        It is one line. A name in backticks, which may have any characters, and one with letters beyond ASCII, which Python
        would change to others (NFKC), are replaced by names that are not in the text.
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
        """Raise FormulaError for a name with signs that no name may have, such as × and ²."""
        for length in range(1, len(name) + 1):
            if (
                not name[:length].isidentifier() or name[length - 1] in "\u00b7\u0387"
            ):  # the dots of products, to Python letters
                fault = f"contains {name[length - 1]!r}, which is not a letter"
                self._refuse(start + length - 1, fault, "Write * / - ** for operations, or enclose the name in backticks")

    def _parsed(self) -> ast.expr:
        """The syntax tree."""
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
        """Raise FormulaError for a fault at a character, pointing at it."""
        first = max(0, place - 60)
        shown = "".join(c if c.isprintable() else " " for c in self.text[first : first + 100])
        end = "" if advice.endswith("?") else "."
        raise FormulaError(
            f"The formula {fault}, at character {place + 1}. {advice}{end}\n  {shown}\n  {' ' * (place - first)}^"
        )

    def _check(self, node: ast.expr, noted: dict[str, bool], depth: int = 0) -> Any:
        """The value of a node without names, a number, else None. Raises FormulaError for what no formula may have, and for
        a constant that is not finite; notes the names, and which are constants."""
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
        raise AssertionError(node)  # _check lets nothing else through


def _chain(node: ast.BinOp) -> tuple[ast.expr, list[ast.BinOp]]:
    """The first operand of ``a + b - c …`` and the operations after it, in order: sums may be long."""
    links: list[ast.BinOp] = []
    left: ast.expr = node
    while isinstance(left, ast.BinOp) and type(left.op) in _BINARY:
        links.append(left)
        left = left.left
    return left, links[::-1]


def _folded(function: Any, operands: list[Any]) -> Any:
    """What a function makes of numbers; None where one of them, or the function, is not known."""
    return None if function is None or any(operand is None for operand in operands) else np.float64(function(*operands))


_TOO_DEEP = "The formula is nested too deeply, or has thousands of terms. Write a Python function instead."
_COMMON = ("exp", "log", "sqrt", "sin", "cos", "tanh", "where")


def _number(value: Any) -> Any:
    """A number of the formula as a literal of what is recorded."""
    return as_tensor(float(value))


def _unbalanced(text: str) -> int | None:
    """Where a bracket stands that has no other half."""
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
    """A formula of columns and parameters, as a model for ``curve_fit`` and as a function of its names.

    A formula has numbers, names, ``+ - * / ** % //``, comparisons, ``and or not``, ``a if c else b``, the constants pi and e(),
    every elementwise op of jitgrad, and ``where clip min max sum mean std cumsum``. Which names are columns is the data's to
    say; a name with other characters than letters, digits and _ stands in backticks.

    Args:
        text: the formula.
        functions: further functions of Tensors, by name.

    Raises:
        FormulaError: for what is not understood or not allowed, with its place.

    Example:
        >>> f = formula("b1 * (1 - exp(-b2 * x))")
        >>> f.names
        ['b1', 'b2', 'x']
        >>> float(f(b1=2.0, b2=0.0, x=1.0))
        0.0
    """
    return Formula(text, functions)
