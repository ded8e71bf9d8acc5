"""The gradient tape: which operations are recorded, and the gradients of what they computed."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from jitgrad.errors import TapeError
from jitgrad.tape import tensor as recording
from jitgrad.tape.autodiff import differentiate, key_of
from jitgrad.tape.structure import flatten, pack_as
from jitgrad.tape.tensor import Operators, Tensor, as_tensor


class GradientTape:
    """Records what is computed inside its ``with`` block from watched values.

    Trainable Variables are watched by themselves, Tensors after ``watch``. Tapes nest: a gradient taken inside another tape's
    block is recorded there and can be differentiated again.

    Args:
        persistent: whether ``gradient`` may be called more than once.

    Example:
        >>> x = Variable(3.0)
        >>> with GradientTape() as tape:
        ...     y = x**2
        >>> float(tape.gradient(y, x))
        6.0
    """

    def __init__(self, persistent: bool = False) -> None:
        self.persistent = persistent
        self._blocks: list[list[float]] = []
        self._watched: dict[int, Any] = {}
        self._spent = False

    def __enter__(self) -> GradientTape:
        if self._blocks and self._blocks[-1][1] == _OPEN:
            raise TapeError("This tape is recording already. Use a second GradientTape for the inner block.")
        self._blocks.append([recording.start_watching(self), _OPEN])
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._blocks[-1][1] = recording.stop_watching(self)

    def watch(self, tensors: Any) -> None:
        """Have gradients with respect to these Tensors or Variables, or any nesting of them.

        Raises TapeError for an array or a number: make a Tensor of it first, so that the tape can tell it again.
        """
        for value in flatten(tensors):
            if not isinstance(value, Operators):
                raise TapeError(
                    f"watch takes Tensors and Variables and got {type(value).__name__}. Use jitgrad.tensor(...) first."
                )
            self._watched[_key(value)] = value

    def gradient(self, target: Any, sources: Any) -> Any:
        """The gradient of ``target`` with respect to each of ``sources``.

        Args:
            target: a Tensor, or any nesting of them. Where there is more than one element, the gradient is that of their
                sum, as in TensorFlow.
            sources: a Variable or Tensor, or any nesting of lists, tuples and dicts of them.

        Returns:
            The same nesting as ``sources``, each leaf a Tensor of the source's shape, or None where the tape recorded no
            path from that source to the target.

        Raises:
            TapeError: on a second call, unless the tape is persistent.
        """
        if self._spent:
            raise TapeError(
                "This tape's gradient was taken already. Use GradientTape(persistent=True) for more than one, or record again."
            )
        targets = [as_tensor(t) for t in flatten(target)]
        wanted = flatten(sources)
        for source in wanted:
            if not isinstance(source, Operators):
                raise TapeError(
                    f"gradient takes Variables and Tensors as sources and got {type(source).__name__}. "
                    f"Give those that were used."
                )
        gradients = differentiate(targets, [_key(s) for s in wanted], self._is_watched, self._recorded)
        self._spent = not self.persistent
        _group(targets, gradients)
        return pack_as(sources, gradients)

    def _recorded(self, tensor: Tensor) -> bool:
        return any(start < tensor.order < stop for start, stop in self._blocks)

    def _is_watched(self, tensor: Tensor) -> bool:
        if tensor.variable is not None and tensor.variable.trainable:
            return True
        return key_of(tensor) in self._watched


_OPEN = float("inf")


def _key(value: Any) -> int:
    return key_of(value) if isinstance(value, Tensor) else id(value)


def _group(targets: list[Tensor], gradients: list[Tensor | None]) -> None:
    """What one call returns is computed in one run, see ``evaluate``."""
    members = [t for t in [*targets, *gradients] if t is not None and t.known is None and t.group is None]
    group = list({id(t): t for t in members}.values())
    for tensor in group:
        tensor.group = group
