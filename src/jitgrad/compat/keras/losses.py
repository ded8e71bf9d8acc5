"""Keras's losses: classes with arguments and reductions, and functions that return the loss of each row."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

from jitgrad import losses as library
from jitgrad.arguments import Described
from jitgrad.compat.keras.border import as_plain, bordered, is_plain, unwrap, wrap
from jitgrad.compat.keras.configs import config_of, deserialized, found_by_name, made_with_config, serialized
from jitgrad.compat.keras.names import snake_case
from jitgrad.compat.modules import missing
from jitgrad.errors import ArgumentError
from jitgrad.functions.reductions import mean, sum
from jitgrad.functions.shapes import reshape
from jitgrad.losses.loss import aligned, alike, by_row_of, is_own, name_of
from jitgrad.tape.tensor import Tensor

_REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None)


class Loss(Described):
    """Base class: ``call(y_true, y_pred)`` returns the loss of each row, and ``reduction`` combines them."""

    family = "keras.losses"

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "call" in vars(cls) and not cls.__module__.startswith("jitgrad."):
            cls.call = bordered(cls.call)  # type: ignore[method-assign]

    def __init__(self, name: str | None = None, reduction: str | None = "sum_over_batch_size", dtype: Any = None) -> None:
        self.name = name or snake_case(type(self).__name__)
        self.reduction = {"auto": "sum_over_batch_size"}.get(reduction or "", reduction)
        if self.reduction not in _REDUCTIONS:
            raise ArgumentError(f"reduction is {reduction!r}. Use one of {_REDUCTIONS}.")
        self.dtype = dtype

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each row."""
        raise NotImplementedError(f"{type(self).__name__} has no call(). Define call(self, y_true, y_pred).")

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        if is_plain((y_true, y_pred)):
            return self.reduced(self.call(y_true, y_pred), sample_weight)
        y, p = as_plain(y_true), as_plain(y_pred)
        weight = None if sample_weight is None else as_plain(sample_weight)
        return wrap(self.reduced(self.call(y, p), weight))

    def reduced(self, values: Any, sample_weight: Any = None) -> Tensor:
        """Apply ``reduction`` to the losses of the rows."""
        values = unwrap(values)
        weight = None if sample_weight is None else unwrap(sample_weight)
        if weight is not None and weight.ndim == values.ndim + 1 and weight.shape[-1] == 1:
            values = reshape(values, (*values.shape, 1))
        elif weight is not None:
            weight = reshape(weight, weight.shape + (1,) * (values.ndim - weight.ndim))
        weighted = values if weight is None else values * weight
        if self.reduction in ("none", None):
            return weighted
        if self.reduction == "sum":
            return sum(weighted)
        if self.reduction == "mean_with_sample_weight" and weight is not None:
            return sum(weighted) / sum(weight + values * 0.0)
        return mean(weighted)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return config_of(self, {"name": self.name, "reduction": self.reduction})

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Create a loss from the result of ``get_config``."""
        return made_with_config(cls, config)


def by_row(loss: Any, y_true: Any, y_pred: Any, classes: bool = False, **options: Any) -> Tensor:
    """Apply a loss of the library along the last axis, and return one value for each element of the remaining axes."""
    if y_pred.ndim == 0:
        y_pred, y_true = reshape(y_pred, (1,)), reshape(y_true, (1,))
    y_true = aligned(y_true, y_pred)
    lead = y_pred.shape[:-1]
    rows = math.prod(lead)
    flat_target = (rows,) if classes else (rows, *y_true.shape[-1:])
    if not classes and y_true.ndim != y_pred.ndim:
        alike(name_of(loss), y_true, y_pred)
    made = by_row_of(loss)(reshape(y_true, flat_target), reshape(y_pred, (rows, y_pred.shape[-1])), **options)
    return reshape(made, lead)


class Made(Loss):
    """A loss of the library with Keras's arguments."""

    plain: Any
    """The corresponding loss in jitgrad."""
    by_class = False
    """Whether the target has one class per row."""
    short = ""
    """The name, if it differs from the class name."""

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str | None = None, dtype: Any = None) -> None:
        super().__init__(name or self.short or snake_case(type(self).__name__), reduction, dtype)

    def options(self) -> dict[str, Any]:
        """Return the library's arguments."""
        return {}

    def call(self, y_true: Any, y_pred: Any) -> Any:
        rows = by_row(type(self).plain, as_plain(y_true), as_plain(y_pred), self.by_class, **self.options())
        return rows if is_plain((y_true, y_pred)) else wrap(rows)

    def native(self) -> Any:
        """Return the library's loss with its options bound if it is equivalent, otherwise this object."""
        if self.reduction not in ("sum_over_batch_size", "mean"):
            return self
        given = self.options()
        return functools.partial(type(self).plain, **given) if given else type(self).plain


