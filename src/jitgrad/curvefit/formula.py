"""Formulas: text such as ``b1 * (1 - exp(-b2 * x))``, parsed by Python's own parser and checked; never evaluated by it."""

from __future__ import annotations

import ast
import functools
import itertools
import keyword
import math
import operator
import re
import string
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn

from jitgrad.errors import FormulaError, near_name
from jitgrad.functions import elementwise, reductions
from jitgrad.functions.special import voigt_profile
from jitgrad.ops import OPS
from jitgrad.ops.elementwise import arccos, arccosh, arcsin, arcsinh, arctan, arctan2, arctanh, gammaln, maximum, minimum, where
from jitgrad.tape.tensor import Tensor, as_tensor

CONSTANTS = {"pi": math.pi, "e": math.e}
LONGEST = 10_000
"""Characters of a formula."""
DEEPEST = 200
"""Operations in one another."""

Function = Callable[..., Any]


def _either(of_two: Function, of_one: Function) -> Function:
    """``max(x)`` of all rows, and ``max(a, b, …)`` row by row."""
    return lambda *given: of_one(*given) if len(given) == 1 else functools.reduce(of_two, given)


# Beside the elementwise ops of the table: each with the fewest and the most arguments that it takes.
_MORE: dict[str, tuple[Function, int, int]] = {
    "clip": (elementwise.clip, 3, 3),
    "max": (_either(maximum, reductions.max), 1, 99),
    "min": (_either(minimum, reductions.min), 1, 99),
    "sum": (reductions.sum, 1, 1),
    "mean": (reductions.mean, 1, 1),
    "std": (reductions.std, 1, 1),
    "cumsum": (reductions.cumsum, 1, 1),
    "voigt_profile": (voigt_profile, 3, 3),
    **{
        name: (op, op.arity or 1, op.arity or 1)
        for name, op in {
            "acos": arccos, "acosh": arccosh, "asin": arcsin, "asinh": arcsinh, "atan": arctan, "atan2": arctan2,
            "atanh": arctanh, "lgamma": gammaln, "pow": OPS["power"], "ln": OPS["log"],
        }.items()
    },
}  # fmt: skip

_BINARY: dict[type[ast.operator], Function] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv, ast.Pow: operator.pow,
    ast.Mod: operator.mod, ast.FloorDiv: operator.floordiv,
}  # fmt: skip
_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Lt: "less", ast.LtE: "less_equal", ast.Gt: "greater", ast.GtE: "greater_equal", ast.Eq: "equal", ast.NotEq: "not_equal",
}  # fmt: skip


@functools.cache
def functions() -> dict[str, tuple[Function, int, int]]:
    """What a formula may call, by name: the function, the fewest and the most arguments that it takes."""
    table = {name: (op, op.arity, op.arity) for name, op in OPS.items() if op.partials and op.arity is not None}
    return table | _MORE


