"""Extents of instructions in loops: for each lane, their fields at the lowest and the highest places over all trips."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from jitgrad.errors import ProgramError
from jitgrad.vm.context import MOST_TASKS
from jitgrad.vm.instructions import BY_LANE, BY_TRIP, JUMPS, MOVE, OPCODE, OPERATION, WIDTH, WORD, Instruction

if TYPE_CHECKING:
    from jitgrad.program.program import Program

Fields = dict[str, int]


class Range(NamedTuple):
    """The instructions first ≤ i < stop of a loop's body, the number of trips, the tail after them, and the moving fields.

    Attributes
    ----------
    moves : tuple
        For each instruction, the fields that move, with their increments per trip and per lane.
    """

    first: int
    stop: int
    trips: int
    lanes: int
    end: int
    moves: dict[int, list[tuple[str, int, int]]]

    def trips_of(self, lane: int) -> range:
        """Return the trips of a lane, or all trips if there are no lanes."""
        if not self.lanes:
            return range(self.trips)
        return range(lane * self.trips // self.lanes, (lane + 1) * self.trips // self.lanes)


def ranges_of(program: Program) -> list[Range]:
    """Return the loops of a Program, outer loops first. Raise ProgramError if a loop is incomplete or not properly nested."""
    found: list[Range] = []
    for i in np.flatnonzero(program.code[:, OPERATION] == OPCODE["loop"]).tolist():
        kind, fields = program.instruction(i)
        where = f"Instruction {i} (loop)"
        check_limits(program, kind, fields, where)
        following = i + 1 + fields["length"]
        end = following + 1 + fields["tail"]
        outer = [r for r in found if r.first <= i < r.end]
        if end > program.stop or program.entry_of(i) != program.entry_of(end - 1) or any(end > _limit(r, i) for r in outer):
            raise ProgramError(f"{where} extends beyond its entry or the enclosing loop. Lower the expression again.")
        same = ("trips", "length", "t", "moves")
        name, last = program.instruction(following)
        if name.name != "next" or any(last[field] != fields[field] for field in same):
            raise ProgramError(f"{where} does not end with an instruction next. Lower the expression again.")
        if fields["lanes"] + bool(fields["tail"]) > MOST_TASKS or (fields["lanes"] and any(r.lanes for r in outer)):
            raise ProgramError(f"{where} has more lanes than threads can share. Lower the expression again.")
        found.append(Range(i + 1, following, fields["trips"], fields["lanes"], end, _moves(program, i, fields)))
    ends = {r.stop for r in found}
    for i in np.flatnonzero(program.code[:, OPERATION] == OPCODE["next"]).tolist():
        if i not in ends:
            raise ProgramError(f"Instruction {i} (next) ends no loop. Lower the expression again.")
    return found


def check_jumps(program: Program, loops: Sequence[Range]) -> None:
    """Raise ProgramError if an instruction jumps out of its entry, or into or out of the body of a loop."""
    for i in np.flatnonzero(np.isin(program.code[:, OPERATION], [OPCODE[name] for name in JUMPS])).tolist():
        kind, fields = program.instruction(i)
        target = i + 1 + (-fields["length"] if kind.name == "back" else fields["length"])
        entry = next(e for e in program.entries if e.start <= i < e.stop)
        bodies = [(entry.start, entry.stop), *((r.first, r.stop) for r in loops), *((r.stop + 1, r.end) for r in loops)]
        leaves = any(first <= i < stop and not first <= target <= stop for first, stop in bodies)
        enters = any(not first <= i < stop and first <= target < stop for first, stop in bodies[1:])
        skips = any(target == r.stop and not r.first <= i < r.stop for r in loops)  # to the end of the body
        if leaves or enters or skips:
            raise ProgramError(f"Instruction {i} ({kind.name}) jumps to {target}, beyond its loop. Lower the expression again.")


def trips_at(i: int, loops: Sequence[Range]) -> int:
    """Return the number of times that the loops around instruction ``i`` run it."""
    return math.prod(loop.trips for loop in loops if loop.first <= i < loop.stop)


def check_limits(program: Program, kind: Instruction, fields: Fields, where: str) -> None:
    """Raise ProgramError if a number of an instruction exceeds its limits."""
    for limit in kind.limits:
        wrong = limit(fields, program.table, program.dtype)
        if wrong:
            raise ProgramError(f"{where} has {wrong}. Lower the expression again.")


def _limit(outer: Range, i: int) -> int:
    """Return the position at which a loop at instruction ``i`` must end: the end of the enclosing body or tail."""
    return outer.stop if i < outer.stop else outer.end


def _moves(program: Program, i: int, fields: Fields) -> dict[int, list[tuple[str, int, int]]]:
    table = program.table[fields["t"] :][: MOVE * fields["moves"]].astype(np.int64).reshape(-1, MOVE)
    moves: dict[int, list[tuple[str, int, int]]] = {}
    for move in table.tolist():
        word = move[WORD]
        row, column = divmod(word, WIDTH)
        kind = program.instruction(i + 1 + row)[0] if 0 <= row < fields["length"] else None
        name = kind.fields[column - 1] if kind is not None and 0 < column <= len(kind.fields) else ""
        if kind is None or name not in kind.places:
            raise ProgramError(f"Instruction {i} (loop) moves word {word}, which is not a place. Lower the expression again.")
        moves.setdefault(i + 1 + row, []).append((name, move[BY_TRIP], move[BY_LANE]))
    return moves


def swept(i: int, fields: Fields, loops: Sequence[Range]) -> Iterator[tuple[int, Sequence[Fields]]]:
    """Yield, for each lane of the loops around instruction ``i``, its number and the fields at the lowest and highest places.

    The two are equal if nothing moves. Without a loop that has lanes, there is one lane.
    """
    around = [r for r in loops if r.first <= i < r.stop]
    if not any(r.lanes or i in r.moves for r in around):
        yield 0, (fields,)
        return
    for lane in range(max(1, *[r.lanes for r in around])):
        low, high = dict(fields), dict(fields)
        for r in around:
            trips = r.trips_of(lane)
            for name, by_trip, by_lane in r.moves.get(i, ()):
                ends = [by_trip * trip + by_lane * lane for trip in (trips[0], trips[-1])]
                low[name] += min(ends)
                high[name] += max(ends)
        yield lane, (low, high)