class MeanSquaredError(Made):
    """Mean squared error."""

    plain = library.mean_squared_error


class MeanAbsoluteError(Made):
    """Mean absolute error."""

    plain = library.mean_absolute_error


class LogCosh(Made):
    """Mean of log(cosh(error))."""

    plain = library.log_cosh


class Poisson(Made):
    """Poisson loss, ``y_pred - y_true * log(y_pred)``."""

    plain = library.poisson


class KLDivergence(Made):
    """Kullback-Leibler divergence."""

    plain = library.kl_divergence


class Hinge(Made):
    """Hinge loss, ``max(1 - y_true * y_pred, 0)``."""

    plain = library.hinge


class Huber(Made):
    """Huber loss: quadratic up to ``delta``, linear beyond."""

    plain = library.huber
    short = "huber_loss"

    def __init__(
        self, delta: float = 1.0, reduction: str | None = "sum_over_batch_size", name: str | None = None, dtype: Any = None
    ) -> None:
        super().__init__(reduction, name, dtype)
        self.delta = float(delta)

    def options(self) -> dict[str, Any]:
        return {} if self.delta == 1 else {"delta": self.delta}


class CosineSimilarity(Made):
    """Negative cosine similarity of targets and predictions."""

    plain = library.cosine_similarity

    def __init__(
        self, axis: int = -1, reduction: str | None = "sum_over_batch_size", name: str | None = None, dtype: Any = None
    ) -> None:
        super().__init__(reduction, name, dtype)
        _last(self, axis)


