"""Running what a path asks for: found by its last event where it was run before, flattened and lowered where it was not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from jitgrad.tape import executable, path, segments
from jitgrad.tape.executable import Executable, lowered
from jitgrad.tape.flatten import Flat
from jitgrad.tape.path import Event, Path
from jitgrad.tape.recording import is_recorded
from jitgrad.tape.tensor import Tensor

Places = Sequence[Any]
"""Leaves by their numbers on a path, and Tensors that rules of derivatives made."""


class _Run:
    """What was run where a path had come to some event.

    Attributes:
        inputs, literals: the leaves, and among them the numbers of the code.
        variants: Executables for these numbers.
        general: the one that is given any.
    """

    def __init__(self, inputs: Places, literals: Places) -> None:
        self.inputs = inputs
        self.literals = literals
        self.variants: dict[Any, Executable] = {}
        self.general: Executable | None = None

    def find(self, tensors: dict[int, Tensor]) -> tuple[Executable, list[Tensor]] | None:
        """What runs it for these Tensors, and what that is given."""
        found = self.general
        if found is None:
            found = self.variants.get(_key(tensors, self.literals))
            return None if found is None else (found, _picked(tensors, self.inputs))
        return found, _picked(tensors, self.inputs) + _picked(tensors, self.literals)

    def keep(self, made: Executable, tensors: dict[int, Tensor]) -> None:
        """Find it from now on."""
        if len(made.leaves) > len(self.inputs):
            self.general = made
        else:
            self.variants[_key(tensors, self.literals)] = made


def _picked(tensors: dict[int, Tensor], places: Places) -> list[Tensor]:
    return [tensors[place] if type(place) is int else place for place in places]


def _key(tensors: dict[int, Tensor], literals: Places) -> Any:
    """0.0 is not -0.0."""
    numbers = tuple([tensors[place].value if type(place) is int else place.value for place in literals])
    return tuple(map(repr, numbers)) if 0.0 in numbers else numbers


def values_of(flat: Flat, wanted: Sequence[Tensor]) -> list[np.ndarray]:
    """The values of the outputs, which are ``wanted``."""
    if segments.is_long(flat):
        return segments.values(flat, wanted)
    return lowered(flat, len(flat.leaves)).call(flat.leaves, [t.level for t in wanted])


def run(where: Path, event: Event, what: Any, flat_of: Callable[[], Flat], levels: Sequence[int]) -> list[np.ndarray]:
    """The outputs of ``what`` is asked for on a path that had come to ``event``; updates are stored.

    Args:
        flat_of: makes the expression, all of whose leaves are known.
        levels: of the outputs.
    """
    key = event, what, where.known
    kept: _Run | None = None if where.lost else executable.PROGRAMS.get(key)
    found = kept.find(where.tensors) if kept is not None and path.REPLAY else None
    if found is not None:
        program, given = found
    else:
        flat = flat_of()
        program, given = lowered(flat, len(flat.leaves)), flat.leaves
        if kept is None and not where.lost:
            kept = _kept(where, flat)
            if kept is not None:
                executable.PROGRAMS.put(key, kept)
        if kept is not None:
            kept.keep(program, where.tensors)
    values = program.call(given, levels)
    release_leaves(given)
    return values


def _kept(where: Path, flat: Flat) -> _Run | None:
    inputs, literals = where.leaves_of(flat.leaves), where.leaves_of(flat.literals)
    return None if inputs is None or literals is None else _Run(inputs, literals)


def release_leaves(leaves: Iterable[Tensor]) -> None:
    """Let go of the operands of those that no tape knows any more."""
    for leaf in leaves:
        if leaf.op is not None and not is_recorded(leaf):
            release(leaf)


def release(tensor: Tensor) -> None:
    """Keep no operands of a known value that no tape will differentiate, unless ``backward`` may."""
    if tensor.gradient is None:
        tensor.op, tensor.inputs, tensor.attrs = None, (), ()
    elif tensor.gradient.spent:
        tensor.inputs, tensor.attrs = (), ()
