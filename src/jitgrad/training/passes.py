"""A pass over rows, as native code knows it: contexts, memory, and a plan of addresses and numbers (``vm/plan.py``)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from jitgrad.program.context import Context
from jitgrad.program.program import Program
from jitgrad.program.slots import Slot
from jitgrad.tape.evaluate import leaf_values
from jitgrad.training.rows import Batches
from jitgrad.training.step import Step
from jitgrad.vm.plan import PASS_SIZE, TAIL


class Pass(NamedTuple):
    """A way through rows: the step for a batch of ``batches.size`` rows, the one for ``batches.tail`` rows if any, the rows."""

    step: Step
    tail: Step | None
    batches: Batches


class Figures(NamedTuple):
    """What the epochs of a pass came to.

    Attributes:
        losses: float64 (epochs,), each the mean over the rows of what the batches' steps computed before their updates.
        sums: float64 (epochs, n), the sums over an epoch's batches of the step's second output.
    """

    losses: np.ndarray
    sums: np.ndarray


class Bound:
    """A pass with its contexts, its memory, and its plan for native code, which knows memory by address alone."""

    def __init__(self, way: Pass, context: Context, epochs: int, source: Step | None = None) -> None:
        step, tail, batches = way
        self.rows = batches.rows
        last = context if tail is None else Context(tail.program)
        self._contexts = [(step, context)] if tail is None else [(step, context), (tail, last)]
        program = step.program
        n_sums = program.outputs[1].size if len(program.outputs) > 1 else 0
        self.figures = Figures(np.zeros(epochs), np.zeros((epochs, n_sums)) if n_sums else _NO_SUMS)
        if batches.full and batches.arrays:
            context.load(batches.cast(program.dtype), stop=step.n_batch)
        copies = _NOTHING if source is None else _copies(source, [step for step, _ in self._contexts])
        self._arrays, *gathered = _NOT_GATHERED if batches.full else _gathered(batches, program, last.program)
        self._gathered = gathered  # native code knows them and the arrays by address
        self._copies: np.ndarray = copies  # native code knows them by address
        places = _program_plan(context)
        self.plan = np.array(
            (
                *places, *(places if tail is None else _program_plan(last)),
                *(_NOT_GATHERED_PLACES if batches.full else map(_address, gathered)), _address(copies),
                *map(_address, self.figures), batches.rows, batches.size, batches.shuffle and not batches.full, batches.seed,
                0 if batches.full else len(batches.arrays), len(copies), program.state_size, n_sums,
            ),
            np.uint64,
        )  # fmt: skip
        self.load()

    def load(self) -> None:
        """The values of what is no batch."""
        for step, context in self._contexts:
            leaves = leaf_values(step.leaves[step.n_batch :], step.program.dtype, replayed=True)
            context.load([*leaves, *step.literals], step.n_batch)

    def take(self, source: Context) -> None:
        """What native code does when a look begins: take the Variables' values from the training arena."""
        for place, part, to, size in self._copies.tolist():
            self._contexts[part // TAIL][1].arena[to : to + size] = source.arena[place : place + size]

    def last_loss(self, after: int) -> float:
        """The loss of the step that ended at row ``after``, 0 at the end of the epoch."""
        return float(self._contexts[-1 if after == 0 else 0][1].outputs[0])


def _program_plan(context: Context) -> tuple[int, ...]:
    """A Program and its arena, as the first columns of a plan."""
    outputs = context.program.outputs
    return (*context.addresses, context.program.stop, outputs[0].offset, outputs[-1].offset)


def _gathered(batches: Batches, full: Program, tail: Program) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """The arrays in the Program's dtype, row after row; for each its address, its width and its slots; the order."""
    arrays = [np.ascontiguousarray(array) for array in batches.cast(full.dtype)]
    feeds = [
        (_address(array), math.prod(array.shape[1:]), full.inputs[number].offset, tail.inputs[number].offset)
        for number, array in enumerate(arrays)
    ]
    return arrays, np.array(feeds, np.uint64).reshape(-1, 4), np.arange(batches.rows, dtype=np.uint64)


def _copies(source: Step, ways: Sequence[Step]) -> np.ndarray:
    """What a looking pass takes from the training arena: place there, which arena, place in it, size, a row a Variable."""
    there = dict(_slots(source))
    rows = [
        (there[key].offset, TAIL * number, slot.offset, slot.size)
        for number, step in enumerate(ways)
        for key, slot in _slots(step)
        if key in there
    ]
    return np.array(rows, np.uint64).reshape(-1, 4)


def _slots(step: Step) -> list[tuple[int, Slot]]:
    """Each Variable, by id, and its place."""
    pairs = zip(step.leaves, step.program.inputs, strict=False)  # literals may come after the leaves
    return [(id(leaf.variable), slot) for leaf, slot in pairs if leaf.variable is not None]


def _address(array: np.ndarray) -> int:
    return array.ctypes.data if array.size else _NOWHERE


_NOTHING = np.zeros(0)
_NOWHERE = _NOTHING.ctypes.data
_NOT_GATHERED: tuple[list[np.ndarray], np.ndarray, np.ndarray] = [], _NOTHING, _NOTHING
_NO_SUMS = np.zeros((0, 0))
_NOT_GATHERED_PLACES = _NOWHERE, _NOWHERE
_NO_PLAN = np.zeros(PASS_SIZE, np.uint64)
NO_PASS = _NO_PLAN.ctypes.data
"""The address of a plan without rows."""
