"""The kernel: an explicit method, an implicit one, or both, which change when the equations become stiff, and back.

The explicit method notices stiffness by an estimate of the dominant eigenvalue, from two stages at the end of a step
(``control.check_stiffness``). The implicit method bounds the eigenvalues by norms of the Jacobian.
"""

from __future__ import annotations

from numpy import uint64

from jitgrad.vm.compiler.functions import Native
from jitgrad.vm.compiler.language import after, compiled, noinline, number
from jitgrad.vm.compiler.types import UINT64, Number, Records, Type
from jitgrad.vm.context import ContextDescriptor
from jitgrad.vm.integrate import layout as at
from jitgrad.vm.integrate.control import STIFF_STEPS
from jitgrad.vm.integrate.explicit import begin, explicit_step
from jitgrad.vm.integrate.implicit import implicit_step
from jitgrad.vm.integrate.newton import compute_jacobian, matrix
from jitgrad.vm.integrate.output import write_failure, write_statistics
from jitgrad.vm.integrate.stages import ONE, ZERO, all_stages, assign, evaluate, nodes, parts, vector

IMPLICIT, SWITCHING = uint64(at.IMPLICIT_KIND), uint64(at.SWITCHING_KIND)
_STABLE = 3.0
"""Bound of step times eigenvalue within which the explicit method is stable, with a margin."""
_RELAXED_STEPS = 20.0
"""Number of steps in sequence within the bound after which the explicit method resumes."""


@compiled
def _second(sizes, tableau):
    """Return the sizes and the tableau of the implicit method, which follow those of the explicit one."""
    count, words = all_stages(sizes), uint64(at.WORDS) + sizes[at.N_STATES] + uint64(2) * sizes[at.N_EVENTS]
    numbers = count * (ONE + count + sizes[at.ESTIMATES] + sizes[at.DEGREE])
    return after(sizes, words), after(nodes(tableau), numbers)


@compiled
def _eigenvalue(scratch, sizes):
    """Return an upper bound of the eigenvalues of the Jacobian: the smaller one of its maximum norm and its 1-norm."""
    n, a, by_row, by_column = sizes[at.CONTROLLED], matrix(scratch, sizes), number(scratch, 0.0), number(scratch, 0.0)
    for r in range(n):
        row, column = number(scratch, 0.0), number(scratch, 0.0)
        for c in range(n):
            row += abs(a[r * n + c])
            column += abs(a[c * n + r])
        by_row, by_column = max(by_row, row), max(by_column, column)
    return min(by_row, by_column)


@compiled
def _become_implicit(context, i, scratch, sizes, tableau):
    """Prepare for the first step of the implicit method."""
    compute_jacobian(context, i, scratch, sizes)
    scratch[at.SHARE] = tableau[at.PART]
    scratch[at.STEP_BEFORE], scratch[at.STIFF], scratch[at.RELAXED], scratch[at.IMPLICIT] = 0.0, 0.0, 0.0, 1.0


@compiled
def _become_explicit(context, i, scratch, sizes, tableau):
    """Prepare for the first step of the explicit method."""
    assign(vector(scratch, sizes, at.ARGUMENT), vector(scratch, sizes, at.STATE), sizes[at.STRIDE])
    evaluate(context, i, scratch, sizes, scratch[at.NOW], ZERO)
    scratch[at.SHARE] = tableau[at.PART]
    scratch[at.ERROR], scratch[at.STIFF], scratch[at.RELAXED], scratch[at.IMPLICIT] = 1e-4, 0.0, 0.0, 0.0


@compiled
def current(scratch, sizes, tableau):
    """Return the sizes and the tableau of the method that makes the steps."""
    if sizes[at.KIND] == SWITCHING and scratch[at.IMPLICIT] > 0.0:
        return _second(sizes, tableau)
    return sizes, tableau


@compiled
def _switch(context, i, scratch, sizes, tableau):
    """Change to the other method if the equations have become stiff, or no longer are."""
    if scratch[at.IMPLICIT] == 0.0:
        if scratch[at.STIFF] >= STIFF_STEPS:
            own_sizes, own_tableau = _second(sizes, tableau)
            _become_implicit(context, i, scratch, own_sizes, own_tableau)
    elif scratch[at.RELAXED] >= _RELAXED_STEPS:
        _become_explicit(context, i, scratch, sizes, tableau)


@noinline
def start(context, i, scratch, sizes, tableau):
    """Begin the integration; return the number of the first time after the start."""
    k = begin(context, i, scratch, sizes, tableau)
    if sizes[at.KIND] == IMPLICIT and k < sizes[at.COUNT] and scratch[at.STATUS] == 0.0:
        _become_implicit(context, i, scratch, sizes, tableau)
    return k


@noinline
def try_step(context, i, scratch, sizes, tableau, first, before):
    """Try a step after one with the error ``before``. Return the number of the first time after it, and its error."""
    if sizes[at.KIND] == SWITCHING:
        _switch(context, i, scratch, sizes, tableau)
    if scratch[at.IMPLICIT] == 0.0:
        return explicit_step(context, i, scratch, sizes, tableau, first, before)
    own_sizes, own_tableau = current(scratch, sizes, tableau)
    k, error = implicit_step(context, i, scratch, own_sizes, own_tableau, first, before)
    if sizes[at.KIND] == SWITCHING:
        if abs(scratch[at.STEP]) * _eigenvalue(scratch, own_sizes) > _STABLE:
            scratch[at.RELAXED] = 0.0
        elif error <= 1.0:
            scratch[at.RELAXED] += 1.0
    return k, error


def _integrate(context, i):
    """Integrate by the methods of the tableau."""
    scratch, sizes, tableau = parts(context, i)
    k, error = start(context, i, scratch, sizes, tableau), number(scratch, 0.0)
    while k < sizes[at.COUNT] and scratch[at.STATUS] == 0.0:
        k, error = try_step(context, i, scratch, sizes, tableau, k, error)
    write_failure(context, i, scratch, sizes, k)
    write_statistics(context, i, scratch, sizes)


def _arguments(element: Number) -> tuple[Type, ...]:
    return Records(ContextDescriptor, element), UINT64


integrate = Native(_integrate, _arguments)
