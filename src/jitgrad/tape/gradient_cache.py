"""Gradients by structure: a tape that recorded what an earlier one did runs that one's Program, and differentiates nothing.

The first tape of a structure differentiates and lowers. A step of a loop in Python then costs the recording, one walk over
what was recorded, and one run. Where somebody records meanwhile, so that gradients may be differentiated again, they are
recorded as ever.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from jitgrad.ops import OPS
from jitgrad.program.lowering import lower
from jitgrad.tape import segments
from jitgrad.tape.evaluate import release_leaves
from jitgrad.tape.executable import Executable, by_structure
from jitgrad.tape.flatten import Flat
from jitgrad.tape.recording import here
from jitgrad.tape.reverse_mode import differentiate, key_of
from jitgrad.tape.tensor import Tensor, known, placeholder


class _Gradients(NamedTuple):
    """Targets and gradients, ready to run.

    Attributes:
        executable: its outputs are the targets, and the gradients that are not None.
        places: for each input that is given, where in the walk its Tensor comes.
        levels: of the gradients, None for one that is None.
    """

    executable: Executable
    places: list[int]
    levels: list[int | None]


def gradients(
    targets: Sequence[Tensor],
    sources: Sequence[int],
    watched: Callable[[Tensor], bool],
    recorded: Callable[[Tensor], bool],
) -> list[Tensor | None] | None:
    """The gradients as ``differentiate`` gives them, computed now with the targets, or None where that has to be asked.

    It has to where somebody records what is computed now, where operands have no value yet or require gradients, and for ops of
    the user's, whose rules may do anything.
    """
    if here.active or any(t.value is not None for t in targets):
        return None
    flat = Flat(targets, recorded=recorded)
    if not _replays(flat):
        return None
    if segments.is_long(flat):
        values, made = segments.gradients(flat, targets, sources, watched, recorded)
        _keep(targets, values, flat.leaves)
        return made

    def make(lifted: Sequence[Tensor]) -> _Gradients:
        found = differentiate(targets, sources, watched, recorded)
        every = Flat([*targets, *(g for g in found if g is not None)])
        inputs = [*every.leaves, *(t for t in lifted if id(t) in every.place)]
        given = [t for t in inputs if id(t) in flat.place]
        constants = [t for t in inputs if id(t) not in flat.place]  # which rules have made
        program = lower(every.expression([*given, *constants]), every.dtype)
        leaves = [*(placeholder(t.shape, t.level) for t in given), *constants]
        levels = [None if g is None else g.level for g in found]
        return _Gradients(Executable(program, leaves, len(given)), [flat.place[id(t)] for t in given], levels)

    replayed, _ = by_structure(flat, _key(flat, sources, watched), make)
    return _run(replayed, targets, flat.order)


def _replays(flat: Flat) -> bool:
    """Whether what is differentiated alike has a key."""
    for node in flat.nodes:
        op = node.op
        if op is None or op.kernel is not None or OPS.get(op.name) is not op or node.gradient is not None:
            return False
    return all(node.value is not None and node.gradient is None for node in flat.leaves)


def _key(flat: Flat, sources: Sequence[int], watched: Callable[[Tensor], bool]) -> tuple[Any, ...]:
    """Beside its structure a key that is equal for what is differentiated alike."""
    wanted: dict[int, int] = {}
    for number, source in enumerate(sources):
        wanted.setdefault(source, number)
    key: list[Any] = [wanted[source] for source in sources]
    for node in flat.order:
        key += (node.level, node.value is None, wanted.get(key_of(node)), watched(node))
    return tuple(key)


def _run(replayed: _Gradients, targets: Sequence[Tensor], order: Sequence[Tensor]) -> list[Tensor | None]:
    executable, places, levels = replayed
    given = [order[i] for i in places]
    values = iter(executable.call(given, [*(t.level for t in targets), *(level for level in levels if level is not None)]))
    _keep(targets, [next(values) for _ in targets], given)
    return [None if level is None else known(next(values), level) for level in levels]


def _keep(targets: Sequence[Tensor], values: Sequence[np.ndarray], leaves: Sequence[Tensor]) -> None:
    for target, value in zip(targets, values, strict=True):
        target.value = value
    release_leaves(leaves)