class BinaryCrossentropy(Made):
    """Cross-entropy of targets 0 and 1."""

    plain = library.binary_crossentropy

    def __init__(
        self, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1,
        reduction: str | None = "sum_over_batch_size", name: str | None = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(reduction, name, dtype)
        self.from_logits, self.label_smoothing = from_logits, float(label_smoothing)
        _last(self, axis)

    def options(self) -> dict[str, Any]:
        return _given(from_logits=self.from_logits, label_smoothing=self.label_smoothing)


class CategoricalCrossentropy(BinaryCrossentropy):
    """Cross-entropy of targets with a probability for each class."""

    plain = library.categorical_crossentropy


class SparseCategoricalCrossentropy(Made):
    """Cross-entropy of integer classes."""

    plain = library.sparse_categorical_crossentropy
    by_class = True

    def __init__(
        self, from_logits: bool = False, ignore_class: int | None = None, reduction: str | None = "sum_over_batch_size",
        axis: int = -1, name: str | None = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(reduction, name, dtype)
        self.from_logits = from_logits
        _last(self, axis)
        if ignore_class is not None:
            raise ArgumentError(
                "SparseCategoricalCrossentropy: ignore_class is not supported. Set the sample_weight of these rows to 0."
            )

    def options(self) -> dict[str, Any]:
        return _given(from_logits=self.from_logits)


class MeanAbsolutePercentageError(Made):
    """Mean absolute error in percent of the target."""

    plain = library.mean_absolute_percentage_error


class MeanSquaredLogarithmicError(Made):
    """Mean squared difference of log(1 + y)."""

    plain = library.mean_squared_logarithmic_error


class SquaredHinge(Made):
    """Squared hinge loss, ``max(1 - y_true * y_pred, 0) ** 2``."""

    plain = library.squared_hinge


class CategoricalHinge(Made):
    """Multiclass hinge loss, ``max(neg - pos + 1, 0)``."""

    plain = library.categorical_hinge


class BinaryFocalCrossentropy(Made):
    """Cross-entropy of targets 0 and 1 that gives less weight to well-predicted rows."""

    plain = library.binary_focal_crossentropy

    def __init__(
        self, apply_class_balancing: bool = False, alpha: float = 0.25, gamma: float = 2.0, from_logits: bool = False,
        label_smoothing: float = 0.0, axis: int = -1, reduction: str | None = "sum_over_batch_size", name: str | None = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(reduction, name, dtype)
        self.apply_class_balancing, self.alpha, self.gamma = apply_class_balancing, float(alpha), float(gamma)
        self.from_logits, self.label_smoothing = from_logits, float(label_smoothing)
        _last(self, axis)

    def options(self) -> dict[str, Any]:
        return {
            "alpha": self.alpha if self.apply_class_balancing else None,
            "gamma": self.gamma,
            **_given(from_logits=self.from_logits, label_smoothing=self.label_smoothing),
        }


class CategoricalFocalCrossentropy(Made):
    """Cross-entropy of targets with a probability for each class that gives less weight to well-predicted rows."""

    plain = library.categorical_focal_crossentropy

    def __init__(
        self, alpha: float = 0.25, gamma: float = 2.0, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1,
        reduction: str | None = "sum_over_batch_size", name: str | None = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(reduction, name, dtype)
        self.alpha, self.gamma, self.from_logits, self.label_smoothing = (
            alpha,
            float(gamma),
            from_logits,
            float(label_smoothing),
        )
        _last(self, axis)

    def options(self) -> dict[str, Any]:
        given = _given(from_logits=self.from_logits, label_smoothing=self.label_smoothing)
        return {"alpha": self.alpha, "gamma": self.gamma, **given}


def _given(**options: Any) -> dict[str, Any]:
    """Return the options that differ from their defaults; if there are none, the library's own loss can be used."""
    return {name: value for name, value in options.items() if value}


def _last(loss: Loss, axis: int) -> None:
    if axis != -1:
        raise ArgumentError(
            f"{type(loss).__name__}: axis is {axis}, but only the last one, -1, is supported. Move the axis there."
        )


def _function(kind: type[Made]) -> Callable[..., Any]:
    """Return the function of a loss: ``f(y_true, y_pred, **options)`` returns the loss of each row."""

    def function(y_true: Any, y_pred: Any, **options: Any) -> Any:
        return (
            kind(**options).call(as_plain(y_true), as_plain(y_pred))
            if is_plain((y_true, y_pred))
            else kind(**options).call(y_true, y_pred)
        )

    function.__name__ = function.__qualname__ = snake_case(kind.__name__)
    function.__doc__ = f"{kind.__doc__} The loss of each row; options are those of ``{kind.__name__}``."
    function.kind = kind  # type: ignore[attr-defined]
    return function


mean_squared_error = mse = MSE = _function(MeanSquaredError)
mean_absolute_error = mae = MAE = _function(MeanAbsoluteError)
mean_absolute_percentage_error = mape = MAPE = _function(MeanAbsolutePercentageError)
mean_squared_logarithmic_error = msle = MSLE = _function(MeanSquaredLogarithmicError)
squared_hinge = _function(SquaredHinge)
categorical_hinge = _function(CategoricalHinge)
binary_focal_crossentropy = _function(BinaryFocalCrossentropy)
categorical_focal_crossentropy = _function(CategoricalFocalCrossentropy)
log_cosh = logcosh = _function(LogCosh)
poisson = _function(Poisson)
kl_divergence = kld = KLD = kullback_leibler_divergence = _function(KLDivergence)
hinge = _function(Hinge)
huber = _function(Huber)
cosine_similarity = _function(CosineSimilarity)
binary_crossentropy = _function(BinaryCrossentropy)
categorical_crossentropy = _function(CategoricalCrossentropy)
sparse_categorical_crossentropy = _function(SparseCategoricalCrossentropy)

_CLASSES = {name: value for name, value in list(globals().items()) if isinstance(value, type) and issubclass(value, Made)}
del _CLASSES["Made"]
_FUNCTIONS = {name: value for name, value in list(globals().items()) if hasattr(value, "kind")}


def get(identifier: Any) -> Any:
    """Return a loss by name or config: a function, or an object if the name refers to a class."""
    if identifier is None or callable(identifier):
        return identifier
    return found_by_name("loss", identifier, {**_CLASSES, **_FUNCTIONS})


def native(identifier: Any) -> Any:
    """Return the library's own loss if there is one, so that a fit is as fast as the library's."""
    found = get(identifier)
    kind = getattr(found, "kind", None)
    if kind is not None:
        return kind().native()
    if isinstance(found, Made):
        return found.native()
    if found is None or isinstance(found, Loss) or is_own(found):
        return found
    return bordered(found)


def serialize(loss: Any) -> Any:
    """Return the config of a loss."""
    return serialized(loss)


def deserialize(name: Any, custom_objects: Any = None) -> Any:
    """Return the loss for a config or name."""
    return deserialized(name, custom_objects) if isinstance(name, dict) else get(name)


FUNCTION_NAMES = list(_FUNCTIONS)
__all__ = ["Loss", "deserialize", "get", "serialize", *_CLASSES, *_FUNCTIONS]
_REASONS = {"CTC": "It is for sequences, which jitgrad does not support.", "ctc": "It is for sequences."}
__getattr__ = missing("keras.losses", __all__, _REASONS)
