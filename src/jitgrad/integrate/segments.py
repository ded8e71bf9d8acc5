"""Integration in segments: from one jump or event to the next.

The segments are trips of one loop. Each integrates to all times of the results, moved into the segment, and a result takes the
value of the last segment that begins at its time or before. Derivatives through jumps and events need no rules of their own:
they follow from the derivatives of a solution by its initial time, its initial state and its final time.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from jitgrad.functions.joining import concatenate
from jitgrad.functions.reductions import sum as sum_
from jitgrad.integrate.events import Events
from jitgrad.integrate.jumps import Jumps
from jitgrad.integrate.options import Options
from jitgrad.integrate.problem import Problem, Tensors
from jitgrad.integrate.statistics import STATISTICS, merged
from jitgrad.ops.elementwise import where
from jitgrad.tape.loop import loop
from jitgrad.tape.tensor import Tensor


class Segments(NamedTuple):
    """The result of an integration in segments.

    Attributes
    ----------
    values : list of Tensor
        Each state at the times of the results, of shape ``(m, ...)``; nan after the last segment.
    stats : Tensor
        The statistics of all segments.
    reached : Tensor
        The final time.
    running, stopped : Tensor
        1 if segments are missing, and 1 if an event stopped the integration.
    final : list of Tensor
        The states at the final time.
    entries, exits : list of Tensor
        The initial time and states, and the final time and states, of each segment, without the jump or reset at its end.
    happens : Tensor
        Which events happen at the end of each segment, of shape ``(segments, events)``.
    """

    values: Tensors
    stats: Tensor
    reached: Tensor
    running: Tensor
    stopped: Tensor
    final: Tensors
    entries: Tensors
    exits: Tensors
    happens: Tensor

    def known_together(self) -> Tensors:
        """Return what describes the end and the events, whose values are requested together."""
        return [self.reached, self.running, self.stopped, self.happens, *self.exits]


def integrated(
    problem: Problem,
    options: Options,
    span: tuple[Tensor, Tensor, Tensor],
    times: Tensor,
    jumps: Jumps | None,
    events: Events | None,
    max_events: int,
) -> Segments:
    """Integrate from the first to the last time of ``span``, in the direction ``span[2]``, with jumps and events."""
    first, last, sign = span
    n, n_jumps = len(problem.y0), 0 if jumps is None else jumps.count
    none = np.zeros(1 if events is None else len(events.events))

    def body(carries: Tensors, slices: Tensors) -> tuple[Tensors, Tensors]:
        t, number, running, stopped, offset, seen, stats = carries[:7]
        states, results = carries[7 : 7 + n], carries[7 + n :]
        happens: Any = none
        to = where(running, last if jumps is None else jumps.end(number), t)
        if events is not None:
            to, happens = events.first(t, to, states, offset)
        inside = where(sign * (times - t) < 0, t, where(sign * (times - to) > 0, to, times))
        values, new, *_ = options.run(problem.derivatives, t, concatenate([inside, to.reshape((1,))]), states)
        begun = sign * (times - t) >= 0
        results = [where(_columns(begun, r), v[:-1], r) for v, r in zip(values, results, strict=True)]
        exits, arrived = [v[-1] for v in values], running
        following = exits
        if events is not None:
            to, exits, happens = events.corrected(to, exits, happens)
            following, offset = events.after(to, exits, happens)
            seen, arrived = seen + happens, running * (sum_(happens) == 0)
            stopped = where(events.stops(happens, seen), 1.0, stopped)
        if jumps is not None:
            jumped = jumps.after(number, to, exits)
            following = [where(arrived, new_state, x) for new_state, x in zip(jumped, following, strict=True)]
        running = where(arrived * (number == n_jumps) + stopped > 0, 0.0, running)
        number = where(arrived * (number < n_jumps), number + 1, number)
        return [to, number, running, stopped, offset, seen, merged(stats, new), *following, *results], [
            happens,
            t,
            *states,
            to,
            *exits,
        ]

    empty = [np.full((times.shape[0], *y.shape), np.nan) for y in problem.y0]
    begun = [first, np.array(0), np.array(1.0), np.array(0.0), none, none, np.zeros(STATISTICS), *problem.y0, *empty]
    trips = 1 + n_jumps + (0 if events is None else events.most(max_events))
    carried, (happens, *ends) = loop(body, trips, begun)
    reached, running, stopped, stats, values = carried[0], carried[2], carried[3], carried[6], carried[7 + n :]
    beyond = sign * (times - reached) > 0
    values = [where(_columns(beyond, v), np.nan, v) for v in values]
    return Segments(values, stats, reached, running, stopped, carried[7 : 7 + n], ends[: n + 1], ends[n + 1 :], happens)


def _columns(mask: Tensor, like: Tensor) -> Tensor:
    """Return a mask of times with an axis for each axis of a state."""
    return mask.reshape((mask.shape[0], *(1,) * (like.ndim - 1)))
