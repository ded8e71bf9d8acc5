"""The operators and methods that Tensors and Variables share: each records a row of the table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from jitgrad.errors import ReadOnlyError
from jitgrad.ops import Shape
from jitgrad.ops import elementwise as ew
from jitgrad.tape.gradient import RequiresGrad
from jitgrad.tape.protocol import array_function, array_ufunc
from jitgrad.tape.values import Values

if TYPE_CHECKING:
    from jitgrad.tape.tensor import Tensor


class Operators(RequiresGrad, Values):
    """What Tensors and Variables share: operators and methods that record."""

    __slots__ = ()
    __hash__ = object.__hash__

    if TYPE_CHECKING:

        @property
        def shape(self) -> Shape: ...

        @property
        def dtype(self) -> np.dtype[Any]: ...

        def _read(self) -> Tensor: ...

        # What is made of Tensors is put here from above: by jitgrad.tape
        @property
        def at(self) -> Any: ...
        def __getitem__(self, key: Any) -> Tensor: ...
        def backward(self, gradient: Any = None, retain_graph: bool = False) -> None: ...

        # and by jitgrad.functions, functions whose first argument is the Tensor.
        def __matmul__(self, other: Any) -> Tensor: ...
        def __rmatmul__(self, other: Any) -> Tensor: ...
        def __pos__(self) -> Tensor: ...
        def __and__(self, other: Any) -> Tensor: ...
        def __or__(self, other: Any) -> Tensor: ...
        def __xor__(self, other: Any) -> Tensor: ...
        def __invert__(self) -> Tensor: ...

        astype: Callable[..., Tensor]
        reshape: Callable[..., Tensor]
        transpose: Callable[..., Tensor]
        sum: Callable[..., Tensor]
        mean: Callable[..., Tensor]
        max: Callable[..., Tensor]
        min: Callable[..., Tensor]
        clip: Callable[..., Tensor]
        squeeze: Callable[..., Tensor]

    # Structure.

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(np.prod(self.shape, dtype=object))

    @property
    def T(self) -> Tensor:
        """The axes in reverse order."""
        return self.transpose()

    def __iter__(self) -> Iterator[Tensor]:
        if not self.shape:
            raise TypeError("A Tensor without axes cannot be iterated over. Use float() for its value.")
        return (self[i] for i in range(self.shape[0]))

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of a Tensor without axes. Use .size for the number of elements.")
        return self.shape[0]

    # NumPy's protocols.

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return array_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return array_function(function, args, kwargs)

    def detach(self) -> Tensor:
        """The same value as a constant: no gradient passes."""
        return ew.stop_gradient(self)

    # Arithmetic.

    def __add__(self, other: Any) -> Tensor:
        return ew.add(self, other)

    def __radd__(self, other: Any) -> Tensor:
        return ew.add(other, self)

    def __sub__(self, other: Any) -> Tensor:
        return ew.subtract(self, other)

    def __rsub__(self, other: Any) -> Tensor:
        return ew.subtract(other, self)

    def __mul__(self, other: Any) -> Tensor:
        return ew.multiply(self, other)

    def __rmul__(self, other: Any) -> Tensor:
        return ew.multiply(other, self)

    def __truediv__(self, other: Any) -> Tensor:
        return ew.divide(self, other)

    def __rtruediv__(self, other: Any) -> Tensor:
        return ew.divide(other, self)

    def __pow__(self, other: Any) -> Tensor:
        return ew.power(self, other)

    def __rpow__(self, other: Any) -> Tensor:
        return ew.power(other, self)

    def __mod__(self, other: Any) -> Tensor:
        return ew.mod(self, other)

    def __rmod__(self, other: Any) -> Tensor:
        return ew.mod(other, self)

    def __floordiv__(self, other: Any) -> Tensor:
        return ew.floor_divide(self, other)

    def __rfloordiv__(self, other: Any) -> Tensor:
        return ew.floor_divide(other, self)

    def __neg__(self) -> Tensor:
        return ew.negative(self)

    def __abs__(self) -> Tensor:
        return ew.abs(self)

    # Comparisons, element by element.

    def __eq__(self, other: Any) -> Tensor:  # type: ignore[override]
        return ew.equal(self, other)

    def __ne__(self, other: Any) -> Tensor:  # type: ignore[override]
        return ew.not_equal(self, other)

    def __lt__(self, other: Any) -> Tensor:
        return ew.less(self, other)

    def __le__(self, other: Any) -> Tensor:
        return ew.less_equal(self, other)

    def __gt__(self, other: Any) -> Tensor:
        return ew.greater(self, other)

    def __ge__(self, other: Any) -> Tensor:
        return ew.greater_equal(self, other)

    def __setitem__(self, key: Any, value: Any) -> None:
        raise ReadOnlyError(
            "A Tensor cannot be assigned to in place. Make a new one with x.at[key].set(value), for a Variable assign() it."
        )
