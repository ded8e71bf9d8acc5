"""What the native coordinate descent is given, and what it changes, see ``coordinate_descent.py``."""

from __future__ import annotations

from jitgrad.vm.records import Count, Counts, Real, Reals, Record, record


@record
class Penalised(Record):
    """A quadratic function of n coefficients with a penalty."""

    n: Count
    rows: Count  # of A
    leading: Count  # distance of the rows of H, or of the columns of A
    matrix: Reals  # H by rows, or A by columns
    curvature: Reals  # the diagonal of H
    lasso: Reals
    ridge: Reals
    coefficients: Reals
    gradient: Reals  # by which the function falls, without its penalty: at the coefficients of ``descend_gram``, else at b₀
    fitted: Reals  # A (b − b₀), of ``descend_columns``
    active: Counts  # room for n places
    tolerance: Real  # a change that is small, as one of a slope
    change: Real  # the largest of the last sweep
