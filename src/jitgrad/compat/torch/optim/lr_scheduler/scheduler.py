"""The base of all schedulers: counting steps, and setting the learning rates of an optimizer's groups."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from jitgrad.compat.torch.optim.optimizer import Optimizer
from jitgrad.errors import ArgumentError, OptionError, UnsupportedError, users_level


class LRScheduler(ABC):
    """Base class: ``step`` sets each group's learning rate to the result of ``get_lr`` for ``last_epoch``.

    Parameters
    ----------
    optimizer : Optimizer
        The optimizer whose learning rates are set. The constructor sets them for the first epoch.
    last_epoch : int
        The number of the last epoch, or -1 to start.
    """

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        if not isinstance(optimizer, Optimizer):
            raise UnsupportedError(f"{type(optimizer).__name__} is not an Optimizer. Give the optimizer itself.")
        self.optimizer = optimizer
        for number, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                raise ArgumentError(
                    f"param 'initial_lr' is not specified in param_groups[{number}] when resuming the scheduler. Set it to the "
                    f"learning rate of the first epoch."
                )
        self.base_lrs: list[float] = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self._step_count = 0
        self.step()

    @abstractmethod
    def get_lr(self) -> Sequence[float]:
        """Return the learning rates for ``last_epoch``, computed from the current ones."""

    def _rates(self) -> list[float]:
        return [group["lr"] for group in self.optimizer.param_groups]

    def get_last_lr(self) -> list[float]:
        """Return the most recently set learning rates."""
        return self._last_lr

    def step(self, epoch: int | None = None) -> None:
        """Advance to the next epoch, or to a given one."""
        self._step_count += 1
        if self._step_count == 2 and not self.optimizer._stepped:
            warnings.warn(
                "Detected call of `lr_scheduler.step()` before `optimizer.step()`. The first learning rate is skipped: call "
                "`optimizer.step()` first in each epoch.",
                UserWarning,
                stacklevel=users_level(),
            )
        if epoch is None:
            self.last_epoch += 1
            self._set(self.get_lr())
        else:
            self._set(self.base_lrs)
            for self.last_epoch in range(epoch + 1):
                self._set(self.get_lr())

    def _set(self, rates: Sequence[float]) -> None:
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate
        self._last_lr = self._rates()

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the scheduler without its optimizer and functions."""
        return {name: value for name, value in vars(self).items() if name != "optimizer" and not callable(value)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the state of a scheduler of the same kind."""
        vars(self).update(state_dict)

    def _per_group(self, name: str, value: Any) -> list[Any]:
        """Return a list with a value for each group."""
        groups = len(self.optimizer.param_groups)
        if not isinstance(value, (list, tuple)):
            return [value] * groups
        if len(value) != groups:
            raise ArgumentError(f"Expected {groups} values for {name}, but got {len(value)}. Give one, or one for each group.")
        return list(value)


def refuse_unknown(name: str, value: str, known: Sequence[str]) -> None:
    """Raise OptionError for a value that is not one of ``known``."""
    if value not in known:
        raise OptionError(f"{name} is {value!r}. Give one of {', '.join(known)}.")
