"""The base class of layers: functions of Tensors that own Variables and other layers, created on the first call."""

from __future__ import annotations

import functools
import inspect
import itertools
import math
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from jitgrad import random
from jitgrad.arguments import Described
from jitgrad.errors import ArgumentError, ShapeError, UnsupportedError
from jitgrad.layers import constraints, initializers, regularizers
from jitgrad.layers.initializer_functions import Initializer
from jitgrad.layers.options import ConstraintLike, InitializerLike, RegularizerLike
from jitgrad.layers.owned import own_variables
from jitgrad.layers.shapes import agree, as_shapes, shapes_of, without_rows, zeros_of
from jitgrad.layers.weights import WeightOwner
from jitgrad.ops import Shape
from jitgrad.tape.operators import Operators
from jitgrad.tape.protocol import NEVER_DEFERRED, deferred_in
from jitgrad.tape.tensor import Tensor, as_tensor
from jitgrad.tape.tree import tree_leaves, tree_map
from jitgrad.tape.variable import Variable
from jitgrad.typing import DTypeLike

_numbers: dict[str, Iterator[int]] = {}


class Layer(WeightOwner, Described):
    """Base class of layers.

    A subclass creates its Variables in ``build`` with ``add_weight`` and computes its result in ``call``.
    Variables and layers in attributes, including lists, tuples and dicts, are found in the order in which they
    were set.

    Parameters
    ----------
    name : str, optional
        Name of the layer; by default the name of the class and a number.
    dtype : {"float32", "float64"}, default "float32"
        Dtype of the weights.
    trainable : bool, default True
        Whether a fit may change the weights.
    input_shape : sequence of int, optional
        Shape of a row of the inputs. A `Sequential` that begins with this layer is then built immediately.

    Attributes
    ----------
    built : bool
        Whether the weights exist. They are created by the first call or by ``build(shape)``.
    input_shape : tuple or None
        Shape of a row for which the layer was built; None until then, and for several inputs.
    output_shape : tuple or None
        Shape of a row of the result, after the first call.

    Raises
    ------
    ArgumentError
        If the dtype is not a float dtype.

    See Also
    --------
    Lambda : A function as a layer.
    Model : A layer of layers that can be fitted.

    Examples
    --------
    >>> class Scale(jg.layers.Layer):
    ...     def build(self, input_shape):
    ...         self.factor = self.add_weight("factor", input_shape[-1:], "ones")
    ...
    ...     def call(self, x):
    ...         return x * self.factor
    >>> layer = Scale()
    >>> layer([[1.0, 2.0]])
    <Tensor shape=(1, 2) dtype=float32 [[1. 2.]]>
    >>> layer.count_params()
    2
    """

    variable_type: type[Variable] = Variable
    """The type of Variable that ``add_weight`` creates."""
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
        dtype: DTypeLike = "float32",
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

    # Methods for subclasses.

    def build(self, input_shape: Any) -> None:
        """Create the weights for inputs of this shape. Subclasses override this method.

        The first call of a layer builds it, unless it has been built before. If a subclass contains layers and does
        not override this method, a call on zeros builds them, in which unknown sizes other than the number of rows
        count as 1.

        Parameters
        ----------
        input_shape : tuple, or list or dict of tuple
            Shape of the inputs with the rows first, which may be None and may differ from call to call. For several inputs,
            their shapes, nested like the inputs.
        """
        if type(self).build is Layer.build and self.layers:
            self(zeros_of(input_shape, self.input_dtype))

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the result.

        Subclasses override it as ``call(x)``, or as ``call(x, training)`` if training and prediction differ.

        Parameters
        ----------
        *args : Tensor
            Inputs, and further arguments of the layer's call.
        **kwargs : object
            ``training``, and further arguments of the layer's call.

        Returns
        -------
        Tensor, or list or dict of Tensor
            Result.
        """
        raise NotImplementedError(f"{type(self).__name__} has no call(). Define call(self, x).")

    def add_weight(
        self,
        name: str,
        shape: Shape,
        initializer: InitializerLike = "glorot_uniform",
        trainable: bool = True,
        regularizer: RegularizerLike = None,
        constraint: ConstraintLike = None,
    ) -> Variable:
        """Create a Variable with the layer's dtype.

        Parameters
        ----------
        name : str
            Name of the weight; the Variable is named ``layer/name``.
        shape : tuple of int
            Shape of the weight.
        initializer : str or callable, default "glorot_uniform"
            Initial values, drawn with the seed of ``jitgrad.random``; see `jitgrad.layers.initializers`.
        trainable : bool, default True
            Whether a fit may change the weight.
        regularizer : str or Regularizer, optional
            Penalty that is added to the loss; see `jitgrad.layers.regularizers`.
        constraint : str or Constraint, optional
            Constraint that is enforced after each update; see `jitgrad.layers.constraints`.

        Returns
        -------
        Variable
            The weight. Assign it to an attribute so that the layer finds it.

        Raises
        ------
        ShapeError
            If the shape contains None.
        """
        if None in shape:
            raise ShapeError(
                f"Layer {self.name!r} cannot create {name!r} of shape {shape}. Give build() all "
                f"sizes but the number of rows, such as (None, 4)."
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

    # Methods for users.

    def __call__(self, x: Any, *more: Any, training: bool | None = None, **options: Any) -> Any:
        """Apply the layer to inputs with the rows along the first axis. The first call builds the layer.

        Parameters
        ----------
        x : array_like, or list or dict of array_like
            Inputs.
        *more : object
            Further arguments of ``call``.
        training : bool, optional
            Whether layers behave as in training. The default is False or, inside the call of another layer, the value
            with which that layer was called.
        **options : object
            Further arguments of ``call`` by name.

        Returns
        -------
        Tensor, or list or dict of Tensor
            Result of ``call``.

        Raises
        ------
        ShapeError
            If the inputs do not have the shape for which the layer was built.
        """
        if "_penalties" not in vars(self):
            raise ArgumentError(f"{type(self).__name__}.__init__ did not call super().__init__(). Call it first.")
        if type(x) not in NEVER_DEFERRED and deferred_in((x,)) is not None:
            raise UnsupportedError(
                f"{type(self).__name__} was called with a Node of a static graph, which has no shape. Build the "
                f"layer first, and use graph.call(layer, node)."
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
            self.trainable = False  # freezes the weights that were just built
        observed = _observed.get()
        if observed is not None:
            observed.append((self, x, y))
        return y

    def built_for(self, shapes: Any) -> None:
        """Build the layer for these shapes unless it is already built.

        Parameters
        ----------
        shapes : tuple, or list or dict of tuple
            Shapes of the inputs with the rows first.

        Raises
        ------
        ShapeError
            If the layer was built for other shapes.
        """
        if shapes is None or self._building or (shapes == self._taken and type(shapes) is tuple):
            return
        if not self.built and type(self).build is Layer.build:
            self.mark_built(shapes)  # the call in progress builds the inner layers
        elif not self.built:
            self.build(shapes)
        elif self._built_shapes is not None and not self._takes(without_rows(shapes)):
            raise ShapeError(
                f"Layer {self.name!r} was built for inputs of shape {_listed(self._built_shapes)}, but is called with "
                f"{shapes}. Give inputs whose rows have the same shape."
            )
        self._taken = shapes

    def mark_built(self, shapes: Any) -> None:
        """Record that the weights were created for these shapes.

        Parameters
        ----------
        shapes : tuple, or list or dict of tuple
            Shapes of the inputs with the rows first.
        """
        self.built = True
        self._built_shapes = without_rows(shapes)
        self.input_shape = self._built_shapes if isinstance(shapes, tuple) else None

    def _takes(self, rest: Any) -> bool:
        return self.fits(rest) if isinstance(rest, tuple) else agree(rest, self._built_shapes) or not own_variables(self)

    def fits(self, shape: Shape) -> bool:
        """Return whether the layer accepts rows of this shape. A layer without weights accepts any shape.

        Parameters
        ----------
        shape : tuple
            Shape of a row.

        Returns
        -------
        bool
            Whether the layer accepts it.
        """
        return agree(shape, self._built_shapes) or not own_variables(self)

    @property
    def input_dtype(self) -> np.dtype[Any]:
        """The default dtype of the inputs, which is the layer's dtype."""
        return self.dtype

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"

    def _inputs(self, x: Any) -> Any:
        """Convert an array or nested arrays to Tensors. A list of plain numbers is one array."""
        several = isinstance(x, dict) or (
            isinstance(x, (list, tuple)) and any(hasattr(item, "shape") for item in tree_leaves(x))
        )
        return tree_map(as_tensor, x) if several else as_tensor(x)


