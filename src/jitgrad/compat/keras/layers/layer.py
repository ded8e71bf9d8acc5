"""The base class of Keras's layers: a layer of the library with Keras's arguments, called with TensorFlow's tensors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from jitgrad.compat.keras import border, constraints, initializers, regularizers, symbol
from jitgrad.compat.keras.border import as_inputs, bordered, is_plain, unwrap, wrap
from jitgrad.compat.keras.configs import config_of, made_with_config
from jitgrad.compat.keras.names import numbered
from jitgrad.compat.keras.variable import Variable
from jitgrad.errors import ArgumentError
from jitgrad.layers import layer as library
from jitgrad.layers.owned import all_owned

BORDERED = ("call", "compute_loss", "train_step", "test_step", "predict_step", "compute_metrics")
"""Methods that users define and jitgrad calls."""


class Layer(library.Layer):
    """Base class: a subclass creates its weights in ``build`` and computes in ``call``, with functions of tf."""

    family = "keras.layers"
    variable_type = Variable

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if not cls.__module__.startswith("jitgrad."):
            for name in BORDERED:
                if name in vars(cls):
                    setattr(cls, name, bordered(vars(cls)[name]))

    def __init__(
        self,
        *args: Any,
        activity_regularizer: Any = None,
        trainable: bool = True,
        dtype: Any = None,
        autocast: bool = True,
        name: str | None = None,
        input_shape: Any = None,
        input_dim: int | None = None,
        batch_input_shape: Any = None,
        batch_shape: Any = None,
        batch_size: int | None = None,
        weights: Any = None,
        dynamic: bool = False,
        **kwargs: Any,
    ) -> None:
        whole = batch_input_shape if batch_input_shape is not None else batch_shape
        if whole is not None:
            input_shape = tuple(whole)[1:]
        if input_dim is not None and input_shape is None:
            input_shape = (input_dim,)
        super().__init__(  # type: ignore[misc]
            *args,
            name=str(name) if name else numbered(type(self).__name__),
            dtype=border.dtype_name(getattr(dtype, "compute_dtype", dtype)),
            trainable=trainable,
            **kwargs,
        )
        self.declared_shape = None if input_shape is None else tuple(input_shape)
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self._first_weights = weights
        self._added: list[Any] = []
        self._calls: list[symbol.Call] = []

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not args:
            first = next(iter(kwargs), None)
            if first is None:
                raise ArgumentError(f"Layer {self.name!r} is called without inputs. Pass them as the first argument.")
            args = (kwargs.pop(first),)
        if symbol.symbols_in((args, kwargs)):
            return symbol.called(self, args, kwargs)
        if is_plain(args):
            return self._result(args, kwargs)
        x = as_inputs(args[0], self.dtype)
        return wrap(self._result((x, *unwrap(args[1:])), unwrap(kwargs)))

    def _result(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        with _outermost(self):
            made = super().__call__(*args, **kwargs)
        if self.activity_regularizer is not None:
            self.add_loss(self.activity_regularizer(made) / made.shape[0])
        if self._first_weights is not None:
            given, self._first_weights = self._first_weights, None
            self.set_weights(given)
        return made

    def add_loss(self, loss: Any) -> None:
        """Add a penalty of the current call to the model's loss."""
        self._added += [unwrap(x) for x in (loss if isinstance(loss, (list, tuple)) else [loss])]

    def forget_losses(self) -> None:
        """Discard the penalties that calls of this layer, and of its sublayers, added."""
        for inner in (self, *all_owned(self)):
            if isinstance(inner, Layer) and inner._added:
                inner._added.clear()

    @property
    def losses(self) -> list[Any]:
        """The penalties on weights, and the penalties that the last call added."""
        layers = [self, *(x for x in all_owned(self) if isinstance(x, Layer))]
        return wrap([*super().losses, *(x for layer in layers for x in layer._added)])

    def add_weight(self, *args: Any, **kwargs: Any) -> Any:
        """Create a weight: ``add_weight(shape, initializer, …, name)``, or, as in Keras 2, with the name first."""
        kinds = _NAME_FIRST if args and isinstance(args[0], str) else _SHAPE_FIRST
        given = dict(zip(kinds, args, strict=False)) | kwargs
        shape = given.get("shape") or ()
        size = tuple(int(n) if n is not None else None for n in ((shape,) if isinstance(shape, int) else shape))
        dtype = border.dtype_name(given.get("dtype") or self.dtype)
        floating = dtype.startswith("float")
        initializer = given.get("initializer") or ("glorot_uniform" if floating else "zeros")
        trainable = bool(given.get("trainable", True))
        name = given.get("name") or "variable"
        if not floating:
            return Variable(np.zeros(size, dtype), name=f"{self.name}/{name}", trainable=False)
        return super().add_weight(
            name,
            size,  # type: ignore[arg-type]
            initializers.plain(initializer),
            trainable,
            regularizers.get(given.get("regularizer")),
            constraints.get(given.get("constraint")),
        )

    def add_variable(self, *args: Any, **kwargs: Any) -> Any:
        """Alias of ``add_weight``."""
        return self.add_weight(*args, **kwargs)

    def fits(self, shape: Any) -> bool:
        """Return whether rows of this shape are accepted. A user's layer accepts any shape."""
        return not type(self).__module__.startswith("jitgrad.") or super().fits(shape)

    @property
    def weights(self) -> list[Any]:
        """All weights."""
        return [*self.trainable_variables, *self.non_trainable_variables]

    @property
    def trainable_weights(self) -> list[Any]:
        """The weights that a fit changes."""
        return self.trainable_variables

    @property
    def non_trainable_variables(self) -> list[Any]:
        """The weights that a fit does not change."""
        return [v for v in self.variables if not v.trainable]

    @property
    def non_trainable_weights(self) -> list[Any]:
        """The weights that a fit does not change."""
        return self.non_trainable_variables

    @property
    def compute_dtype(self) -> str:
        """The dtype of the outputs."""
        return str(self.dtype)

    @property
    def variable_dtype(self) -> str:
        """The dtype of the weights."""
        return str(self.dtype)

    @property
    def dtype_policy(self) -> str:
        """The dtype of the weights and outputs."""
        return str(self.dtype)

    @property
    def submodules(self) -> tuple[Any, ...]:
        """All layers within this layer."""
        return tuple(x for x in all_owned(self) if isinstance(x, library.Layer))

    @property
    def input(self) -> Any:
        """The symbols that the layer was called on in the functional API."""
        return self._called("input")[0]

    @property
    def output(self) -> Any:
        """The symbols of the outputs in the functional API."""
        return self._called("output")[1]

    def _called(self, what: str) -> tuple[Any, Any]:
        if not self._calls:
            raise AttributeError(f"The layer {self.name} has never been called on symbols and thus has no defined {what}.")
        found = self._calls[0]
        return (found.args[0] if len(found.args) == 1 else found.args), found.results

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the output for inputs of the given shape."""
        return symbol.inferred_shapes(self, input_shape)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return config_of(self, {"name": self.name, "trainable": self.trainable, "dtype": str(self.dtype)})

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Create a layer from the result of ``get_config``."""
        return made_with_config(cls, config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


_SHAPE_FIRST = (
    "shape", "initializer", "dtype", "trainable", "autocast", "regularizer", "constraint", "aggregation", "overwrite", "name",
)  # fmt: skip
_NAME_FIRST = ("name", "shape", "initializer", "trainable", "regularizer", "constraint")

_depth: ContextVar[int] = ContextVar("_depth", default=0)


@contextmanager
def _outermost(layer: Layer) -> Iterator[None]:
    """Discard the penalties of the previous call when the next call of the outermost layer begins."""
    depth = _depth.get()
    if depth == 0:
        layer.forget_losses()
    token = _depth.set(depth + 1)
    try:
        yield
    finally:
        _depth.reset(token)
