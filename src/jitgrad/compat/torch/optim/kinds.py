"""PyTorch's optimizers with its arguments and defaults. ``foreach``, ``fused`` and ``capturable`` have no effect."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitgrad import optimizers as library
from jitgrad.compat.torch.optim.fitted import FittedOptimizer
from jitgrad.compat.torch.tensor import Tensor
from jitgrad.errors import ArgumentError
from jitgrad.optimizers import Optimizer as Library

Pair = tuple[float, float]
_COMMON = {"lr": "learning_rate", "weight_decay": "l2"}
_ALONE = {"lr": "learning_rate"}
_WITH_EPSILON = _COMMON | {"eps": "epsilon"}


class SGD(FittedOptimizer):
    """Gradient descent with momentum."""

    names = _COMMON | {"momentum": "momentum", "dampening": "dampening"}
    forms = ("maximize", "nesterov")
    slots = ("momentum_buffer",)

    def __init__(
        self, params: Any, lr: float = 1e-3, momentum: float = 0, dampening: float = 0, weight_decay: float = 0,
        nesterov: bool = False, *, maximize: bool = False, foreach: bool | None = None, differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:  # fmt: skip
        super().__init__(params, {
            "lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay, "nesterov": nesterov,
            "maximize": maximize, "foreach": foreach, "differentiable": differentiable, "fused": fused,
        })  # fmt: skip

    def _check(self, group: dict[str, Any]) -> None:
        super()._check(group)
        if not group["momentum"] >= 0:
            raise ArgumentError(f"Invalid momentum value: {group['momentum']}. Give a number of at least 0 and less than 1.")
        if group["nesterov"] and (group["momentum"] <= 0 or group["dampening"] != 0):
            raise ArgumentError("Nesterov momentum requires a momentum and zero dampening. Give momentum=0.9, for example.")

    def make(self, group: dict[str, Any]) -> Library:
        return library.SGD(form="torch", nesterov=group["nesterov"], maximize=group["maximize"], **self.numbers(group))


class _Adam(FittedOptimizer):
    """Base class of Adam and its variants."""

    names = _WITH_EPSILON
    slots: tuple[str, ...] = ("exp_avg", "exp_avg_sq")

    def numbers(self, group: dict[str, Any]) -> dict[str, Any]:
        given = super().numbers(group)
        if group.get("decoupled_weight_decay"):
            given["weight_decay"] = given.pop("l2")
        return given


class Adam(_Adam):
    """Adam: steps scaled by running moments of the gradient."""

    forms = ("maximize", "amsgrad", "decoupled_weight_decay")

    def __init__(
        self, params: Any, lr: float = 1e-3, betas: Pair = (0.9, 0.999), eps: float = 1e-8, weight_decay: float = 0,
        amsgrad: bool = False, *, foreach: bool | None = None, maximize: bool = False, capturable: bool = False,
        differentiable: bool = False, fused: bool | None = None, decoupled_weight_decay: bool = False,
    ) -> None:  # fmt: skip
        if amsgrad:
            self.slots = (*self.slots, "max_exp_avg_sq")
        super().__init__(params, {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "amsgrad": amsgrad, "maximize": maximize,
            "foreach": foreach, "capturable": capturable, "differentiable": differentiable, "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
        })  # fmt: skip

    def make(self, group: dict[str, Any]) -> Library:
        kind = library.AMSGrad if group["amsgrad"] else library.Adam
        return kind(form="torch", maximize=group["maximize"], **self.numbers(group))


class AdamW(Adam):
    """Adam with decoupled weight decay."""

    def __init__(
        self, params: Any, lr: float = 1e-3, betas: Pair = (0.9, 0.999), eps: float = 1e-8, weight_decay: float = 1e-2,
        amsgrad: bool = False, *, maximize: bool = False, foreach: bool | None = None, capturable: bool = False,
        differentiable: bool = False, fused: bool | None = None,
    ) -> None:  # fmt: skip
        super().__init__(
            params, lr, betas, eps, weight_decay, amsgrad, foreach=foreach, maximize=maximize, capturable=capturable,
            differentiable=differentiable, fused=fused, decoupled_weight_decay=True,
        )  # fmt: skip


class NAdam(_Adam):
    """Adam with Nesterov momentum."""

    names = _WITH_EPSILON | {"momentum_decay": "momentum_decay"}
    forms = ("maximize", "decoupled_weight_decay")

    def __init__(
        self, params: Any, lr: float = 2e-3, betas: Pair = (0.9, 0.999), eps: float = 1e-8, weight_decay: float = 0,
        momentum_decay: float = 4e-3, decoupled_weight_decay: bool = False, *, foreach: bool | None = None,
        maximize: bool = False, capturable: bool = False, differentiable: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(params, {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay, "maximize": maximize, "foreach": foreach,
            "capturable": capturable, "differentiable": differentiable,
        })  # fmt: skip

    def make(self, group: dict[str, Any]) -> Library:
        return library.Nadam(maximize=group["maximize"], **self.numbers(group))


class RAdam(_Adam):
    """Rectified Adam, whose first steps do not use the second moment."""

    forms = ("maximize", "decoupled_weight_decay")

    def __init__(
        self, params: Any, lr: float = 1e-3, betas: Pair = (0.9, 0.999), eps: float = 1e-8, weight_decay: float = 0,
        decoupled_weight_decay: bool = False, *, foreach: bool | None = None, maximize: bool = False,
        capturable: bool = False, differentiable: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(params, {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "maximize": maximize, "foreach": foreach,
            "capturable": capturable, "decoupled_weight_decay": decoupled_weight_decay, "differentiable": differentiable,
        })  # fmt: skip

    def make(self, group: dict[str, Any]) -> Library:
        return library.RAdam(maximize=group["maximize"], **self.numbers(group))


class Adamax(_Adam):
    """Adam with the infinity norm in place of the second moment."""

    slots = ("exp_avg", "exp_inf")

    def __init__(
        self, params: Any, lr: float = 2e-3, betas: Pair = (0.9, 0.999), eps: float = 1e-8, weight_decay: float = 0,
        foreach: bool | None = None, *, maximize: bool = False, differentiable: bool = False, capturable: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(params, {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "foreach": foreach, "maximize": maximize,
            "differentiable": differentiable, "capturable": capturable,
        })  # fmt: skip

    def make(self, group: dict[str, Any]) -> Library:
        return library.Adamax(form="torch", maximize=group["maximize"], **self.numbers(group))


class RMSprop(FittedOptimizer):
    """RMSprop: steps divided by the root of a running mean of squared gradients."""

    names = _WITH_EPSILON | {"momentum": "momentum", "alpha": "rho"}
    forms = ("maximize", "centered")
    slots = ("square_avg", "grad_avg", "momentum_buffer")

    def __init__(
        self, params: Any, lr: float = 1e-2, alpha: float = 0.99, eps: float = 1e-8, weight_decay: float = 0,
        momentum: float = 0, centered: bool = False, capturable: bool = False, foreach: bool | None = None,
        maximize: bool = False, differentiable: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(params, {
            "lr": lr, "momentum": momentum, "alpha": alpha, "eps": eps, "centered": centered, "weight_decay": weight_decay,
            "capturable": capturable, "foreach": foreach, "maximize": maximize, "differentiable": differentiable,
        })  # fmt: skip

    def make(self, group: dict[str, Any]) -> Library:
        return library.RMSprop(form="torch", centered=group["centered"], maximize=group["maximize"], **self.numbers(group))


class Adagrad(FittedOptimizer):
    """Adagrad: steps divided by the root of the sum of all squared gradients."""

    names = _WITH_EPSILON | {"lr_decay": "learning_rate_decay"}
    slots = ("sum",)

    def __init__(
        self, params: Any, lr: float = 1e-2, lr_decay: float = 0, weight_decay: float = 0,
        initial_accumulator_value: float = 0, eps: float = 1e-10, foreach: bool | None = None, *, maximize: bool = False,
        differentiable: bool = False, fused: bool | None = None,
    ) -> None:  # fmt: skip
        super().__init__(params, {
            "lr": lr, "lr_decay": lr_decay, "eps": eps, "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value, "foreach": foreach, "maximize": maximize,
            "differentiable": differentiable, "fused": fused,
        })  # fmt: skip

    def make(self, group: dict[str, Any]) -> Library:
        start = group["initial_accumulator_value"]
        return library.Adagrad(initial_accumulator_value=start, form="torch", maximize=group["maximize"], **self.numbers(group))


class Adadelta(FittedOptimizer):
    """Adadelta: steps scaled by running averages of squared gradients and squared steps."""

    names = _WITH_EPSILON | {"rho": "rho"}
    slots = ("square_avg", "acc_delta")

    def __init__(
        self, params: Any, lr: float = 1.0, rho: float = 0.9, eps: float = 1e-6, weight_decay: float = 0,
        foreach: bool | None = None, *, capturable: bool = False, maximize: bool = False, differentiable: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(params, {
            "lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay, "maximize": maximize, "capturable": capturable,
            "foreach": foreach, "differentiable": differentiable,
        })  # fmt: skip

    def make(self, group: dict[str, Any]) -> Library:
        return library.Adadelta(maximize=group["maximize"], **self.numbers(group))


class Adafactor(FittedOptimizer):
    """Adafactor: Adam with a factored second moment, and steps proportional to the parameters."""

    names = _ALONE | {"weight_decay": "weight_decay", "beta2_decay": "beta_2_decay", "d": "clip_threshold"}
    forms = ("maximize", "eps")

    def __init__(
        self, params: Any, lr: float = 1e-2, beta2_decay: float = -0.8, eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0, weight_decay: float = 0.0, *, foreach: bool | None = None, maximize: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(params, {
            "lr": lr, "beta2_decay": beta2_decay, "eps": eps, "d": d, "weight_decay": weight_decay, "foreach": foreach,
            "maximize": maximize,
        })  # fmt: skip

    def slots_of(self, parameter: Tensor) -> tuple[str, ...]:
        return ("variance",) if parameter.ndim < 2 else ("row_var", "col_var")

    def make(self, group: dict[str, Any]) -> Library:
        first, second = group["eps"]
        if first is None:
            first = float(np.finfo(group["params"][0].numpy_dtype).eps)
        return library.Adafactor(
            epsilon_1=first, epsilon_2=second, form="torch", maximize=group["maximize"], **self.numbers(group)
        )


class ASGD(FittedOptimizer):
    """Averaged stochastic gradient descent."""

    names = _COMMON | {"lambd": "lambd", "alpha": "alpha", "t0": "t0"}
    slots = ("ax",)

    def __init__(
        self, params: Any, lr: float = 1e-2, lambd: float = 1e-4, alpha: float = 0.75, t0: float = 1e6,
        weight_decay: float = 0, foreach: bool | None = None, maximize: bool = False, differentiable: bool = False,
        capturable: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(params, {
            "lr": lr, "lambd": lambd, "alpha": alpha, "t0": t0, "weight_decay": weight_decay, "foreach": foreach,
            "maximize": maximize, "differentiable": differentiable, "capturable": capturable,
        })  # fmt: skip

    def make(self, group: dict[str, Any]) -> Library:
        return library.ASGD(maximize=group["maximize"], **self.numbers(group))


class Rprop(FittedOptimizer):
    """Rprop: steps that depend only on the sign of the gradient."""

    names = _ALONE
    forms = ("maximize", "etas", "step_sizes")
    slots = ("prev", "step_size")

    def __init__(
        self, params: Any, lr: float = 1e-2, etas: Pair = (0.5, 1.2), step_sizes: Pair = (1e-6, 50), *,
        capturable: bool = False, foreach: bool | None = None, maximize: bool = False, differentiable: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(params, {
            "lr": lr, "etas": etas, "step_sizes": step_sizes, "foreach": foreach, "maximize": maximize,
            "differentiable": differentiable, "capturable": capturable,
        })  # fmt: skip

    def make(self, group: dict[str, Any]) -> Library:
        (minus, plus), (least, most) = group["etas"], group["step_sizes"]
        return library.Rprop(
            eta_minus=minus, eta_plus=plus, step_min=least, step_max=most, maximize=group["maximize"], **self.numbers(group)
        )
