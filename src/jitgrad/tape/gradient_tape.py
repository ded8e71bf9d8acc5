"""The gradient tape: records operations, and computes gradients of their results."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Literal, overload

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
from jitgrad.typing import ArrayLike

Unconnected = Literal["none", "zero"]
Sources = list[Variable] | list[Tensor] | list[Operators]


class GradientTape:
    """Record operations for automatic differentiation, as in TensorFlow.

    The tape records operations on watched values inside its ``with`` block. Trainable Variables are watched when they
    are read, and Tensors after a call to ``watch``.

    Parameters
    ----------
    persistent : bool, default False
        Whether ``gradient``, ``jacobian`` and ``batch_jacobian`` can be called more than once.
    watch_accessed_variables : bool, default True
        Whether trainable Variables are watched when they are read.

    See Also
    --------
    grad : Differentiate a function of arrays.
    Tensor.backward : Accumulate gradients as in PyTorch, without a tape.

    Examples
    --------
    The gradient with respect to a Variable:

    >>> x = jg.Variable(3.0)
    >>> with jg.GradientTape() as tape:
    ...     y = x**2
    >>> float(tape.gradient(y, x))
    6.0

    With respect to several Variables, in the structure in which they are given:

    >>> weights = {"a": jg.Variable(2.0), "b": jg.Variable(1.0)}
    >>> with jg.GradientTape() as tape:
    ...     y = weights["a"] * 3.0 + weights["b"]
    >>> gradients = tape.gradient(y, weights)
    >>> float(gradients["a"]), float(gradients["b"])
    (3.0, 1.0)

    A Tensor must be watched:

    >>> x = jg.tensor([1.0, 2.0])
    >>> with jg.GradientTape() as tape:
    ...     tape.watch(x)
    ...     y = jg.sum(x**3)
    >>> tape.gradient(y, x).numpy()
    array([ 3., 12.])

    A persistent tape computes several gradients:

    >>> x = jg.Variable(2.0)
    >>> with jg.GradientTape(persistent=True) as tape:
    ...     y = x**2
    ...     z = y**2
    >>> float(tape.gradient(y, x)), float(tape.gradient(z, x))
    (4.0, 32.0)

    Nested tapes compute second derivatives: the outer tape records the gradient of the inner one.

    >>> x = jg.Variable(2.0)
    >>> with jg.GradientTape() as outer:
    ...     with jg.GradientTape() as inner:
    ...         y = x**3
    ...     slope = inner.gradient(y, x)
    >>> float(outer.gradient(slope, x))
    12.0

    The Jacobian of a vector:

    >>> x = jg.Variable([1.0, 2.0])
    >>> with jg.GradientTape() as tape:
    ...     y = x**2
    >>> tape.jacobian(y, x).numpy()
    array([[2., 0.],
           [0., 4.]])
    """

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True) -> None:
        self.persistent = persistent
        self.watch_accessed_variables = watch_accessed_variables
        self._recording = Recording()
        self._watched: dict[int, Any] = {}
        self._spent = False

    def __enter__(self) -> GradientTape:
        if self._recording.running:
            raise TapeError("This tape is already recording. Use a second GradientTape for the inner block.")
        self._recording.start_on_path(self.watch_accessed_variables, not self._watched)
        if self._watched:
            here.path.lose()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._recording.stop()

    def watch(self, tensors: Any) -> None:
        """Record operations on these values, so that gradients with respect to them can be computed.

        Parameters
        ----------
        tensors : Tensor, Variable, or lists, tuples and dicts of them
            The values to watch.

        Raises
        ------
        TapeError
            If a value is an array or a number. Make a Tensor from it first.
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
        """Return the Variables that are watched.

        Returns
        -------
        tuple of Variable
            The Variables passed to ``watch``, followed by the trainable Variables that were read, in order.
        """
        given = {key: value for key, value in self._watched.items() if isinstance(value, Variable)}
        read = self._recording.read if self.watch_accessed_variables else {}
        return tuple((given | {key: v for key, v in read.items() if v.trainable}).values())

    def stop_recording(self) -> AbstractContextManager[None]:
        """Return a context manager that suspends this tape: values computed inside it are constants for the tape.

        Returns
        -------
        context manager
            For a ``with`` statement.
        """
        return paused([self._recording])

    def reset(self) -> None:
        """Discard everything that was recorded and watched, so that the tape can be used again."""
        self._recording.forget()
        self._watched = {}
        self._spent = False

    # Any stands for None, as in typeshed, so that callers with a path need not check.
    @overload
    def gradient(
        self, target: Any, sources: Operators, output_gradients: Any = None, unconnected_gradients: Literal["none"] = "none"
    ) -> Tensor | Any: ...

    @overload
    def gradient(
        self, target: Any, sources: Operators, output_gradients: Any = None, *, unconnected_gradients: Literal["zero"]
    ) -> Tensor: ...

    @overload
    def gradient(
        self, target: Any, sources: Sources, output_gradients: Any = None, unconnected_gradients: Literal["none"] = "none"
    ) -> list[Tensor | Any]: ...

    @overload
    def gradient(
        self, target: Any, sources: Sources, output_gradients: Any = None, *, unconnected_gradients: Literal["zero"]
    ) -> list[Tensor]: ...

    @overload
    def gradient(
        self, target: Any, sources: Any, output_gradients: Any = None, unconnected_gradients: Unconnected = "none"
    ) -> Any: ...

    def gradient(
        self, target: Any, sources: Any, output_gradients: Any = None, unconnected_gradients: Unconnected = "none"
    ) -> Any:
        """Compute the gradient of ``target`` with respect to each of ``sources``.

        Parameters
        ----------
        target : Tensor, or lists, tuples and dicts of Tensors
            The value to differentiate. If it has several elements, the gradient of their sum is computed, as in TensorFlow.
        sources : Variable, Tensor, or lists, tuples and dicts of them
            The values to differentiate with respect to.
        output_gradients : array_like, or lists, tuples and dicts of arrays, optional
            Cotangents with the structure and the shapes of the target. By default, ones.
        unconnected_gradients : {"none", "zero"}, default "none"
            The gradient with respect to a source that the target does not depend on: None, or zeros.

        Returns
        -------
        Tensor or None, or lists, tuples and dicts of them
            The gradients in the structure of ``sources``, each with the shape of its source.

        Raises
        ------
        TapeError
            If a gradient was computed before and the tape is not persistent.
        DTypeError
            If a source is an integer or boolean.
        ShapeError
            If an output gradient does not have the shape of its target.
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
        if here.active or path.open:  # they may be differentiated again
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

    @overload
    def jacobian(self, target: Any, sources: Operators, unconnected_gradients: Literal["none"] = "none") -> Tensor | Any: ...

    @overload
    def jacobian(self, target: Any, sources: Operators, *, unconnected_gradients: Literal["zero"]) -> Tensor: ...

    @overload
    def jacobian(self, target: Any, sources: Any, unconnected_gradients: Unconnected = "none") -> Any: ...

    def jacobian(self, target: Any, sources: Any, unconnected_gradients: Unconnected = "none") -> Any:
        """Compute the Jacobian of ``target`` with respect to each of ``sources``, in one run.

        Parameters
        ----------
        target : Tensor
            The value to differentiate.
        sources : Variable, Tensor, or lists, tuples and dicts of them
            The values to differentiate with respect to.
        unconnected_gradients : {"none", "zero"}, default "none"
            The Jacobian with respect to a source that the target does not depend on: None, or zeros.

        Returns
        -------
        Tensor or None, or lists, tuples and dicts of them
            Tensors of shape ``target.shape + source.shape``, in the structure of ``sources``.
        """
        y = as_tensor(target)
        rows, wanted = self._rows(y, sources, basis(y))
        shapes = [y.shape + s.shape for s in wanted]
        jacobians = [None if g is None else reshape(g, shape=shape) for g, shape in zip(rows, shapes, strict=True)]
        jacobians = _connected(jacobians, shapes, wanted, unconnected_gradients)
        group([y, *jacobians])
        return tree_pack(sources, jacobians)

    def batch_jacobian(
        self, target: ArrayLike, source: Operators, unconnected_gradients: Unconnected = "none"
    ) -> Tensor | None:
        """Compute the Jacobian of each row of ``target`` with respect to the same row of ``source``, in one run.

        Each row of the target must depend only on the same row of the source.

        Parameters
        ----------
        target : Tensor, shape (rows, ...)
            The value to differentiate.
        source : Variable or Tensor, shape (rows, ...)
            The value to differentiate with respect to.
        unconnected_gradients : {"none", "zero"}, default "none"
            The result if the target does not depend on the source: None, or zeros.

        Returns
        -------
        Tensor or None
            A Tensor of shape ``(rows, *target.shape[1:], *source.shape[1:])``.
        """
        y, x = as_tensor(target), as_tensor(source)
        if not y.shape or not x.shape or y.shape[0] != x.shape[0]:
            raise ShapeError(
                f"batch_jacobian: shapes {y.shape} and {x.shape} differ in their rows. Give both the same first axis."
            )
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
        """Return the gradients for each cotangent, stacked along the first axis as in ``weights``, and the sources."""
        wanted = self._sources(sources)
        weight = Tensor(None, (), (), y.shape, y.level)
        found = differentiate([y], [_key(s) for s in wanted], self._is_watched, self._recording.has, [weight])
        some = [g for g in found if g is not None]
        left = iter(batched(some, [weight], [weights]))
        self._spent = not self.persistent
        return [None if g is None else next(left) for g in found], wanted

    def _sources(self, sources: Any) -> list[Any]:
        """Return the leaves of the sources, after checking that their gradients can be computed."""
        if self._spent:
            raise TapeError(
                "This tape's gradient was already computed. Use GradientTape(persistent=True) for more than one gradient, or "
                "reset() the tape and record again."
            )
        flat = type(sources) is list and all(isinstance(source, Operators) for source in sources)
        wanted = sources if flat else tree_leaves(sources)
        for source in wanted:
            if not isinstance(source, Operators):
                raise TapeError(
                    f"gradient takes Variables and Tensors as sources and got {type(source).__name__}. "
                    f"Give the Variables or Tensors that the target was computed from."
                )
            if source.level <= dtypes.INTEGER:
                raise DTypeError(
                    f"gradient: a source has dtype {source.dtype}, and only floats have gradients. "
                    f"Create it with dtype='float64'."
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
            f"gradient: there are {len(weights)} output gradients for {len(targets)} targets. Give one for each target."
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
    """Replace None with zeros if requested."""
    if unconnected not in ("none", "zero"):
        raise ArgumentError(f"unconnected_gradients is {unconnected!r}. Use 'none' or 'zero'.")
    if unconnected == "none":
        return gradients
    return [
        constant(0.0, Tensor(None, (), (), shape, source.level)) if g is None else g
        for g, shape, source in zip(gradients, shapes, sources, strict=True)
    ]
