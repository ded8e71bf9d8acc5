"""Shapes in TensorFlow 1's form: sizes are Dimensions, and an unknown one is printed as ``?``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jitgrad.compat.tensorflow.shape import TensorShape as Numbers
from jitgrad.errors import ArgumentError


class Dimension:
    """The size of an axis. Its ``value`` is None if it is unknown."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value: int | None = value.value if isinstance(value, Dimension) else None if value is None else int(value)

    def __int__(self) -> int:
        if self.value is None:
            raise ArgumentError("An unknown dimension has no value. Give the placeholder a complete shape.")
        return self.value

    __index__ = __int__

    def __eq__(self, other: object) -> Any:
        mine, theirs = self.value, other.value if isinstance(other, Dimension) else other
        return None if mine is None or theirs is None else mine == theirs

    def __hash__(self) -> int:
        return hash(self.value)

    def _combined(self, other: Any, f: Any) -> Dimension:
        theirs = Dimension(other).value
        return Dimension(None if self.value is None or theirs is None else f(self.value, theirs))

    def __add__(self, other: Any) -> Dimension:
        return self._combined(other, lambda a, b: a + b)

    def __sub__(self, other: Any) -> Dimension:
        return self._combined(other, lambda a, b: a - b)

    def __mul__(self, other: Any) -> Dimension:
        return self._combined(other, lambda a, b: a * b)

    def __floordiv__(self, other: Any) -> Dimension:
        return self._combined(other, lambda a, b: a // b)

    def __rsub__(self, other: Any) -> Dimension:
        return Dimension(other) - self

    __radd__, __rmul__ = __add__, __mul__

    def __repr__(self) -> str:
        return f"Dimension({self.value})"

    def __str__(self) -> str:
        return "?" if self.value is None else str(self.value)


class TensorShape(Numbers):
    """The sizes of the axes as Dimensions; None for an unknown shape."""

    def __new__(cls, dims: Any) -> TensorShape:
        plain = dims if dims is None or isinstance(dims, (int, tuple, list)) else tuple(dims)
        if isinstance(plain, (tuple, list)) and not isinstance(plain, Numbers):
            plain = [n.value if isinstance(n, Dimension) else n for n in plain]
        return super().__new__(cls, plain)

    @property
    def dims(self) -> list[Any] | None:
        """Return the sizes as a list of Dimensions."""
        return None if self._unknown else list(self)

    def as_list(self) -> list[int | None]:
        """Return the sizes as a list. Raises ValueError if the shape is unknown."""
        return Numbers(self.plain).as_list()

    @property
    def plain(self) -> tuple[int | None, ...] | None:
        """Return the sizes as a tuple of numbers and None; None if the shape is unknown."""
        return None if self._unknown else tuple(tuple.__iter__(self))

    def __iter__(self) -> Iterator[Any]:
        return (Dimension(n) for n in tuple.__iter__(self))

    def __getitem__(self, key: Any) -> Any:
        if self._unknown:
            return TensorShape(None) if isinstance(key, slice) else Dimension(None)
        found = tuple.__getitem__(self, key)
        return TensorShape(found) if isinstance(key, slice) else Dimension(found)

    def __repr__(self) -> str:
        return "TensorShape(None)" if self._unknown else f"TensorShape({list(self)})"

    def __str__(self) -> str:
        sizes = [str(n) for n in self]
        return "<unknown>" if self._unknown else f"({', '.join(sizes)}{',' * (len(sizes) == 1)})"


def _on_numbers(name: str) -> Any:
    """Wrap a method of TensorFlow 2's shapes, whose sizes are numbers."""

    def method(self: TensorShape, *args: Any) -> Any:
        given = [Numbers(x.plain) if isinstance(x, TensorShape) else x for x in args]
        found = getattr(Numbers(self.plain), name)(*given)
        return TensorShape(found) if isinstance(found, Numbers) else found

    return method


for _name in (
    "num_elements", "is_fully_defined", "is_compatible_with", "assert_is_compatible_with", "assert_is_fully_defined",
    "with_rank", "merge_with", "concatenate", "__add__", "__eq__", "__ne__", "__reduce__",
):  # fmt: skip
    setattr(TensorShape, _name, _on_numbers(_name))
