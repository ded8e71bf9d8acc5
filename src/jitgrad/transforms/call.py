"""A recorded call of a function, with new Tensors for the differentiated arguments."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jitgrad.errors import ArgumentError, DTypeError, ShapeError
from jitgrad.functions import create
from jitgrad.tape import dtypes
from jitgrad.tape.forward_mode import push_forward
from jitgrad.tape.operators import Operators
from jitgrad.tape.recording import Recording
from jitgrad.tape.reverse_mode import constant, differentiate
from jitgrad.tape.tensor import Tensor, as_tensor, identity
from jitgrad.tape.tree import tree_leaves, tree_leaves_as, tree_map, tree_pack

ArgNums = int | Sequence[int]


class Call:
    """A recorded call ``f(*args, **kwargs)``.

    Attributes
    ----------
    inputs : list of Tensor
        The leaves of the arguments to differentiate with respect to.
    chosen : tuple
        These arguments, in their structure.
    outputs : list of Tensor
        The leaves of the result.
    result : Tensor or structure of Tensors
        The result.
    aux : object
        The second value that ``f`` returned, with ``has_aux=True``.
    """

    def __init__(
        self,
        name: str,
        f: Callable[..., Any],
        args: Sequence[Any],
        kwargs: dict[str, Any] | None = None,
        argnums: ArgNums | None = None,
        has_aux: bool = False,
    ) -> None:
        args = list(args)
        places = range(len(args)) if argnums is None else _places(name, argnums, len(args))
        self.name = name
        self._single = argnums is not None and not isinstance(argnums, Sequence)
        with Recording(name) as recording:
            for i in places:
                args[i] = tree_map(lambda leaf: _fresh(name, leaf), args[i])
            self.chosen = tuple(args[i] for i in places)
            self.inputs: list[Tensor] = tree_leaves(self.chosen)
            recording.sources = self.inputs
            result = f(*args, **(kwargs or {}))
            self.aux = None
            if has_aux:
                if not isinstance(result, tuple) or len(result) != 2:
                    raise ArgumentError(f"{name}: with has_aux=True the function must return a pair. Return (result, aux).")
                result, self.aux = result
            if any(part is None for part in tree_leaves(result)):
                raise ArgumentError(
                    f"{name}: the function returns {result!r}. Return the values that it computes, without None."
                )
            self.result = tree_map(as_tensor, result)
        self.outputs: list[Tensor] = tree_leaves(self.result)
        self._recording = recording

    def scalar(self) -> Tensor:
        """Return the only output, a single number. Raise ShapeError for anything else and DTypeError for a boolean."""
        if len(self.outputs) != 1 or self.outputs[0].shape != ():
            shapes = ", ".join(str(t.shape) for t in self.outputs)
            raise ShapeError(
                f"{self.name}: the function's result has shape {shapes}, and only a single number has a gradient. "
                f"Reduce it with sum() or mean(), or use jacobian()."
            )
        if self.outputs[0].level == dtypes.BOOL:
            raise DTypeError(
                f"{self.name}: the function's result is a boolean, and only numbers have derivatives. Return a number."
            )
        return self.outputs[0]

    def pull_back(self, weights: Sequence[Tensor | None], connect: bool = True) -> list[Tensor | None]:
        """Return the cotangents of the inputs for cotangents of the outputs; if ``connect``, zeros instead of None."""
        mine = {id(t) for t in self.inputs}
        keys = [id(t) for t in self.inputs]
        found = differentiate(self.outputs, keys, lambda t: id(t) in mine, self._recording.has, weights)
        return [constant(0.0, x) if g is None and connect else g for g, x in zip(found, self.inputs, strict=True)]

    def push_forward(self, tangents: Sequence[Tensor | None]) -> list[Tensor | None]:
        """Return the tangents of the outputs for tangents of the inputs."""
        given = {id(x): t for x, t in zip(self.inputs, tangents, strict=True) if t is not None}
        return push_forward(self.outputs, given, self._recording.has)

    def nested_inputs(self, leaves: Sequence[Any]) -> Any:
        """Return ``leaves`` in the structure of the arguments: a tuple, or one item if argnums was an integer."""
        packed = tree_pack(self.chosen, list(leaves))
        return packed[0] if self._single else packed

    def like_inputs(self, given: Sequence[Any]) -> list[Tensor]:
        """Check tangents in the structure of the arguments, and return their leaves."""
        return _like(
            self.name, "tangent", tree_leaves_as(list(self.chosen), list(given), f"{self.name}: tangents"), self.inputs
        )

    def like_outputs(self, given: Any) -> list[Tensor]:
        """Check cotangents in the structure of the result, and return their leaves."""
        return _like(self.name, "cotangent", tree_leaves_as(self.result, given, f"{self.name}: the cotangent"), self.outputs)


def _places(name: str, argnums: ArgNums, count: int) -> list[int]:
    places = [operator.index(i) for i in (argnums if isinstance(argnums, Sequence) else (argnums,))]
    for i in places:
        if not -count <= i < count:
            advice = f"Use 0 to {count - 1}." if count else "Pass them by position."
            raise ArgumentError(
                f"{name}: argnums is {i}, but the call has {count} positional argument{'s' * (count != 1)}. {advice}"
            )
    return [i % count for i in places]


def _fresh(name: str, value: Any) -> Tensor:
    """Return a new Tensor with the value of an argument, connected to it if it was recorded."""
    if isinstance(value, Operators):
        tensor = identity(as_tensor(value))
    elif type(value) is float:
        return Tensor(None, (), (), (), dtypes.NUMBER, np.float64(value))
    else:
        tensor = create.tensor(value)
    if tensor.level <= dtypes.INTEGER:
        raise DTypeError(
            f"{name}: an argument to differentiate with respect to has dtype {tensor.dtype}, and only floats have derivatives. "
            f"Give a float, or choose other arguments by argnums."
        )
    return tensor


def _like(name: str, what: str, given: list[Any], tensors: list[Tensor]) -> list[Tensor]:
    if len(given) != len(tensors):
        raise ArgumentError(
            f"{name}: there are {len(given)} {what}s for {len(tensors)} values. Give one for each, in the same structure."
        )
    made = [as_tensor(t) for t in given]
    for t, x in zip(made, tensors, strict=True):
        if t.shape != x.shape:
            raise ShapeError(f"{name}: a {what} has shape {t.shape} and its value {x.shape}. Give it the same shape.")
    return made
