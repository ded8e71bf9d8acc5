"""Solving a problem at given times, at its steps, or as a function of time, and its result."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from jitgrad.errors import ArgumentError, TracingError
from jitgrad.functions.joining import concatenate
from jitgrad.functions.selection import argsort
from jitgrad.functions.shapes import moveaxis
from jitgrad.integrate.events import Events
from jitgrad.integrate.failures import error_of, too_many_events
from jitgrad.integrate.jumps import Jumps
from jitgrad.integrate.options import Options
from jitgrad.integrate.problem import Problem, Tensors, as_floats
from jitgrad.integrate.result import OdeResult, OdeSolution
from jitgrad.integrate.segments import Segments, integrated
from jitgrad.integrate.statistics import Statistics, statistics_from
from jitgrad.integrate.times import interval, known, times_in, value_of
from jitgrad.ops.elementwise import where
from jitgrad.ops.linear import gather
from jitgrad.tape.tensor import Tensor

_MESSAGES = ("The solver successfully reached the end of the integration interval.", "A termination event occurred.")


class Solver:
    """A problem with its interval, options, jumps and events."""

    def __init__(self, problem: Problem, t_span: Any, options: Options, jumps: Any, events: Any, max_events: int) -> None:
        self._problem, self._options, self._most = problem, options, max_events
        self._first, self._last = interval(t_span)
        self._jumps = None if jumps is None else Jumps(problem, jumps, *self._span)
        self._events = None if events is None else Events(problem, events, options, *self._span)

    @functools.cached_property
    def _span(self) -> tuple[Tensor, Tensor, Tensor]:
        """The initial time, the final time, and the direction of the integration."""
        return self._first, self._last, where(self._last >= self._first, 1.0, -1.0)

    def result(self, t_eval: Any, dense_output: bool) -> OdeResult:
        """Return the result at the times of ``t_eval``, or at the steps."""
        times = self._steps() if t_eval is None else times_in(t_eval, self._first, self._last)
        values, stats, segments = self._solved(times)
        if t_eval is None and segments is not None:
            values = [concatenate([v[:-1], x.reshape((1, *x.shape))]) for v, x in zip(values, segments.final, strict=True)]
        values = [moveaxis(v, 0, -1) for v in values]
        numbers = known(stats, *values, *(segments.known_together() if segments is not None else ()))
        if numbers is None:
            ended = self._ended_unknown(statistics_from(stats), segments)
        else:
            ended = self._ended(statistics_from(numbers), segments)
            if segments is not None and ended["status"] == 1:
                kept = int((value_of(self._span[2] * (times - segments.reached)) <= 0).sum())
                times, values = times[:kept], [v[..., :kept] for v in values]
        t_events, y_events = (None, None) if self._events is None or segments is None else self._of_events(segments)
        sol = OdeSolution(self._at) if dense_output else None
        return OdeResult(t=times, y=self._problem.pack(values), sol=sol, t_events=t_events, y_events=y_events, **ended)

    def _steps(self) -> Tensor:
        """Return the times of the steps, which must be known; the first and the last of them are differentiable."""
        _, stats, segments = self._solved(self._last.reshape((1,)))
        numbers = known(stats)
        if numbers is None:
            raise TracingError(
                "solve_ivp: the times of the steps depend on values that are not known in traced functions, vmap and loops. "
                "Give the times of the results by t_eval."
            )
        self._ended(statistics_from(numbers), segments)
        if segments is None:
            inner, last = self._steps_from(self._first, self._last, self._problem.y0), self._last
        else:
            parts = [np.zeros(0), *(self._steps_from(*segment) for segment in self._known_segments(segments))]
            inner, last = np.concatenate(parts), segments.reached
        return concatenate([self._first.reshape((1,)), inner[:-1], last.reshape((1,))])

    def _steps_from(self, begin: Tensor, end: Tensor, states: Tensors) -> np.ndarray:
        return self._options.steps(self._problem.derivatives, begin, end, states)

    def _known_segments(self, segments: Segments) -> list[Any]:
        """Return the initial time, the final time and the initial states of all segments that are not empty."""
        begins, *entered = map(value_of, segments.entries)
        ends = value_of(segments.exits[0])
        places = np.flatnonzero(begins != ends)
        return [(as_floats(begins[k]), as_floats(ends[k]), [as_floats(x[k]) for x in entered]) for k in places]

    def _solved(self, times: Tensor) -> tuple[Tensors, Tensor, Segments | None]:
        """Return the states at sorted times, the statistics, and the segments if there are jumps or events."""
        if self._jumps is None and self._events is None:
            values, stats, *_ = self._options.run(self._problem.derivatives, self._first, times, self._problem.y0)
            return values, stats, None
        if times.shape == (0,):  # a loop has no empty carries
            values, stats, segments = self._solved(self._last.reshape((1,)))
            return [v[:0] for v in values], stats, segments
        found = integrated(self._problem, self._options, self._span, times, self._jumps, self._events, self._most)
        return found.values, found.stats, found

    def _ended(self, statistics: Statistics, segments: Segments | None) -> dict[str, Any]:
        """Return the fields that describe the end of the integration. Raise IntegrationError if it failed."""
        if statistics.status != 0:
            raise error_of(self._problem, self._options, known(self._last), statistics, self._state_at)
        if segments is not None and value_of(segments.running):
            raise too_many_events(self._most, float(value_of(segments.reached)))
        status = 0 if segments is None else int(value_of(segments.stopped))
        counts = {"nfev": int(statistics.nfev), "njev": int(statistics.njev), "nlu": int(statistics.nlu)}
        return counts | {"status": status, "message": _MESSAGES[status], "success": True}

    def _ended_unknown(self, statistics: Statistics, segments: Segments | None) -> dict[str, Any]:
        """Return the same as Tensors, if values are not known yet."""
        failed: Any = statistics.status != 0
        stopped: Any = 0.0
        if segments is not None:
            failed, stopped = failed + segments.running > 0, segments.stopped
        counts = {"nfev": statistics.nfev, "njev": statistics.njev, "nlu": statistics.nlu}
        return counts | {"status": where(failed, -1.0, stopped), "message": "", "success": failed == 0}

    def _state_at(self, t: float) -> Tensors:
        return [v[0] for v in self._solved(as_floats([t]))[0]]

    def _of_events(self, segments: Segments) -> tuple[list[Tensor], list[Any]]:
        """Return the times and the states of each event: those that happened or, if they are unknown, nan after them."""
        happens = known(segments.happens)
        most = 0 if self._events is None else self._events.most(self._most)
        t_events, y_events = [], []
        for number in range(segments.happens.shape[1]):
            if happens is None:
                order = argsort(segments.happens[:, number] == 0)[:most]
                made = [
                    _nan_after(gather(segments.happens[:, number], order, axis=0), gather(x, order, axis=0))
                    for x in segments.exits
                ]
            else:
                made = [gather(x, np.flatnonzero(happens[:, number]), axis=0) for x in segments.exits]
            t_events.append(made[0])
            y_events.append(self._problem.pack(made[1:]))
        return t_events, y_events

    def _at(self, t: Any) -> Any:
        """Return the states at times in any order, or at a single time."""
        times = as_floats(t)
        if times.ndim > 1:
            raise ArgumentError(f"sol: t has shape {times.shape}. Give a number or a list of times.")
        listed = times.reshape((-1,))
        order = argsort(self._span[2] * listed)
        values, *_ = self._solved(times_in(gather(listed, order, axis=0), self._first, self._last))
        back = argsort(order)
        placed = [moveaxis(gather(v, back, axis=0), 0, -1) for v in values]
        return self._problem.pack([x[..., 0] for x in placed] if times.ndim == 0 else placed)


def _nan_after(happens: Tensor, x: Tensor) -> Tensor:
    return where(happens.reshape((-1, *(1,) * (x.ndim - 1))) > 0, x, np.nan)