_training: ContextVar[bool] = ContextVar("_training", default=False)
_room: ContextVar[int | None] = ContextVar("_room", default=None)


@contextmanager
def unfilled_weights(most: int) -> Iterator[None]:
    """Within this context, create weights of up to ``most`` elements as zeros, because they are about to be assigned."""
    token = _room.set(most)
    try:
        yield
    finally:
        _room.reset(token)


def is_unfilled() -> bool:
    """Return whether weights are about to be assigned."""
    return _room.get() is not None


def _first_value(name: str, shape: Shape, initializer: Initializer) -> Any:
    left = _room.get()
    if left is None:
        return initializer(shape, random.generator())
    if math.prod(shape) > left:
        raise ShapeError(
            f"Weight {name!r} has shape {shape}, which exceeds the weights in the file. Give it the shape of the file."
        )
    _room.set(left - math.prod(shape))
    return np.zeros(shape)


_observed: ContextVar[list[tuple[Layer, Any, Any]] | None] = ContextVar("_observed", default=None)


@contextmanager
def observed_calls() -> Iterator[list[tuple[Layer, Any, Any]]]:
    """Collect the layer, inputs and result of each layer call within this context, in the order in which the calls end."""
    calls: list[tuple[Layer, Any, Any]] = []
    token = _observed.set(calls)
    try:
        yield calls
    finally:
        _observed.reset(token)


@functools.lru_cache(maxsize=256)  # classes may be created repeatedly
def _takes_training(call: Any) -> bool:
    return "training" in inspect.signature(call).parameters


def _numbered(kind: str) -> str:
    """Return a name such as ``batch_normalization_1``."""
    base = re.sub(r"(?<!^)(?=[A-Z])", "_", kind).lower()
    number = next(_numbers.setdefault(base, itertools.count()))
    return f"{base}_{number}" if number else base


def _once(build: Callable[..., None]) -> Callable[..., None]:
    """Wrap a ``build`` method so that it creates Variables only once and records the shapes."""

    @functools.wraps(build)
    def built_once(self: Layer, input_shape: Any) -> None:
        if self._building:  # called by ``build`` of a subclass
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
