"""What Tensors and Variables know of the gradients that ``backward`` adds up; the names are PyTorch's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jitgrad.errors import DTypeError, ShapeError, TapeError
from jitgrad.ops import Op
from jitgrad.tape import dtypes
from jitgrad.tape.recording import here

if TYPE_CHECKING:
    from jitgrad.tape.tensor import Tensor


class Gradient:
    """What ``backward`` keeps of a Tensor or Variable that requires a gradient.

    Attributes:
        value: the sum of the gradients so far.
        wanted: whether there will be one: for what the user made, and for what asked for it by ``retain_grad``.
        spent: whether ``backward`` went through it and let its operands go.
    """

    __slots__ = ("spent", "value", "wanted")

    def __init__(self, wanted: bool = False) -> None:
        self.value: Tensor | None = None
        self.wanted = wanted
        self.spent = False


class RequiresGrad:
    """Base of Tensors and Variables: whether they require a gradient, and the one that they have."""

    __slots__ = ()

    if TYPE_CHECKING:
        level: int
        shape: Any

        @property
        def gradient(self) -> Gradient | None: ...

        def _keep(self, kept: Gradient | None) -> None: ...

    @property
    def requires_grad(self) -> bool:
        """Whether ``backward`` finds its way here. Results inherit it; set it on what you made yourself.

        Setting it raises DTypeError for integers and booleans, TapeError for a result.
        """
        return self.gradient is not None

    @requires_grad.setter
    def requires_grad(self, required: bool) -> None:
        if not self.is_leaf:
            raise TapeError("A result requires a gradient if an operand does. Use detach() for a constant of the same value.")
        if required and self.level <= dtypes.INTEGER:
            raise DTypeError(f"A {dtypes.DTYPE[self.level]} requires no gradient: only floats have one. Convert it to float64.")
        if required != self.requires_grad:
            self._keep(Gradient(wanted=True) if required else None)

    @property
    def grad(self) -> Tensor | None:
        """The sum of the gradients of all calls of ``backward`` since the last ``zero_grad``; None before the first."""
        return None if self.gradient is None else self.gradient.value

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if self.gradient is None:
            raise TapeError("This requires no gradient, so it has none to set. Set requires_grad first.")
        if value is not None and value.shape != self.shape:
            raise ShapeError(f"grad: a gradient of shape {value.shape} for a value of {self.shape}. Give it the same shape.")
        self.gradient.value = value

    def zero_grad(self) -> None:
        """Forget the gradient: the next ``backward`` starts from nothing."""
        self.grad = None

    def retain_grad(self) -> None:
        """Have ``backward`` keep the gradient of a result, too. Raises TapeError where it requires none."""
        if self.gradient is None:
            raise TapeError("This requires no gradient, so there is none to retain. Compute it from what requires one.")
        self.gradient.wanted = True
        here.path.lose()

    @property
    def grad_fn(self) -> Op | None:
        """The op that made it, of what requires a gradient and was not made by the user."""
        op: Op | None = getattr(self, "op", None)
        return op if self.requires_grad else None

    @property
    def is_leaf(self) -> bool:
        """Whether it was made by the user, or requires no gradient."""
        return self.grad_fn is None
