"""``torch.Size``."""

from __future__ import annotations

from typing import Any

import numpy as np


class Size(tuple[int, ...]):
    """A shape: a tuple of integers. Slices and sums of shapes are shapes."""

    __slots__ = ()

    def __new__(cls, sizes: Any = ()) -> Size:
        return super().__new__(cls, sizes)

    def numel(self) -> int:
        """Return the number of elements."""
        return int(np.prod(self, dtype=np.int64))

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        return Size(found) if type(key) is slice else found

    def __add__(self, other: Any) -> Any:
        return Size(super().__add__(tuple(other)))

    def __radd__(self, other: Any) -> Any:
        return Size(tuple(other) + tuple(self))

    def __mul__(self, times: Any) -> Any:
        return Size(super().__mul__(times))

    def __repr__(self) -> str:
        return f"torch.Size([{', '.join(map(str, self))}])"
