"""Computing the values of Tensors, and applying changes to Variables.

Asking for a value computes and keeps every value on the way to it, as an eager framework would have, so that a loop that
asks while it records computes nothing twice. The gradients that one call of a tape returns form a group with their target:
asking for one of them computes them all, in one run of one Program, and keeps nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jitgrad.errors import DTypeError, TracingError, users_line
from jitgrad.program.context import Context
from jitgrad.program.lowering import CACHED_PROGRAMS, ProgramCache
from jitgrad.program.program import Program
from jitgrad.tape import dtypes, trace
from jitgrad.tape.flatten import Flat
from jitgrad.tape.recording import is_recorded
from jitgrad.tape.tensor import Tensor, upstream
from jitgrad.tape.trace import StateUpdate
from jitgrad.tape.values import check_leaving
from jitgrad.vm import forks

if TYPE_CHECKING:
    from jitgrad.tape.variable import Variable

PROGRAMS = ProgramCache()


def value_of(tensor: Tensor) -> Any:
    """The value, computed now if it is not known."""
    if tensor.value is None or trace.current() is not None:
        compute([tensor])
    return tensor.value


def compute(wanted: Sequence[Tensor], changes: Sequence[StateUpdate] = ()) -> None:
    """Make the values of ``wanted`` known and apply ``changes``, in one run, after a run for each group on the way."""
    arguments = [t for change in changes for t in change.args]
    roots = [*wanted, *arguments]
    _check_not_tracing(roots)
    for tensor in arguments:
        check_leaving(tensor, "an update of Variables", explicit=True)
    if not changes:
        flat = Flat(wanted, all_nodes=True)
        if not any(node.group for node in flat.nodes):
            if flat.nodes:
                _run(flat, flat.nodes)
            return
    grouped = _grouped(roots)
    if grouped and not changes and not any(t.group for t in wanted):
        compute(grouped)
        grouped = []
    if grouped or changes:
        flat, keep = Flat(grouped, changes), grouped
    else:
        flat = Flat(wanted, all_nodes=True)
        keep = flat.nodes
    if keep or changes:
        _run(flat, keep)
    for tensor in grouped:
        tensor.group = None


def group(tensors: Iterable[Tensor | None]) -> None:
    """Make a group of those whose value is not known: asking for one of them computes them all, in one run."""
    members = [t for t in tensors if t is not None and t.value is None and t.group is None]
    group = list({id(t): t for t in members}.values())
    for tensor in group:
        tensor.group = group


def _grouped(roots: Sequence[Tensor]) -> list[Tensor]:
    """The members without a value of the groups that are met first on the way down from ``roots``."""
    met = [node for node in upstream(roots, lambda node: node.value is None and not node.group) if node.value is None]
    return list({id(t): t for node in met for t in node.group or () if t.value is None}.values())


def force(tensors: Sequence[Tensor], since: int) -> None:
    """Compute what was recorded before ``since``: to what was recorded afterwards it is constant."""
    for node in list(upstream(tensors, lambda node: node.value is None and node.timestamp >= since)):
        if node.op is not None and node.value is None and node.timestamp < since:
            compute([node])


_KNOWN: dict[Any, Program] = {}


def program_of(flat: Flat) -> tuple[Program, list[float]]:
    """The Program, and the values of its last inputs, see ``ProgramCache.get``: by the key, without making an Expression."""
    program = _KNOWN.get(flat.key)
    if program is not None:
        return program, []
    program, literals = PROGRAMS.get(flat.expression, flat.dtype, len(flat.leaves))
    if not literals:
        remember(_KNOWN, flat.key, program)
    return program, literals


def remember(cache: dict[Any, Any], key: Any, value: Any) -> None:
    """Keep a value; of more than CACHED_PROGRAMS the oldest is dropped. Threads may do so at once."""
    cache[key] = value
    if len(cache) > CACHED_PROGRAMS:
        cache.pop(next(iter(list(cache))), None)


def _run(flat: Flat, keep: list[Tensor]) -> None:
    """Run the expression once: its outputs become the values of ``keep``, its state that of the Variables."""
    program, literals = program_of(flat)
    with context_for(program) as context:
        context.load([*leaf_values(flat.leaves, flat.dtype), *literals])
        context.run()
        for tensor, value in zip(keep, context.outputs, strict=True):
            tensor.value = from_arena(value, tensor.level)
            if tensor.timestamp == 0:
                release(tensor)
        store_state(context, flat.leaves)
    release_leaves(flat.leaves)


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


class Memory:
    """Where the Variables of a replayed trace have their values: in themselves."""

    def read(self, variable: Variable) -> np.ndarray:
        """The value now."""
        value: np.ndarray = variable.leaf.value
        return value

    def write(self, variable: Variable, value: np.ndarray) -> None:
        """Take a value, which is copied."""
        variable.store(value)


OWN = Memory()


def leaf_values(leaves: Iterable[Tensor], dtype: np.dtype[Any], replayed: bool = False, memory: Memory = OWN) -> Iterator[Any]:
    """The values of leaves: of a Variable the one when it was read, or in a replay of a trace the one it has now."""
    for leaf in leaves:
        value = memory.read(leaf.variable) if replayed and leaf.variable is not None else leaf.value
        if leaf.level == dtypes.INTEGER:
            dtypes.check_exact(np.asarray(value), dtype)
        yield value


def store_state(context: Context, leaves: Sequence[Tensor], memory: Memory = OWN) -> None:
    """Give the Variables that a run updated their new values."""
    for number in context.program.state:
        variable = leaves[number].variable
        assert variable is not None
        memory.write(variable, context.inputs[number])


def from_arena(value: np.ndarray, level: int) -> np.ndarray:
    """A value out of the arena, copied, in the dtype of ``level``."""
    if level == dtypes.BOOL:
        known = np.asarray(value != 0)
    elif level == dtypes.INTEGER:
        limit = dtypes.exact_limit(value.dtype)
        if not (np.abs(value) <= limit).all():
            raise DTypeError(
                f"A result of integers has one beyond ±{limit}, or none at all (a row that is not there). "
                f"Check the indices, or compute in floats."
            )
        known = np.asarray(np.rint(value).astype(np.int64))
    else:
        known = value.astype(dtypes.DTYPE[level])
    known.flags.writeable = False
    return known


class _Pool:
    """Contexts that wait for the next run of their Program, up to a number of them and a size of all their arenas."""

    def __init__(self, most: int, most_bytes: int) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._waiting: list[Context] = []
        self._bytes = 0
        self._lock = forks.lock()

    def take(self, program: Program) -> Context | None:
        with self._lock:
            for i in range(len(self._waiting) - 1, -1, -1):
                if self._waiting[i].program is program:
                    return self._drop(i)
        return None

    def give(self, context: Context) -> None:
        with self._lock:
            self._waiting.append(context)
            self._bytes += context.arena.nbytes
            while self._bytes > self._most_bytes or len(self._waiting) > self._most:
                self._drop(0)

    def _drop(self, i: int) -> Context:
        context = self._waiting.pop(i)
        self._bytes -= context.arena.nbytes
        return context


_pool = _Pool(most=64, most_bytes=1 << 26)


class context_for:  # noqa: N801  (used like a function)
    """``with context_for(program) as context``: one that no other thread uses, given back afterwards."""

    __slots__ = ("_context",)

    def __init__(self, program: Program) -> None:
        self._context = _pool.take(program) or Context(program)

    def __enter__(self) -> Context:
        return self._context

    def __exit__(self, *error: object) -> None:
        _pool.give(self._context)


def _check_not_tracing(wanted: Sequence[Tensor]) -> None:
    tracing = trace.current()
    if tracing is None:
        return
    for tensor in wanted:
        if tensor.timestamp >= tracing.start or tensor.variable is not None:
            raise TracingError(
                f"A value was asked for while a function is traced, and it is not known yet{users_line()}. "
                f"Use where() instead of a branch on it, or a gradient tape without tracing."
            )
