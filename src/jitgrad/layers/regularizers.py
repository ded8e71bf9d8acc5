"""Penalties on weights, which are added to a model's loss."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from jitgrad.arguments import Described, made_by_name, nonnegative
from jitgrad.functions.reductions import sum
from jitgrad.ops.elementwise import abs, square

__all__ = ["L1", "L1L2", "L2", "REGULARIZERS", "Regularizer", "get"]


class Regularizer(Described, ABC):
    """Base class of regularizers: functions of a weight that return a scalar.

    See Also
    --------
    L2 : The most common regularizer.

    Examples
    --------
    >>> class Largest(jg.layers.regularizers.Regularizer):
    ...     def __call__(self, weight):
    ...         return 0.01 * jg.max(jg.abs(weight))
    >>> layer = jg.layers.Dense(1, kernel_regularizer=Largest())
    """

    def __init__(self) -> None:
        pass

    @abstractmethod
    def __call__(self, weight: Any) -> Any:
        """Return the penalty.

        Parameters
        ----------
        weight : Variable
            The weight.

        Returns
        -------
        Tensor
            The penalty, a scalar.
        """


class L1(Regularizer):
    """L1 penalty ``l1·Σ|w|``, which makes weights sparse.

    Parameters
    ----------
    l1 : float, default 0.01
        Strength.

    Notes
    -----
    Tibshirani, "Regression shrinkage and selection via the lasso", 1996.

    Examples
    --------
    >>> jg.layers.regularizers.L1(0.1)(jg.Variable([1.0, -2.0]))
    <Tensor shape=() dtype=float64 0.3>
    """

    def __init__(self, l1: float = 0.01) -> None:
        self.l1 = nonnegative("l1", l1)

    def __call__(self, weight: Any) -> Any:
        """Return the penalty.

        Parameters
        ----------
        weight : Variable
            The weight.

        Returns
        -------
        Tensor
            The penalty, a scalar.
        """
        return self.l1 * sum(abs(weight))


class L2(Regularizer):
    """L2 penalty ``l2·Σw²``, which shrinks weights.

    Parameters
    ----------
    l2 : float, default 0.01
        Strength.

    Notes
    -----
    Hoerl and Kennard, "Ridge regression: biased estimation for nonorthogonal problems", 1970.

    Examples
    --------
    >>> jg.layers.regularizers.L2(0.1)(jg.Variable([1.0, -2.0]))
    <Tensor shape=() dtype=float64 0.5>
    """

    def __init__(self, l2: float = 0.01) -> None:
        self.l2 = nonnegative("l2", l2)

    def __call__(self, weight: Any) -> Any:
        """Return the penalty.

        Parameters
        ----------
        weight : Variable
            The weight.

        Returns
        -------
        Tensor
            The penalty, a scalar.
        """
        return self.l2 * sum(square(weight))


class L1L2(Regularizer):
    """Elastic net penalty ``l1·Σ|w| + l2·Σw²``.

    Parameters
    ----------
    l1 : float, default 0.01
        Strength of the L1 penalty.
    l2 : float, default 0.01
        Strength of the L2 penalty.

    Notes
    -----
    Zou and Hastie, "Regularization and variable selection via the elastic net", 2005.

    Examples
    --------
    >>> jg.layers.regularizers.L1L2(0.1, 0.1)(jg.Variable([1.0, -2.0]))
    <Tensor shape=() dtype=float64 0.8>
    """

    def __init__(self, l1: float = 0.01, l2: float = 0.01) -> None:
        self.l1, self.l2 = nonnegative("l1", l1), nonnegative("l2", l2)

    def __call__(self, weight: Any) -> Any:
        """Return the penalty.

        Parameters
        ----------
        weight : Variable
            The weight.

        Returns
        -------
        Tensor
            The penalty, a scalar.
        """
        return self.l1 * sum(abs(weight)) + self.l2 * sum(square(weight))


REGULARIZERS: dict[str, Callable[[], Regularizer]] = {"l1": L1, "l2": L2, "l1_l2": L1L2}
"""The regularizers by name."""


def get(regularizer: str | Regularizer | None) -> Regularizer | None:
    """Return a regularizer.

    Parameters
    ----------
    regularizer : str, Regularizer or None
        Name of a regularizer (a key of ``REGULARIZERS``), for one with default arguments; a regularizer; or
        None.

    Returns
    -------
    Regularizer or None
        The regularizer.

    Raises
    ------
    ArgumentError
        If no regularizer has this name.

    Examples
    --------
    >>> jg.layers.regularizers.get("l2").l2
    0.01
    """
    return made_by_name("regularizer", regularizer, Regularizer, REGULARIZERS)  # type: ignore[type-abstract]
