"""``tf.function``: the Python function, called eagerly. Its operations are recorded and run natively in any case."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from jitgrad.compat.tensorflow.errors import ConversionError
from jitgrad.compat.tensorflow.spec import TensorSpec
from jitgrad.compat.tensorflow.tensor import convert, made
from jitgrad.errors import ArgumentError, OptionError
from jitgrad.tape.operators import Operators
from jitgrad.tape.tree import tree_leaves, tree_map
from jitgrad.tape.variable import Variable as LibraryVariable


class Function:
    """A function that takes and returns tensors; see ``tf.function``.

    Attributes
    ----------
    python_function : function
        The function itself.
    input_signature : tuple of TensorSpec or None
        Specifications of its arguments.
    """

    def __init__(self, f: Callable[..., Any], input_signature: Any = None) -> None:
        functools.update_wrapper(self, f)
        self.python_function = f
        self.input_signature = None if input_signature is None else tuple(input_signature)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.input_signature is not None:
            args, kwargs = self._checked(args, kwargs), {}
        if _ARRAYS.intersection(map(type, args)):
            args = tuple([convert(x) if isinstance(x, np.ndarray) else x for x in args])
        return _returned(self.python_function(*args, **kwargs))

    def _checked(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        """Convert arguments to tensors that match the signature. Raises TypeError for other arguments."""
        assert self.input_signature is not None
        names = list(inspect.signature(self.python_function).parameters)
        start = 1 if names[:1] == ["self"] and len(args) + len(kwargs) > len(self.input_signature) else 0
        given = [*args, *(kwargs[name] for name in names[len(args) :] if name in kwargs)]
        if len(given) - start > len(self.input_signature):
            raise OptionError(f"{self.python_function.__name__} takes {len(self.input_signature)} arguments. Omit the others.")
        checked = given[:start]
        for value, spec in zip(given[start:], self.input_signature, strict=False):
            checked.append(
                tree_map(_fitting, _paired(spec, value)) if not isinstance(spec, TensorSpec) else _fitting((spec, value))
            )
        return tuple(checked)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        bound = Function(self.python_function.__get__(instance, owner))
        if self.input_signature is not None:
            bound.input_signature = self.input_signature
        return bound

    def get_concrete_function(self, *args: Any, **kwargs: Any) -> ConcreteFunction:
        """Return the function with all arguments bound except tensors."""
        return ConcreteFunction(self, args, kwargs)

    def experimental_get_tracing_count(self) -> int:
        """Return the number of traces: 0."""
        return 0


_ARRAYS = {np.ndarray, np.float64, np.float32}


def _paired(spec: Any, value: Any) -> Any:
    if isinstance(spec, (list, tuple)):
        return [_Pair((s, v)) if isinstance(s, TensorSpec) else _paired(s, v) for s, v in zip(spec, value, strict=True)]
    return {key: _Pair((s, value[key])) if isinstance(s, TensorSpec) else _paired(s, value[key]) for key, s in spec.items()}


class _Pair:
    """A spec and a value, treated as a leaf of a nested structure."""

    def __init__(self, pair: tuple[Any, Any]) -> None:
        self.pair = pair


def _fitting(pair: Any) -> Any:
    spec, value = pair.pair if isinstance(pair, _Pair) else pair
    tensor = value if isinstance(value, Operators) else convert(value, spec.dtype)
    if not spec.is_compatible_with(tensor):
        raise ConversionError(f"Can not cast {TensorSpec(tensor.shape, tensor.dtype)} to {spec}. Give such a tensor.")
    return tensor


def _returned(value: Any) -> Any:
    """Convert a function's results: numbers and arrays become tensors."""
    if isinstance(value, Operators):
        return made(value.read(), convert(value)._integer) if isinstance(value, LibraryVariable) else value
    if isinstance(value, (int, float, np.ndarray, np.generic)):
        return convert(value)
    if isinstance(value, (list, tuple, dict)):
        return tree_map(_returned, value)
    return value


class ConcreteFunction:
    """A function with all arguments bound except tensors, created by ``get_concrete_function``."""

    def __init__(self, function: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.function = function
        self._bound = inspect.signature(function.python_function).bind(*args, **kwargs)
        if not args and not kwargs and function.input_signature is not None:
            self._bound = inspect.signature(function.python_function).bind(*function.input_signature)
        self._bound.apply_defaults()
        self._open = [name for name, x in self._bound.arguments.items() if _is_tensor(x)]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        given = dict(self._bound.arguments)
        for name, value in [*zip(self._open, args, strict=False), *kwargs.items()]:
            if name not in given:
                raise OptionError(
                    f"{name!r} is not an argument of {self.function.python_function.__name__}. Use {list(given)}."
                )
            if name not in self._open:
                if value is not given[name] and value != given[name]:
                    raise OptionError(f"{name} was fixed as {given[name]!r} and cannot be {value!r}. Omit it.")
                continue
            given[name] = self._fitting(name, value)
        if len(args) > len(self._open):
            raise OptionError(
                f"{len(args)} arguments were given for {len(self._open)} tensors, {self._open}. Omit the extra ones."
            )
        missing = [name for name in self._open if isinstance(given[name], TensorSpec)]
        if missing:
            raise OptionError(f"The tensor {missing[0]!r} is missing. Pass it as an argument.")
        self._bound.arguments.update(given)
        return self.function(*self._bound.args, **self._bound.kwargs)

    def _fitting(self, name: str, value: Any) -> Any:
        first = self._bound.arguments[name]
        if isinstance(first, TensorSpec):
            return _fitting((first, value))
        return _fitting((TensorSpec(first.shape, first.dtype), value)) if isinstance(first, Operators) else value

    @property
    def structured_input_signature(self) -> tuple[Any, dict[str, Any]]:
        """The arguments, with TensorSpecs for tensors."""
        return tuple(TensorSpec.from_tensor(x) if isinstance(x, Operators) else x for x in self._bound.args), {}


def _is_tensor(value: Any) -> bool:
    leaves = tree_leaves(value)
    return bool(leaves) and all(isinstance(x, (TensorSpec, Operators)) for x in leaves)


def function(
    func: Any = None, input_signature: Any = None, autograph: bool = True, jit_compile: bool | None = None,
    reduce_retracing: bool = False, experimental_implements: Any = None, experimental_autograph_options: Any = None,
    experimental_attributes: Any = None, experimental_relax_shapes: Any = None, experimental_compile: Any = None,
    experimental_follow_type_hints: Any = None,
) -> Any:  # fmt: skip
    """Wrap a function of tensors; also a decorator. It runs eagerly, so Python's ``print`` and branches run in each call."""
    if func is None:
        return functools.partial(function, input_signature=input_signature)
    if isinstance(func, Function):
        return func
    if not callable(func):
        raise ArgumentError(f"tf.function takes a function and got {func!r}. Give a function.")
    return Function(func, input_signature)


__all__ = ["function"]
