"""The record that native coordinate descent reads and writes, see ``coordinate_descent.py``."""

from __future__ import annotations

from jitgrad.vm.records import Count, Counts, Real, Reals, Record, record


@record
class Penalised(Record):
    """A quadratic function of n coefficients with a penalty."""

    n: Count
    rows: Count  # of A
    leading: Count  # stride of the rows of H, or of the columns of A
    matrix: Reals  # H by rows, or A by columns
    curvature: Reals  # the diagonal of H
    lasso: Reals
    ridge: Reals
    coefficients: Reals
    gradient: Reals  # negative slopes without the penalty: at the coefficients for ``descend_gram``, else at b₀
    fitted: Reals  # A (b − b₀), for ``descend_columns``
    active: Counts  # space for n indices
    tolerance: Real  # largest change of a slope that is considered small
    change: Real  # largest change of the last sweep
