"""When a model is traced again, in blocks or whole, and for data of any shape."""

from __future__ import annotations

import copy
import functools
import math
import pickle
import random
import time
import types
from typing import Any

import numpy as np
import pytest

import jitgrad as jg
from jitgrad import curve_fit, curvefit
from jitgrad.curvefit.curve import curve_of, plain_key

X = np.linspace(0.1, 4, 40)
LONG = np.linspace(0, 4, 3000)
PER_ROW = np.sin(LONG)

# Models in which something depends on how many rows there are, or that have arrays of their own: rows are not taken in blocks.
WHOLE: list[tuple[Any, Any]] = [
    (lambda x, a, b: a * x / len(x) + b, lambda x: 2 * x / 3000 + 3),
    (lambda x, a, b: a * x / x.size + b, lambda x: 2 * x / 3000 + 3),
    (lambda x, a, b: a * np.arange(len(x)) + b, lambda x: 2 * np.arange(3000) + 3),
    (lambda x, a, b: a * x * PER_ROW + b, lambda x: 2 * x * PER_ROW + 3),
    (lambda x, a, b: a * (x - jg.mean(x)) + b, lambda x: 2 * (x - x.mean()) + 3),
    (lambda x, a, b: a * LONG + b, lambda x: 2 * x + 3),
]


@pytest.mark.parametrize("number", range(len(WHOLE)))
@pytest.mark.parametrize("p0", [None, [1.0, 1.0]])
def test_models_of_all_rows(number: int, p0: Any) -> None:
    model, truth = WHOLE[number]
    np.testing.assert_allclose(curve_fit(model, LONG, truth(LONG), p0).values, [2, 3], rtol=1e-7)


@pytest.mark.parametrize(
    ("x", "model"),
    [
        (0, lambda x, a, b: a * X + b),
        (X[:1], lambda x, a, b: a * X + b),
        (np.ones((2, 7)), lambda x, a, b: a * X + b),
        (np.c_[X, X**2], lambda x, a, b: a * x[:, 0] + b),
        (X.reshape(5, 8), lambda x, a, b: (a * x + b).ravel()),
    ],
)
def test_data_of_any_shape(x: Any, model: Any) -> None:
    result = curve_fit(model, x, 2 * X + 3, [1.0, 1.0])
    np.testing.assert_allclose(result.values, [2, 3], rtol=1e-9)
    np.testing.assert_allclose(result.predict(), 2 * X + 3)
    assert result.r2 == pytest.approx(1) and "converged" in str(result)
    np.testing.assert_allclose(result.predict(x), 2 * X + 3)


def made(k: float) -> Any:
    def model(x: Any, a: Any, *, s: float = k) -> Any:
        return a * x * s

    return model


def test_a_model_is_traced_again_when_what_it_refers_to_has_changed() -> None:
    config = types.ModuleType("config")

    class Holder:
        k = 1.0

    bound, array = [1.0], np.ones(1)
    scale = 1.0
    models = [
        lambda x, a: a * x * config.k,  # type: ignore[attr-defined]
        lambda x, a: a * x * Holder.k,
        lambda x, a: a * x * bound[0],
        lambda x, a: a * x * array,
        lambda x, a: a * x * scale,
        lambda x, a: a * x * globals()["_scale"],
    ]
    for k, expected in ((1.0, 2.0), (2.0, 1.0)):
        config.k = Holder.k = bound[0] = array[0] = scale = globals()["_scale"] = k  # type: ignore[attr-defined]
        for model in models:
            assert float(curve_fit(model, X, 2 * X, [1.0]).values[0]) == pytest.approx(expected)
    assert [float(curve_fit(made(k), X, 2 * X, [1.0]).values[0]) for k in (1.0, 2.0, 4.0)] == pytest.approx([2, 1, 0.5])
    for g, expected in ((lambda x: x, 2.0), (lambda x: 2 * x, 1.0)):
        f = curvefit.formula("a * q(x)", {"q": g})
        assert float(curve_fit(f, X, 2 * X, [1.0]).values[0]) == pytest.approx(expected)
    for k, expected in ((1.0, 2.0), (2.0, 1.0)):
        part = functools.partial(lambda x, a, k: a * k * x, k=k)
        assert float(curve_fit(part, X, 2 * X, {"a": 1.0}).values[0]) == pytest.approx(expected)


