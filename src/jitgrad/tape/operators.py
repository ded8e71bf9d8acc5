"""The operators and methods that Tensors and Variables share: each records an op."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from jitgrad.errors import ReadOnlyError
from jitgrad.ops import Op, Shape, table
from jitgrad.ops import elementwise as ew
from jitgrad.tape.protocol import array_function, array_ufunc
from jitgrad.tape.requires_grad import RequiresGrad
from jitgrad.tape.values import Values

if TYPE_CHECKING:
    from jitgrad.tape.tensor import Tensor
    from jitgrad.typing import ArrayLike


_NO_ATTRS: dict[str, Any] = {}


def _operators(op: Op) -> tuple[Callable[[Any, Any], Tensor], Callable[[Any, Any], Tensor]]:
    """Return an operator of two operands and its reflected version."""

    def operator(self: Any, other: Any) -> Tensor:
        return table.recorder(op, (self, other), _NO_ATTRS)

    def reflected(self: Any, other: Any) -> Tensor:
        return table.recorder(op, (other, self), _NO_ATTRS)

    return operator, reflected


class Operators(RequiresGrad, Values):
    """The operators and methods that Tensors and Variables share."""

    __slots__ = ()
    __hash__ = object.__hash__

    if TYPE_CHECKING:

        @property
        def shape(self) -> Shape: ...

        @property
        def dtype(self) -> np.dtype[Any]: ...

        def _read(self) -> Tensor: ...

        # Attached by jitgrad.tape,
        @property
        def at(self) -> Any: ...
        def __getitem__(self, key: Any) -> Tensor: ...
        def backward(self, gradient: ArrayLike | None = None, retain_graph: bool = False) -> None: ...

        # and by jitgrad.functions: functions with the Tensor as their first argument.
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
        return math.prod(self.shape)

    @property
    def T(self) -> Tensor:
        """The transpose: the axes in reverse order."""
        return self.transpose()

    def __iter__(self) -> Iterator[Tensor]:
        if not self.shape:
            raise TypeError("A Tensor without axes cannot be iterated over. Use float() to get its value.")
        return (self[i] for i in range(self.shape[0]))

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("A Tensor without axes has no len(). Use .size for the number of elements.")
        return self.shape[0]

    # NumPy's protocols.

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return array_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return array_function(function, args, kwargs)

    def detach(self) -> Tensor:
        """Return the value as a constant: no gradient flows through it.

        Returns
        -------
        Tensor
            The value.
        """
        return ew.stop_gradient(self)

    # Arithmetic, and comparisons element by element.

    if TYPE_CHECKING:

        def __add__(self, other: ArrayLike) -> Tensor: ...
        def __radd__(self, other: ArrayLike) -> Tensor: ...
        def __sub__(self, other: ArrayLike) -> Tensor: ...
        def __rsub__(self, other: ArrayLike) -> Tensor: ...
        def __mul__(self, other: ArrayLike) -> Tensor: ...
        def __rmul__(self, other: ArrayLike) -> Tensor: ...
        def __truediv__(self, other: ArrayLike) -> Tensor: ...
        def __rtruediv__(self, other: ArrayLike) -> Tensor: ...
        def __pow__(self, other: ArrayLike) -> Tensor: ...
        def __rpow__(self, other: ArrayLike) -> Tensor: ...
        def __mod__(self, other: ArrayLike) -> Tensor: ...
        def __rmod__(self, other: ArrayLike) -> Tensor: ...
        def __floordiv__(self, other: ArrayLike) -> Tensor: ...
        def __rfloordiv__(self, other: ArrayLike) -> Tensor: ...
        def __eq__(self, other: ArrayLike) -> Tensor: ...  # type: ignore[override]
        def __ne__(self, other: ArrayLike) -> Tensor: ...  # type: ignore[override]
        def __lt__(self, other: ArrayLike) -> Tensor: ...
        def __le__(self, other: ArrayLike) -> Tensor: ...
        def __gt__(self, other: ArrayLike) -> Tensor: ...
        def __ge__(self, other: ArrayLike) -> Tensor: ...

    else:
        __add__, __radd__ = _operators(ew.add)
        __sub__, __rsub__ = _operators(ew.subtract)
        __mul__, __rmul__ = _operators(ew.multiply)
        __truediv__, __rtruediv__ = _operators(ew.divide)
        __pow__, __rpow__ = _operators(ew.power)
        __mod__, __rmod__ = _operators(ew.mod)
        __floordiv__, __rfloordiv__ = _operators(ew.floor_divide)
        __eq__ = _operators(ew.equal)[0]
        __ne__ = _operators(ew.not_equal)[0]
        __lt__ = _operators(ew.less)[0]
        __le__ = _operators(ew.less_equal)[0]
        __gt__ = _operators(ew.greater)[0]
        __ge__ = _operators(ew.greater_equal)[0]

    def __neg__(self) -> Tensor:
        return ew.negative(self)

    def __abs__(self) -> Tensor:
        return ew.abs(self)

    def __setitem__(self, key: Any, value: Any) -> None:
        raise ReadOnlyError(
            "A Tensor cannot be changed in place. Create a new one with x.at[key].set(value), and assign() it to a Variable."
        )
