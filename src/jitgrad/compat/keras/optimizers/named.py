"""Keras's optimizers by name, with its arguments and defaults."""

from __future__ import annotations

from typing import Any

from jitgrad import optimizers as library
from jitgrad.compat.keras.optimizers.optimizer import Optimizer
from jitgrad.errors import ArgumentError
from jitgrad.tape.tensor import Tensor
from jitgrad.tape.trace import StateUpdate
from jitgrad.tape.variable import Variable


class SGD(Optimizer, library.SGD):
    """Gradient descent with momentum."""

    def __init__(
        self, learning_rate: Any = 0.01, momentum: float = 0.0, nesterov: bool = False, weight_decay: float | None = None,
        **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, momentum, nesterov and momentum > 0, weight_decay=weight_decay, **options)


class Adam(Optimizer, library.AMSGrad):
    """Adam. If ``amsgrad`` is True, it uses the largest second moment so far."""

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        weight_decay: float | None = None,
        **options: Any,
    ) -> None:
        self.amsgrad = amsgrad
        super().__init__(learning_rate, beta_1, beta_2, epsilon, weight_decay=weight_decay, **options)

    def _changes(self, pairs: list[tuple[Tensor, Variable]], hyper: Tensor) -> list[StateUpdate]:
        return (library.AMSGrad if self.amsgrad else library.Adam)._changes(self, pairs, hyper)

    def _moments(self, g: Tensor, w: Variable, beta_1: Tensor, beta_2: Tensor) -> tuple[Tensor, Tensor, list[StateUpdate]]:
        return (library.AMSGrad if self.amsgrad else library.Adam)._moments(self, g, w, beta_1, beta_2)


class AdamW(Adam):
    """Adam with decoupled weight decay."""

    def __init__(
        self, learning_rate: Any = 0.001, weight_decay: float = 0.004, beta_1: float = 0.9, beta_2: float = 0.999,
        epsilon: float = 1e-7, amsgrad: bool = False, **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay, **options)


class Nadam(Optimizer, library.Nadam):
    """Adam with Nesterov momentum."""

    def __init__(
        self, learning_rate: Any = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7,
        weight_decay: float | None = None, **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, beta_1, beta_2, epsilon, 1.0, weight_decay=weight_decay, **options)


class Adamax(Optimizer, library.Adamax):
    """Adam with an exponentially weighted maximum of past gradients in place of the second moment."""

    def __init__(
        self, learning_rate: Any = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7,
        weight_decay: float | None = None, **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, beta_1, beta_2, epsilon, weight_decay=weight_decay, **options)


class Lion(Optimizer, library.Lion):
    """Lion: steps in the direction of the sign of the momentum."""

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        weight_decay: float | None = None,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, beta_1, beta_2, weight_decay=weight_decay, **options)


class RMSprop(Optimizer, library.RMSprop):
    """RMSprop: steps scaled by a moving average of squared gradients."""

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        weight_decay: float | None = None,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, rho, momentum, epsilon, centered, "keras", weight_decay=weight_decay, **options)


class Adagrad(Optimizer, library.Adagrad):
    """Adagrad: steps scaled by the sum of squared gradients."""

    def __init__(
        self, learning_rate: Any = 0.001, initial_accumulator_value: float = 0.1, epsilon: float = 1e-7,
        weight_decay: float | None = None, **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, initial_accumulator_value, epsilon, form="keras", weight_decay=weight_decay, **options)


class Adadelta(Optimizer, library.Adadelta):
    """Adadelta: steps scaled by moving averages of squared gradients and squared steps."""

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.95,
        epsilon: float = 1e-7,
        weight_decay: float | None = None,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, rho, epsilon, weight_decay=weight_decay, **options)


class Adafactor(Optimizer, library.Adafactor):
    """Adafactor: Adam with second moments that are factored into rows and columns."""

    def __init__(
        self, learning_rate: Any = 0.001, beta_2_decay: float = -0.8, epsilon_1: float = 1e-30, epsilon_2: float = 1e-3,
        clip_threshold: float = 1.0, relative_step: bool = True, weight_decay: float | None = None, **options: Any,
    ) -> None:  # fmt: skip
        if not relative_step:
            raise ArgumentError("Adafactor: relative_step=False is not supported. Omit it.")
        super().__init__(
            learning_rate, beta_2_decay, epsilon_1, epsilon_2, clip_threshold, weight_decay=weight_decay, **options
        )
