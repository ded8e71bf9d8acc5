"""Workspaces of bundles of fits: linear systems of eight fits, one per lane, and the lanes themselves."""

from __future__ import annotations

import ctypes
from typing import Annotated, Any

import numpy as np

from jitgrad.vm.compiler.types import LANE_COUNT
from jitgrad.vm.records import Count, LaneFlags, Lanes, Reals, Record, address, in_row, pointer_to, record

MOST_PARAMETERS = 16
"""Maximum size of a system, which limits the stack memory of its computations."""


@record
class System(Record):
    """Element e of lane w is number ``LANE_COUNT * e + w`` of the target of a field. Triangles are packed column by column.

    A call serves the lanes that request it. The other lanes stay unchanged.
    """

    n: Count  # number of parameters
    asks: LaneFlags
    good: LaneFlags  # whether the factor is accurate; otherwise the Jacobian must be triangulated
    # the Gram matrix and its factor
    gram: Lanes  # of the Jacobian's columns and the residual, then of columns of norm one and of these with the residual
    norms: Lanes  # of the columns
    residual: Lanes  # norm
    gradient: Lanes  # of the cost with respect to scaled parameters
    factor: Lanes  # R, upper triangle; its columns have norm one
    right: Lanes  # R⁻ᵀ·gradient
    # a step: inputs
    scales: Lanes  # of the trust region
    radius: Lanes  # inf for a full step
    damping: Lanes  # of the previous step, then of this one
    # and results
    step: Lanes
    length: Lanes  # ‖scales · step‖
    slope: Lanes  # of the cost along the step
    square: Lanes  # of the predicted change of the residual
    # parts of the factor that a step needs
    lower: Lanes  # L of the Gram matrix L·D·Lᵀ
    inverse: Lanes  # of D
    full: Lanes  # undamped step, scaled


@record
class Place(Record):
    """The place of a column of a Jacobian or a residual."""

    data: Reals


@record
class Bundle(Record):
    """Lanes of fits, see ``bundle.py``."""

    context: Annotated[int, pointer_to("ContextDescriptor")]  # of all lanes
    lanes: Annotated[int, pointer_to("Workspace")]
    systems: Annotated[int, pointer_to("System")]  # one for each LANE_COUNT lanes
    columns: Annotated[int, pointer_to("Place")]  # of the Jacobian of the current lane, and its residual: n + 1
    n_lanes: Count
    next: Count  # next fit that no lane has begun
    busy: Count  # number of lanes with a fit


def make_systems(n: int, count: int) -> ctypes.Array[Any]:
    """Allocate systems of n parameters, one after the other, with all of their vectors and matrices.

    n is at most ``MOST_PARAMETERS``.
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
