"""The native loop: epochs over rows in memory, in chunks of 50 to 100 ms, without returning to Python in between.

Between two chunks progress is reported and the state is checked to be finite. Python takes a Ctrl-C only there, since native
code does not look for it; however the loop ends, the arena holds the state of a finished chunk, and the Variables get it.
"""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from jitgrad.errors import DataError, FitError
from jitgrad.program.machine import Machine
from jitgrad.program.program import Program
from jitgrad.tape.dtypes import check_exact
from jitgrad.tape.evaluate import leaf_values, machine_for, store_state
from jitgrad.training.step import Step

CHUNK_SECONDS = 0.075

Report = Callable[[int, np.ndarray], None]
"""Called after each chunk with the number of finished epochs and the losses so far."""


class Batches:
    """Rows of arrays in memory, and how an epoch goes through them.

    Args:
        arrays: each with the rows along its first axis; none at all where a step is an epoch.
        size: the rows of a batch; at least all of them means full batches.
        shuffle: whether each epoch has an order of its own, from ``seed`` and the epoch's number.
    """

    def __init__(self, arrays: Sequence[np.ndarray] = (), size: int = 0, shuffle: bool = False, seed: int = 0) -> None:
        self.arrays = arrays
        self.rows = len(arrays[0]) if arrays else 0
        self.size = min(size, self.rows)
        self.shuffle = shuffle
        self.seed = seed

    def cast(self, dtype: np.dtype[Any]) -> list[np.ndarray]:
        """The arrays in the dtype of a Program. Raises DataError or DTypeError for numbers that it does not hold."""
        return [_cast(number, array, dtype) for number, array in enumerate(self.arrays)]

    @property
    def full(self) -> bool:
        """Whether a batch has all rows, so that they need not be gathered."""
        return self.size == self.rows

    @property
    def tail(self) -> int:
        """The rows of the smaller last batch; 0 where there is none."""
        return self.rows % self.size if self.size else 0


