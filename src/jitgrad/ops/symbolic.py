"""Expressions as text: a rule is called with symbols, and its result is the formula that the rule computes."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from types import FunctionType, SimpleNamespace
from typing import Any

_COMPARISON, _SUM, _PRODUCT, _NEGATIVE, _POWER, _ATOM = range(6)

_INFIX = {"greater": ">", "greater_equal": ">=", "less": "<", "less_equal": "<=", "equal": "==", "not_equal": "!="}
_CONSTANTS = {
    math.pi: ("pi", _ATOM),
    math.inf: ("inf", _ATOM),
    math.sqrt(math.pi): ("sqrt(pi)", _ATOM),
    math.sqrt(math.pi) / 2: ("sqrt(pi) / 2", _PRODUCT),
    1 / math.sqrt(math.pi): ("1 / sqrt(pi)", _PRODUCT),
}


class Text:
    """An expression: its text, and the precedence of its outermost operator."""

    __slots__ = ("binds", "text")

    def __init__(self, text: str, binds: int = _ATOM) -> None:
        self.text = text
        self.binds = binds

    def __repr__(self) -> str:
        return self.text

    def within(self, binds: int) -> str:
        """Return the text as an operand, in parentheses if its precedence is lower than required."""
        return self.text if self.binds >= binds else f"({self.text})"

    def __add__(self, other: Any) -> Text:
        return _infix(self, "+", other, _SUM, _SUM)

    def __radd__(self, other: Any) -> Text:
        return text_of(other) + self

    def __sub__(self, other: Any) -> Text:
        return _infix(self, "-", other, _SUM, _PRODUCT)

    def __rsub__(self, other: Any) -> Text:
        return text_of(other) - self

    def __mul__(self, other: Any) -> Text:
        return _infix(self, "*", other, _PRODUCT, _PRODUCT)

    def __rmul__(self, other: Any) -> Text:
        return text_of(other) * self

    def __truediv__(self, other: Any) -> Text:
        return _infix(self, "/", other, _PRODUCT, _NEGATIVE)

    def __rtruediv__(self, other: Any) -> Text:
        return text_of(other) / self

    def __pow__(self, other: Any) -> Text:
        return Text(f"{self.within(_ATOM)}**{text_of(other).within(_ATOM)}", _POWER)

    def __rpow__(self, other: Any) -> Text:
        return text_of(other) ** self

    def __neg__(self) -> Text:
        return Text(f"-{self.within(_PRODUCT)}", _PRODUCT if self.binds == _PRODUCT else _NEGATIVE)


def text_of(value: Any) -> Text:
    """Return a number or an expression as text."""
    if isinstance(value, Text):
        return value
    if value < 0:
        return -text_of(-value)
    return Text(*_CONSTANTS.get(value, (repr(value), _ATOM)))


def _infix(left: Any, sign: str, right: Any, binds: int, binds_right: int) -> Text:
    return Text(f"{text_of(left).within(binds)} {sign} {text_of(right).within(binds_right)}", binds)


def _called(name: str) -> Callable[..., Text]:
    """Return the function on texts that replaces an op or a function."""
    if name == "square":
        return lambda x: text_of(x) ** 2
    if name in _INFIX:
        return lambda a, b: Text(f"{text_of(a).within(_SUM)} {_INFIX[name]} {text_of(b).within(_SUM)}", _COMPARISON)
    return lambda *operands: Text(f"{name}({', '.join(text_of(x).text for x in operands)})")


_MATH = SimpleNamespace(**{name: _called(name) for name in ("sqrt", "log", "exp")}, pi=Text("pi"), inf=Text("inf"))


def expression(rule: Callable[..., Any], names: list[str]) -> str:
    """Return the formula that a rule computes from operands with these names.

    The rule runs with its global names, but ops, the module ``math`` and functions of the same module are replaced by
    functions on texts.
    """
    assert isinstance(rule, FunctionType)
    replaced: dict[str, Any] = {}
    for name, value in rule.__globals__.items():
        if value is math:
            replaced[name] = _MATH
        elif getattr(value, "partials", ()):
            replaced[name] = _called(value.name)
        elif isinstance(value, FunctionType) and value.__globals__ is rule.__globals__:
            replaced[name] = _with_globals(value, replaced)
        else:
            replaced[name] = value
    return text_of(_with_globals(rule, replaced)(*map(Text, names))).text


def _with_globals(f: FunctionType, names: dict[str, Any]) -> FunctionType:
    return FunctionType(f.__code__, names, f.__name__, f.__defaults__, f.__closure__)


def parameter_names(rule: Callable[..., Any]) -> list[str]:
    """Return the names of the parameters of a rule."""
    return list(inspect.signature(rule).parameters)
