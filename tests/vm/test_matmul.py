"""Matrix products of all forms and sizes against NumPy's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jitgrad.program.context import Context
from jitgrad.program.expression import Expression, Step, input_step
from jitgrad.program.lowering import lower

FORMS = {"matmul_nn": (False, False), "matmul_nt": (False, True), "matmul_tn": (True, False)}
DTYPES = (np.float32, np.float64)

# Around the widths of vectors and blocks, and the depths at which a panel is cut.
SIZES = [
    (1, 1, 1), (1, 9, 1), (1, 300, 70), (3, 5, 7), (4, 4, 128), (4, 16, 3), (5, 17, 33), (7, 300, 66), (64, 3, 1), (70, 600, 5),
    (65, 257, 130), (2, 0, 3), (9, 1, 20), (0, 3, 4), (3, 4, 0), (23, 31, 64), (24, 31, 64), (100, 40, 1), (30, 513, 17),
    (37, 2, 1), (64, 4, 1), (100, 8, 1), (33, 16, 1), (2, 37, 1), (4, 64, 1), (8, 100, 1), (16, 33, 1), (4, 9001, 1), (4, 0, 1),
    (4, 256, 2), (7, 2500, 7), (5, 259, 4), (6, 300, 3), (20, 1001, 5), (4, 255, 2),
]  # fmt: skip


def check(form: str, dtype: type, sizes: tuple[int, int, int], added: str, batch: tuple[int, ...] = ()) -> None:
    """C + A·B with operands as the form has them, against NumPy in float64."""
    m, k, n = sizes
    draw = np.random.default_rng(m * 10_000 + k * 100 + n)
    x, y = draw.normal(size=(*batch, m, k)).astype(dtype), draw.normal(size=(*batch, k, n)).astype(dtype)
    c = draw.normal(size={"nothing": (), "row": (n,), "matrix": (*batch, m, n)}[added]).astype(dtype)
    left, right = FORMS[form]
    a = np.swapaxes(x, -1, -2) if left else x
    b = np.swapaxes(y, -1, -2) if right else y
    operands = [a, b] if added == "nothing" else [a, b, c]
    leaves = [input_step(i, v.shape) for i, v in enumerate(operands)]
    step = Step(form, tuple(range(len(operands))), (), (*batch, m, n))
    program = lower(Expression((*leaves, step), (("value", (len(leaves),)),)), np.dtype(dtype))
    context = Context(program)
    context.arena[:] = np.nan
    context.load(operands)
    context.run()
    exact = x.astype(float) @ y.astype(float) + (0 if added == "nothing" else c)
    bound = (np.abs(x.astype(float)) @ np.abs(y.astype(float)) + np.abs(c)) * (k + 2) * np.finfo(dtype).eps
    assert (np.abs(context.outputs[0] - exact) <= bound).all()
    start = program.outputs[0].offset
    outside = np.ones(program.size, bool)
    for slot in (*program.inputs, program.outputs[0]):
        outside[slot.offset : slot.offset + slot.size] = False
    assert np.isnan(context.arena[outside]).all(), start
    for place, value in zip(context.inputs, operands, strict=True):
        np.testing.assert_array_equal(place, value)


@pytest.mark.parametrize("added", ["nothing", "row", "matrix"])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("form", FORMS)
def test_products(form: str, dtype: type, added: str) -> None:
    for sizes in SIZES:
        check(form, dtype, sizes, added)


@pytest.mark.parametrize("added", ["nothing", "row", "matrix"])
@pytest.mark.parametrize("form", FORMS)
def test_batches_of_products(form: str, added: str) -> None:
    for sizes in [(3, 5, 7), (5, 6, 1), (1, 4, 33)]:
        check(form, np.float64, sizes, added, batch=(2, 3))


_SIZE = st.integers(0, 90)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(list(FORMS)), st.sampled_from(DTYPES), st.tuples(_SIZE, _SIZE, _SIZE),
    st.sampled_from(["nothing", "row", "matrix"]),
)  # fmt: skip
def test_products_of_any_sizes(form: str, dtype: type, sizes: tuple[int, int, int], added: str) -> None:
    check(form, dtype, sizes, added)


def test_nan_and_infinity_stay_in_their_rows_and_columns() -> None:
    x, y = np.ones((6, 5)), np.ones((5, 40))
    x[1, 2], y[3, 7] = np.nan, np.inf
    leaves = [input_step(0, x.shape), input_step(1, y.shape)]
    context = Context(lower(Expression((*leaves, Step("matmul_nn", (0, 1), (), (6, 40))), (("value", (2,)),)), np.dtype(float)))
    context.load([x, y])
    context.run()
    np.testing.assert_array_equal(context.outputs[0], x @ y)
