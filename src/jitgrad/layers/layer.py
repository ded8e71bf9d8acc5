"""What every layer is: a function of Tensors that owns Variables and other layers, and makes them on its first call."""

from __future__ import annotations

import functools
import inspect
import itertools
import math
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Self

import numpy as np

from jitgrad import random
from jitgrad.arguments import Described
from jitgrad.errors import ArgumentError, ShapeError, UnsupportedError
from jitgrad.layers import constraints, initializers, regularizers
from jitgrad.layers.owned import Owner, all_owned, own_variables, owned
from jitgrad.layers.shapes import agree, as_shapes, shapes_of, without_rows, zeros_of
from jitgrad.ops import Shape
from jitgrad.tape.operators import Operators
from jitgrad.tape.protocol import NEVER_DEFERRED, deferred_in
from jitgrad.tape.tensor import Tensor, as_tensor
from jitgrad.tape.tree import tree_leaves, tree_map
from jitgrad.tape.values import peek
from jitgrad.tape.variable import Variable

_numbers: dict[str, Iterator[int]] = {}


class Layer(Owner, Described):
    """Base class. A subclass makes its Variables in ``build`` and computes in ``call``, or ``__call__``, which is taken for it.

    Variables and layers are found on attributes, in lists, tuples and dicts too, in the order in which they were set.

    Args:
        name: by default that of the class and a number.
        dtype: float32 or float64, of the Variables and the results.
        trainable: False to freeze it.
        input_shape: of a row, for the first layer of a Sequential, which is then built at once.

    Attributes:
        built: whether its Variables are made. ``build(shape)`` or the first call makes them, once.
        input_shape: the shape of a row that it was built for; None before, and for several inputs.

    Example:
        >>> class Scale(Layer):
        ...     def build(self, input_shape):
        ...         self.factor = self.add_weight("factor", input_shape[-1:], "ones")
        ...
        ...     def call(self, x):
        ...         return x * self.factor
    """

    variable_type: type[Variable] = Variable
    """What ``add_weight`` makes."""
    built = False
    _building = False
    _built_shapes: Any = None
    _taken: Any = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "build" in vars(cls):
            cls.build = _once(cls.build)  # type: ignore[method-assign]
        if "__call__" in vars(cls) and not cls.__module__.startswith("jitgrad."):
            cls.call = cls.__call__  # type: ignore[method-assign]
            del cls.__call__

    def __init__(
        self,
        name: str | None = None,
        dtype: Any = "float32",
        trainable: bool = True,
        input_shape: Sequence[int] | None = None,
    ) -> None:
        self.name = name or _numbered(type(self).__name__)
        self.dtype = np.dtype(dtype)
        self.input_shape: Shape | None = None
        self.output_shape: Shape | None = None
        self.declared_shape = None if input_shape is None else tuple(input_shape)
        self._trainable = trainable
        self._requires_grad = False
        self._frozen: list[Variable] = []
        self._penalties: list[tuple[regularizers.Regularizer, Variable]] = []
        if self.dtype.kind != "f":
            raise ArgumentError(f"Layer {self.name!r} has dtype {self.dtype}. Use float32 or float64.")

    # For subclasses.

    def build(self, input_shape: Any) -> None:
        """Make the Variables, for inputs of this shape; the rows in front may be None, and differ from call to call.

        The first call of a layer calls it. It may be called before, and is then not called again. For several inputs the shapes
        are in their nesting. What does not override it and has layers in it builds these, by a call on zeros, where open sizes
        behind the rows are taken for 1.
        """
        if type(self).build is Layer.build and self.layers:
            self(zeros_of(input_shape, self.input_dtype))

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """The result of ``call(x)``, or ``call(x, training)`` where it depends on whether a fit asks for it."""
        raise NotImplementedError(f"{type(self).__name__} has no call(). Define call(self, x).")

    def add_weight(
        self,
        name: str,
        shape: Shape,
        initializer: Any = "glorot_uniform",
        trainable: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
    ) -> Variable:
        """A Variable of this layer's dtype, drawn with ``jitgrad.random``'s seed, penalised and constrained if asked for."""
        if None in shape:
            raise ShapeError(
                f"Layer {self.name!r} cannot make {name!r} of shape {shape}. Give build() all "
                f"sizes behind the rows, as (None, 4)."
            )
        value = _first_value(name, tuple(shape), initializers.get(initializer))
        made = self.variable_type(
            np.asarray(value, self.dtype), name=f"{self.name}/{name}", trainable=trainable and self._trainable
        )
        made.requires_grad = self._requires_grad and made.trainable
        made.constraint = constraints.get(constraint)
        penalty = regularizers.get(regularizer)
        if penalty is not None:
            self._penalties.append((penalty, made))
        if trainable and not self._trainable:
            self._frozen.append(made)
        return made

    # For users.

    def __call__(self, x: Any, *more: Any, training: bool | None = None, **options: Any) -> Any:
        """The result for inputs with the rows along the first axis. The first call builds the layer.

        ``training`` says whether a fit asks; inside another layer's call it is by default what that one was told. Further
        arguments are those of ``call`` behind x.
        """
        if "_penalties" not in vars(self):
            raise ArgumentError(f"{type(self).__name__}.__init__ did not call super().__init__(). Begin with that.")
        if type(x) not in NEVER_DEFERRED and deferred_in((x,)) is not None:
            raise UnsupportedError(
                f"{type(self).__name__} was called with a Node of a static graph, which has no shape to build for. Build the "
                f"layer, and use graph.call(layer, node)."
            )
        if not isinstance(x, Tensor):
            x = self._inputs(x)
        if training is None and more and isinstance(more[-1], bool):
            more, training = more[:-1], more[-1]
        self.built_for(x.shape or None if isinstance(x, Tensor) else shapes_of(x))
        asked = _training.get() if training is None else bool(training)
        token = _training.set(asked)
        try:
            if _takes_training(type(self).call):
                options["training"] = asked
            y = self.call(x, *more, **options)
        finally:
            _training.reset(token)
        if isinstance(y, Operators) and y.shape[1:] != self.output_shape:
            self.output_shape = y.shape[1:]
        if not self._trainable and any(v.trainable for v in self.variables):
            self.trainable = False  # what was built inside just now
        observed = _observed.get()
        if observed is not None:
            observed.append((self, x, y))
        return y

    def built_for(self, shapes: Any) -> None:
        """Build for these shapes, if it is not built yet. Raises ShapeError where it was built for others."""
        if shapes is None or self._building or (shapes == self._taken and type(shapes) is tuple):
            return
        if not self.built and type(self).build is Layer.build:
            self.mark_built(shapes)  # the call that asks builds the layers in it
        elif not self.built:
            self.build(shapes)
        elif self._built_shapes is not None and not self._takes(without_rows(shapes)):
            raise ShapeError(
                f"Layer {self.name!r} was built for inputs of shape {_listed(self._built_shapes)} and gets "
                f"{shapes}. Give inputs of the same shape behind the rows."
            )
        self._taken = shapes

    def mark_built(self, shapes: Any) -> None:
        """Its Variables are made, for these shapes."""
        self.built = True
        self._built_shapes = without_rows(shapes)
        self.input_shape = self._built_shapes if isinstance(shapes, tuple) else None

    def _takes(self, rest: Any) -> bool:
        return self.fits(rest) if isinstance(rest, tuple) else agree(rest, self._built_shapes) or not own_variables(self)

    def fits(self, shape: Shape) -> bool:
        """Whether rows of this shape are taken by what was built: any, where there are no Variables; else the same."""
        return agree(shape, self._built_shapes) or not own_variables(self)

    @property
    def input_dtype(self) -> np.dtype[Any]:
        """The dtype of its inputs, where nobody says another: its own."""
        return self.dtype

    @property
    def layers(self) -> list[Layer]:
        """The layers that it owns itself."""
        return [x for x in owned(self) if isinstance(x, Layer)]

    @property
    def variables(self) -> list[Variable]:
        """All Variables, of inner layers too, each once."""
        return [x for x in all_owned(self) if isinstance(x, Variable)]

    @property
    def losses(self) -> list[Any]:
        """The penalties of regularised Variables, of inner layers too. A model's fit adds them to its loss."""
        layers = [self, *(x for x in all_owned(self) if isinstance(x, Layer))]
        return [penalty(variable) for layer in layers for penalty, variable in layer._penalties]

    @property
    def trainable_variables(self) -> list[Variable]:
        """Those that a fit changes."""
        return [v for v in self.variables if v.trainable]

    @property
    def trainable(self) -> bool:
        """Whether a fit may change its Variables. Set it to freeze a layer and all that it owns, or to free it."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        for layer in (self, *(x for x in all_owned(self) if isinstance(x, Layer))):
            layer._set_trainable(bool(value))

    def requires_grad_(self, value: bool = True) -> Self:
        """Let ``backward`` give all trainable Variables a gradient in ``.grad``, or none; returns self.

        Variables that are still to be made are asked for it, too.

        Example:
            >>> model = Sequential([Dense(1)]).requires_grad_()
            >>> mean(square(model(x) - y)).backward()
            >>> optimizer.apply_gradients((v.grad, v) for v in model.trainable_variables)
            >>> model.zero_grad()
        """
        layers: list[Layer] = [self, *(x for x in all_owned(self) if isinstance(x, Layer))]
        for layer in layers:
            layer._requires_grad = bool(value)
        for v in self.trainable_variables:
            v.requires_grad = bool(value)
        return self

    def zero_grad(self) -> None:
        """Forget the gradients that ``backward`` gave to the Variables."""
        for v in self.variables:
            if v.requires_grad:
                v.grad = None

    def _set_trainable(self, value: bool) -> None:
        own = own_variables(self)
        if value:
            changed, self._frozen = self._frozen, []
        else:
            changed = [v for v in own if v.trainable]
            self._frozen += changed
        for v in changed:
            v.trainable = value
        self._trainable = value

    def count_params(self) -> int:
        """The number of elements of all Variables. Raises ArgumentError where it is not built."""
        if not self.built and not self.variables:
            raise ArgumentError(f"Layer {self.name!r} is not built, so it has no weights yet. Call it on an input first.")
        return sum(v.size for v in self.variables)

    def get_weights(self) -> list[np.ndarray]:
        """The values of all Variables, copied."""
        return [np.array(peek(v)) for v in self.variables]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Give all Variables values, in the order of ``get_weights``. Raises as ``check_weights``, before any change."""
        for array, v in zip(self.check_weights(weights), self.variables, strict=True):
            v.assign(array)

    def check_weights(self, weights: Sequence[Any]) -> list[np.ndarray]:
        """Values for all Variables as arrays of their dtypes.

        Raises ArgumentError where there are more or fewer, or one has no numbers, and ShapeError for another shape.
        """
        variables = self.variables
        if len(weights) != len(variables):
            raise ArgumentError(f"{self.name!r} has {len(variables)} weights and is given {len(weights)}. Give an array each.")
        arrays = [_as_weight(w, v) for w, v in zip(weights, variables, strict=True)]
        for array, v in zip(arrays, variables, strict=True):
            if array.shape != v.shape:
                raise ShapeError(f"Weight {v.name!r} has shape {v.shape} and is given {array.shape}. Give it the same shape.")
        return arrays

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"

    def _inputs(self, x: Any) -> Any:
        """Arrays as Tensors, several in their nesting; a list of plain numbers is one."""
        several = isinstance(x, dict) or (
            isinstance(x, (list, tuple)) and any(hasattr(item, "shape") for item in tree_leaves(x))
        )
        return tree_map(as_tensor, x) if several else as_tensor(x)


