"""Long chains in segments: a Python loop records repetitions, and equal segments are lowered once.

More than ``MOST`` ops are not lowered as one Program. They are split, in the order in which they are computed, into segments of
``SEGMENT`` ops. Each is a Program, which is cached by its structure. In the forward pass, a segment receives the values that it
needs from earlier segments. The backward pass runs from the last segment to the first. There, a segment also receives the
cotangents accumulated so far for its results and operands, and adds to them. Cotangents are therefore added in the same order
as in one Program.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from jitgrad.ops import OPS, Shapes
from jitgrad.program.lowering import lower
from jitgrad.tape import dtypes
from jitgrad.tape.executable import Executable, by_structure, from_arena, lowered
from jitgrad.tape.flatten import Flat
from jitgrad.tape.reverse_mode import key_of, propagate, useful_of
from jitgrad.tape.tensor import Tensor, known, placeholder

MOST = 2048
"""The largest number of ops of one Program."""
SEGMENT = 420
"""The number of ops of a segment. It has many divisors, so that repetitions of many lengths repeat from segment to segment."""


def is_long(flat: Flat) -> bool:
    """Return whether to split an expression. Ops with several results, which are stored in one block, prevent it."""
    return len(flat.nodes) > MOST and not any(type(node.shape) is Shapes for node in flat.nodes)


def values(flat: Flat, wanted: Sequence[Tensor]) -> list[np.ndarray]:
    """Return the values of some Tensors of the expression."""
    parts = _Segments(flat, wanted)
    parts.compute()
    return parts.kept(wanted)


def taken(
    targets: Sequence[Tensor],
    sources: Sequence[int],
    watched: Callable[[Tensor], bool],
    recorded: Callable[[Tensor], bool],
) -> list[Tensor | None] | None:
    """Return the gradients as ``reverse_mode.differentiate`` does, computed now with the targets, if the chain is long.

    Return None for a short chain, if some values are already known, and for custom ops.
    """
    if any(t.value is not None for t in targets):
        return None
    flat = Flat(targets, recorded=recorded)
    if not is_long(flat) or not _is_plain(flat):
        return None
    values, found = _gradients(flat, targets, sources, watched)
    for target, value in zip(targets, values, strict=True):
        target.value = value
    return found


def _is_plain(flat: Flat) -> bool:
    """Return whether derivative rules depend on the structure only, and nothing requires a gradient."""
    ops = all(node.op is not None and node.op.kernel is None and OPS.get(node.op.name) is node.op for node in flat.nodes)
    return ops and all(leaf.value is not None for leaf in flat.leaves) and all(t.gradient is None for t in flat.order)


def _gradients(
    flat: Flat,
    targets: Sequence[Tensor],
    sources: Sequence[int],
    watched: Callable[[Tensor], bool],
) -> tuple[list[np.ndarray], list[Tensor | None]]:
    """Return the values of ``targets`` and their gradients, computed."""
    wanted = set(sources)
    parts = _Segments(flat, targets)
    parts.compute()
    cotangents = parts.pulled_back(targets, wanted, watched)
    found: dict[int, tuple[np.ndarray, int]] = {}
    for node in reversed([t for t in flat.order if id(t) in cotangents]):
        key, g = key_of(node), cotangents[id(node)]
        if key in wanted:
            found[key] = found[key][0] + g if key in found else g, node.level
    made = [found.get(source) for source in sources]
    return (
        parts.kept(targets),
        [None if one is None else known(from_arena(*one), one[1]) for one in made],
    )


_PASSED, _ASKED = 1, 2
"""Marks of cotangents that only other segments need, and of requested cotangents."""


class _Segment(NamedTuple):
    """Consecutive ops.

    Attributes
    ----------
    start : int
        The number of the first op.
    flat : Flat
        The ops, whose leaves are known before.
    results : list of Tensor
        The ops that are requested, or that later segments need.
    """

    start: int
    flat: Flat
    results: list[Tensor]


class _Backwards(NamedTuple):
    """The backward pass of a segment.

    Attributes
    ----------
    executable : Executable
        The Executable, whose outputs are cotangents.
    places : list of int
        The indices of the inputs among the Tensors and the cotangents that follow them, in order.
    made : list of int
        The Tensors whose cotangents are the outputs.
    """

    executable: Executable
    places: list[int]
    made: list[int]


class _Segments:
    """An expression split into segments.

    Parameters
    ----------
    flat : Flat
        The expression.
    wanted : sequence of Tensor
        The requested Tensors.
    """

    def __init__(self, flat: Flat, wanted: Sequence[Tensor]) -> None:
        self._flat = flat
        self._number = {id(node): number for number, node in enumerate(flat.nodes)}
        self._level = dtypes.FLOAT64 if flat.dtype == dtypes.DTYPE[dtypes.FLOAT64] else dtypes.FLOAT32
        self._values: dict[int, np.ndarray] = {}
        self._segments = self._cut(wanted)

    def _cut(self, wanted: Sequence[Tensor]) -> list[_Segment]:
        nodes, number = self._flat.nodes, self._number
        needed = {id(t) for t in wanted}
        for start in range(SEGMENT, len(nodes), SEGMENT):
            for node in nodes[start : start + SEGMENT]:
                for x in node.inputs:
                    if number.get(id(x), start) < start:
                        needed.add(id(x))
        made = []
        for start in range(0, len(nodes), SEGMENT):
            own = nodes[start : start + SEGMENT]
            results = [node for node in own if id(node) in needed]
            made.append(_Segment(start, Flat(results, first=own, recorded=self._from(start), level=self._flat.level), results))
        return made

    def _from(self, start: int) -> Callable[[Tensor], bool]:
        """Return a function that returns whether an op is this one or a later one."""
        number = self._number
        return lambda node: number.get(id(node), -1) >= start

    def kept(self, wanted: Sequence[Tensor]) -> list[np.ndarray]:
        """Return the requested values, each in its own dtype."""
        values = [self._values[id(t)] for t in wanted]
        return [
            value if t.level > dtypes.INTEGER and t.dtype == value.dtype else from_arena(value, t.level)
            for t, value in zip(wanted, values, strict=True)
        ]

    def compute(self) -> None:
        """Compute the requested values, and those that segments need from one another."""
        for _, flat, results in self._segments:
            found = lowered(flat, len(flat.leaves)).call(self._known(flat.leaves), [self._level] * len(results))
            self._values.update(zip(map(id, results), found, strict=True))

    def _known(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """Replace Tensors with computed values by leaves."""
        made = self._values
        return [known(made[id(t)], self._level) if id(t) in made else t for t in tensors]

    def pulled_back(
        self, targets: Sequence[Tensor], sources: set[int], watched: Callable[[Tensor], bool]
    ) -> dict[int, np.ndarray]:
        """Return the cotangents of leaves, and of ops that are ``sources``, by id."""
        useful = useful_of(self._flat.order, sources, watched, self._number)
        cotangents: dict[int, np.ndarray] = {}
        for target in targets:
            if id(target) in useful:
                one = np.ones(target.shape, self._flat.dtype)
                cotangents[id(target)] = cotangents[id(target)] + one if id(target) in cotangents else one
        marks = {id(t): _ASKED if key_of(t) in sources else _PASSED for t in self._flat.order if id(t) in useful}
        for segment in reversed(self._segments):
            if not any(id(t) in cotangents for t in segment.results):
                continue
            flat = segment.flat
            pulling = [t for t in flat.order if id(t) in marks]
            seeds = [t for t in pulling if id(t) in cotangents]
            key = tuple([marks.get(id(t), 0) for t in flat.order]), tuple([flat.place[id(t)] for t in seeds])

            def make(lifted: Sequence[Tensor], segment: _Segment = segment, pulling: Any = pulling, seeds: Any = seeds) -> Any:
                return self._backwards(segment, pulling, seeds, marks, lifted)

            (executable, places, made), _ = by_structure(flat, ("backwards", key), make)
            before = [known(cotangents.pop(id(t)), self._level) for t in seeds]
            count = len(flat.order)
            operands = self._known([flat.order[i] for i in places if i < count])
            given = [*operands, *(before[i - count] for i in places if i >= count)]
            found = executable.call(given, [self._level] * len(made))
            cotangents.update(zip([id(pulling[i]) for i in made], found, strict=True))
        return cotangents

    def _backwards(
        self,
        segment: _Segment,
        pulling: Sequence[Tensor],
        seeds: Sequence[Tensor],
        marks: dict[int, int],
        lifted: Sequence[Tensor],
    ) -> _Backwards:
        """Return the backward pass of a segment. ``marks`` contains the Tensors that cotangents must reach."""
        flat, own = segment.flat, self._from(segment.start)
        before = {id(t): placeholder(t.shape, t.level) for t in seeds}
        cotangents: dict[int, Any] = dict(before)
        propagate(flat.nodes, cotangents, marks)
        made = [i for i, t in enumerate(pulling) if id(t) in cotangents and (not own(t) or marks[id(t)] == _ASKED)]
        outputs = [cotangents[id(pulling[i])] for i in made]
        every = Flat(outputs, recorded=lambda t: own(t) if id(t) in self._flat.place else t.value is None, level=flat.level)
        place = {id(t): i for i, t in enumerate([*flat.order, *before.values()])}
        inputs = [*every.leaves, *(t for t in lifted if id(t) in every.place)]
        given = sorted([t for t in inputs if id(t) in place], key=lambda t: place[id(t)])
        constants = [t for t in inputs if id(t) not in place]  # created by derivative rules
        program = lower(every.expression([*given, *constants]), every.dtype)
        leaves = [*(placeholder(t.shape, t.level) for t in given), *constants]
        return _Backwards(Executable(program, leaves, len(given)), [place[id(t)] for t in given], made)
