"""The assembler, which appends instructions and the table entries to which they refer."""

from __future__ import annotations

import array
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from jitgrad.ops import Shape
from jitgrad.program.split import split
from jitgrad.vm.instructions import BY_LANE, BY_TRIP, INSTRUCTIONS, MOVE, OPCODE, OPERATION, WIDTH, WORD


class Assembler:
    """Instructions of one dtype, and their table.

    Attributes
    ----------
    table : array of uint64
        Sizes, strides and offsets that instructions refer to.
    whole : bool
        Whether large instructions are emitted whole, because they are already part of a loop that threads share.
    """

    def __init__(self, dtype: np.dtype[Any], table: list[int] | None = None, whole: bool = False) -> None:
        self.dtype, self.whole = dtype, whole
        self._words = array.array("Q")  # words of all instructions; avoids an object for each instruction
        self.table: list[int] = [] if table is None else table

    @property
    def stop(self) -> int:
        """The number of instructions so far."""
        return len(self._words) // WIDTH

    def emit(self, name: str, **fields: int) -> None:
        """Append an instruction, splitting a large one into a loop that threads can share. Missing fields are ignored."""
        parts = None if self.whole else split(INSTRUCTIONS[OPCODE[name]], fields)
        if parts is None:
            self.append(name, **fields)
            return
        fixed = dict.fromkeys(fields, 0)
        body, moved = np.array([row(name, parts.first)]), np.array([row(name, fixed | parts.moves)])
        moved[:, OPERATION] = 0
        rest = None if parts.rest is None else np.array([row(name, parts.rest)])
        self.loop(parts.number, body, moved, 0 * moved, parts.number, rest)

    def append(self, name: str, **fields: int) -> None:
        """Append an instruction unchanged."""
        self.put(row(name, fields))

    def put(self, made: list[int]) -> None:
        """Append an instruction given as words."""
        self._words.fromlist(made)

    def append_all(self, code: np.ndarray) -> None:
        """Append finished instructions."""
        self._words.frombytes(code.astype(np.uint64).tobytes())

    def loop(
        self,
        trips: int,
        body: np.ndarray,
        by_trip: np.ndarray,
        by_lane: np.ndarray,
        lanes: int = 0,
        tail: np.ndarray | None = None,
    ) -> None:
        """Append a loop.

        Parameters
        ----------
        trips, lanes : int
            The number of iterations, and the number of ranges of iterations that threads can share; 0 lanes for none.
        body, tail : ndarray
            Instructions as in the first trip of the first lane; and the instructions of the last trip if it differs.
        by_trip, by_lane : ndarray
            Increments of the fields with each trip and with each lane.
        """
        if len(body) == 0:
            return
        moving = np.flatnonzero(by_trip | by_lane)
        moves = np.empty((len(moving), MOVE), np.int64)
        moves[:, WORD], moves[:, BY_TRIP], moves[:, BY_LANE] = moving, by_trip.ravel()[moving], by_lane.ravel()[moving]
        tail = body[:0] if tail is None else tail
        fields = {"trips": trips, "length": len(body), "t": self.numbers(moves.ravel().tolist()), "moves": len(moving)}
        self.append("loop", **fields, tail=len(tail), lanes=lanes)
        self.append_all(body)
        self.append("next", **fields, left=0)
        self.append_all(tail)

    def code(self) -> np.ndarray:
        """The instructions, uint64 of shape (n, WIDTH)."""
        return np.array(self._words, np.uint64).reshape(-1, WIDTH)

    def numbers(self, wanted: list[int]) -> int:
        """Return the position of some numbers in the table. Equal sequences are stored once."""
        start, n = len(self.table), len(wanted)
        for k in range(start - n + 1):
            if self.table[k : k + n] == wanted:
                return k
        self.table += wanted
        # They may begin among the numbers before, where they are found from now on.
        return next(k for k in range(max(0, start - n + 1), start + 1) if self.table[k : k + n] == wanted)

    def view(self, name: str, d: int, a: int, shape: Shape, strides: Sequence[int]) -> None:
        """Emit a strided copy, ``copy_from`` or ``copy_into``, after merging contiguous axes."""
        sizes, jumps = [1], [1]
        for n, s in zip(shape, strides, strict=True):
            if n == 1:
                continue
            if jumps[-1] == n * s and sizes[-1] != 1:
                sizes[-1], jumps[-1] = sizes[-1] * n, s
            else:
                sizes.append(n)
                jumps.append(s)
        if len(sizes) > 1:
            del sizes[0], jumps[0]
        n = math.prod(sizes)
        if n == 0:
            return
        if len(sizes) == 1 and jumps[0] == 1:
            self.emit("copy", d=d, a=a, n=n)
            return
        self.emit(name, d=d, a=a, t=self.numbers(sizes + jumps), ndim=len(sizes), n=n)


def row(name: str, fields: dict[str, int]) -> list[int]:
    """Encode an instruction: its opcode, and those of the given fields that it has."""
    made = [OPCODE[name], *[fields[key] for key in INSTRUCTIONS[OPCODE[name]].fields]]
    return made + [0] * (WIDTH - len(made))