_training: ContextVar[bool] = ContextVar("_training", default=False)
_room: ContextVar[int | None] = ContextVar("_room", default=None)


@contextmanager
def unfilled_weights(most: int) -> Iterator[None]:
    """Weights made inside are zeros, and nothing is drawn: they are about to be filled. Together at most ``most`` elements."""
    token = _room.set(most)
    try:
        yield
    finally:
        _room.reset(token)


def is_unfilled() -> bool:
    """Whether weights are made to be filled."""
    return _room.get() is not None


def _first_value(name: str, shape: Shape, initializer: initializers.Initializer) -> Any:
    left = _room.get()
    if left is None:
        return initializer(shape, random.generator())
    if math.prod(shape) > left:
        raise ShapeError(f"Weight {name!r} has shape {shape}, larger than all weights there are. Give it the right shape.")
    _room.set(left - math.prod(shape))
    return np.zeros(shape)


_observed: ContextVar[list[tuple[Layer, Any, Any]] | None] = ContextVar("_observed", default=None)


@contextmanager
def observed_calls() -> Iterator[list[tuple[Layer, Any, Any]]]:
    """The calls of layers that are made inside: layer, inputs, result, in the order in which they end."""
    calls: list[tuple[Layer, Any, Any]] = []
    token = _observed.set(calls)
    try:
        yield calls
    finally:
        _observed.reset(token)


