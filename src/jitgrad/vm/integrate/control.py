"""Step size control.

Sources: Hairer, Nørsett and Wanner, "Solving Ordinary Differential Equations I", 2nd edition, 1993, section II.4 (first step);
Hairer and Wanner, "Solving Ordinary Differential Equations II", 2nd edition, 1996, section IV.2 (PI control, stiffness).
"""

from __future__ import annotations

from numpy import copysign, exp, isfinite, log, sqrt

from jitgrad.vm.compiler.language import compiled, number
from jitgrad.vm.integrate import layout as at
from jitgrad.vm.integrate.combine import combine
from jitgrad.vm.integrate.stages import ONE, ZERO, evaluate, norm, stage, vector

STIFF_STEPS, _RELAXED_STEPS = 15.0, 6.0


@compiled
def first_step(context, i, scratch, sizes, tableau):
    """Return a first step, given or estimated from the derivative at the start, which is stage 0, and at a small step."""
    span = scratch[at.END] - scratch[at.NOW]
    limit = min(abs(span), scratch[at.MAX_STEP])
    if scratch[at.FIRST_STEP] > 0.0:
        return copysign(min(scratch[at.FIRST_STEP], limit), span)
    state, slope, probe = vector(scratch, sizes, at.STATE), stage(scratch, sizes, ZERO), vector(scratch, sizes, at.PROPOSED)
    size, speed = norm(scratch, sizes, state), norm(scratch, sizes, slope)
    h = copysign(min(small_step(size, speed), limit), span)
    probe[0] = 1.0
    combine(vector(scratch, sizes, at.ARGUMENT), state, slope, probe, ONE, h, sizes[at.STRIDE])
    evaluate(context, i, scratch, sizes, scratch[at.NOW] + h, ONE)
    other = stage(scratch, sizes, ONE)
    for j in range(sizes[at.CONTROLLED]):
        probe[j] = other[j] - slope[j]
    estimate = estimated_step(tableau, max(speed, norm(scratch, sizes, probe) / abs(h)), abs(h))
    return copysign(min(estimate, limit), span)


@compiled
def small_step(size, speed):
    """Return a small step, for norms of the state and of its derivative."""
    h = 0.01 * size / speed
    return 1e-6 if size < 1e-5 or speed < 1e-5 else h


@compiled
def estimated_step(tableau, speed, h):
    """Return a first step from the largest of the first and second derivatives, which a small step h has shown."""
    estimate = max(1e-6, h * 1e-3) if speed <= 1e-15 else (0.01 / speed) ** tableau[at.ALPHA]
    if not isfinite(estimate):  # the right-hand side is not defined at the small step
        estimate = h
    return min(100.0 * h, estimate)


@compiled
def next_step(scratch, tableau, error, accepted):
    """Set the next step from the error of this one, which is relative to the tolerance."""
    growth = tableau[at.ALPHA] * log(error)
    if accepted:
        growth -= tableau[at.BETA] * log(scratch[at.ERROR])
    ratio = exp(growth) / tableau[at.SAFETY]  # logarithms, because two powers take longer
    if not accepted:
        scratch[at.NEXT] = scratch[at.STEP] / min(1.0 / tableau[at.SMALLEST], ratio)
        return
    ratio = max(1.0 / tableau[at.LARGEST], min(1.0 / tableau[at.SMALLEST], ratio))
    if scratch[at.AFTER_REJECTION] > 0.0:
        ratio = max(ratio, 1.0)
    scratch[at.NEXT] = scratch[at.STEP] / ratio
    scratch[at.ERROR] = max(error, 1e-4)


@compiled
def limit_step(scratch, error):
    """Take the next step, shortened to end at the last time, or set the status if it is impossible."""
    left, now = scratch[at.END] - scratch[at.NOW], scratch[at.NOW]
    h = copysign(min(abs(scratch[at.NEXT]), scratch[at.MAX_STEP]), left)
    ends = abs(left) <= 1.01 * abs(h)
    if not ends and now + 0.1 * h == now:
        scratch[at.STATUS] = number(scratch, at.VANISHED) if isfinite(error) else number(scratch, at.NOT_FINITE)
    elif scratch[at.ACCEPTED] + scratch[at.REJECTED] >= scratch[at.MAX_STEPS]:
        scratch[at.STATUS] = number(scratch, at.TOO_MANY)
    scratch[at.STEP] = left if ends else h
    scratch[at.UNTIL] = scratch[at.END] if ends else now + h


@compiled
def check_stiffness(scratch, sizes, tableau, before):
    """Count steps whose size is limited by stability rather than accuracy, until several in sequence are not.

    ``before`` is the squared distance between the arguments of the last two stages, both at the end of the step. The ratio of
    the distances estimates the dominant eigenvalue of the Jacobian.
    """
    last, slopes = stage(scratch, sizes, sizes[at.STAGES]), number(scratch, 0.0)
    previous = stage(scratch, sizes, sizes[at.STAGES] - ONE)
    for j in range(sizes[at.CONTROLLED]):
        slopes += (last[j] - previous[j]) ** 2
    count_stiffness(scratch, tableau, before, slopes)


@compiled
def count_stiffness(scratch, tableau, before, slopes):
    """Count a step, for the squared distances between the arguments of the last two stages and between these."""
    if before > 0.0 and abs(scratch[at.STEP]) * sqrt(slopes / before) > tableau[at.STIFFNESS]:
        scratch[at.RELAXED] = 0.0
        scratch[at.STIFF] += 1.0
    elif scratch[at.STIFF] < STIFF_STEPS:
        scratch[at.RELAXED] += 1.0
        if scratch[at.RELAXED] == _RELAXED_STEPS:
            scratch[at.STIFF] = 0.0
