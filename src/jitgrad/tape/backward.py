"""Define-by-run: Tensors that require gradients, and ``backward``, which adds them up where they are wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jitgrad.errors import DTypeError, ShapeError, TapeError
from jitgrad.ops import Op
from jitgrad.tape import dtypes
from jitgrad.tape.recording import no_grad

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


class DefineByRun:
    """What Tensors and Variables offer to ``backward``; the names are PyTorch's."""

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

    @property
    def grad_fn(self) -> Op | None:
        """The op that made it, of what requires a gradient and was not made by the user."""
        op: Op | None = getattr(self, "op", None)
        return op if self.requires_grad else None

    @property
    def is_leaf(self) -> bool:
        """Whether it was made by the user, or requires no gradient."""
        return self.grad_fn is None

    def backward(self, gradient: Any = None, retain_graph: bool = False) -> None:
        """Add the gradient of this value to ``.grad`` of everything that it was computed from and that wants one.

        Args:
            gradient: the cotangent, of this value's shape; ones by default, which only a single number may leave out.
            retain_graph: whether ``backward`` will be called again through the same operations.

        Raises:
            TapeError: where nothing requires a gradient, or on a second call through what was let go.
            ShapeError: for a cotangent of another shape, or none for more than one number.
        """
        from jitgrad.tape.tensor import as_tensor

        _backward(as_tensor(self), None if gradient is None else as_tensor(gradient), retain_graph)


def _backward(target: Tensor, weight: Tensor | None, retain_graph: bool) -> None:
    from jitgrad.tape.autodiff import differentiate, key_of, topological
    from jitgrad.tape.evaluate import compute, group, release

    if target.gradient is None:
        raise TapeError("backward: this value requires no gradient. Compute it from Tensors made with requires_grad=True.")
    if weight is None and target.size != 1:
        raise ShapeError(
            f"backward: this value has shape {target.shape}, so it needs a gradient of that shape. "
            f"Give backward(gradient=...), or reduce it to one number with sum() or mean()."
        )
    if weight is not None and weight.shape != target.shape:
        raise ShapeError(
            f"backward: the gradient has shape {weight.shape} and the value {target.shape}. Give it the same shape."
        )
    nodes = [t for t in topological([target], _followed) if t.gradient is not None]
    if any(_of(t).spent for t in nodes):
        raise TapeError(
            "backward: these operations were let go by an earlier backward. "
            "Use backward(retain_graph=True) there to go through them twice."
        )
    wanted = {key_of(t): t for t in nodes if _of(t).wanted}
    with no_grad():
        found = differentiate([target], list(wanted), lambda t: t.gradient is not None, _followed, [weight])
        totals = [
            (_of(t), g if _of(t).value is None else _of(t).value + g)
            for t, g in zip(wanted.values(), found, strict=True)
            if g is not None
        ]
        group([target, *(total for _, total in totals)])
        compute([total for _, total in totals])
    for kept, total in totals:
        kept.value = total
    if not retain_graph:
        for t in nodes:
            if t.op is not None:
                _of(t).spent = True
                if t.value is not None and t.timestamp == 0:  # no tape is about
                    release(t)


def _followed(tensor: Tensor) -> bool:
    """Whether gradients pass through the op that made it."""
    return tensor.gradient is not None and not tensor.gradient.spent


def _of(tensor: Tensor) -> Gradient:
    assert tensor.gradient is not None
    return tensor.gradient
