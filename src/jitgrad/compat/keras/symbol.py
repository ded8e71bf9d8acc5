"""The functional API: symbols for the inputs of a model, and calls of layers and functions on them.

A call computes nothing. It runs once on placeholders to find the shape and dtype of its result, and is stored
as a ``Call``. A model defined by symbols repeats the calls on real inputs; see ``models.graph``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from jitgrad.compat.keras import border
from jitgrad.compat.keras.names import snake_case, unique
from jitgrad.errors import ArgumentError, TracingError
from jitgrad.tape import dtypes
from jitgrad.tape.operators import Operators
from jitgrad.tape.protocol import Deferrable
from jitgrad.tape.recording import no_grad
from jitgrad.tape.tensor import Tensor, placeholder
from jitgrad.tape.trace import tracing
from jitgrad.tape.tree import tree_leaves, tree_map

OpenShape = tuple[int | None, ...]

_ROWS = 7919
"""The number of rows of a placeholder: an unusual number, which can be recognized in the shapes of results."""


class KerasTensor(Deferrable, Operators):
    """A symbol for a value in the functional API. Operators, layers and functions on it return symbols.

    Attributes
    ----------
    shape : tuple
        Shape, with None for unknown sizes.
    source : Call or None
        The call that produced it; None for an input.
    """

    __slots__ = ("__weakref__", "_dtype", "_shape", "name", "source")
    gradient = None
    is_deferred = True

    def __init__(self, shape: Any, dtype: Any = "float32", name: str | None = None, source: Call | None = None) -> None:
        self._shape = tuple(shape)
        self._dtype = np.dtype(dtype)
        self.name = name or unique("keras_tensor")
        self.source = source

    def defer(self, f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return called(f, args, kwargs)

    @property
    def shape(self) -> Any:
        return self._shape

    @property
    def dtype(self) -> Any:
        return str(self._dtype)

    @property
    def ndim(self) -> int:
        return len(self._shape)

    def get_shape(self) -> OpenShape:
        """Return the shape."""
        return self._shape

    def _read(self) -> Tensor:
        raise TracingError(self._no_value())

    def _value(self) -> Any:
        raise TracingError(self._no_value())

    def _keep(self, kept: Any) -> None:
        raise TracingError(self._no_value())

    def __bool__(self) -> bool:
        raise TracingError(self._no_value())

    def __iter__(self) -> Iterator[Any]:
        raise TracingError(self._no_value())

    def __len__(self) -> int:
        raise TracingError(self._no_value())

    def __getitem__(self, key: Any) -> Any:
        return called(item, (self, key), {})

    def _no_value(self) -> str:
        return (
            f"The symbol {self.name!r} is a placeholder for the inputs of a model and has no value. Compute with layers and "
            f"functions, and create a Model from the results."
        )

    def __repr__(self) -> str:
        return f"<KerasTensor shape={self._shape}, dtype={self.dtype}, sparse=False, ragged=False, name={self.name}>"


def item(value: Any, key: Any) -> Any:
    """Return ``value[key]``."""
    return value[key]


class Call:
    """A call of a layer or function on symbols.

    Attributes
    ----------
    operation : callable
        The layer or function.
    args, kwargs : tuple, dict
        Arguments, with symbols among them.
    results : KerasTensor, or nested KerasTensors
        The symbols of the results.
    """

    def __init__(self, operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any], name: str | None = None) -> None:
        self.operation, self.args, self.kwargs = operation, args, kwargs
        self._name = name or ""
        if is_layer(operation):
            operation._calls.append(self)
        elif not name:
            self._name = unique(snake_case(operation_name(operation)))
        self.results: Any = tree_map(self._symbol, _inferred(operation, args, kwargs))

    @property
    def name(self) -> str:
        """The name of the layer, or one derived from the function."""
        return str(self.operation.name) if is_layer(self.operation) else self._name

    @property
    def inputs(self) -> list[KerasTensor]:
        """The symbols among the arguments."""
        return symbols_in((self.args, self.kwargs))

    def _symbol(self, made: Any) -> Any:
        return KerasTensor(_open(made), dtypes.DTYPE[made.level], source=self) if isinstance(made, Tensor) else made


def called(operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return the symbols for the results of calling a layer or function on symbols."""
    return Call(operation, args, kwargs).results


def is_layer(operation: Any) -> bool:
    """Return whether the operation is a layer, not a function."""
    return hasattr(operation, "built_for")


def operation_name(operation: Any) -> str:
    """Return the name of a function or op."""
    name = str(getattr(operation, "name", None) or getattr(operation, "__name__", type(operation).__name__))
    return "get_item" if operation is item else name


def symbols_in(nest: Any) -> list[KerasTensor]:
    """Return the symbols in nested values."""
    return [leaf for leaf in tree_leaves(nest) if isinstance(leaf, KerasTensor)]


def is_keras_tensor(x: Any) -> bool:
    """Return whether ``x`` is a symbol of the functional API."""
    return isinstance(x, KerasTensor)


def _inferred(operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return the result of applying an operation to placeholders."""
    if is_layer(operation) and not operation.built:
        operation.built_for(tree_map(lambda x: x.shape if isinstance(x, KerasTensor) else x, args[0]) if args else None)
    given_args, given_kwargs = tree_map(lambda x: _placeholder(x) if isinstance(x, KerasTensor) else x, (args, kwargs))
    with no_grad(), tracing():
        made = run(operation, given_args, given_kwargs)
    if is_layer(operation):
        operation.forget_losses()
    return made


def inferred_shapes(layer: Any, shapes: Any) -> Any:
    """Return the output shapes of a layer for inputs of these shapes."""
    several = bool(shapes) and isinstance(shapes[0], (list, tuple))
    given = [KerasTensor(shape) for shape in shapes] if several else KerasTensor(shapes)
    return tree_map(_open, _inferred(layer, (given,), {}))


def _open(made: Tensor) -> OpenShape:
    """Return the shape of a result computed from placeholders, with None for the rows."""
    return tuple(None if n and n % _ROWS == 0 else n for n in made.shape)


def run(operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call a layer or function on plain Tensors, and return its results."""
    if is_layer(operation):
        return operation(*args, **kwargs)
    return border.unwrap(operation(*border.wrap(args), **border.wrap(kwargs)))


def _placeholder(symbol: KerasTensor) -> Tensor:
    level = dtypes.strong(dtypes.as_data((), symbol.dtype)[1])
    return placeholder(tuple(_ROWS if n is None else n for n in symbol.shape), level)


def Input(
    shape: Any = None,
    batch_size: int | None = None,
    dtype: Any = None,
    sparse: Any = None,
    ragged: Any = None,
    batch_shape: Any = None,
    name: str | None = None,
    tensor: Any = None,
    optional: bool = False,
) -> KerasTensor:
    """Return a symbol for inputs of a model whose rows have this shape."""
    if sparse or ragged or tensor is not None:
        raise ArgumentError("Input: sparse, ragged and tensor are not supported. Give shape and dtype.")
    if batch_shape is None and shape is None:
        raise ArgumentError("Input: shape is missing. Give the shape of a row, such as Input(shape=(4,)).")
    rest = (shape,) if isinstance(shape, int) else shape
    whole = tuple(batch_shape) if batch_shape is not None else (batch_size, *rest)
    kind = border.dtype_name(dtype) if dtype is not None else border.floatx()
    return KerasTensor(whole, kind, name=name or unique("input_layer"))
