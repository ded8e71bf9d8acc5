"""What bundles of fits work in: linear systems of eight fits side by side, a lane each, and the lanes themselves."""

from __future__ import annotations

import ctypes
from typing import Annotated, Any

import numpy as np

from jitgrad.vm.compiler.types import LANE_COUNT
from jitgrad.vm.records import Count, LaneFlags, Lanes, Reals, Record, address, in_row, pointer_to, record

MOST_PARAMETERS = 16
"""Of a system: what is computed of it stands on the stack meanwhile."""


@record
class System(Record):
    """Element e of lane w is number ``LANE_COUNT * e + w`` of what a field points to. Triangles are packed column by column.

    A call is for the lanes that ask. The others keep all that they have, whatever it is.
    """

    n: Count  # parameters
    asks: LaneFlags
    good: LaneFlags  # whether the factor has its digits: else the Jacobian itself is to be triangulated, and no step asked for
    # the Gram matrix and its factor
    gram: Lanes  # of the Jacobian's columns and the residual, then of columns of norm one and of these with the residual
    norms: Lanes  # of the columns
    residual: Lanes  # norm
    gradient: Lanes  # of the cost by scaled parameters
    factor: Lanes  # R, upper triangle; its columns have norm one
    right: Lanes  # R⁻ᵀ·gradient
    # a step: what is given
    scales: Lanes  # of the trust region
    radius: Lanes  # inf for a full step
    damping: Lanes  # of the step before, then of this one
    # and what is found
    step: Lanes
    length: Lanes  # ‖scales · step‖
    slope: Lanes  # of the cost along the step
    square: Lanes  # of the change of the residual that the linear model foretells
    # what a step needs of the factor
    lower: Lanes  # L, where the Gram matrix is L·D·Lᵀ
    inverse: Lanes  # of D
    full: Lanes  # step without damping, scaled


@record
class Place(Record):
    """Where a column of a Jacobian or a residual is."""

    data: Reals


@record
class Bundle(Record):
    """Lanes that fits are taken in, see ``bundle.py``."""

    context: Annotated[int, pointer_to("ContextDescriptor")]  # of all lanes
    lanes: Annotated[int, pointer_to("Workspace")]
    systems: Annotated[int, pointer_to("System")]  # one for each LANE_COUNT lanes
    columns: Annotated[int, pointer_to("Place")]  # of the Jacobian of the lane at work, and its residual: n + 1
    n_lanes: Count
    next: Count  # fit that no lane has begun
    busy: Count  # lanes that have a fit


def make_systems(n: int, count: int) -> ctypes.Array[Any]:
    """Some systems of n parameters, one after the other, with memory for all of their vectors and matrices.

    They are ``MOST_PARAMETERS`` at most.
    """
    assert n <= MOST_PARAMETERS
    triangle = n * (n + 1) // 2
    sizes = {name: n for name, kind in System.kinds.items() if kind.of == "lanes"}
    sizes |= dict.fromkeys(("residual", "radius", "damping", "length", "slope", "square"), 1)
    sizes |= {"gram": triangle + n + 1, "factor": triangle, "lower": triangle}
    systems = [System(n=n) for _ in range(count)]
    for system in systems:
        numbers, flags = np.zeros((sum(sizes.values()) + 1, LANE_COUNT)), np.zeros((2, LANE_COUNT), bool)
        place = -address(numbers) % numbers[0].nbytes + address(numbers)  # on a cache line
        for name, size in sizes.items():
            setattr(system, name, place)
            place += size * numbers[0].nbytes
        system.set(asks=flags[0], good=flags[1])
        system.memory = numbers
    return in_row(System, systems)
