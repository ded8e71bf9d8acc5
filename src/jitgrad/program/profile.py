"""Profiling of a Program: each instruction is run many times in isolation."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from jitgrad.program.context import Context
from jitgrad.program.loop_extents import ranges_of, trips_at
from jitgrad.vm.instructions import JUMPS

_SECONDS = 5e-4
"""Duration of the repetitions of an instruction."""
_REPEATS = 5


class Cost(NamedTuple):
    """The cost of one instruction.

    Attributes
    ----------
    name : str
        The name of the instruction in dumps.
    entry : str
        The entry of the Program that contains it.
    fields : dict
        The fields of the instruction.
    seconds : float
        Shortest time of one run, with operands in cache if they fit, times the trips of the loops around it.
    flops : int
        Multiplications and additions of a matrix product in all trips; 0 for other instructions.
    bytes : int
        Bytes read and written in all trips.
    """

    name: str
    entry: str
    fields: dict[str, int]
    seconds: float
    flops: int
    bytes: int


def profile(context: Context) -> list[Cost]:
    """Return the cost of each instruction of a context whose inputs are loaded. The arena is restored afterwards."""
    before = context.arena.copy()
    context.run()
    after = context.arena.copy()
    costs = []
    loops = ranges_of(context.program)
    for i in range(context.program.stop):
        kind, fields = context.program.instruction(i)
        if kind.name in ("loop", "next", *JUMPS):
            continue
        trips = trips_at(i, loops)
        table = context.program.table
        touched = sum(count for part in (kind.reads, kind.writes) for _, count in part(fields, table))
        costs.append(
            Cost(
                kind.name,
                context.program.entry_of(i),
                fields,
                _seconds(context, i, after) * trips,
                _flops(fields) * trips,
                touched * context.arena.itemsize * trips,
            )
        )
    context.arena[:] = before
    return costs


def _seconds(context: Context, i: int, arena: np.ndarray) -> float:
    code, count, best = context.program.code[i : i + 1], 1, np.inf
    while True:
        repeated = Context(replace(context.program, code=np.repeat(code, count, axis=0)), context.arena)
        for _ in range(_REPEATS):
            context.arena[:] = arena
            start = time.perf_counter()
            repeated.run()
            best = min(best, (time.perf_counter() - start) / count)
        if best * count > _SECONDS:
            return float(best)
        count = max(2 * count, int(1.5 * _SECONDS / best))
        best = np.inf


def _flops(fields: dict[str, int]) -> int:
    if not {"m", "k", "n"} <= fields.keys():
        return 0
    return 2 * fields["m"] * fields["k"] * fields["n"] * fields.get("batch", 1)
