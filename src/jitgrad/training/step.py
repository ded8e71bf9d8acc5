"""A training step: one traced cost with its gradients and the optimizer's updates, as a Program."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from jitgrad.errors import ArgumentError, ShapeError
from jitgrad.program.program import Program
from jitgrad.tape import trace
from jitgrad.tape.executable import Executable, lowered
from jitgrad.tape.function import Function, flatten_traced
from jitgrad.tape.reverse_mode import differentiate
from jitgrad.tape.tensor import Tensor, as_tensor, placeholder, upstream
from jitgrad.tape.tree import tree_leaves
from jitgrad.tape.variable import Variable

STEPS_AT_ONCE = 1024
"""On the same rows, in one run of a Program: then what calling it takes does not count."""


MOST_STACKED = 2**16
"""Elements of losses and sums that are kept of one such run."""


class Updater(Protocol):
    """What a step needs of an optimizer."""

    def apply_gradients(self, grads_and_variables: Sequence[tuple[Tensor | None, Variable]]) -> None:
        """Update the Variables by their gradients."""


class TrainingStep(NamedTuple):
    """A step ready to run.

    Attributes:
        executable: it is given a batch. Its first output is the loss, a second one what is summed over an epoch; its updates
            change the Variables and the optimizer's state.
        checks: which arrays of a batch are to be checked, and how.
        chosen: the Variables that are fitted.
        seen: all Variables of the cost, and whether they were trainable.
        trips: how many steps a run of it does, at most, and the rows of its outputs; 0 where it is a single step.
    """

    executable: Executable
    checks: list[tuple[int, trace.Check]]
    chosen: list[Variable]
    seen: list[tuple[Variable, bool]]
    trips: int

    @property
    def program(self) -> Program:
        """That of the executable."""
        return self.executable.program

    def check(self, arrays: Sequence[np.ndarray], names: Sequence[str]) -> None:
        """Raise DataError or IndexingError, with the row, where the cost has no meaning for rows of these arrays."""
        for place, check in self.checks:
            check(names[place], arrays[place])

    def has_state_of(self, other: TrainingStep) -> bool:
        """Whether both have the same state in the same place, so that it can be copied from arena to arena."""
        own, its = self.executable, other.executable
        return own.program.dtype == its.program.dtype and [id(v) for v in own.state] == [id(v) for v in its.state]


def make_step(
    cost: Callable[..., Any],
    batch: Sequence[Tensor],
    optimizer: Updater | None,
    variables: Sequence[Variable] | Variable | None = None,
    trips: int = 0,
) -> TrainingStep:
    """Trace ``cost`` on placeholders like ``batch``, differentiate it and add the updates; none where there is no optimizer.

    A cost returns the loss, or a pair of it and a Tensor of one axis that is summed over an epoch. One made by
    ``jitgrad.function`` is traced once for an optimizer, Variables and shapes; a plain one every time, because what it closes
    over may have changed.

    Where there are ``trips``, the Program is a loop of so many steps on the same batch.

    Raises:
        ShapeError: where the cost is not a scalar.
        ArgumentError: where it depends on no trainable Variable.
    """
    variables = None if variables is None else tree_leaves(variables)
    if not isinstance(cost, Function):
        return _traced_step(cost, batch, optimizer, variables, trips)
    chosen = None if variables is None else tuple(id(v) for v in variables)
    key = (id(optimizer), getattr(optimizer, "structure", None), chosen, tuple((t.shape, t.level) for t in batch), trips)
    step: TrainingStep | None = (cost.steps.get(key) or (None,))[0]
    if step is None or (variables is None and any(v.trainable != before for v, before in step.seen)):
        step = _traced_step(cost.function, batch, optimizer, variables, trips)
        cost.steps.put(key, (step, optimizer, variables))  # what is known by id lives as long as the key
    return step


def _traced_step(
    cost: Callable[..., Any],
    batch: Sequence[Tensor],
    optimizer: Updater | None,
    variables: Sequence[Variable] | None,
    trips: int,
) -> TrainingStep:
    with trace.tracing() as tracing:
        placeholders = [placeholder(t.shape, t.level) for t in batch]
        tracing.will_check(placeholders)
        made = cost(*placeholders)
        outputs = [as_tensor(x) for x in (made if isinstance(made, tuple) else (made,))]
        seen = [(v, v.trainable) for v in variables_of(outputs[0])]
        chosen = [] if optimizer is None else trace_updates(outputs[0], optimizer, variables)
    flat = flatten_traced(tracing, outputs, tracing.changes, placeholders)
    if trips:
        trips = max(1, min(trips, MOST_STACKED // sum(t.size for t in outputs)))
    return TrainingStep(lowered(flat, len(placeholders), trips), tracing.checks, chosen, seen, trips)


def trace_updates(loss: Tensor, optimizer: Updater, variables: Sequence[Variable] | None) -> list[Variable]:
    """Note the optimizer's updates for ``loss`` in the present trace; returns the Variables that are fitted."""
    if loss.shape != ():
        raise ShapeError(f"The cost has shape {loss.shape}. Reduce it to one number with jitgrad.mean or jitgrad.sum.")
    chosen = [v for v in variables_of(loss) if v.trainable] if variables is None else list(variables)
    if not chosen:
        raise ArgumentError("The cost depends on no trainable Variable. Compute it from the Variables to fit.")
    tracing = trace.current()
    assert tracing is not None
    keys, recorded = [id(v) for v in chosen], tracing.recording.has
    gradients = differentiate([loss], keys, lambda t: t.variable is not None, recorded)
    optimizer.apply_gradients(list(zip(gradients, chosen, strict=True)))
    return chosen


def variables_of(loss: Tensor) -> list[Variable]:
    """The Variables that ``loss`` was recorded from, in the order of their first use."""
    used = [node.variable for node in upstream([loss]) if node.variable is not None]
    return list({id(variable): variable for variable in used}.values())
