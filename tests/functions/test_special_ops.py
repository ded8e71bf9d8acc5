"""``jitgrad.special`` beside SciPy's functions and mpmath: values, derivatives, edges, both dtypes, errors."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest
from scipy import special as theirs

import jitgrad as jg
from jitgrad import special
from jitgrad.errors import ArgumentError, UnsupportedError
from jitgrad.ops import OPS
from jitgrad.ops.special import betainc_by_a, betainc_by_b, gammainc_by_a
from jitgrad.vm.addresses import SPECIAL

# Functions of SciPy's names, and where they are tried.
UNIT, POSITIVE, REAL = (0.001, 0.999), (0.01, 30.0), (-30.0, 30.0)
RANGES = {
    **dict.fromkeys(["erfinv"], ((-0.999, 0.999),)), "erfcinv": ((0.001, 1.999),), "ndtri": (UNIT,), "logit": (UNIT,),
    **dict.fromkeys(["j0", "j1", "i0", "i1", "i0e", "i1e", "log_ndtr", "ndtr", "expit", "log_expit"], (REAL,)),
    **dict.fromkeys(["y0", "y1", "k0", "k1", "k0e", "k1e", "gamma", "gammaln", "entr"], (POSITIVE,)),
    **dict.fromkeys(["beta", "betaln", "gammainc", "gammaincc", "rel_entr", "kl_div", "xlogy", "xlog1py"], (POSITIVE,) * 2),
    **dict.fromkeys(["jv", "yv", "iv", "ive", "kv", "kve"], ((0.0, 5.0), POSITIVE)),
    "betainc": (POSITIVE, POSITIVE, UNIT),
}  # fmt: skip
EDGES = np.array([0.0, -0.0, 1.0, -1.0, 2.0, 0.5, 1e-300, 1e300, 40.0, -40.0, np.inf, -np.inf, np.nan])

# By mpmath at 90 digits.
GAMMAINC_BY_A = [
    (1.0, 1e-08, -1.8843464987333507e-07), (1000.0, 1200.0, -2.416038611395438e-10), (0.1, 0.12, -1.5089297584966594),
    (2.5, 1.75, -0.2689411128257063), (97.3, 0.4, -1.856734852741007e-191),
    (0.001, 0.09586832980505137, -1.8591810830871345), (0.001, 0.01, -4.023271651801227),
    (97.3, 215.06, -6.249124672089158e-20), (1.0, 1.0, -0.4317297106348987), (0.1, 1.5, -0.12692088009905803),
    (0.1, 0.4, -0.7420899583876511), (2.5, 2.5, -0.26084496236866944), (1000.0, 1094.8683298050514, -0.0001746698904959943),
    (1.0, 1.5, -0.3192853006630692), (10.0, 1.0, -2.630331275915804e-07), (97.3, 1.5, -3.386876771743823e-136),
    (10.0, 19.486832980505138, -0.0053566404002888795), (0.5, 0.5, -0.6472003523777539),
    (2.5, 1e-08, -5.874744322693968e-20), (0.001, 1.0022, -0.21902423893434078), (97.3, 1.0, -4.479754190713327e-153),
    (10.0, 0.4, -6.57497676304676e-11), (10.0, 0.01, -1.8998150787102724e-26),
]  # fmt: skip
BETAINC_BY = [
    (3.0, 25.0, 0.08571428571428572, -0.2337160425570715, 0.02368502010146667),
    (1.0, 25.0, 0.326923076923077, -0.00013943811674685448, 1.991582289266469e-05),
    (300.0, 2.0, 0.5, -5.113568217483831e-89, 3.4070106814691684e-88),
    (0.05, 0.1, 0.3333333333333333, -4.718985769592125, 2.187230677412864),
    (40.0, 25.0, 0.999, -1.8903584936269194e-58, 2.3098575737070756e-57),
    (300.0, 25.0, 0.7384615384615385, -1.1644108888494387e-18, 6.425646749195109e-18),
    (0.05, 2.0, 1e-06, -6.769178314931297, 0.016709159213833553),
    (0.5, 0.1, 0.8833333333333334, -0.29489180769686874, 2.3030587051942324),
    (300.0, 2.0, 0.999, -0.00022269389043170143, 0.07994791310155734),
    (40.0, 0.5, 0.9876543209876543, -0.006086798153454065, 0.64797804782216),
    (0.05, 0.5, 0.5, -1.5108105827559883, 0.1790994178821098), (1.0, 0.1, 0.999, -0.07686698156360285, 3.4620787588472437),
    (0.05, 0.1, 0.999, -2.2684225164821497, 2.273042513644206),
    (0.5, 500.0, 0.000999000999000999, -0.647265514104261, 0.00048418327852251604),
    (3.0, 2.0, 1e-06, -5.4262001785325413e-17, 4.3333270833345324e-18),
    (40.0, 0.5, 0.7901234567901234, -3.7201935534676484e-06, 6.28376726074591e-05),
    (300.0, 0.5, 0.9983361064891847, -0.0008072405684619507, 0.6473086686967102),
    (300.0, 500.0, 0.30000000000000004, -6.984178896493035e-07, 3.5464170902462654e-07),
    (300.0, 0.1, 0.999, -0.0002305155100952973, 0.9225086690031465),
    (3.0, 0.1, 0.7741935483870968, -0.02013525415302231, 0.44682632287860796),
    (1.0, 500.0, 1e-06, -0.0040104052610810985, 9.995006244796896e-07),
    (40.0, 0.1, 0.999, -0.001849446078765519, 2.151448518725704),
    (3.0, 0.5, 1e-06, -4.365148997712746e-18, 9.583334583333613e-19),
    (0.05, 500.0, 7.999200079992002e-05, -2.4071737627154475, 8.410108398564132e-05),
]  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", RANGES)
def test_values_are_scipys(name: str, dtype: Any) -> None:
    """To 8 units in the last place, near zeros of the largest value; those that are composed, in float32, to some more."""
    rng = np.random.default_rng(0)
    operands = [rng.uniform(low, high, 400).astype(dtype) for low, high in RANGES[name]]
    got = getattr(special, name)(*[jg.tensor(x) for x in operands])
    expected = getattr(theirs, name)(*[x.astype(np.float64) for x in operands])
    assert got.dtype == dtype
    with np.errstate(over="ignore"):
        expected = expected.astype(dtype)
    ulps, scale = 8, min(1.0, float(np.max(np.abs(expected), initial=0, where=np.isfinite(expected))))
    if OPS.get(name) is None:  # composed, of parts as large as the operands
        ulps, scale = 32, float(np.max(np.abs(operands)))
    near = 8 * np.finfo(dtype).eps * scale
    np.testing.assert_allclose(np.asarray(got), expected, rtol=ulps * np.finfo(dtype).eps, atol=near)


@pytest.mark.parametrize("name", RANGES)
def test_edges_are_scipys(name: str) -> None:
    operands = [g.ravel() for g in np.meshgrid(*[EDGES] * len(RANGES[name]))]
    with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
        expected = getattr(theirs, name)(*operands)
        got = np.asarray(getattr(special, name)(*operands))
    if name == "gammaln":  # C's, see tests/ops/test_table.py
        expected = np.where(operands[0] == -np.inf, np.inf, expected)
    if name == "kl_div":  # SciPy's is nan or infinite where x / y overflows
        expected = np.where(np.maximum(*map(np.abs, operands)) >= 1e300, got, expected)
    np.testing.assert_allclose(got, expected, rtol=1e-13, atol=1e-300)


ONCE = {"gammainc": (0,), "gammaincc": (0,), "betainc": (0, 1)}
NEVER = dict.fromkeys(("jv", "yv", "iv", "ive", "kv", "kve"), (0,))


@pytest.mark.parametrize("name", [name for name in RANGES if name not in SPECIAL])
def test_derivatives_of_composed_functions(name: str) -> None:
    rng = np.random.default_rng(1)
    operands = [rng.uniform(max(low, -3), min(high, 3), 5) for low, high in RANGES[name]]
    jg.check_grads(getattr(special, name), operands, order=2, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", [*ONCE, *NEVER])
def test_what_has_no_derivative_says_so(name: str) -> None:
    x = (1.5, 2.0, 0.4)[: 3 if name == "betainc" else 2]
    for i in ONCE.get(name, ()):
        jg.check_grads(lambda a, i=i: getattr(special, name)(*x[:i], a, *x[i + 1 :]), (x[i],), order=1)
        second = jg.grad(jg.grad(getattr(special, name), i), i)
        with pytest.raises(UnsupportedError, match=r"second derivative of .* with respect to its shape is not available"):
            second(*x)
        jg.check_grads(lambda t, i=i: jg.grad(getattr(special, name), i)(*x[:-1], t), (x[-1],), order=1)
    for derivative in (jg.grad, jg.jacfwd):
        for i in NEVER.get(name, ()):
            with pytest.raises(UnsupportedError, match=f"derivative of {name} with respect to its order is not available"):
                derivative(getattr(special, name), i)(*x)
    w = jg.Variable(2.0)
    with jg.GradientTape() as tape:  # the order is a constant
        y = special.jv(jg.tensor(1.5), w)
    assert float(tape.gradient(y, w)) == pytest.approx(theirs.jvp(1.5, 2.0), rel=1e-13)


@pytest.mark.parametrize(("a", "x", "expected"), GAMMAINC_BY_A)
def test_derivative_of_gammainc_by_its_shape(a: float, x: float, expected: float) -> None:
    assert float(gammainc_by_a(a, x)) == pytest.approx(expected, rel=1e-11, abs=0)
    assert float(jg.grad(special.gammaincc)(a, x)) == pytest.approx(-expected, rel=1e-11, abs=0)


@pytest.mark.parametrize(("a", "b", "x", "by_a", "by_b"), BETAINC_BY)
def test_derivatives_of_betainc_by_its_shapes(a: float, b: float, x: float, by_a: float, by_b: float) -> None:
    assert float(betainc_by_a(a, b, x)) == pytest.approx(by_a, rel=1e-11, abs=0)
    assert float(betainc_by_b(a, b, x)) == pytest.approx(by_b, rel=1e-11, abs=0)


def test_derivatives_by_shapes_at_edges() -> None:
    for op, x, expected in [
        (gammainc_by_a, (2.0, 0.0), 0), (gammainc_by_a, (2.0, math.inf), 0), (gammainc_by_a, (-1.0, 2.0), math.nan),
        (gammainc_by_a, (math.nan, 2.0), math.nan), (betainc_by_a, (2.0, 3.0, 0.0), 0), (betainc_by_b, (2.0, 3.0, 1.0), 0),
        (betainc_by_a, (2.0, -3.0, 0.5), math.nan), (betainc_by_b, (2.0, 3.0, 1.5), math.nan),
    ]:  # fmt: skip
        assert float(op(*x)) == pytest.approx(expected, abs=0, nan_ok=True)


def test_densities_at_the_ends() -> None:
    slope = jg.grad(special.gammainc, 1)
    assert [float(slope(a, 0.0)) for a in (0.5, 1.0, 2.0)] == [math.inf, 1, 0]
    assert float(slope(2.0, math.inf)) == 0
    slope = jg.grad(special.betainc, 2)
    assert [float(slope(a, 1.0, 0.0)) for a in (0.5, 1.0, 2.0)] == [math.inf, 1, 0]
    assert [float(slope(1.0, b, 1.0)) for b in (0.5, 1.0, 2.0)] == [math.inf, 1, 0]


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_derivatives_of_bessel_functions_are_of_any_order(n: int) -> None:
    for name, slope in (("j0", theirs.jvp), ("i0", theirs.ivp), ("y0", theirs.yvp), ("k0", theirs.kvp)):
        f = getattr(special, name)
        for _ in range(n):
            f = jg.grad(f)
        for x in (0.7, 3.0):
            assert float(f(x)) == pytest.approx(slope(0, x, n), rel=1e-12)
    assert float(jg.grad(jg.grad(jg.grad(special.j1)))(0.0)) == pytest.approx(-3 / 8, rel=1e-14)


def test_wofz() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.uniform(-8, 8, 300), rng.uniform(-2, 8, 300)
    expected = theirs.wofz(x + 1j * y)
    real, imag = (np.asarray(part) for part in special.wofz(x, y))
    np.testing.assert_allclose(real + 1j * imag, expected, rtol=1e-14)
    jg.check_grads(special.wofz, (x[:5], y[:5]), order=2, rtol=1e-4, atol=1e-4)
    width = 0.7 * math.sqrt(2)
    voigt = special.wofz(1.0 / width, 0.3 / width)[0] / (width * math.sqrt(math.pi))
    assert float(voigt) == pytest.approx(float(special.voigt_profile(1.0, 0.7, 0.3)), rel=1e-14)


def test_logarithms_times_0() -> None:
    """Their derivatives are those of x·log(y), where a product of 0 and a selection would give 0."""
    by_x = jg.grad(special.xlogy)
    assert float(by_x(0.0, 2.0)) == pytest.approx(math.log(2)) and float(by_x(0.0, 0.0)) == -math.inf
    assert float(jg.grad(special.xlogy, 1)(0.0, 0.0)) == 0
    assert float(jg.grad(special.xlog1py)(0.0, 1.0)) == pytest.approx(math.log(2))
    assert float(jg.grad(special.entr)(0.0)) == math.inf and float(jg.grad(special.entr)(2.0)) == -math.log(2) - 1
    assert float(jg.grad(special.rel_entr)(0.0, 1.0)) == -math.inf
    assert [float(jg.grad(special.kl_div, 1)(x, 0.5)) for x in (0.0, 0.5)] == [1, 0]


def test_factorials_and_multivariate_gamma() -> None:
    n = np.arange(-2.0, 20)
    np.testing.assert_allclose(special.factorial(n).numpy(), theirs.factorial(n), rtol=1e-14)
    for d in (1, 3):
        np.testing.assert_allclose(
            special.multigammaln(n[8:], d).numpy(), [theirs.multigammaln(a, d) for a in n[8:]], rtol=1e-13
        )
    jg.check_grads(lambda a: special.multigammaln(a, 3), (np.array([2.5, 4.0]),), order=2)
    with pytest.raises(ArgumentError, match="multigammaln: d is 0"):
        special.multigammaln(2.0, 0)


@pytest.mark.parametrize("name", ["j0", "gammainc", "betainc", "xlogy", "entr", "ndtr", "logit", "kl_div"])
def test_scipys_ufuncs_come_to_these(name: str) -> None:
    x = [jg.Variable(np.array([0.2, 0.6])) for _ in RANGES[name]]
    got = getattr(theirs, name)(*x)
    assert type(got) is jg.Tensor
    np.testing.assert_allclose(got.numpy(), getattr(theirs, name)(*[v.numpy() for v in x]), rtol=1e-14)
    np.testing.assert_allclose(np.i0(x[0]).numpy(), np.i0(x[0].numpy()), rtol=1e-14)


def test_many_rows_in_blocks_and_in_loops() -> None:
    x = np.random.default_rng(0).uniform(0.5, 3, (50000, 2))
    f = jg.function(lambda x, a: jg.sum(special.gammainc(a, x) * special.gamma(x), axis=0))
    a = np.array([1.5, 2.5])
    np.testing.assert_allclose(f(x, a).numpy(), np.sum(theirs.gammainc(a, x) * theirs.gamma(x), axis=0), rtol=1e-11)
    w = jg.Variable(1.0)
    history = jg.fit(
        lambda xs, ys: jg.mean(jg.square(ys - special.j0(w * xs))), (x[:, 0], theirs.j0(1.3 * x[:, 0])),
        jg.optimizers.Adam(0.05), epochs=30, batch_size=10000,
    )  # fmt: skip
    assert history.loss[-1] < 1e-6 and float(w) == pytest.approx(1.3, abs=1e-3)