def _cast(number: int, array: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray:
    check_exact(array, dtype)
    with np.errstate(over="ignore"):
        made = array.astype(dtype, copy=False)
    if made is not array and not np.isfinite(made).all():
        row = int(np.argwhere(~np.isfinite(made))[0][0])
        raise DataError(f"Data array {number} has a number beyond {dtype} in row {row}. Use float64 Variables, or scale it.")
    return made


class Run(NamedTuple):
    """What came of a run: the loss of each epoch, float64 (epochs,), and the time that the steps took."""

    losses: np.ndarray
    seconds: float


def run_epochs(step: Step, tail: Step | None, batches: Batches, epochs: int, report: Report | None = None) -> Run:
    """Run ``epochs`` epochs and give the Variables their new values.

    Args:
        step: the step for a batch of ``batches.size`` rows.
        tail: the step for one of ``batches.tail`` rows, if there is one.

    Returns:
        The losses, each the mean over an epoch's rows of what the batches' steps computed before their updates.

    Raises:
        FitError: where a loss or a parameter becomes nan or infinite; the Variables then have the values of the last
            chunk that ended well.
        KeyboardInterrupt: after Ctrl-C; the Variables then have the values of the last finished chunk.
    """
    losses = np.zeros(epochs)
    with machine_for(step.program) as machine:
        _load(machine, step, batches.cast(step.program.dtype) if batches.full else None)
        loop = _Loop(machine, step, tail, batches, losses)
        state = machine.arena[: step.program.state_size]
        good = state.copy()
        started = time.perf_counter()
        try:
            while loop.epoch < epochs:
                good[:] = state
                if not loop.chunk():
                    raise FitError(
                        f"The loss or a parameter became nan or infinite in epoch {loop.epoch + 1}. The parameters are those "
                        f"of the last finite chunk; use a smaller learning rate, or look at the scale of the data."
                    )
                if report is not None:
                    report(loop.epoch, losses)
        except BaseException:
            if loop.not_finite:
                state[:] = good
            _store(machine, step)
            raise
        seconds = time.perf_counter() - started
        _store(machine, step)
    return Run(losses, seconds)


def _store(machine: Machine, step: Step) -> None:
    """Give the Variables their values, all of them: a Ctrl-C in between makes it start again."""
    try:
        store_state(machine, step.leaves)
    except KeyboardInterrupt:
        store_state(machine, step.leaves)
        raise


def _load(machine: Machine, step: Step, arrays: Sequence[np.ndarray] | None) -> None:
    """The inputs' values; those of the batch too where it has all rows."""
    batch = arrays if arrays is not None else [np.float64(0)] * step.n_batch
    rest = leaf_values(step.leaves[step.n_batch :], step.program.dtype, replayed=True)
    machine.load([*batch, *rest, *step.literals])


class _Loop:
    """The arguments of the native ``train``, which holds its own position in them."""

    def __init__(self, machine: Machine, step: Step, tail: Step | None, batches: Batches, losses: np.ndarray) -> None:
        program = step.program
        last, last_machine = program, machine
        if tail is not None:
            last, last_machine = tail.program, Machine(tail.program)
            _load(last_machine, tail, None)
        data, feeds, order = (_NOTHING, _NOTHING, _NOTHING) if batches.full else _rows(batches, program, last)
        self._control = _control(
            program, last, batches.rows, batches.size, batches.shuffle, batches.seed, len(batches.arrays)
        ).copy()
        self._losses = losses
        self._kept = (last_machine, data, feeds, order)  # native code knows their memory by address alone
        self._train = machine.train.call
        self._arguments = (
            machine.execute.address, *machine.addresses, *last_machine.addresses,
            *[_NOWHERE if a is _NOTHING else a.ctypes.data for a in (data, feeds, order)],
            self._control.ctypes.data, losses.ctypes.data, len(losses),
        )  # fmt: skip
        self._steps = max(1, int(CHUNK_SECONDS * 1e9 / 4 / max(1, program.work)))

    @property
    def epoch(self) -> int:
        """The epoch that comes next, or the one that failed."""
        return int(self._control[0])

    @property
    def not_finite(self) -> bool:
        """Whether a loss or the state was not finite in the last chunk."""
        return bool(self._control[2])

    def chunk(self) -> bool:
        """Run for about CHUNK_SECONDS; whether all stayed finite."""
        start = time.perf_counter()
        before = self.epoch
        done = self._train(*self._arguments, self._steps)
        seconds = max(time.perf_counter() - start, 1e-9)
        self._steps = max(1, min(self._steps * 8, int(done * CHUNK_SECONDS / seconds)))
        if not self.not_finite:
            return True
        bad = np.flatnonzero(~np.isfinite(self._losses[before : self.epoch + 1]))
        self._control[0] = before + bad[0] if len(bad) else max(before, self.epoch - 1)
        return False


@functools.lru_cache(maxsize=64)
def _control(full: Program, last: Program, rows: int, size: int, shuffle: bool, seed: int, n_arrays: int) -> np.ndarray:
    """What ``train`` reads and where it keeps its position, as its first lines take it apart."""
    places = full.stop, last.stop, full.outputs[0].offset, last.outputs[0].offset, full.state_size
    return np.array((0, 0, 0, *places, rows, size, shuffle, seed, n_arrays), np.uint64)


def _rows(batches: Batches, full: Program, tail: Program) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All arrays one after the other in the Program's dtype; for each its place there, its width and its slots; the order."""
    data = np.empty(sum(a.size for a in batches.arrays), full.dtype)
    feeds, at = [], 0
    for number, array in enumerate(batches.cast(full.dtype)):
        data[at : at + array.size] = array.ravel()
        feeds.append((at, math.prod(array.shape[1:]), full.inputs[number].offset, tail.inputs[number].offset))
        at += array.size
    return data, np.array(feeds, np.uint64), np.arange(batches.rows, dtype=np.uint64)


_NOTHING = np.zeros(0)
_NOWHERE = _NOTHING.ctypes.data
