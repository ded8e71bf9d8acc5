"""A training step: a traced cost with its gradients and the optimizer's updates, as a Program."""

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
"""Number of steps on the same rows in one run of a Program, so that the time of a call is negligible."""


MOST_STACKED = 2**16
"""Largest number of elements of losses and sums that one of these runs stores."""


class Updater(Protocol):
    """The part of an optimizer that a step requires."""

    def apply_gradients(self, grads_and_variables: Sequence[tuple[Tensor | None, Variable]], *, cost: Tensor) -> None:
        """Update the Variables with their gradients of a cost."""


class TrainingStep(NamedTuple):
    """A step that is ready to run.

    Attributes
    ----------
    executable : Executable
        Takes a batch. Its first output is the loss; a second output, if any, is summed over an epoch. Its updates change
        the Variables and the optimizer's state.
    checks : list
        Which arrays of a batch to check, and how.
    chosen : list of Variable
        The Variables that are fitted.
    seen : list
        All Variables of the cost, and whether they were trainable.
    trips : int
        Largest number of steps per run, which is the number of rows of the outputs; 0 for a single step.
    """

    executable: Executable
    checks: list[tuple[int, trace.Check]]
    chosen: list[Variable]
    seen: list[tuple[Variable, bool]]
    trips: int

    @property
    def program(self) -> Program:
        """The Program of the executable."""
        return self.executable.program

    def check(self, arrays: Sequence[np.ndarray], names: Sequence[str]) -> None:
        """Raise DataError or IndexingError, with the row, if the cost is undefined for rows of these arrays."""
        for place, check in self.checks:
            check(names[place], arrays[place])

    def has_state_of(self, other: TrainingStep) -> bool:
        """Return whether both steps have the same layout of state, which can then be copied between arenas."""
        own, its = self.executable, other.executable
        return own.program.dtype == its.program.dtype and [id(v) for v in own.state] == [id(v) for v in its.state]


def make_step(
    cost: Callable[..., Any],
    batch: Sequence[Tensor],
    optimizer: Updater | None,
    variables: Sequence[Variable] | Variable | None = None,
    trips: int = 0,
) -> TrainingStep:
    """Trace ``cost`` on placeholders like ``batch``, differentiate it and add the updates; without an optimizer, no updates.

    A cost returns the loss, or the loss and a Tensor with one axis that is summed over an epoch. A cost made by
    ``jitgrad.function`` is traced once for an optimizer, Variables and shapes. A plain function is traced every
    time, because objects that it closes over may have changed.

    With ``trips``, the Program is a loop of this many steps on the same batch.

    Raises
    ------
    ShapeError
        If the cost is not a scalar.
    ArgumentError
        If it does not depend on any trainable Variable.
    """
    variables = None if variables is None else tree_leaves(variables)
    if not isinstance(cost, Function):
        return _traced_step(cost, batch, optimizer, variables, trips)
    chosen = None if variables is None else tuple(id(v) for v in variables)
    key = (id(optimizer), getattr(optimizer, "structure", None), chosen, tuple((t.shape, t.level) for t in batch), trips)
    step: TrainingStep | None = (cost.steps.get(key) or (None,))[0]
    if step is None or (variables is None and any(v.trainable != before for v, before in step.seen)):
        step = _traced_step(cost.function, batch, optimizer, variables, trips)
        cost.steps.put(key, (step, optimizer, variables))  # objects identified by id must live as long as the key
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
    """Record the optimizer's updates for ``loss`` in the current trace, and return the Variables that are fitted."""
    if loss.shape != ():
        raise ShapeError(f"The cost has shape {loss.shape}. Reduce it to one number with jitgrad.mean or jitgrad.sum.")
    chosen = [v for v in variables_of(loss) if v.trainable] if variables is None else list(variables)
    if not chosen:
        raise ArgumentError("The cost depends on no trainable Variable. Compute it from the Variables to fit.")
    tracing = trace.current()
    assert tracing is not None
    keys, recorded = [id(v) for v in chosen], tracing.recording.has
    gradients = differentiate([loss], keys, lambda t: t.variable is not None, recorded)
    optimizer.apply_gradients(list(zip(gradients, chosen, strict=True)), cost=loss)
    return chosen


def variables_of(loss: Tensor) -> list[Variable]:
    """Return the Variables that ``loss`` depends on, in the order of their first use."""
    used = [node.variable for node in upstream([loss]) if node.variable is not None]
    return list({id(variable): variable for variable in used}.values())
