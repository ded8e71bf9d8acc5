"""The base class of metrics, and metrics that the library computes."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from jitgrad import metrics as library
from jitgrad.arguments import Described
from jitgrad.compat.keras import initializers
from jitgrad.compat.keras.border import as_plain, bordered, dtype_name, number, values_of
from jitgrad.compat.keras.configs import config_of, made_with_config
from jitgrad.compat.keras.names import numbered, snake_case
from jitgrad.compat.keras.variable import Variable
from jitgrad.errors import ArgumentError
from jitgrad.functions.shapes import reshape


class Metric(Described):
    """Base class: a subclass defines ``update_state(self, y_true, y_pred, sample_weight=None)`` and ``result(self)``.

    A fit with a user's metric is a Python loop, slower than the native one.
    """

    family = "keras.metrics"

    def __init__(self, dtype: Any = None, name: str | None = None) -> None:
        self.name = name or numbered(type(self).__name__)
        self.dtype = dtype_name(dtype)
        self._variables: list[Variable] = []

    @property
    def variables(self) -> list[Variable]:
        """The state variables."""
        return list(self._variables)

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """The state variables."""
        return list(self._variables)

    def add_variable(
        self, shape: Any = (), initializer: Any = "zeros", dtype: Any = None, aggregation: str = "sum", name: str | None = None
    ) -> Variable:
        """Create a state variable, which ``reset_state`` sets to 0."""
        first = initializers.get(initializer)(tuple(shape), dtype=dtype or self.dtype)
        made = Variable(first, dtype=dtype or self.dtype, trainable=False, name=f"{self.name}/{name or 'variable'}")
        self._variables.append(made)
        return made

    def add_weight(self, *args: Any, **kwargs: Any) -> Variable:
        """Alias of ``add_variable``; the name may come first, as in Keras 2."""
        if args and isinstance(args[0], str):
            kwargs["name"], args = args[0], args[1:]
        return self.add_variable(*args, **{key: value for key, value in kwargs.items() if key != "trainable"})

    def reset_state(self) -> None:
        """Discard all values."""
        for variable in self._variables:
            variable.assign(np.zeros(variable.shape, variable.dtype))

    def reset_states(self) -> None:
        """Alias of ``reset_state``."""
        self.reset_state()

    def update_state(self, *args: Any, **kwargs: Any) -> Any:
        """Update the state with values."""
        raise NotImplementedError(f"{type(self).__name__} has no update_state(). Define update_state(self, y_true, y_pred).")

    def result(self) -> Any:
        """Return the metric of all values so far."""
        raise NotImplementedError(f"{type(self).__name__} has no result(). Define result(self).")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.update_state(*args, **kwargs)
        return self.result()

    def native(self) -> library.Metric | None:
        """Return the library's metric, which a fit computes natively, or None for a user-defined metric."""
        return None

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return config_of(self, {"name": self.name, "dtype": self.dtype})

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Create a metric from the result of ``get_config``."""
        return made_with_config(cls, config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"

    __str__ = __repr__


class Counted(Metric):
    """A metric of the library that is computed from sums over rows."""

    short: str | None = ""
    """The default name, by default derived from the class name; None to append a number."""

    def __init__(self, name: str | None = None, dtype: Any = None) -> None:
        default = numbered(type(self).__name__) if self.short is None else self.short or snake_case(type(self).__name__)
        super().__init__(dtype, name or default)
        self._sums: np.ndarray | None = None

    def make(self) -> library.Metric:
        """Return the library's metric."""
        raise NotImplementedError

    @functools.cached_property
    def _plain(self) -> library.Metric:
        made = self.make()
        made.name = self.name
        return made

    def native(self) -> library.Metric | None:
        overridden = any(getattr(type(self), name) is not getattr(Counted, name) for name in ("update_state", "result"))
        return None if overridden else self._plain

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Update the state with rows."""
        target, prediction = as_plain(y_true), as_plain(y_pred)
        if prediction.ndim == 0:
            target, prediction = reshape(target, (1,)), reshape(prediction, (1,))
        if self._sums is None:
            self._plain.prepare(np.asarray(target))
        weight = as_plain(np.ones(prediction.shape[0]) if sample_weight is None else sample_weight)
        if weight.shape != prediction.shape[:1]:
            weight = reshape(weight + np.zeros((prediction.shape[0], 1)), (prediction.shape[0], -1))[:, 0]
        sums = np.asarray(self._plain.sums(target, prediction, weight), np.float64)
        self._sums = sums if self._sums is None else self._sums + sums

    def result(self) -> Any:
        """Return the metric of all rows; 0 if there are none."""
        return number(0.0 if self._sums is None else self._plain.result(self._sums))

    def reset_state(self) -> None:
        """Discard all rows."""
        self._sums = None


class MeanMetricWrapper(Counted):
    """Mean of ``fn(y_true, y_pred)`` over the rows."""

    def __init__(self, fn: Callable[..., Any], name: str | None = None, dtype: Any = None, **kwargs: Any) -> None:
        super().__init__(name or getattr(fn, "__name__", None), dtype)
        self._fn, self._options = fn, kwargs

    def make(self) -> library.Metric:
        return library.Mean(functools.partial(_rows(self._fn), **self._options), self.name)


def _rows(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Convert a function of targets and predictions to one that returns one number per row, as the library requires."""
    seen = bordered(fn)

    def of_rows(target: Any, prediction: Any, **options: Any) -> Any:
        made = seen(target, prediction, **options)
        return made + np.zeros(prediction.shape[0]) if made.ndim == 0 else made

    of_rows.__name__ = getattr(fn, "__name__", "metric")
    return of_rows


class Mean(Metric):
    """Mean of values."""

    def __init__(self, name: str = "mean", dtype: Any = None) -> None:
        super().__init__(dtype, name)
        self.reset_state()

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Update the state with values."""
        found = np.asarray(values_of(values), np.float64)
        weight = np.ones(found.shape) if sample_weight is None else np.asarray(values_of(sample_weight), np.float64)
        weight = weight.reshape(weight.shape + (1,) * max(0, found.ndim - weight.ndim)) if weight.ndim else weight
        self._total += float(np.sum(found * weight))
        self._count += float(np.sum(np.broadcast_to(weight, found.shape)))

    def result(self) -> Any:
        """Return the mean so far; 0 if there are no values."""
        return number(self._total / self._count if self._count else 0.0)

    def reset_state(self) -> None:
        """Discard all values."""
        self._total = self._count = 0.0

    @property
    def total(self) -> Any:
        """The sum so far."""
        return number(self._total)

    @property
    def count(self) -> Any:
        """The number of values so far."""
        return number(self._count)


class Sum(Mean):
    """Sum of values."""

    def __init__(self, name: str = "sum", dtype: Any = None) -> None:
        super().__init__(name, dtype)

    def result(self) -> Any:
        """Return the sum so far."""
        return self.total


def only_last(name: str, axis: int) -> None:
    """Raise ArgumentError for an axis other than the last."""
    if axis != -1:
        raise ArgumentError(f"{name}: axis is {axis}, but only the last one, -1, is supported. Move the axis there.")
