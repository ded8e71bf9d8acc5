"""A model and its Jacobian, computed in blocks of rows.

One block is computed at a time, and the complete state is in the workspace.
"""

from __future__ import annotations

from numpy import inf, isfinite, uint64

from jitgrad.vm.compiler.language import after, call_execute, compiled, is_null
from jitgrad.vm.kernels import qr
from jitgrad.vm.kernels.robust import counted, scales
from jitgrad.vm.least_squares import codes

ZERO, ONE = uint64(0), uint64(1)
ROUNDED = 2.0**-50
"""Relative error of a number after several roundings."""


@compiled
def ask(work, what, point, phase):
    """Request the model or its derivatives at a point; ``phase`` follows."""
    work.asked, work.point, work.block, work.phase = what, point, ZERO, phase
    work.total = 0.0


@compiled
def ask_for_step(work, radius, damping, phase):
    """Request a step within a radius (inf for a full step); ``phase`` follows."""
    work.asked, work.within, work.damping, work.phase = codes.STEP, radius, damping, phase


@compiled
def go_to(work, phase):
    """Continue with a phase immediately."""
    work.asked, work.phase = codes.NOTHING, phase


@compiled
def end_fit(work, status):
    work.status = status
    go_to(work, codes.ENDED)


@compiled
def move(to, source, n):
    """Copy a vector."""
    for k in range(n):
        to[k] = source[k]


@compiled
def column(problem, work, k):
    """Return a column of the Jacobian."""
    return after(work.jacobian, k * problem.leading)


@compiled
def load(problem, work, block):
    """Copy a block of rows into place, filling up the last one. Return the number of its rows."""
    size, arena = problem.block, work.context.arena
    first, count = work.first + block * size, min(size, work.count - block * size)
    for c in range(problem.n_columns):
        of = problem.columns[c]
        data, to = after(of.data, first), after(arena, of.slot + work.lane * of.lane)
        for i in range(count):
            to[i] = data[i]
        for i in range(count, size):
            to[i] = data[count - ONE]
    return count


@compiled
def place(problem, work):
    """Copy the parameters of the request into place."""
    arena = work.context.arena
    for k in range(problem.n):
        arena[problem.slots[k] + work.lane] = work.point[k]


@compiled
def _run(problem, work, start, stop):
    """Run a part of the Program on the next block. Return its first row and its number of rows."""
    if work.block == ZERO:
        place(problem, work)
    count = work.count if work.count <= problem.block else load(problem, work, work.block)
    call_execute(work.context, start, stop)
    return work.first + work.block * problem.block, count


@compiled
def compute(problem, work):
    """Compute the next block of the request; return whether it was the last one.

    At the end, the new cost is available, inf if the model is not finite, and for derivatives, whether they are finite.
    """
    one_block = work.count <= problem.block
    if work.asked == codes.DERIVATIVES:
        first, count = _run(problem, work, problem.value_stop if one_block else ZERO, problem.stop)
        triangulate(problem, work, first, count)
    else:
        first, count = _run(problem, work, ZERO, problem.value_stop)
        work.total += cost(problem, work, first, count)
    work.block += ONE
    if work.block * problem.block < work.count:
        return False
    if work.asked == codes.DERIVATIVES:
        work.njev += ONE
        work.finite = normalise(problem, work)
        return True
    return has_value(work)


@compiled
def has_value(work):
    """Record the cost of all rows; return whether this completes the request."""
    work.new_cost = 0.5 * work.total if isfinite(work.total) else inf
    if work.asked == codes.VALUE:
        work.nfev += ONE
        return True
    work.finite, work.asked, work.block = False, codes.DERIVATIVES, ZERO
    return work.new_cost == inf


@compiled
def _residuals(problem, work, to, first, count):
    """Write (model - y) · weight for the rows of a block."""
    y, output = after(problem.y, first), problem.outputs[ZERO]
    values = after(work.context.arena, output.slot + work.lane * output.lane)
    if output.stride == ONE:
        for i in range(count):
            to[i] = values[i] - y[i]
    else:
        value = values[ZERO]
        for i in range(count):
            to[i] = value - y[i]
    if not is_null(problem.weights):
        weights = after(problem.weights, first)
        for i in range(count):
            to[i] *= weights[i]