@functools.lru_cache(maxsize=256)  # classes may be made again and again
def _takes_training(call: Any) -> bool:
    return "training" in inspect.signature(call).parameters


def _numbered(kind: str) -> str:
    """``batch_normalization_1`` for BatchNormalization."""
    base = re.sub(r"(?<!^)(?=[A-Z])", "_", kind).lower()
    number = next(_numbers.setdefault(base, itertools.count()))
    return f"{base}_{number}" if number else base


def _as_weight(value: Any, variable: Variable) -> np.ndarray:
    try:
        return np.asarray(value, variable.dtype)
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"Weight {variable.name!r} is given what has no numbers: {error}. Give an array.") from error


def _once(build: Callable[..., None]) -> Callable[..., None]:
    """A ``build`` that makes Variables once, however it is called, and notes for which shapes."""

    @functools.wraps(build)
    def built_once(self: Layer, input_shape: Any) -> None:
        if self._building:  # by the build of a subclass
            build(self, input_shape)
            return
        shapes = as_shapes(input_shape, self.name)
        if self.built:
            self.built_for(shapes)
            return
        self._building = True
        try:
            build(self, shapes)
        finally:
            self._building = False
        self.mark_built(shapes)

    return built_once


Layer.build = _once(Layer.build)  # type: ignore[method-assign]


def _listed(shapes: Any) -> str:
    return f"(…, {', '.join(map(str, shapes))})" if isinstance(shapes, tuple) else str(shapes)