def read(place: dict[str, float]) -> float:
    return place["k"]


def test_what_may_change_is_traced_each_time() -> None:
    """The key contains what the code looks up, such as names of attributes and imports; nothing else is checked."""
    place, k = {"k": 1.0}, 1.0

    def helper(x: Any) -> Any:
        return x * helper.k  # type: ignore[attr-defined]

    def imports(x: Any, a: Any) -> Any:
        from tests.curvefit import places

        return a * x * places.scale

    def defaults(x: Any, a: Any, of: Any = place) -> Any:
        return a * x * of["k"]

    models = [
        imports,
        defaults,
        lambda x, a: a * helper(x),
        lambda x, a: a * x * read(place),
        lambda x, a: a * x * getattr(helper, "k"),  # noqa: B009
        lambda x, a: a * x * eval("k", None, place),
        lambda x, a: a * x * random.random(),
        lambda x, a: a * x * np.random.rand(),
        lambda x, a: a * x * (k if time.time() else 1),
    ]
    assert [plain_key(model) for model in models] == [None] * len(models)
    from tests.curvefit import places

    for k, expected in ((1.0, 2.0), (2.0, 1.0)):
        place["k"] = helper.k = places.scale = k  # type: ignore[attr-defined]
        for model in models[:6]:
            assert float(curve_fit(model, X, 2 * X, [1.0]).values[0]) == pytest.approx(expected)


def test_what_cannot_change_is_traced_once() -> None:
    shift = 0.5

    def helper(x: Any) -> Any:
        return np.exp(-x) + shift

    def model(x: Any, a: Any, b: float = 1.0) -> Any:
        return a * helper(x) + jg.tanh(b * x)

    assert plain_key(model) is not None and plain_key(model) == plain_key(model)
    powers, of = (1, 2.5, np.float32(3)), math.tau
    assert plain_key(lambda x, a: a * sum(x ** float(p) for p in powers) + np.where(x > of, max(1, 2), len(powers)))
    assert plain_key(lambda x, a: a * np.interp(x, X, LONG[:2])) is None
    piecewise = lambda x, a: a * np.interp(x, X, X)  # noqa: E731
    assert plain_key(piecewise) is not None and plain_key(piecewise) == plain_key(piecewise)
    polynomial = np.polynomial.Polynomial([1.0, 2.0])
    assert plain_key(lambda x, a: a * polynomial(x)) is None
    assert plain_key(np.vectorize(lambda x, a: a * x)) is None


def test_what_may_change_is_lowered_once_for_the_same_values() -> None:
    array, variable, k = X.copy(), jg.Variable(2.0), [3.0]

    def model(x: Any, a: Any) -> Any:
        return a * x * array * variable + k[0]

    curve = curve_of(model, {"": X}, None, None)

    def lowered() -> Any:
        return curve.traced([X], [0], len(X))

    assert curve.key is None
    before = lowered()
    assert lowered() is before
    array[3] = 7.0
    changed = lowered()
    assert changed is not before and lowered() is changed
    variable.assign(5.0)
    assert lowered() is not changed
    k[0] = 4.0
    said, jacobian = curve.evaluate(np.array([1.5]), [0], [X])
    np.testing.assert_allclose(said, 1.5 * X * array * 5 + 4)
    np.testing.assert_allclose(jacobian[:, 0], X * array * 5)


def test_trailing_parameters_with_defaults_are_options() -> None:
    def model(x: Any, a: Any, b: Any, kind: str = "exp") -> Any:
        return a * np.exp(-b * x) if kind == "exp" else a * x

    assert curve_fit(model, X, 2 * np.exp(-X), [1, 1]).names == ["a", "b"]


