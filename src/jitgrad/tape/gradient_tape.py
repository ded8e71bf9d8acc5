"""The gradient tape: which operations are recorded, and the gradients of what they computed."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Literal

import numpy as np

from jitgrad.errors import ArgumentError, DTypeError, ShapeError, TapeError
from jitgrad.ops.linear import reshape, transpose
from jitgrad.tape import dtypes, segments
from jitgrad.tape.batching import basis, batched
from jitgrad.tape.groups import group, taken
from jitgrad.tape.operators import Operators
from jitgrad.tape.recording import Recording, here, paused
from jitgrad.tape.reverse_mode import constant, differentiate, key_of
from jitgrad.tape.tensor import Tensor, as_tensor
from jitgrad.tape.tree import tree_leaves, tree_leaves_as, tree_pack
from jitgrad.tape.variable import Variable

Unconnected = Literal["none", "zero"]


class GradientTape:
    """Records what is computed inside its ``with`` block from watched values.

    Trainable Variables are watched by themselves, Tensors after ``watch``. Tapes nest: a gradient taken inside another tape's
    block is recorded there and can be differentiated again.

    Args:
        persistent: whether ``gradient`` and its like may be called more than once.
        watch_accessed_variables: whether trainable Variables are watched by themselves.

    Example:
        >>> x = Variable(3.0)
        >>> with GradientTape() as tape:
        ...     y = x**2
        >>> float(tape.gradient(y, x))
        6.0
    """

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True) -> None:
        self.persistent = persistent
        self.watch_accessed_variables = watch_accessed_variables
        self._recording = Recording()
        self._watched: dict[int, Any] = {}
        self._spent = False

    def __enter__(self) -> GradientTape:
        if self._recording.running:
            raise TapeError("This tape is recording already. Use a second GradientTape for the inner block.")
        self._recording.start_on_path(self.watch_accessed_variables, not self._watched)
        if self._watched:
            here.path.lose()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._recording.stop()

    def watch(self, tensors: Any) -> None:
        """Have gradients with respect to these Tensors or Variables, or any nesting of them.

        Raises TapeError for an array or a number: make a Tensor of it first, so that the tape can tell it again.
        """
        given = tree_leaves(tensors)
        for value in given:
            if not isinstance(value, Operators):
                raise TapeError(
                    f"watch takes Tensors and Variables and got {type(value).__name__}. Use jitgrad.tensor(...) first."
                )
        self._watched = self._watched | {_key(value): value for value in given}
        if self._recording.path is here.path:
            leaves = [value if isinstance(value, Tensor) else value.leaf for value in given]
            self._recording.note("watch", *map(here.path.numbered, leaves))

    def watched_variables(self) -> tuple[Variable, ...]:
        """The Variables that are watched: those given to ``watch``, and the trainable ones that were read, in order."""
        given = {key: value for key, value in self._watched.items() if isinstance(value, Variable)}
        read = self._recording.read if self.watch_accessed_variables else {}
        return tuple((given | {key: v for key, v in read.items() if v.trainable}).values())

    def stop_recording(self) -> AbstractContextManager[None]:
        """``with tape.stop_recording():`` what is computed inside is constant to this tape."""
        return paused([self._recording])

    def reset(self) -> None:
        """Forget what was recorded and watched; a tape that was used is as new."""
        self._recording.forget()
        self._watched = {}
        self._spent = False

    def gradient(
        self, target: Any, sources: Any, output_gradients: Any = None, unconnected_gradients: Unconnected = "none"
    ) -> Any:
        """The gradient of ``target`` with respect to each of ``sources``.

        Args:
            target: a Tensor, or any nesting of them. Where there is more than one element, the gradient is that of their
                sum, as in TensorFlow.
            sources: a Variable or Tensor, or any nesting of lists, tuples and dicts of them.
            output_gradients: cotangents, in the nesting of ``target`` and of its shapes; ones by default.
            unconnected_gradients: "zero" for zeros where there is no path from a source to the target.

        Returns:
            The same nesting as ``sources``, each leaf a Tensor of the source's shape, or None where the tape recorded no
            path from that source to the target.

        Raises:
            TapeError: on a second call, unless the tape is persistent.
            DTypeError: where a source is an integer or a boolean.
            ShapeError: for an output gradient that has not its target's shape.
        """
        wanted = self._sources(sources)
        targets = [target] if type(target) is Tensor else [as_tensor(t) for t in tree_leaves(target)]
        weights = (
            None
            if output_gradients is None
            else _weights(targets, tree_leaves_as(target, output_gradients, "output_gradients"))
        )
        gradients = self._gradients(targets, wanted, weights)
        if unconnected_gradients != "none":
            gradients = _connected(gradients, [s.shape for s in wanted], wanted, unconnected_gradients)
        self._spent = not self.persistent
        return gradients if wanted is sources else tree_pack(sources, gradients)

    def _gradients(self, targets: list[Tensor], sources: list[Any], weights: list[Tensor | None] | None) -> list[Tensor | None]:
        recorded = self._recording.so_far()

        def found(again: Sequence[int] | None = None) -> list[Tensor | None]:
            keys = [_key(s) for s in sources]
            if again is not None:
                return differentiate(targets, [keys[i] for i in again], lambda t: True, recorded, weights)
            return differentiate(targets, keys, self._is_watched, recorded, weights)

        path = here.path
        given = [t.place if t.path is path else path.number(t) for t in targets]
        if weights is not None:
            given += [-1 if w is None else path.numbered(w) for w in weights]
        if here.active or path.open:  # they may be differentiated in turn
            gradients = found()
            group([*targets, *gradients])
            return gradients
        if path is not self._recording.path:
            path.lose()
        if path.lost and weights is None:
            known = segments.taken(targets, [_key(s) for s in sources], self._is_watched, recorded)
            if known is not None:
                return known
        read = [path.place_of(s) if isinstance(s, Tensor) else path.read.get(id(s), -1) for s in sources]
        return taken(path, ("gradient", self._recording.number, tuple(given), tuple(read)), targets, found)

    def jacobian(self, target: Any, sources: Any, unconnected_gradients: Unconnected = "none") -> Any:
        """All first derivatives: for each source a Tensor of shape ``target.shape + source.shape``, in one run.

        Args and errors are those of ``gradient``; ``target`` is one Tensor.
        """
        y = as_tensor(target)
        rows, wanted = self._rows(y, sources, basis(y))
        shapes = [y.shape + s.shape for s in wanted]
        jacobians = [None if g is None else reshape(g, shape=shape) for g, shape in zip(rows, shapes, strict=True)]
        jacobians = _connected(jacobians, shapes, wanted, unconnected_gradients)
        group([y, *jacobians])
        return tree_pack(sources, jacobians)

    def batch_jacobian(self, target: Any, source: Any, unconnected_gradients: Unconnected = "none") -> Any:
        """The Jacobian of each row of ``target`` by the same row of ``source``, on which alone it depends.

        Args:
            target: of shape (rows, …).
            source: of shape (rows, …).

        Returns:
            A Tensor of shape ``(rows, *target.shape[1:], *source.shape[1:])``, in one run.
        """
        y, x = as_tensor(target), as_tensor(source)
        if not y.shape or not x.shape or y.shape[0] != x.shape[0]:
            raise ShapeError(f"batch_jacobian: shapes {y.shape} and {x.shape} have not the same rows. Give a row an example.")
        size = int(np.prod(y.shape[1:]))
        one = np.eye(size, dtype=y.dtype).reshape(size, 1, *y.shape[1:])
        rows, wanted = self._rows(y, source, as_tensor(np.broadcast_to(one, (size, *y.shape))))
        shape = y.shape + x.shape[1:]
        made = None
        if rows[0] is not None:
            order = (1, 0, *range(2, x.ndim + 1))
            made = reshape(transpose(rows[0], axes=order), shape=shape)
        made = _connected([made], [shape], wanted, unconnected_gradients)[0]
        group([y, made])
        return made

    def _rows(self, y: Tensor, sources: Any, weights: Tensor) -> tuple[list[Tensor | None], list[Any]]:
        """The gradients for each cotangent along the first axis of ``weights``, along the first axis; and the sources."""
        wanted = self._sources(sources)
        weight = Tensor(None, (), (), y.shape, y.level)
        found = differentiate([y], [_key(s) for s in wanted], self._is_watched, self._recording.has, [weight])
        some = [g for g in found if g is not None]
        left = iter(batched(some, [weight], [weights]))
        self._spent = not self.persistent
        return [None if g is None else next(left) for g in found], wanted

    def _sources(self, sources: Any) -> list[Any]:
        """The sources, flat, if a gradient may be taken by them."""
        if self._spent:
            raise TapeError(
                "This tape's gradient was taken already. Use GradientTape(persistent=True) for more than one, or reset() it "
                "and record again."
            )
        flat = type(sources) is list and all(isinstance(source, Operators) for source in sources)
        wanted = sources if flat else tree_leaves(sources)
        for source in wanted:
            if not isinstance(source, Operators):
                raise TapeError(
                    f"gradient takes Variables and Tensors as sources and got {type(source).__name__}. "
                    f"Give those that were used."
                )
            if source.level <= dtypes.INTEGER:
                raise DTypeError(
                    f"gradient: a source has dtype {source.dtype}, and only floats have gradients. "
                    f"Make it with dtype='float64'."
                )
        return wanted

    def _is_watched(self, tensor: Tensor) -> bool:
        variable = tensor.variable
        if variable is None:
            return id(tensor) in self._watched
        return (variable.trainable and self.watch_accessed_variables) or id(variable) in self._watched


def _key(value: Any) -> int:
    return key_of(value) if isinstance(value, Tensor) else id(value)


def _weights(targets: list[Tensor], given: list[Any]) -> list[Tensor | None]:
    weights = [None if w is None else as_tensor(w) for w in given]
    if len(weights) != len(targets):
        raise ArgumentError(
            f"gradient: there are {len(weights)} output gradients for {len(targets)} targets. Give an array each."
        )
    for target, weight in zip(targets, weights, strict=True):
        if weight is not None and weight.shape != target.shape:
            raise ShapeError(
                f"gradient: an output gradient has shape {weight.shape} and its target {target.shape}. Give it the same shape."
            )
    return weights


def _connected(
    gradients: list[Tensor | None], shapes: list[Any], sources: list[Any], unconnected: Unconnected
) -> list[Tensor | None]:
    """Zeros for None where they are asked for."""
    if unconnected not in ("none", "zero"):
        raise ArgumentError(f"unconnected_gradients is {unconnected!r}. Use 'none' or 'zero'.")
    if unconnected == "none":
        return gradients
    return [
        constant(0.0, Tensor(None, (), (), shape, source.level)) if g is None else g
        for g, shape, source in zip(gradients, shapes, sources, strict=True)
    ]
