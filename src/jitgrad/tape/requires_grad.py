"""Gradients that ``backward`` accumulates in Tensors and Variables. Names follow PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jitgrad.errors import DTypeError, ShapeError, TapeError
from jitgrad.ops import Op
from jitgrad.tape import dtypes
from jitgrad.tape.recording import here

if TYPE_CHECKING:
    from jitgrad.tape.tensor import Tensor


class Gradient:
    """The state of ``backward`` for a Tensor or Variable that requires a gradient.

    Attributes
    ----------
    value : Tensor or None
        The sum of the gradients so far.
    wanted : bool
        Whether a gradient is kept: for leaves, and after ``retain_grad``.
    spent : bool
        Whether ``backward`` has visited the op and released it.
    """

    __slots__ = ("spent", "value", "wanted")

    def __init__(self, wanted: bool = False) -> None:
        self.value: Tensor | None = None
        self.wanted = wanted
        self.spent = False


class RequiresGrad:
    """The part of Tensors and Variables that concerns ``backward``."""

    __slots__ = ()

    if TYPE_CHECKING:
        level: int
        shape: Any

        @property
        def gradient(self) -> Gradient | None: ...

        def _keep(self, kept: Gradient | None) -> None: ...

    @property
    def requires_grad(self) -> bool:
        """Whether ``backward`` computes a gradient of this value, or of a value that it was computed from.

        Results inherit it from their operands. It can be set for leaves of a floating-point dtype.
        """
        return self.gradient is not None

    @requires_grad.setter
    def requires_grad(self, required: bool) -> None:
        if not self.is_leaf:
            raise TapeError(
                "requires_grad cannot be set for the result of an operation. Use detach() for a constant with the same value."
            )
        if required and self.level <= dtypes.INTEGER:
            raise DTypeError(f"A value of dtype {dtypes.DTYPE[self.level]} cannot require a gradient. Convert it to float64.")
        if required != self.requires_grad:
            self._keep(Gradient(wanted=True) if required else None)

    @property
    def grad(self) -> Tensor | None:
        """The sum of the gradients of all calls to ``backward`` since the last ``zero_grad``, or None."""
        return None if self.gradient is None else self.gradient.value

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if self.gradient is None:
            raise TapeError("The gradient cannot be set because this value does not require one. Set requires_grad first.")
        if value is not None and value.shape != self.shape:
            raise ShapeError(f"grad: the gradient has shape {value.shape} and the value {self.shape}. Give it the same shape.")
        self.gradient.value = value

    def zero_grad(self) -> None:
        """Reset the gradient to None."""
        self.grad = None

    def retain_grad(self) -> None:
        """Keep the gradient of this result in ``grad`` when ``backward`` is called.

        Raises
        ------
        TapeError
            If it does not require a gradient.
        """
        if self.gradient is None:
            raise TapeError(
                "There is no gradient to retain because this value does not require one. Compute it from a value that does."
            )
        self.gradient.wanted = True
        here.path.lose()

    @property
    def grad_fn(self) -> Op | None:
        """The op that computed this value, or None for a leaf and for values that do not require a gradient."""
        op: Op | None = getattr(self, "op", None)
        return op if self.requires_grad else None

    @property
    def is_leaf(self) -> bool:
        """Whether this value was created by the user, or does not require a gradient."""
        return self.grad_fn is None
