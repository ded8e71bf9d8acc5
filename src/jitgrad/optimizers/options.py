"""Types for annotations of the options that every optimizer accepts."""

from __future__ import annotations

from typing import Literal, TypeAlias, TypedDict

Form: TypeAlias = Literal["keras", "torch"]
"""Which library's form of an update rule."""


class CommonOptions(TypedDict, total=False):
    """Keyword arguments that every optimizer accepts; see `Optimizer`."""

    l2: float
    maximize: bool
    clipvalue: float | None
    clipnorm: float | None
    global_clipnorm: float | None
    use_ema: bool
    ema_momentum: float
    ema_overwrite_frequency: int | None


class OptimizerOptions(CommonOptions, total=False):
    """Keyword arguments that every optimizer accepts, with the weight decay; see `Optimizer`."""

    weight_decay: float