def test_scipys_names() -> None:
    result = curve_fit(f=lambda x, a: a * x, xdata=X, ydata=2 * X, p0=[1], epsfcn=1e-9, verbose=0)
    assert float(result.popt[0]) == pytest.approx(2)
    with pytest.raises(TypeError, match="unexpected keyword argument 'xdat'"):
        curve_fit("a * x", xdat=X, y=X)
    with pytest.raises(TypeError, match="needs a model, x and y"):
        curve_fit("a * x", X)


def test_results_keep_data_of_their_own() -> None:
    x, y = X.copy(), 2 * X + np.sin(9 * X)
    result = curve_fit("a * x + b", x, y)
    expected = curve_fit("a * x + b", X, y.copy())
    r2 = expected.r2
    x[:], y[:] = 0, 0
    assert result.r2 == r2
    result.popt[0] = 99
    np.testing.assert_array_equal(result.values, expected.values)


@pytest.mark.parametrize("model", ["a * x + b", made(1.0)])
def test_results_are_copied(model: Any) -> None:
    result = curve_fit(model, X, 2 * X + 3 * (model == "a * x + b"), p0=[1.0] * (1 + (model == "a * x + b")))
    same = copy.deepcopy(result)
    np.testing.assert_array_equal(same.predict(X[:3]), result.predict(X[:3]))
    if isinstance(model, str):
        again = pickle.loads(pickle.dumps(result))
        np.testing.assert_array_equal(again.pcov, result.pcov)
        assert str(again) == str(result)


def test_a_column_of_a_constants_name_is_the_column() -> None:
    result = curve_fit("a * e + b * x", {"e": X**2, "x": X}, 2 * X**2 + 3 * X)
    assert result.parameters == pytest.approx({"a": 2, "b": 3})
    assert float(curvefit.formula("pi * x")(pi=2.0, x=1.0)) == 2


def test_letters_beyond_ascii_are_taken_as_they_are() -> None:
    result = curve_fit("\u00b5_0 * \u00b5 + \ufb01", {"\u00b5": X}, 2 * X + 3)
    assert result.parameters == pytest.approx({"\u00b5_0": 2, "\ufb01": 3})


def test_long_sums() -> None:
    text = " + ".join(f"a * x / {k}" for k in range(1, 401))
    expected = 1 / sum(1 / k for k in range(1, 401))
    assert float(curve_fit(text, X, X).values[0]) == pytest.approx(expected)


def test_new_measurements_have_a_sigma_of_their_own() -> None:
    draw = np.random.default_rng(2)
    sigma = np.full(40, 0.01)
    y = 2 * X + 3 + 0.01 * draw.normal(size=40)
    result = curve_fit("a * x + b", X, y, sigma=sigma, absolute_sigma=True)
    low, high = result.band(prediction=True)
    assert (high - low) / 2 == pytest.approx(1.96 * 0.01, rel=0.1)
    with pytest.raises(jg.errors.ArgumentError, match="Give sigma of the new measurements"):
        result.band(X[:3], prediction=True)
    low, high = result.band(X[:3], prediction=True, sigma=0.02)
    assert (high - low) / 2 == pytest.approx(1.96 * 0.02, rel=0.1)


def test_exact_data_have_one_minimum() -> None:
    assert curve_fit("a * exp(-b * x)", X, 2 * np.exp(-X)).n_minima == 1


def test_names_of_columns_where_there_is_one() -> None:
    result = curve_fit("line", {"t": X}, 2 * X + 3)
    np.testing.assert_allclose(result.predict({"t": [1.0, 2.0]}), [5, 7])
    np.testing.assert_allclose(curve_fit("a * t + b", {"t": X}, 2 * X + 3).predict([1.0, 2.0]), [5, 7])
    named = curve_fit("line", {"t": X, "y": 2 * X + 3, "s": X}, "y", sigma="s")
    assert named.parameters == pytest.approx({"intercept": 3, "slope": 2})
