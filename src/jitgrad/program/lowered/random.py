"""Random numbers, and the step of their state."""

from __future__ import annotations

import math

from jitgrad.ops import Shape
from jitgrad.ops.random import STATE_SIZE
from jitgrad.program.assembler import Assembler
from jitgrad.program.lowered.table import UPDATES, Lowered, Placed, Updating, declare


def _uniform(code: Assembler, at: Placed, shape: Shape, stream: int) -> None:
    code.emit("uniform", d=at.d, a=at.places[0], stream=stream, n=math.prod(shape))


def _advance(code: Assembler, at: Placed) -> None:
    code.emit("advance", p=at.d, n=math.prod(at.shape))


declare(Lowered("uniform", _uniform))
UPDATES["advance"] = Updating("advance", 1, 0, _advance, lambda state: state == (STATE_SIZE,))