@compiled
def cost(problem, work, first, count):
    """Return twice the cost of the rows of a block, and leave their residuals in ``row_weights``."""
    r, kind, scale = work.row_weights, problem.loss, problem.scale
    _residuals(problem, work, r, first, count)
    if kind == codes.LINEAR_LOSS:
        return qr.dot(r, r, count)
    total = 0.0
    for i in range(count):
        z = r[i] / scale
        total += counted(kind, z * z) * scale * scale
    return total


@compiled
def derivative(problem, work, k):
    """Return the output that contains a derivative."""
    output = problem.outputs[k + ONE]
    return after(work.context.arena, output.slot + work.lane * output.lane)


@compiled
def repeat(to, values, stride, count):
    """Copy a derivative to each row."""
    if stride == ONE:
        for i in range(count):
            to[i] = values[i]
    else:
        value = values[ZERO]
        for i in range(count):
            to[i] = value


@compiled
def _multiply(to, weights, count):
    for i in range(count):
        to[i] *= weights[i]


@compiled
def write_rows(problem, work, base, first, count):
    """Write the rows of a block of the Jacobian and of the residual from row ``base`` on."""
    kind, scale, residuals, weights = problem.loss, problem.scale, after(work.residuals, base), work.row_weights
    weighted = not is_null(problem.weights)
    _residuals(problem, work, residuals, first, count)
    for k in range(problem.n):
        stride = problem.outputs[k + ONE].stride
        repeat(after(column(problem, work, k), base), derivative(problem, work, k), stride, count)
    if weighted:
        for k in range(problem.n):
            _multiply(after(column(problem, work, k), base), after(problem.weights, first), count)
    if kind != codes.LINEAR_LOSS:
        for i in range(count):
            z = residuals[i] / scale
            of_residual, of_row = scales(kind, z * z)
            residuals[i] *= of_residual
            weights[i] = of_row
        for k in range(problem.n):
            _multiply(after(column(problem, work, k), base), weights, count)


@compiled
def triangulate(problem, work, first, count):
    """Merge the rows of a block of the Jacobian and of the residual into the triangle of the blocks before.

    The columns then hold R, and the column of the residual Qᵀ·residual.
    """
    cols = problem.n + ONE
    base = cols if work.block > ZERO else ZERO
    write_rows(problem, work, base, first, count)
    for k in range(cols):
        for i in range(base + count, cols):
            column(problem, work, k)[i] = 0.0
    qr.triangulate(work.jacobian, max(base + count, cols), cols, problem.leading)


@compiled
def normalise(problem, work):
    """Scale the columns of R to norm one, and record their norms and the gradient; return whether all are finite."""
    n, finite = problem.n, True
    for k in range(n):
        at = column(problem, work, k)
        norm = qr.norm(at, k + ONE)
        work.norms[k] = norm
        finite = finite and norm < inf
        if norm > 0.0:
            for i in range(k + ONE):
                at[i] /= norm
    for k in range(n):
        work.gradient[k] = qr.dot(column(problem, work, k), work.residuals, k + ONE)
    work.residual, work.fair = qr.norm(work.residuals, n + ONE), False
    return finite and work.residual < inf


@compiled
def rounding(problem, work):
    """Return the cost that rounding errors of the response alone would cause."""
    y, weights, total = after(problem.y, work.first), after(problem.weights, work.first), 0.0
    kind, scale, weighted = problem.loss, problem.scale, not is_null(problem.weights)
    if kind == codes.LINEAR_LOSS and not weighted:
        return 0.5 * ROUNDED * ROUNDED * qr.dot(y, y, work.count)
    for i in range(work.count):
        size = y[i] * weights[i] if weighted else y[i]
        total += counted(kind, (ROUNDED * size / scale) ** 2)
    return 0.5 * total * scale * scale
