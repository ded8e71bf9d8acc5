"""A learning rate that is reduced when a metric stops improving."""

from __future__ import annotations

import math
from typing import Any

from jitgrad.compat.torch.optim.lr_scheduler.scheduler import LRScheduler, refuse_unknown
from jitgrad.compat.torch.optim.optimizer import Optimizer
from jitgrad.errors import ArgumentError


class ReduceLROnPlateau(LRScheduler):
    """Multiply the learning rate by ``factor`` after more than ``patience`` epochs without an improvement."""

    def __init__(
        self, optimizer: Optimizer, mode: str = "min", factor: float = 0.1, patience: int = 10, threshold: float = 1e-4,
        threshold_mode: str = "rel", cooldown: int = 0, min_lr: float | list[float] = 0, eps: float = 1e-8,
    ) -> None:  # fmt: skip
        if factor >= 1.0:
            raise ArgumentError(f"Factor is {factor}. It should be < 1.0.")
        refuse_unknown("mode", mode, ("min", "max"))
        refuse_unknown("threshold_mode", threshold_mode, ("rel", "abs"))
        self.optimizer = optimizer
        self.min_lrs = self._per_group("min_lr", min_lr)
        self.mode, self.factor, self.patience, self.eps = mode, factor, patience, eps
        self.threshold, self.threshold_mode = threshold, threshold_mode
        self.cooldown, self.last_epoch = cooldown, 0
        self._reset()
        self._last_lr = self._rates()

    def _reset(self) -> None:
        self.best = math.inf if self.mode == "min" else -math.inf
        self.cooldown_counter = 0
        self.num_bad_epochs = 0

    def get_lr(self) -> list[float]:
        return self._rates()

    @property
    def in_cooldown(self) -> bool:
        """Whether epochs are in the cooldown period."""
        return self.cooldown_counter > 0

    def is_better(self, a: float, best: float) -> bool:
        """Return whether ``a`` improves on ``best`` by the threshold."""
        by = self.threshold if self.mode == "max" else -self.threshold
        bar = best * (1 + by) if self.threshold_mode == "rel" else best + by
        return a > bar if self.mode == "max" else a < bar

    def step(self, metrics: Any, epoch: int | None = None) -> None:  # type: ignore[override]
        """Record the metric of an epoch."""
        current = float(metrics)
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        if self.is_better(current, self.best):
            self.best = current
            self.num_bad_epochs = 0
        else:
            self.num_bad_epochs += 1
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce()
            self.cooldown_counter = self.cooldown
            self.num_bad_epochs = 0
        self._last_lr = self._rates()

    def _reduce(self) -> None:
        for group, least in zip(self.optimizer.param_groups, self.min_lrs, strict=True):
            new = max(group["lr"] * self.factor, least)
            if group["lr"] - new > self.eps:
                group["lr"] = new
