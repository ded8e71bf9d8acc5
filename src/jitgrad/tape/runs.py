"""Runs of a path: looked up by the last event if the path is known, and flattened and lowered otherwise."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from jitgrad.tape import executable, path, segments
from jitgrad.tape.dtypes import INTEGER, check_exact
from jitgrad.tape.executable import OWN, Executable, Storage, lowered
from jitgrad.tape.flatten import Flat
from jitgrad.tape.path import Event, Path
from jitgrad.tape.recording import is_recorded
from jitgrad.tape.tensor import Tensor, is_recorded_op, op_of


class _Run:
    """A computation that ran after some event of a path.

    Attributes
    ----------
    leaves : list of int
        The inputs by their numbers on the path, followed by the literals. Tensors created by derivative rules have negative
        numbers.
    count : int
        The number of leaves that are not literals.
    made : list of Tensor
        The Tensors created by derivative rules.
    variants : dict
        Executables by the values of the literals.
    general : Executable or None
        The Executable that takes literals as inputs.
    integers : list
        The leaves that are integers, which may be too large.
    recorded : bool
        Whether results of ops are among the leaves.
    """

    def __init__(self, where: Path, inputs: Sequence[Tensor], literals: Sequence[Tensor]) -> None:
        self.leaves, self.made = _numbered(where, (*inputs, *literals))
        self.count = len(inputs)
        self.variants: dict[Any, Executable] = {}
        self.general: Executable | None = None
        self.integers = [number for number, leaf in enumerate(inputs) if leaf.level == INTEGER]
        self.recorded = any(leaf.path is not None for leaf in inputs)

    def given(self, where: Path) -> dict[int, Tensor]:
        """Return the Tensors that may be inputs, by number."""
        if not self.recorded:
            return where.tensors
        learned = {place: ref() for place, ref in where.learned.items()}
        return where.tensors | {place: tensor for place, tensor in learned.items() if tensor is not None}

    def find(self, tensors: dict[int, Tensor]) -> tuple[Executable, list[Any]] | None:
        """Return the Executable for these Tensors, and the values of its inputs."""
        made = self.made
        if self.recorded and not all(place < 0 or place in tensors for place in self.leaves):
            return None
        values = [tensors[place].value if place >= 0 else made[place].value for place in self.leaves]
        found = self.variants.get(_key(values[self.count :]))
        if found is not None:
            return found, values[: self.count]
        return None if self.general is None else (self.general, values)

    def keep(self, made: Executable, where: Path, inputs: Sequence[Tensor], literals: Sequence[Tensor]) -> None:
        """Keep an Executable, without the values for which it was made, if it has these leaves in this order."""
        if len(inputs) != self.count or _numbered(where, (*inputs, *literals))[0] != self.leaves:
            return
        found = Executable(made.program, (), 0)
        if len(made.leaves) > self.count:
            self.general = found
        else:
            self.variants[_key([leaf.value for leaf in literals])] = found


def _numbered(where: Path, leaves: Sequence[Tensor]) -> tuple[list[int], dict[int, Tensor]]:
    """Return the numbers of leaves on a path, negative ones for leaves that are not on it, and the latter."""
    made: dict[int, Tensor] = {}
    numbers = []
    for leaf in leaves:
        place = where.place_of(leaf)
        if place < 0:
            place = -1 - len(made)
            made[place] = leaf
        numbers.append(place)
    return numbers, made


def _key(numbers: Sequence[float]) -> Any:
    """Return a key in which 0.0 and -0.0 differ and nan equals nan."""
    return array("d", numbers).tobytes()


def is_kept(where: Path, event: Event, what: Any) -> bool:
    """Return whether ``run`` was called with the same arguments before."""
    return executable.PROGRAMS.get((event, what, where.known)) is not None


def values_of(flat: Flat, wanted: Sequence[Tensor]) -> list[np.ndarray]:
    """Return the values of the outputs ``wanted``."""
    if segments.is_long(flat):
        return segments.values(flat, wanted)
    return lowered(flat, len(flat.leaves)).call(flat.leaves, [t.level for t in wanted])


def run(
    where: Path, event: Event, what: Any, flat_of: Callable[[], Flat], levels: Sequence[int], storage: Storage = OWN
) -> list[np.ndarray]:
    """Return the outputs of a computation after ``event`` of a path, and store updates.

    Parameters
    ----------
    where : Path
        The path.
    event : Event
        The last event.
    what : hashable
        The identity of the computation.
    flat_of : callable
        Returns the expression, whose leaves are all known.
    levels : sequence of int
        The levels of the outputs.
    storage : Storage
        Where Variables have their values.
    """
    key = event, what, where.known
    kept: _Run | None = None if where.lost else executable.PROGRAMS.get(key)
    tensors = where.tensors if kept is None else kept.given(where)
    found = kept.find(tensors) if kept is not None and path.REPLAY else None
    if found is not None and kept is not None:
        (program, values), leaves = found, kept.leaves
        for number in kept.integers:
            check_exact(np.asarray(values[number]), program.program.dtype)
        made = program.run(values, [tensors[leaves[number]] for number in program.program.state], levels, storage)
        if kept.recorded:
            release_leaves([tensors[place] for place in leaves if place >= 0])
        return made
    flat = flat_of()
    program, given = lowered(flat, len(flat.leaves)), flat.leaves
    if kept is None and not where.lost and where.knows(flat.leaves) and where.knows(flat.literals):
        kept = executable.PROGRAMS.put(key, _Run(where, flat.leaves, flat.literals))
    if kept is not None:
        kept.keep(program, where, flat.leaves, flat.literals)
    made = program.call(given, levels, storage)
    release_leaves(given)
    return made


def release_leaves(leaves: Iterable[Tensor]) -> None:
    """Release the operands of leaves that no tape can reach anymore."""
    for leaf in leaves:
        if is_recorded_op(leaf) and not is_recorded(leaf):
            release(leaf)


def release(tensor: Tensor) -> None:
    """Release the operands of a known value, unless a tape or ``backward`` may differentiate it."""
    kept = tensor.gradient
    if kept is not None and not kept.spent:
        return
    if tensor.path is not None and tensor.path.deferred and (kept is not None or tensor.timestamp):
        tensor.path.derive()
    tensor.op = None if kept is None else op_of(tensor)
    tensor.inputs, tensor.attrs = (), ()
    if tensor.call is not None:
        tensor.__class__, tensor.call = Tensor, None
