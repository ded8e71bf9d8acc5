"""Shapes in TensorFlow's form: a tuple with ``as_list`` and ``rank``, and sizes that may be unknown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

from jitgrad.errors import ShapeError


class TensorShape(tuple[Any, ...]):
    """The sizes of the axes; None for an unknown size.

    Parameters
    ----------
    dims : iterable of int or None, int or None
        The sizes; None for an unknown shape.
    """

    _unknown = False

    def __new__(cls, dims: Any) -> Self:
        if dims is None:
            made = super().__new__(cls)
            made._unknown = True
            return made
        if isinstance(dims, TensorShape) and dims._unknown:
            return cls(None)
        sizes = dims if isinstance(dims, Iterable) else (dims,)
        return super().__new__(cls, [None if n is None else int(n) for n in sizes])

    @property
    def rank(self) -> int | None:
        """The number of axes."""
        return None if self._unknown else len(self)

    @property
    def ndims(self) -> int | None:
        """The number of axes."""
        return self.rank

    @property
    def dims(self) -> list[Any] | None:
        """Return the sizes as a list."""
        return None if self._unknown else list(self)

    def as_list(self) -> list[int | None]:
        """Return the sizes as a list. Raises ValueError if the shape is unknown."""
        if self._unknown:
            raise ValueError("as_list() is not defined on an unknown TensorShape.")
        return list(self)

    def num_elements(self) -> int | None:
        """Return the number of elements; None if it is unknown."""
        if not self.is_fully_defined():
            return None
        count = 1
        for n in self:
            count *= n
        return count

    def is_fully_defined(self) -> bool:
        """Return whether all sizes are known."""
        return not self._unknown and None not in tuple(self)

    def is_compatible_with(self, other: Any) -> bool:
        """Return whether the two shapes can be equal."""
        other = TensorShape(other)
        if self._unknown or other._unknown:
            return True
        return len(self) == len(other) and all(None in (a, b) or a == b for a, b in zip(self, other, strict=True))

    def assert_is_compatible_with(self, other: Any) -> None:
        """Raise ValueError unless the two shapes can be equal."""
        if not self.is_compatible_with(other):
            raise ShapeError(f"Shapes {self} and {TensorShape(other)} are incompatible. Give tensors of the same shape.")

    def assert_has_rank(self, rank: int) -> None:
        """Raise ValueError unless the number of axes is ``rank``."""
        if not self._unknown and len(self) != rank:
            raise ShapeError(f"Shape {self} must have rank {rank}. Reshape the tensor first.")

    def assert_is_fully_defined(self) -> None:
        """Raise ValueError if a size is unknown."""
        if not self.is_fully_defined():
            raise ShapeError(f"Shape {self} is not fully defined. Give all sizes.")

    def with_rank(self, rank: int) -> TensorShape:
        """Return the shape. Raises ValueError if it has another number of axes."""
        self.assert_has_rank(rank)
        return TensorShape([None] * rank) if self._unknown else self

    def merge_with(self, other: Any) -> TensorShape:
        """Return a shape with the sizes that are known in at least one of the shapes."""
        self.assert_is_compatible_with(other)
        other = TensorShape(other)
        if self._unknown or other._unknown:
            return other if self._unknown else self
        return TensorShape([b if a is None else a for a, b in zip(self, other, strict=True)])

    def concatenate(self, other: Any) -> TensorShape:
        """Return the axes of this shape followed by the axes of the other."""
        other = TensorShape(other)
        return TensorShape(None if self._unknown or other._unknown else [*self, *other])

    def __add__(self, other: Any) -> TensorShape:
        return self.concatenate(other)

    def __radd__(self, other: Any) -> TensorShape:
        return TensorShape(other).concatenate(self)

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        return TensorShape(found) if isinstance(key, slice) else found

    def __eq__(self, other: object) -> bool:
        if other is None or isinstance(other, (str, bytes)) or not isinstance(other, (Iterable, int)):
            return other is None and self._unknown
        other = TensorShape(other)
        return self._unknown == other._unknown and tuple(self) == tuple(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return super().__hash__()

    def __reduce__(self) -> Any:
        return TensorShape, (None if self._unknown else list(self),)

    def __repr__(self) -> str:
        return "TensorShape(None)" if self._unknown else f"TensorShape({list(self)})"

    def __str__(self) -> str:
        return "<unknown>" if self._unknown else tuple.__repr__(self)
