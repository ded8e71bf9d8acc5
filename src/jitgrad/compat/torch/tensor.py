"""PyTorch's Tensor: a wrapper around a jitgrad Tensor, or around a Variable for a leaf that requires a gradient.

A jitgrad Tensor never changes, so a change in place replaces the wrapped Tensor. Views follow the change; see ``views``.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from jitgrad.compat.torch import dtypes as types
from jitgrad.compat.torch.backward import run_backward
from jitgrad.compat.torch.dtypes import INT64, dtype
from jitgrad.compat.torch.errors import TorchError
from jitgrad.compat.torch.grad_fn import GradFn, grad_fn, maker
from jitgrad.compat.torch.size import Size
from jitgrad.compat.wrapper import Wrapper
from jitgrad.tape import dtypes
from jitgrad.tape.recording import grad_enabled
from jitgrad.tape.requires_grad import Gradient
from jitgrad.tape.tensor import Tensor as Plain
from jitgrad.tape.tensor import is_recorded_op, known, retyped
from jitgrad.tape.tree import tree_map
from jitgrad.tape.variable import Variable


class Tensor(Wrapper):
    """An array with PyTorch's methods, created by ``torch.tensor``.

    Attributes
    ----------
    _tensor : Tensor or Variable of jitgrad
        The value. Leaves that require gradients, parameters and buffers are Variables, because they are assigned to.
    _integer : numpy.dtype
        The dtype shown for integers.
    _name : str
        PyTorch's name for the operation that created it.
    _grad : Tensor or None
        The gradient that was read last.
    _array : numpy.ndarray
        The array that shares its elements, see ``shared``.
    """

    __slots__ = ("_array", "_grad", "_name")

    def __init__(self, *data: Any) -> None:
        """Create a float32 tensor from data, or zeros of a shape: ``torch.Tensor(2, 3)``."""
        given = data[0] if len(data) == 1 and not isinstance(data[0], int) else np.zeros(data or 0)
        super().__init__(given._tensor if isinstance(given, Tensor) else leaf_of(given, types.float32), INT64)
        self._name = ""
        self._grad: Any = None

    @property
    def shape(self) -> Size:
        """The shape."""
        return Size(self._tensor.shape)

    def size(self, dim: int | None = None) -> Any:  # type: ignore[override]
        """Return the shape, or the size along ``dim``."""
        return Size(self._tensor.shape) if dim is None else self._tensor.shape[dim]

    @property
    def dtype(self) -> dtype:  # type: ignore[override]
        """The dtype."""
        level = self._tensor.level
        return types.float32 if level == dtypes.FLOAT32 else types.of_level(level, self._integer)

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self._tensor.shape)

    dim = ndim.fget  # type: ignore[attr-defined]

    def numel(self) -> int:
        """Return the number of elements."""
        return self._tensor.size

    nelement = numel

    if TYPE_CHECKING:  # set by other files of this package
        data: Any
        _array: np.ndarray
        T: Any

        def detach(self) -> Any: ...
        def numpy(self, *, force: bool = False) -> Any: ...
        def _show(self, kept: Gradient) -> Tensor: ...
        def __getattr__(self, name: str) -> Any: ...

    @property
    def requires_grad(self) -> bool:
        """Whether ``backward`` computes a gradient for this tensor."""
        return self._tensor.gradient is not None

    @requires_grad.setter
    def requires_grad(self, required: bool) -> None:
        self.requires_grad_(required)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Set whether ``backward`` computes a gradient, and return the tensor."""
        held = self._tensor
        if requires_grad and held.level <= dtypes.INTEGER:
            raise TorchError(
                f"Only floating-point tensors can require gradients, but this one has dtype {self.dtype}. "
                "Convert it with float() first."
            )
        if not requires_grad and isinstance(held, Plain) and held.gradient is not None and is_recorded_op(held):
            raise TorchError("Only leaves can stop requiring gradients. Use detach() for a constant of the same value.")
        if requires_grad and held.gradient is None and isinstance(held, Plain):
            held = self._tensor = Variable(known(np.asarray(held.force()), held.level))
        if held.gradient is None or not requires_grad:
            held.requires_grad = requires_grad
        return self

    @property
    def is_leaf(self) -> bool:
        """Whether the tensor was created by the user or does not require a gradient."""
        held = self._tensor
        return held.gradient is None or isinstance(held, Variable) or not is_recorded_op(held)

    @property
    def grad_fn(self) -> GradFn | None:  # type: ignore[override]
        """The operation that created the tensor, or None if it does not require a gradient."""
        if self.is_leaf:
            return None
        held = self._tensor._read()
        return grad_fn(self._name or maker(held), held)

    @property
    def grad(self) -> Any:
        """The accumulated gradient."""
        kept = self._tensor.gradient
        if kept is None or kept.value is None:
            return None
        if self._grad is None:
            self._grad = self._show(kept)
        return self._grad

    @grad.setter
    def grad(self, value: Any) -> None:
        if self._grad is not None:
            self._grad._keep_value()
            self._grad = None
        kept = self._tensor.gradient
        if kept is None and value is not None:
            raise TorchError("The tensor does not require a gradient, so .grad cannot be set. Call requires_grad_() first.")
        if value is not None and (value._tensor.shape != self._tensor.shape or value.dtype is not self.dtype):
            raise TorchError(
                f"A gradient of shape {tuple(value.shape)} and {value.dtype} is assigned to a tensor of shape "
                f"{tuple(self.shape)} and {self.dtype}. Give a gradient of the same shape and dtype."
            )
        if kept is not None:
            kept.value = None if value is None else value._tensor._read()

    def retain_grad(self) -> None:
        """Make ``backward`` store the gradient of this result."""
        if not self.is_leaf:
            self._tensor.retain_grad()
        elif not self.requires_grad:
            raise TorchError(
                "can't retain_grad on Tensor that has requires_grad=False. Compute it from a tensor that requires gradients."
            )

    def backward(
        self, gradient: Any = None, retain_graph: bool | None = None, create_graph: bool = False, inputs: Any = None
    ) -> None:
        """Add the gradient of this value to ``.grad`` of the leaves from which it was computed."""
        run_backward(self, gradient, retain_graph, create_graph, inputs)

    def register_hook(self, hook: Any) -> Any:
        """Raise TorchError: not supported."""
        raise TorchError("jitgrad does not have Tensor.register_hook. Change .grad between backward() and step() instead.")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self.numpy(), dtype)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """Convert the result of a NumPy function back to a tensor."""
        given = [x.numpy() if isinstance(x, Tensor) else x for x in inputs]
        made = getattr(ufunc, method)(*given, **kwargs)
        return of_array(np.asarray(made)) if isinstance(made, (np.ndarray, np.generic)) else made

    def __array_function__(self, function: Any, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return function(*[_as_array(x) for x in args], **{key: _as_array(x) for key, x in kwargs.items()})

    def item(self) -> Any:
        """Return the value of a tensor with one element as a Python number."""
        if self._tensor.size != 1:
            raise TorchError(
                f"a Tensor with {self._tensor.size} elements cannot be converted to Scalar. Use tolist(), or pick one element."
            )
        return self._leaving("item()", explicit=True).item()

    def tolist(self) -> Any:
        """Return the values as nested lists of Python numbers."""
        return np.asarray(self._leaving("tolist()", explicit=True)).tolist()

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __bool__(self) -> bool:
        if self._tensor.size > 1:
            raise TorchError("Boolean value of Tensor with more than one value is ambiguous. Use all() or any().")
        return bool(self._value()) if self._tensor.size else False

    def __index__(self) -> int:
        if self._tensor.level > dtypes.INTEGER or self._tensor.size != 1:
            raise TypeError("only integer tensors of a single element can be converted to an index. Use int() of one element.")
        return int(self.item())

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if not self._tensor.shape else object.__format__(self, spec)

    def __len__(self) -> int:
        if not self._tensor.shape:
            raise TypeError("len() of a 0-d tensor. Use numel() for the number of elements.")
        return self._tensor.shape[0]

    def __iter__(self) -> Iterator[Tensor]:  # type: ignore[override]
        if not self._tensor.shape:
            raise TypeError("iteration over a 0-d tensor. Use item() for its value.")
        return iter(self.unbind(0))

    def __contains__(self, value: Any) -> bool:
        return bool((self == value).any())

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        held = self._tensor
        if not self.is_leaf:
            raise TorchError("Only Tensors created explicitly by the user can be copied deeply. Use detach() first.")
        made = wrap(copy.deepcopy(held), self._name, self._integer)
        memo[id(self)] = made
        return made

    def __reduce__(self) -> Any:
        """Pickle the tensor by its value."""
        return _again, (np.asarray(self._value()), self.dtype.name, self.is_leaf and self.requires_grad)

    def __copy__(self) -> Tensor:
        return wrap(self._tensor, self._name, self._integer)

    def _become(self, value: Plain, name: str = "") -> None:
        """Set a new value of the same shape and dtype; every change in place calls this method."""
        held = self._tensor
        if isinstance(held, Variable):
            if held.gradient is not None and grad_enabled():
                raise TorchError(
                    "a leaf Variable that requires grad is being used in an in-place operation. "
                    "Change it inside torch.no_grad(), or create a new tensor."
                )
            held.assign(value)
        else:
            self._tensor = value
            self._name = name

    def _keep_value(self) -> None:
        """Detach from the tensor that this one is a view or gradient of."""


_new = object.__new__


def wrap(tensor: Plain | Variable, name: str = "", integer: np.dtype[Any] = INT64) -> Tensor:
    """Wrap a result of jitgrad as a tensor.

    Parameters
    ----------
    tensor : Tensor
        A new result, or a leaf of one of the four dtypes.
    name : str
        PyTorch's name for the operation, such as "AddBackward0".
    integer : numpy.dtype
        The integer dtype, for integers.
    """
    if tensor.level not in _SHOWN:
        tensor = retyped(tensor._read(), _SETTLED.get(tensor.level) or types.default().level)
    made: Tensor = _new(Tensor)
    made._tensor = tensor
    made._integer = integer
    made._name = name
    made._grad = None
    return made


_SHOWN = frozenset((dtypes.FLOAT32, dtypes.FLOAT64, dtypes.INTEGER, dtypes.BOOL))
_SETTLED = {dtypes.DATA32: dtypes.FLOAT32, dtypes.DATA64: dtypes.FLOAT64}


def _again(array: np.ndarray, name: str, requires_grad: bool) -> Tensor:
    made = of_array(array, types.of_numpy(name))
    return made.requires_grad_() if requires_grad else made


def of_array(array: Any, dtype: dtype | None = None) -> Tensor:
    """Return a tensor with a copy of an array, in the array's dtype by default."""
    wanted = types.of_numpy(np.asarray(array).dtype) if dtype is None else dtype
    return wrap(leaf_of(array, wanted), "", wanted.integer)


def leaf_of(array: Any, dtype: dtype) -> Plain:
    """Return a jitgrad Tensor with a copy of an array in a dtype."""
    kept = np.array(array, dtype.numpy)
    if dtype.level == dtypes.INTEGER:
        kept = kept.astype(INT64.type)
    kept.setflags(write=False)
    return known(kept, dtype.level)


def constant(array: np.ndarray, like: Tensor) -> Tensor:
    """Wrap a read-only array, whose dtype jitgrad supports, without a copy and with the displayed dtype of ``like``."""
    return wrap(known(array, like._tensor.level), "", like._integer)


def _as_array(value: Any) -> Any:
    return tree_map(lambda x: x.numpy() if isinstance(x, Tensor) else x, value)


def into(out: Tensor, made: Tensor) -> Tensor:
    """Write a result into the tensor given as ``out``."""
    if out._tensor.shape != made._tensor.shape:
        out._tensor = made._tensor
    elif out.dtype is not made.dtype:
        raise TorchError(
            f"result type {made.dtype.title} can't be cast to the desired output type {out.dtype.title}. "
            f"Give out= in that dtype."
        )
    else:
        out._become(made._tensor._read(), made._name)
    return out


Tensor.__module__ = "torch"  # as programs print it
