"""Combinations of schedulers: in sequence, or several at once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from jitgrad.compat.torch.optim.lr_scheduler.scheduler import LRScheduler
from jitgrad.compat.torch.optim.optimizer import Optimizer
from jitgrad.errors import ArgumentError


class _Composition(LRScheduler):
    """Base class of schedulers that combine other schedulers."""

    _schedulers: list[LRScheduler]

    def get_lr(self) -> list[float]:
        return self._rates()

    def state_dict(self) -> dict[str, Any]:
        """Return the state, including the states of the schedulers."""
        state = {name: value for name, value in vars(self).items() if name not in ("optimizer", "_schedulers")}
        return state | {"_schedulers": [scheduler.state_dict() for scheduler in self._schedulers]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the state of a scheduler of the same kind."""
        vars(self).update({name: value for name, value in state_dict.items() if name != "_schedulers"})
        for scheduler, state in zip(self._schedulers, state_dict["_schedulers"], strict=True):
            scheduler.load_state_dict(state)


def _of(optimizer: Optimizer, schedulers: Sequence[LRScheduler]) -> list[LRScheduler]:
    if not schedulers:
        raise ArgumentError("There are no schedulers. Give at least one.")
    for number, scheduler in enumerate(schedulers):
        if scheduler.optimizer is not optimizer:
            raise ArgumentError(
                f"schedulers[{number}] belongs to another optimizer. Create all of them for the same optimizer."
            )
    return list(schedulers)


class SequentialLR(_Composition):
    """Schedulers in sequence, each starting at a milestone."""

    def __init__(
        self, optimizer: Optimizer, schedulers: list[LRScheduler], milestones: list[int], last_epoch: int = -1
    ) -> None:
        if len(milestones) != len(schedulers) - 1:
            raise ArgumentError(
                f"There are {len(schedulers)} schedulers and {len(milestones)} milestones. Give one milestone fewer."
            )
        self.optimizer = optimizer
        self._schedulers = _of(optimizer, schedulers)
        self._milestones = list(milestones)
        self.last_epoch = last_epoch + 1
        for group in optimizer.param_groups:  # their constructors have set the learning rate
            group["lr"] = group["initial_lr"]
        for scheduler in self._schedulers:
            scheduler.last_epoch -= 1
        first = self._schedulers[0]
        first._step_count = 0
        first.step()
        self._last_lr = first.get_last_lr()

    def step(self, epoch: int | None = None) -> None:
        """Advance to the next epoch."""
        self.last_epoch += 1
        number = bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[number]
        scheduler.step(0 if number > 0 and self._milestones[number - 1] == self.last_epoch else None)
        self._last_lr = scheduler.get_last_lr()


class ChainedScheduler(_Composition):
    """Several schedulers at once; each modifies the learning rate set by the one before it."""

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None) -> None:
        self.optimizer = schedulers[0].optimizer if optimizer is None and schedulers else optimizer  # type: ignore[assignment]
        self._schedulers = _of(self.optimizer, schedulers)
        self._last_lr = self._rates()

    def step(self, epoch: int | None = None) -> None:
        """Advance to the next epoch."""
        for scheduler in self._schedulers:
            scheduler.step()
        self._last_lr = self._rates()
