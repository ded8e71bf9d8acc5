"""Values that leave the graph: for NumPy, for Python, for people to read.

What is computed from such a value has no path back to its Tensor, so where a derivative is taken it would silently be 0. There
asking for one is an error: inside a transform (``grad``, ``jvp``, …) for what depends on its arguments, and for what requires a
gradient and was not gone through by ``backward``. ``item()`` is the way out for a number of the latter, as in PyTorch, and
``detach()`` for both. Branches on values, and what is only shown, go anywhere, and so do values under a tape, as in TensorFlow.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from jitgrad.errors import ConcretizationError, users_line
from jitgrad.tape import trace
from jitgrad.tape.recording import grad_enabled, here

if TYPE_CHECKING:
    from jitgrad.tape.requires_grad import Gradient
    from jitgrad.tape.tensor import Tensor


REQUIRED = "requires a gradient"


class Values:
    """What Tensors and Variables give NumPy and Python."""

    __slots__ = ()

    if TYPE_CHECKING:

        @property
        def gradient(self) -> Gradient | None: ...

        def _value(self) -> Any: ...

        def _read(self) -> Tensor: ...

    def numpy(self) -> Any:
        """The value: a copy as a NumPy array, or a NumPy scalar where there is no axis. Computed now if it was not before.

        Raises ConcretizationError inside a transform for what depends on its arguments, and for what requires a gradient: use
        ``detach().numpy()`` for a value without a derivative.
        """
        return self._leaving("numpy()")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self._leaving("NumPy's array()"), dtype)

    def tolist(self) -> Any:
        """The value as Python numbers in nested lists. Raises as ``numpy()``."""
        return np.asarray(self._leaving("tolist()")).tolist()

    def item(self) -> Any:
        """The value of one element as a Python number, also of what requires a gradient: to print it, or keep it.

        Raises ConcretizationError inside a transform for what depends on its arguments.
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
        value = self._value()  # alone: around it stands the user's text; ``print`` and ``repr`` show shape and dtype, too
        return format(value, spec) if spec else str(value)

    def _leaving(self, how: str, explicit: bool = False) -> Any:
        """The value, where no derivative that is being taken is lost with it."""
        check_leaving(self, how, explicit)
        return self._value()


def check_leaving(x: Values, how: str, explicit: bool = False) -> None:
    """Raise ConcretizationError where the value of ``x`` is asked for by ``how`` while a derivative is taken that it has.

    What requires a gradient may give its value where that is said ``explicit``ly.
    """
    if trace.current() is not None:  # a trace refuses values by itself
        return
    if not here.active and (explicit or x.gradient is None):
        return
    if not explicit and grad_enabled() and x.gradient is not None and not x.gradient.spent:
        raise _lost(how, REQUIRED)
    for recording in here.active:
        if recording.sources and recording.running and recording.depends(x._read()):
            raise _lost(how, f"{recording.name} differentiates")


def peek(x: Values) -> Any:
    """The value as ``numpy()`` gives it, anywhere: for what decides by it, shows or keeps it, and computes nothing from it."""
    return x._value()


def shown_value(value: Any) -> str:
    """A value as it stands at the end of a ``repr``: a matrix, which takes several lines, begins a line of its own."""
    text = np.array2string(np.asarray(value))
    return ("\n" if "\n" in text else " ") + text


def _lost(how: str, why: str) -> ConcretizationError:
    item = ", or item() for a number to print" if why == REQUIRED else ""
    return ConcretizationError(
        f"{how} takes the value of a Tensor that {why}{users_line()}, and its derivative would be lost. Use functions of "
        f"jitgrad (stack for np.array([...]), sin for math.sin), detach() first for a value without a derivative{item}."
    )
