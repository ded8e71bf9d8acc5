"""Types for annotations of the arguments that every layer accepts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict

from jitgrad.typing import DTypeLike

if TYPE_CHECKING:
    from jitgrad.layers.constraints import Constraint
    from jitgrad.layers.initializer_functions import Initializer
    from jitgrad.layers.regularizers import Regularizer

ActivationLike: TypeAlias = "str | Callable[[Any], Any] | None"
"""An activation by name or as a function. None stands for the identity."""

InitializerLike: TypeAlias = "str | Initializer"
"""An initializer by name, or a function of a shape and a generator."""

RegularizerLike: TypeAlias = "str | Regularizer | None"
"""A regularizer by name, or an object."""

ConstraintLike: TypeAlias = "str | Constraint | None"
"""A constraint by name, or an object."""


class LayerOptions(TypedDict, total=False):
    """Keyword arguments that every layer accepts; see `Layer`."""

    name: str | None
    dtype: DTypeLike
    trainable: bool
    input_shape: Sequence[int] | None


class NormalizationOptions(LayerOptions, total=False):
    """Keyword arguments of layers with weights gamma and beta."""

    beta_initializer: InitializerLike
    gamma_initializer: InitializerLike
    beta_regularizer: RegularizerLike
    gamma_regularizer: RegularizerLike
    beta_constraint: ConstraintLike
    gamma_constraint: ConstraintLike