class Formula:
    """A formula, checked. Made by ``formula``.

    Attributes:
        text: as it was given.
        names: the columns and parameters, in the order in which they are met.
        constants: those of its names that stand for a constant, unless there is a column of that name.
        plain: whether it has no functions but those that all formulas have.
    """

    def __init__(self, text: str, more: Mapping[str, Function] | None = None) -> None:
        self.text = text
        self.plain, self._more = not more, more
        self._functions = functions() | {name: (f, 0, 99) for name, f in (more or {}).items()}
        self._quoted: dict[str, str] = {}
        quoted = re.sub(r"`([^`]+)`|[^\W\d]*[^\x00-\x7f]\w*", self._stand_in, text)  # Python would change letters beyond ASCII
        self._plain = "(" + re.sub(r"[\n\r\t\f]", " ", quoted) + "\n)"
        self._tree = self._parsed()
        self.names: list[str] = []
        self.constants: list[str] = []
        self._check(self._tree)

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
                raise FormulaError(f"The formula needs {name!r}, which has no value.{near_name(name, values)} Give it one.")
        return as_tensor(self._value(self._tree, values))

    def _parsed(self) -> ast.expr:
        """The syntax tree. A name in backticks may have any characters; it is parsed as a name of the same length."""
        if len(self.text) > LONGEST:
            raise FormulaError(
                f"The formula has {len(self.text)} characters. Write at most {LONGEST}, or a function in Python."
            )
        if not self.text.strip():
            raise FormulaError("The formula is empty. Write one such as a * x + b.")
        unbalanced = _unbalanced(self._plain[1:-2])
        if unbalanced is not None:
            bracket = self.text[unbalanced]
            self._refuse(unbalanced, f"has a bracket {bracket!r} without its other half", "Close or remove it")
        for mark in "#\\":
            if mark in self._plain:
                self._refuse(self._plain.index(mark) - 1, f"has a {mark}", "Leave it out, or put a name with it in backticks")
        try:
            return ast.parse(self._plain, mode="eval").body
        except SyntaxError as error:
            self._refuse_syntax(error)
        except (RecursionError, MemoryError, ValueError):
            raise FormulaError("The formula is nested too deeply, or no text. Write a function in Python instead.") from None

    def _stand_in(self, match: re.Match[str]) -> str:
        """A name of the same length that is not in the text."""
        tail = string.ascii_letters + string.digits
        for letters in itertools.product(string.ascii_letters, *[tail] * (min(len(match[0]), 3) - 1)):
            name = "".join(letters).ljust(len(match[0]), "_")
            if name not in self.text and name not in self._quoted and not keyword.iskeyword(name):
                self._quoted[name] = match[1] or match[0]
                return name
        raise FormulaError("The formula has too many names of one character. Give them longer ones.")

    def _refuse_syntax(self, error: SyntaxError) -> NoReturn:
        place = min(max((error.offset or 2) - 2, 0), len(self.text) - 1) if error.lineno == 1 else len(self.text) - 1
        if "=" in self.text and "==" not in self.text:
            self._refuse(self.text.index("="), "has an equals sign", "Write the right side alone; the target is named apart")
        self._refuse(place, "is not understood", "Check what stands there, and use * for every product")

    def _refuse(self, place: int, fault: str, advice: str) -> NoReturn:
        """Raise FormulaError for a fault at a character, pointing at it."""
        first = max(0, place - 60)
        shown = self.text[first : first + 100].translate({ord(c): " " for c in "\n\r\t\f"})
        end = "" if advice.endswith("?") else "."
        raise FormulaError(
            f"The formula {fault}, at character {place + 1}. {advice}{end}\n  {shown}\n  {' ' * (place - first)}^"
        )

    def _check(self, node: ast.expr, depth: int = 0) -> None:
        """Raise FormulaError for what no formula may have, and note the names."""
        place = max(0, len(self._plain.encode()[: node.col_offset].decode()) - 1)
        if depth > DEEPEST:
            self._refuse(place, "is nested too deeply", "Write a function in Python instead")
        if isinstance(node, ast.Name):
            self._check_name(node, place)
        elif isinstance(node, ast.Constant):
            self._check_number(node, place)
        elif isinstance(node, ast.Call):
            self._check_call(node, place, depth)
        elif isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
            first, chain = _chain(node)
            self._check_all(depth, first, *(link.right for link in chain))
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd, ast.Not)):
            self._check(node.operand, depth + 1)
        elif isinstance(node, ast.Compare) and all(type(op) in _COMPARISONS for op in node.ops):
            self._check_all(depth, node.left, *node.comparators)
        elif isinstance(node, ast.BoolOp):
            self._check_all(depth, *node.values)
        elif isinstance(node, ast.IfExp):
            self._check_all(depth, node.test, node.body, node.orelse)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitXor):
            self._refuse(self.text.find("^", (node.left.end_col_offset or 1) - 1), "has a ^", "Write ** for powers")
        else:
            self._refuse(place, "has what no formula may have", "Use numbers, names, + - * / **, comparisons and functions")

    def _check_all(self, depth: int, *nodes: ast.expr) -> None:
        for node in nodes:
            self._check(node, depth + 1)

    def _check_name(self, node: ast.Name, place: int) -> None:
        name = self._quoted.get(node.id, node.id)
        if node.id in self._functions:
            self._refuse(
                place, f"has the function {name!r} without arguments", f"Write {name}(…), or give the name another spelling"
            )
        noted = self.constants if node.id in CONSTANTS else self.names
        if name not in noted:
            noted.append(name)

    def _check_number(self, node: ast.Constant, place: int) -> None:
        if type(node.value) not in (int, float):
            self._refuse(place, f"has {node.value!r}, which is no number", "Use real numbers")
        try:
            beyond = math.isinf(float(node.value))  # type: ignore[arg-type]
        except OverflowError:
            beyond = True
        if beyond:
            self._refuse(place, "has a number beyond float64", "Write a smaller one")

    def _check_call(self, node: ast.Call, place: int, depth: int) -> None:
        if not isinstance(node.func, ast.Name):
            self._refuse(place, "calls what is no name", "Call functions such as exp by their names")
        name = node.func.id
        if name not in self._functions:
            advice = near_name(name, self._functions).strip() or f"Functions are {', '.join(_COMMON)} and the like"
            self._refuse(place, f"has the unknown function {name!r}", advice)
        _, least, most = self._functions[name]
        if node.keywords or not least <= len(node.args) <= most:
            wanted = f"{least}" if least == most else f"{least} to {most}"
            self._refuse(place, f"gives {name} {len(node.args)} arguments", f"Give it {wanted}, without names")
        self._check_all(depth, *node.args)

    def _value(self, node: ast.expr, values: Mapping[str, Any]) -> Any:
        def of(inner: ast.expr) -> Any:
            return self._value(inner, values)

        match node:
            case ast.Name(id=name):
                full = self._quoted.get(name, name)
                return as_tensor(values[full]) if full in values else _number(CONSTANTS[name])
            case ast.Constant(value=value):
                return _number(value)
            case ast.Call(func=ast.Name(id=name), args=args):
                return self._functions[name][0](*map(of, args))
            case ast.BinOp():
                first, chain = _chain(node)
                return functools.reduce(lambda value, link: _BINARY[type(link.op)](value, of(link.right)), chain, of(first))
            case ast.UnaryOp(op=op, operand=operand):
                value = of(operand)
                return (
                    elementwise.logical_not(value) if isinstance(op, ast.Not) else -value if isinstance(op, ast.USub) else value
                )
            case ast.Compare():
                sides = [of(side) for side in (node.left, *node.comparators)]
                parts = [OPS[_COMPARISONS[type(op)]](a, b) for op, a, b in zip(node.ops, sides, sides[1:], strict=False)]
                return functools.reduce(elementwise.logical_and, parts)
            case ast.BoolOp(op=op, values=parts):
                join = elementwise.logical_and if isinstance(op, ast.And) else elementwise.logical_or
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


def formula(text: str, functions: Mapping[str, Function] | None = None) -> Formula:
    """A formula of columns and parameters, as a model for ``curve_fit`` and as a function of its names.

    A formula has numbers, names, ``+ - * / ** % //``, comparisons, ``and or not``, ``a if c else b``, the constants pi and e,
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
