"""Values that leave the graph: for NumPy, for Python, and for display.

A result that is computed from such a value is not connected to the Tensor, so its derivative would silently be 0. Requesting a
value therefore raises an error if a derivative would be lost: in a transform (``grad``, ``jvp``, …) for values that depend on
its arguments, and for values that require a gradient, until ``backward`` is called. ``item()`` returns a number in the second
case, as in PyTorch, and ``detach()`` helps in both. Branches on values, displayed values and values under a tape are allowed,
as in TensorFlow.

``np.array([x, y])`` of Tensors without axes has no such problem: where values may not be taken, or are unknown, it is an array
of objects, the Tensors. NumPy's operators and functions apply to each of them, and functions of jitgrad stack them.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from jitgrad.errors import ConcretizationError, TracingError, users_line
from jitgrad.tape import trace
from jitgrad.tape.recording import grad_enabled, here

if TYPE_CHECKING:
    from jitgrad.tape.requires_grad import Gradient
    from jitgrad.tape.tensor import Tensor


REQUIRED = "requires a gradient"
_OBJECT = np.dtype(object)


class Values:
    """The part of Tensors and Variables that converts to NumPy and Python."""

    __slots__ = ()

    if TYPE_CHECKING:

        @property
        def shape(self) -> Any: ...

        @property
        def gradient(self) -> Gradient | None: ...

        def _value(self) -> Any: ...

        def _read(self) -> Tensor: ...

    def numpy(self) -> Any:
        """Return the value as a NumPy array, or as a NumPy scalar if there are no axes. It is computed if necessary.

        Returns
        -------
        ndarray or scalar
            A copy of the value.

        Raises
        ------
        ConcretizationError
            If it requires a gradient, or, in a transform such as ``grad``, if it depends on the arguments of the transform. Use
            ``detach().numpy()`` for a value without a derivative.
        """
        return self._leaving("numpy()")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        try:
            value = self._leaving("NumPy's array()")
        except (ConcretizationError, TracingError):
            if self.shape or (dtype is not None and dtype != _OBJECT):
                raise
            element = np.empty(1, _OBJECT)
            element[0] = self
            return element.reshape(())
        return np.asarray(value, dtype)

    def tolist(self) -> Any:
        """Return the value as nested lists of Python numbers.

        Returns
        -------
        list or number
            The value.

        Raises
        ------
        ConcretizationError
            In the same cases as ``numpy``.
        """
        return np.asarray(self._leaving("tolist()")).tolist()

    def item(self) -> float:
        """Return a value with a single element as a Python number, even if it requires a gradient.

        Returns
        -------
        float, int or bool
            The number.

        Raises
        ------
        ConcretizationError
            In a transform such as ``grad``, if the value depends on its arguments.
        """
        return np.asarray(self._leaving("item()", explicit=True)).item()

    def __float__(self) -> float:
        return float(self._leaving("float()"))

    def __int__(self) -> int:
        return int(self._leaving("int()"))

    def __complex__(self) -> complex:
        return complex(self._leaving("complex()"))

    def __index__(self) -> int:
        return operator.index(self._value())

    def __bool__(self) -> bool:
        return bool(self._value())

    def __format__(self, spec: str) -> str:
        value = self._value()  # only the value, as part of a text; ``print`` and ``repr`` also show the shape and the dtype
        return format(value, spec) if spec else str(value)

    def _leaving(self, how: str, explicit: bool = False) -> Any:
        """Return the value if no derivative is lost."""
        check_leaving(self, how, explicit)
        return self._value()


def check_leaving(x: Values, how: str, explicit: bool = False) -> None:
    """Raise ConcretizationError if requesting the value of ``x`` with ``how`` would lose a derivative that is being computed.

    An ``explicit`` request is allowed for values that require a gradient.
    """
    if trace.current() is not None:  # a trace raises its own errors
        return
    if not here.active and (explicit or x.gradient is None):
        return
    if not explicit and grad_enabled() and x.gradient is not None and not x.gradient.spent:
        raise _lost(how, REQUIRED)
    for recording in here.active:
        if recording.sources and recording.running and recording.depends(x._read()):
            raise _lost(how, f"{recording.name} differentiates")


def peek(x: Values) -> Any:
    """Return the value without checks, for branches, display and storage, but not for computations."""
    return x._value()


def shown_value(value: Any) -> str:
    """Return a value as text for the end of a ``repr``. Text of several lines begins on a new line."""
    text = np.array2string(np.asarray(value))
    return ("\n" if "\n" in text else " ") + text


def _lost(how: str, why: str) -> ConcretizationError:
    item = ", or item() for a number to print" if why == REQUIRED else ""
    return ConcretizationError(
        f"{how} takes the value of a Tensor that {why}{users_line()}, and its derivative would be lost. Use functions of "
        f"jitgrad (sin for math.sin, np.stack for np.array of arrays or with a dtype), or detach() first for a value without a "
        f"derivative{item}."
    )
