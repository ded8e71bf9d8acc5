"""Cyclic schedulers: warm restarts, triangular cycles, and one cycle."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from jitgrad.compat.torch.optim.lr_scheduler.scheduler import LRScheduler, refuse_unknown
from jitgrad.compat.torch.optim.optimizer import Optimizer
from jitgrad.errors import ArgumentError


class CosineAnnealingWarmRestarts(LRScheduler):
    """Cosine annealing with warm restarts: each period is ``T_mult`` times as long as the one before."""

    def __init__(self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        if T_0 <= 0 or not isinstance(T_0, int):
            raise ArgumentError(f"Expected positive integer T_0, but got {T_0}.")
        if T_mult < 1 or not isinstance(T_mult, int):
            raise ArgumentError(f"Expected integer T_mult >= 1, but got {T_mult}.")
        self.T_0 = self.T_i = T_0
        self.T_mult = T_mult
        self.eta_min = eta_min
        self.T_cur: float = last_epoch
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        height = (1 + math.cos(math.pi * self.T_cur / self.T_i)) / 2
        return [self.eta_min + (base - self.eta_min) * height for base in self.base_lrs]

    def step(self, epoch: float | None = None) -> None:
        """Advance to the next epoch, or to a given one, which may be fractional."""
        if epoch is None:
            self._step_count += 1
            self.last_epoch += 1
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur -= self.T_i
                self.T_i *= self.T_mult
        else:
            if epoch < 0:
                raise ArgumentError(f"Expected non-negative epoch, but got {epoch}.")
            self.T_i, self.T_cur = self.T_0, epoch
            while self.T_cur >= self.T_i:
                self.T_cur -= self.T_i
                self.T_i *= self.T_mult
            self.last_epoch = math.floor(epoch)
        self._set(self.get_lr())


class _Momentum(LRScheduler):
    """A scheduler that also sets the momentum: SGD's, or Adam's first beta."""

    def _momentum_key(self) -> str:
        keys = [key for key in ("momentum", "betas") if key in self.optimizer.defaults]
        if not keys:
            raise ArgumentError("optimizer must support momentum or beta1 with `cycle_momentum` option enabled.")
        return keys[-1]

    def _set_momenta(self, values: Sequence[float]) -> None:
        for group, momentum in zip(self.optimizer.param_groups, values, strict=True):
            if "betas" in group:
                group["betas"] = (momentum, *group["betas"][1:])
            else:
                group["momentum"] = momentum


class CyclicLR(_Momentum):
    """Learning rates that cycle between ``base_lr`` and ``max_lr``, with the momentum in the opposite direction."""

    def __init__(
        self, optimizer: Optimizer, base_lr: float | list[float], max_lr: float | list[float], step_size_up: int = 2000,
        step_size_down: int | None = None, mode: str = "triangular", gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None, scale_mode: str = "cycle", cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.8, max_momentum: float | list[float] = 0.9, last_epoch: int = -1,
    ) -> None:  # fmt: skip
        self.optimizer = optimizer
        if scale_fn is None:
            refuse_unknown("mode", mode, tuple(_SCALES))
        self.max_lrs = self._per_group("max_lr", max_lr)
        bases = self._per_group("base_lr", base_lr)
        if last_epoch == -1:
            for group, base in zip(optimizer.param_groups, bases, strict=True):
                group["lr"] = group["initial_lr"] = base
        down = step_size_up if step_size_down is None else step_size_down
        self.total_size = float(step_size_up + down)
        self.step_ratio = step_size_up / self.total_size
        self.mode, self.gamma = mode, gamma
        self.scale_fn = scale_fn
        self.scale_mode = scale_mode if scale_fn is not None else ("iterations" if mode == "exp_range" else "cycle")
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self._momentum_key()
            self.base_momentums = self._per_group("base_momentum", base_momentum)
            self.max_momentums = self._per_group("max_momentum", max_momentum)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1.0 + self.last_epoch / self.total_size - cycle
        height = x / self.step_ratio if x <= self.step_ratio else (x - 1) / (self.step_ratio - 1)
        at = cycle if self.scale_mode == "cycle" else self.last_epoch
        height *= _SCALES[self.mode](at, self.gamma) if self.scale_fn is None else self.scale_fn(at)
        if self.cycle_momentum:
            pairs = zip(self.base_momentums, self.max_momentums, strict=True)
            self._set_momenta([most - (most - least) * height for least, most in pairs])
        return [base + (most - base) * height for base, most in zip(self.base_lrs, self.max_lrs, strict=True)]


_SCALES: dict[str, Callable[[float, float], float]] = {
    "triangular": lambda cycle, gamma: 1.0,
    "triangular2": lambda cycle, gamma: 1 / 2.0 ** (cycle - 1),
    "exp_range": lambda iteration, gamma: gamma**iteration,
}


class OneCycleLR(_Momentum):
    """Increase to ``max_lr`` over the first ``pct_start`` of the steps, then decrease to near 0; momentum changes inversely."""

    def __init__(
        self, optimizer: Optimizer, max_lr: float | list[float], total_steps: int | None = None, epochs: int | None = None,
        steps_per_epoch: int | None = None, pct_start: float = 0.3, anneal_strategy: str = "cos", cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85, max_momentum: float | list[float] = 0.95, div_factor: float = 25.0,
        final_div_factor: float = 1e4, three_phase: bool = False, last_epoch: int = -1,
    ) -> None:  # fmt: skip
        self.optimizer = optimizer
        if total_steps is None:
            if epochs is None or steps_per_epoch is None:
                raise ArgumentError("You must define either total_steps OR (epochs AND steps_per_epoch).")
            total_steps = epochs * steps_per_epoch
        if total_steps <= 0:
            raise ArgumentError(f"Expected positive integer total_steps, but got {total_steps}.")
        if not 0 <= pct_start <= 1:
            raise ArgumentError(f"Expected float between 0 and 1 pct_start, but got {pct_start}.")
        refuse_unknown("anneal_strategy", anneal_strategy, tuple(_ANNEALING))
        self.total_steps = total_steps
        self.anneal_strategy = anneal_strategy
        self.cycle_momentum = cycle_momentum
        rise = float(pct_start * total_steps) - 1
        # the end of each phase, and its learning rates and momenta
        self._phases: list[tuple[float, str, str, str, str]] = (
            [
                (rise, "initial_lr", "max_lr", "max_momentum", "base_momentum"),
                (2 * rise, "max_lr", "initial_lr", "base_momentum", "max_momentum"),
                (total_steps - 1, "initial_lr", "min_lr", "max_momentum", "max_momentum"),
            ]
            if three_phase
            else [
                (rise, "initial_lr", "max_lr", "max_momentum", "base_momentum"),
                (total_steps - 1, "max_lr", "min_lr", "base_momentum", "max_momentum"),
            ]
        )
        if last_epoch == -1:
            for group, most in zip(optimizer.param_groups, self._per_group("max_lr", max_lr), strict=True):
                group["initial_lr"] = most / div_factor
                group["max_lr"] = most
                group["min_lr"] = group["initial_lr"] / final_div_factor
        if cycle_momentum:
            self._momentum_key()
            for name, given in (("max_momentum", max_momentum), ("base_momentum", base_momentum)):
                for group, value in zip(optimizer.param_groups, self._per_group(name, given), strict=True):
                    group[name] = value
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        step = self.last_epoch
        if step > self.total_steps:
            raise ArgumentError(f"Tried to step {step} times. The specified number of total steps is {self.total_steps}.")
        start = 0.0
        for end, *names in self._phases:
            if step <= end or end == self._phases[-1][0]:
                break
            start = end
        part = (step - start) / (end - start)
        anneal = _ANNEALING[self.anneal_strategy]
        groups = self.optimizer.param_groups
        if self.cycle_momentum:
            self._set_momenta([anneal(group[names[2]], group[names[3]], part) for group in groups])
        return [anneal(group[names[0]], group[names[1]], part) for group in groups]


_ANNEALING: dict[str, Callable[[Any, Any, float], Any]] = {
    "cos": lambda start, end, part: end + (start - end) / 2.0 * (math.cos(math.pi * part) + 1),
    "linear": lambda start, end, part: (end - start) * part + start,
}
