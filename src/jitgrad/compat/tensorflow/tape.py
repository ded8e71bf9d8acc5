"""Gradients: the tape, and functions with custom gradients."""

from __future__ import annotations

import enum
import functools
from collections.abc import Callable
from typing import Any

from jitgrad.compat.tensorflow.errors import ConversionError
from jitgrad.compat.tensorflow.tensor import Tensor, convert, made
from jitgrad.compat.wrapper import unwrap
from jitgrad.tape import dtypes as levels
from jitgrad.tape.gradient_tape import GradientTape as LibraryTape
from jitgrad.tape.operators import Operators
from jitgrad.tape.tensor import Tensor as Value
from jitgrad.tape.tree import tree_leaves, tree_map, tree_pack
from jitgrad.transforms.custom import custom_gradient as library_custom_gradient


class UnconnectedGradients(enum.Enum):
    """The gradient with respect to a source on which the target does not depend."""

    NONE = "none"
    ZERO = "zero"


class GradientTape(LibraryTape):
    """Records the computations in its ``with`` block to differentiate them.

    Parameters
    ----------
    persistent : bool
        Whether gradients can be computed more than once.
    watch_accessed_variables : bool
        Whether trainable Variables are watched automatically.
    """

    def watch(self, tensor: Any) -> None:
        """Watch tensors or Variables, which may be nested."""
        given = tree_leaves(tensor)
        for value in given:
            if not isinstance(value, Operators):
                raise ConversionError(
                    f"Passed in object {value!r} of type {type(value).__name__!r}, not tf.Tensor or tf.Variable. "
                    f"Use tf.constant(...) first."
                )
        super().watch([_plain(value) for value in given if value.level > levels.INTEGER])

    def gradient(
        self, target: Any, sources: Any, output_gradients: Any = None, unconnected_gradients: Any = UnconnectedGradients.NONE
    ) -> Any:
        """Return the gradient of the sum of ``target`` with respect to each source, or None if a source is unconnected."""
        flat = sources if type(sources) is list else tree_leaves(sources)
        plain = [s._tensor if type(s) is Tensor and s._tensor.level > levels.INTEGER else _source(s) for s in flat]
        targets = target._tensor if type(target) is Tensor else _targets(target)
        unconnected: Any = UnconnectedGradients(unconnected_gradients).value
        weights = None if output_gradients is None else _weights(target, targets, output_gradients)
        if not any(s is None for s in plain):
            found = super().gradient(targets, plain, weights, unconnected)
        else:
            connected = iter(super().gradient(targets, [s for s in plain if s is not None], weights, unconnected))
            found = [None if s is None else next(connected) for s in plain]
        wrapped = [None if g is None else made(g) for g in found]
        if sources is flat and not any(type(s) in _NESTS for s in flat):
            return wrapped
        return tree_pack(sources, wrapped)

    def jacobian(
        self, target: Any, sources: Any, unconnected_gradients: Any = UnconnectedGradients.NONE,
        parallel_iterations: Any = None, experimental_use_pfor: bool = True,
    ) -> Any:  # fmt: skip
        """Return the Jacobian: for each source a tensor of shape ``target.shape + source.shape``."""
        unconnected: Any = UnconnectedGradients(unconnected_gradients).value
        flat = [_checked(s) for s in tree_leaves(sources)]
        found = super().jacobian(_plain(target), flat, unconnected)
        return tree_pack(sources, [None if j is None else made(j) for j in found])

    def batch_jacobian(
        self, target: Any, source: Any, unconnected_gradients: Any = UnconnectedGradients.NONE,
        parallel_iterations: Any = None, experimental_use_pfor: bool = True,
    ) -> Any:  # fmt: skip
        """Return the Jacobian of each row of ``target`` with respect to the same row of ``source``."""
        unconnected: Any = UnconnectedGradients(unconnected_gradients).value
        found = super().batch_jacobian(_plain(target), _plain(source), unconnected)
        return None if found is None else made(found)


_NESTS = (list, tuple, dict)


def _plain(value: Any) -> Any:
    """Return a plain Tensor; Variables stay unchanged."""
    return value._tensor if isinstance(value, Tensor) else value


def _source(value: Any) -> Any:
    """Return a source as a plain Tensor; None for integers and booleans, which have no gradient."""
    plain = _checked(value)
    return None if plain.level <= levels.INTEGER else plain


def _checked(value: Any) -> Any:
    if not isinstance(value, Operators):
        raise ConversionError(
            f"A source is {value!r} of type {type(value).__name__!r}, not tf.Tensor or tf.Variable. "
            "Give the tensors that were used."
        )
    return _plain(value)


def _targets(target: Any) -> Any:
    return [convert(t)._read() for t in tree_leaves(target) if t is not None]


def _weights(target: Any, targets: Any, output_gradients: Any) -> Any:
    if isinstance(targets, Value):
        (given,) = tree_leaves(output_gradients) if isinstance(output_gradients, _NESTS[1:]) else [output_gradients]
        return convert(given, convert(target).dtype)._read()
    leaves = tree_leaves(output_gradients) if isinstance(output_gradients, _NESTS) else [output_gradients]
    return [None if w is None else convert(w)._read() for w in leaves]


def custom_gradient(f: Callable[..., Any] | None = None) -> Any:
    """Define a custom gradient: ``f`` returns its result and a function that maps upstream gradients to gradients."""
    if f is None:
        return custom_gradient

    @functools.wraps(f)
    def function(*args: Any, **kwargs: Any) -> Any:
        def inside(*operands: Any) -> Any:
            pair = f(*[made(x, tensor._integer) for x, tensor in zip(operands, tensors, strict=True)], **kwargs)
            if not isinstance(pair, tuple) or len(pair) != 2 or not callable(pair[1]):
                return pair
            result, gradient = pair
            return unwrap(tree_map(convert, result)), lambda *g: unwrap(gradient(*[made(x) for x in g]))

        tensors = [convert(x) for x in args]
        return tree_map(lambda x: made(x), library_custom_gradient(functools.wraps(f)(inside))(*[t._read() for t in tensors]))

    return function


def gradients(*args: Any, **kwargs: Any) -> Any:
    """Raise an error: ``tf.gradients`` requires a graph."""
    raise RuntimeError("tf.gradients is not supported when eager execution is enabled. Use tf.GradientTape instead.")


__all__ = ["GradientTape", "UnconnectedGradients", "custom_gradient", "gradients"]
