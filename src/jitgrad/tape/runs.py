"""Running what a path asks for: found by its last event where it was run before, flattened and lowered where it was not."""

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
    """What was run where a path had come to some event.

    Attributes:
        leaves: the inputs, and last among them the numbers of the code, by their numbers on a path; those of the Tensors that
            rules of derivatives made are below 0.
        count: of the leaves that are no numbers of the code.
        made: these Tensors.
        variants: Executables by the numbers of the code.
        general: the one that is given any.
        integers: which of the leaves are integers, which may be too large.
        recorded: whether there are results of ops among them.
    """

    def __init__(self, where: Path, inputs: Sequence[Tensor], literals: Sequence[Tensor]) -> None:
        self.leaves, self.made = _numbered(where, (*inputs, *literals))
        self.count = len(inputs)
        self.variants: dict[Any, Executable] = {}
        self.general: Executable | None = None
        self.integers = [number for number, leaf in enumerate(inputs) if leaf.level == INTEGER]
        self.recorded = any(leaf.path is not None for leaf in inputs)

    def given(self, where: Path) -> dict[int, Tensor]:
        """The Tensors that it may be given, by number."""
        if not self.recorded:
            return where.tensors
        learned = {place: ref() for place, ref in where.learned.items()}
        return where.tensors | {place: tensor for place, tensor in learned.items() if tensor is not None}

    def find(self, tensors: dict[int, Tensor]) -> tuple[Executable, list[Any]] | None:
        """What runs it for these Tensors, and the values that it is given."""
        made = self.made
        if self.recorded and not all(place < 0 or place in tensors for place in self.leaves):
            return None
        values = [tensors[place].value if place >= 0 else made[place].value for place in self.leaves]
        found = self.variants.get(_key(values[self.count :]))
        if found is not None:
            return found, values[: self.count]
        return None if self.general is None else (self.general, values)

    def keep(self, made: Executable, where: Path, inputs: Sequence[Tensor], literals: Sequence[Tensor]) -> None:
        """Find it from now on, without the values that it was made for; if it has these leaves, in this order."""
        if len(inputs) != self.count or _numbered(where, (*inputs, *literals))[0] != self.leaves:
            return
        found = Executable(made.program, (), 0)
        if len(made.leaves) > self.count:
            self.general = found
        else:
            self.variants[_key([leaf.value for leaf in literals])] = found


def _numbered(where: Path, leaves: Sequence[Tensor]) -> tuple[list[int], dict[int, Tensor]]:
    """The numbers of leaves on a path, below 0 of those that it does not know; and these."""
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
    """0.0 is not -0.0, and nan is nan."""
    return array("d", numbers).tobytes()


def is_kept(where: Path, event: Event, what: Any) -> bool:
    """Whether ``run`` was asked for the same before, on a path that had come to ``event``."""
    return executable.PROGRAMS.get((event, what, where.known)) is not None


def values_of(flat: Flat, wanted: Sequence[Tensor]) -> list[np.ndarray]:
    """The values of the outputs, which are ``wanted``."""
    if segments.is_long(flat):
        return segments.values(flat, wanted)
    return lowered(flat, len(flat.leaves)).call(flat.leaves, [t.level for t in wanted])


def run(
    where: Path, event: Event, what: Any, flat_of: Callable[[], Flat], levels: Sequence[int], storage: Storage = OWN
) -> list[np.ndarray]:
    """The outputs of ``what`` is asked for on a path that had come to ``event``; updates are stored.

    Args:
        flat_of: makes the expression, all of whose leaves are known.
        levels: of the outputs.
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
    """Let go of the operands of those that no tape knows any more."""
    for leaf in leaves:
        if is_recorded_op(leaf) and not is_recorded(leaf):
            release(leaf)


def release(tensor: Tensor) -> None:
    """Keep no operands of a known value that no tape will differentiate, unless ``backward`` may."""
    kept = tensor.gradient
    if kept is not None and not kept.spent:
        return
    if tensor.path is not None and tensor.path.deferred and (kept is not None or tensor.timestamp):
        tensor.path.derive()
    tensor.op = None if kept is None else op_of(tensor)
    tensor.inputs, tensor.attrs = (), ()
    if tensor.call is not None:
        tensor.__class__, tensor.call = Tensor, None
