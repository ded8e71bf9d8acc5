"""Values that leave the graph: the right derivative or an error where one is taken, and branches everywhere."""

from __future__ import annotations

import copy
import functools
import math
import operator
import pickle
import statistics
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.special
import scipy.stats

import jitgrad as jg
from jitgrad.errors import ConcretizationError, DTypeError, JitgradError, TracingError, UnsupportedError

pytestmark = pytest.mark.usefixtures("both_ways")

P = np.array([1.7, 2.3])


def put(array: np.ndarray, key: Any, value: Any) -> np.ndarray:
    array[key] = value
    return array


# Functions of two numbers that record, and so have a derivative; with the value of it at P.
RECORDED: dict[str, tuple[Callable[[Any], Any], list[float]]] = {
    "tensor of a list": (lambda x: jg.sum(jg.tensor([x[0], x[1] ** 2])), [1, 4.6]),
    "tensor of a tuple": (lambda x: jg.sum(jg.tensor((x[0], 3, x[1] ** 2))), [1, 4.6]),
    "tensor of nested lists": (lambda x: jg.sum(jg.tensor([[x[0], 1.0], [2, x[1] ** 2]]) * [[2.0], [1.0]]), [2, 4.6]),
    "tensor of rows": (lambda x: jg.sum(jg.tensor([x, np.ones(2), x * x])), [4.4, 5.6]),
    "convert_to_tensor": (lambda x: jg.sum(jg.convert_to_tensor([x[0], x[1] ** 2])), [1, 4.6]),
    "as float32": (lambda x: jg.sum(jg.tensor([x[0], x[1] ** 2], dtype="float32")), [1, 4.6]),
    "of another dtype": (lambda x: jg.sum(jg.tensor(x, dtype=np.float32) ** 2), [3.4, 4.6]),
    "list as an operand": (lambda x: jg.sum([x[0], x[1] ** 2]), [1, 4.6]),
    "list beside an operand": (lambda x: jg.sum(jg.tensor([1.0, 2.0]) * [x[0], x[1]]), [1, 2]),
    "np.stack": (lambda x: np.sum(np.stack([x[0], x[1] ** 2])), [1, 4.6]),
    "np.hstack": (lambda x: np.sum(np.hstack([x[0], x[1] ** 2])), [1, 4.6]),
    "np.concatenate": (lambda x: np.sum(np.concatenate([x[:1], [7.0], x[1:] ** 2])), [1, 4.6]),
    "np.dot": (lambda x: np.dot(np.array([1.0, 2.0]), x) + np.matmul([1.0, 2.0], x), [2, 4]),
    "sum": (lambda x: sum([x[0], x[1] ** 2]), [1, 4.6]),
    "sum over elements": (lambda x: sum(t * t for t in x), [3.4, 4.6]),
    "math.prod": (lambda x: math.prod([x[0], x[1]]), [2.3, 1.7]),
    "max": (lambda x: max(x[0], x[1] ** 2), [0, 4.6]),
    "sorted": (lambda x: sorted([x[0], x[1] ** 2])[0], [1, 0]),
    "functools.reduce": (lambda x: functools.reduce(operator.mul, x), [2.3, 1.7]),
    "unpacked": (lambda x: operator.sub(*x), [1, -1]),
    "round": (lambda x: round(x[0]) + round(x[1], 1) * x[1], [0, 2.3]),
    "copy": (lambda x: jg.sum(copy.copy(x * x)) + jg.sum(copy.deepcopy(x * 2.0)), [5.4, 6.6]),
    "scipy ufunc": (lambda x: np.sum(scipy.special.gammaln(x)), [0.20854787487, 0.60003986033]),
    "if": (lambda x: x[0] if x[0] > 1 and x[1] else x[1], [1, 0]),
    "while": (lambda x: functools.reduce(lambda y, _: y * 2 if jg.linalg.norm(y) < 20 else y, range(9), x)[0], [8, 0]),
    "in": (lambda x: x[0] if 1.7 in x else x[1], [1, 0]),
    "index by a value": (lambda x: x[operator.index(jg.argmax(x))] * [3, 5][jg.argmin(x)], [0, 3]),
    "np.allclose": (lambda x: x[0] if np.allclose(x, x) else x[1], [1, 0]),
    "np.isclose": (lambda x: x[0] if np.isclose(x, x).all() and np.nonzero(x)[0].size == 2 else x[1], [1, 0]),
    "shown": (lambda x: x[0] * len(f"{x[0]:.3f} {x} {x!r} {np.array2string(x[:1])}"[:5]), [5, 0]),
}  # fmt: skip

# Arrays of Tensors, which record except under a tape, where they are values.
ARRAYS: dict[str, tuple[Callable[[Any], Any], list[float]]] = {
    "np.array": (lambda x: jg.sum(np.array([x[0], x[1] ** 2])), [1, 4.6]),
    "np.array of objects": (lambda x: np.array([x[0], x[1]], object).sum(), [1, 1]),
    "np.sum": (lambda x: np.sum([x[0], x[1] ** 2]), [1, 4.6]),
    "np.r_": (lambda x: jg.sum(np.r_[x[0], x[1] ** 2]), [1, 4.6]),
    "np.linalg.norm": (lambda x: np.linalg.norm([x[0], x[1] ** 2]), [0.30595092, 4.37941751]),
    "np.cumsum": (lambda x: np.cumsum([x[0], x[1]])[-1], [1, 1]),
    "np.exp": (lambda x: np.exp([x[0], x[1]]).sum(), [5.473947392, 9.974182455]),
    "np.outer": (lambda x: np.outer([x[0], x[1]], [1.0, 2.0]).sum(), [3, 3]),
    "np.full": (lambda x: np.full(2, x[0]).sum(), [2, 0]),
    "np.poly1d": (lambda x: np.poly1d([x[0], 1.0])(2.0), [2, 0]),
    "ndarray times a list": (lambda x: (np.ones(2) * [x[0], x[1]]).sum(), [1, 1]),
    "np.array of arrays": (lambda x: np.sum(np.array([[x[0], 1.0], [2.0, 3.0]]) @ np.array([x[1], 1.0])), [2.3, 3.7]),
}  # fmt: skip

# Functions whose derivative would be lost.
LOST: dict[str, Callable[[Any], Any]] = {
    "np.asarray": lambda x: jg.sum(np.asarray(x * x)),
    "np.asarray of the argument": lambda x: jg.sum(np.asarray(x)),
    "np.mean": lambda x: np.mean([x[0], x[1] ** 2]),
    "np.c_": lambda x: jg.sum(np.c_[x, x]),
    "np.median": lambda x: np.median([x[0], x[1]]),
    "np.unique": lambda x: np.unique(x).sum(),
    "np.arange": lambda x: np.arange(0.0, x[0]).sum() + x[1],
    "np.vectorize": lambda x: np.vectorize(lambda v: v * v)(x).sum(),
    "ndarray.dot": lambda x: np.array([1.0, 2.0]).dot(x),
    "out": lambda x: np.add(np.zeros(2), x, out=np.zeros(2)).sum(),
    "add.at": lambda x: np.add.at(np.zeros(2), [0, 1], x),
    "+= of an array": lambda x: operator.iadd(np.zeros(2), x).sum(),
    "np.unwrap": lambda x: np.unwrap(x).sum(),
    "into an array": lambda x: put(np.zeros(2), 0, x[0]).sum(),
    "into a slice": lambda x: put(np.zeros(2), slice(None), x).sum(),
    "math.sin": lambda x: math.sin(x[0]) + x[1],
    "math.hypot": lambda x: math.hypot(x[0], x[1]),
    "math.fsum": lambda x: math.fsum(x),
    "math.floor": lambda x: math.floor(x[0]) * x[1],
    "statistics": lambda x: statistics.fmean([x[0], x[1]]),
    "float": lambda x: float(x[0]) * x[1],
    "int": lambda x: int(x[0]) * x[1],
    "complex": lambda x: complex(x[0]).real * x[1],
    "np.float64": lambda x: np.float64(x[0]) * x[1],
    "np.float32": lambda x: np.float32(x[0]) * x[1],
    "tolist": lambda x: x.tolist()[0] * x[1],
    "numpy": lambda x: x.numpy()[0] * x[1],
    "logsumexp": lambda x: scipy.special.logsumexp(x),
    "softmax": lambda x: scipy.special.softmax(x)[0],
    "norm.logpdf": lambda x: scipy.stats.norm.logpdf(x).sum(),
    "norm.logpdf by location": lambda x: scipy.stats.norm.logpdf(1.0, loc=x[0]),
    "Variable": lambda x: jg.Variable(x * x) * 1.0,
    "Variable of a list": lambda x: jg.Variable([x[0], 1.0]) * 1.0,
    "a new leaf": lambda x: jg.sum(jg.tensor(x * x, requires_grad=True)),
    "a new leaf of a list": lambda x: jg.sum(jg.tensor([x[0], 1.0], requires_grad=True)),
    "integers": lambda x: jg.tensor(x * x, dtype=int)[0] * x[1],
    "pickle": lambda x: jg.sum(pickle.loads(pickle.dumps(x * x))),
}

# Functions that NumPy and SciPy do not have for arrays of objects, such as np.array([x, y]).
NOT_OF_OBJECTS: dict[str, Callable[[Any], Any]] = {
    "np.linalg.det": lambda x: np.linalg.det([[x[0], 0.0], [0.0, x[1]]]),
    "logsumexp of a list": lambda x: scipy.special.logsumexp([x[0], x[1]]),
}

# Under backward these are values, as in PyTorch: a number to print, and the state of a Variable.
LOST_IN_TRANSFORMS: dict[str, Callable[[Any], Any]] = {
    "item": lambda x: x[0].item() * x[1],
    "assign": lambda x: jg.Variable(0.0).assign(x[0] * 1.0) * x[1],
    "assign_add": lambda x: jg.Variable(0.0).assign_add(x[0]) * x[1],
    "pickle of a leaf": lambda x: jg.sum(pickle.loads(pickle.dumps(x))),
}


def trained(train: Callable[[jg.Variable, Any], Any]) -> Callable[[Any], Any]:
    """A function of x by a Variable that a training with x changes."""

    def f(x: Any) -> Any:
        w = jg.Variable(0.0)
        train(w, x)
        return w * x[0]

    return f


SGD = jg.optimizers.SGD(0.1)
LOST_IN_TRANSFORMS |= {
    "a step": trained(lambda w, x: SGD.minimize(lambda: (w - x[0]) ** 2, [w])),
    "steps": trained(lambda w, x: SGD.minimize(lambda: (w - x[0]) ** 2, [w], steps=3)),
    "gradients": trained(lambda w, x: SGD.apply_gradients([(x[0], w)])),
    "a fit": trained(lambda w, x: jg.fit(lambda a, b: jg.mean((w * a - x[0] * b) ** 2), (P, P), SGD, epochs=1)),
    "rows of a fit": trained(lambda w, x: jg.fit(lambda a, b: jg.mean((w * a - b) ** 2), (P, P * x), SGD, epochs=1)),
    "a curve": lambda x: jg.curve_fit(lambda t, a: a * t * x[0], np.arange(5.0), np.arange(5.0), p0=[1.0])[0][0] * x[1],
    "a lowered function": lambda x: len(jg.lower(lambda t: t * x[0], 2.0).dump()) * x[1],
    "a metric": lambda x: jg.metrics.Mean(lambda target, prediction: prediction)(P, x) * x[1],
}

TRANSFORMS: dict[str, Callable[[Any], Any]] = {
    "grad": lambda f: jg.grad(f)(P),
    "value_and_grad": lambda f: jg.value_and_grad(f)(P)[1],
    "vjp": lambda f: jg.vjp(f, P)[1](1.0)[0],
    "jvp": lambda f: jg.stack([jg.jvp(f, (P,), (e,))[1] for e in np.eye(2)]),
    "jacrev": lambda f: jg.jacrev(f)(P),
    "jacfwd": lambda f: jg.jacfwd(f)(P),
    "inner": lambda f: jg.grad(lambda c: jg.sum(c * jg.grad(f)(P)))(np.ones(2)),
    "outer": lambda f: jg.grad(lambda x: jg.jvp(lambda c: c * f(x), (1.0,), (1.0,))[1])(P),
    "of a tape's": lambda f: jg.grad(functools.partial(under_a_tape, f))(P),
    "in no_grad": lambda f: jg.no_grad()(jg.grad(f))(P),
    "in a tape": lambda f: in_a_tape(lambda: jg.grad(f)(P)),
}


def under_a_tape(f: Any, x: Any) -> Any:
    with jg.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
    assert tape.gradient(y, x) is not None
    return y


def in_a_tape(f: Any) -> Any:
    with jg.GradientTape():
        return f()


def by_backward(f: Any) -> Any:
    x = jg.tensor(P, requires_grad=True)
    f(x).backward()
    return x.grad


@pytest.mark.parametrize("take", [*TRANSFORMS.values(), by_backward], ids=[*TRANSFORMS, "backward"])
@pytest.mark.parametrize("name", RECORDED | ARRAYS)
def test_what_records_has_its_derivative(name: str, take: Any) -> None:
    f, expected = (RECORDED | ARRAYS)[name]
    np.testing.assert_allclose(np.asarray(take(f)), expected, rtol=1e-6)


@pytest.mark.parametrize("name", RECORDED)
def test_what_records_under_a_tape(name: str) -> None:
    f, expected = RECORDED[name]
    x = jg.Variable(P)
    with jg.GradientTape() as tape:
        y = f(x)
    np.testing.assert_allclose(np.asarray(tape.gradient(y, x)), expected, rtol=1e-6)


@pytest.mark.parametrize("take", TRANSFORMS)
@pytest.mark.parametrize("name", LOST | LOST_IN_TRANSFORMS)
def test_what_loses_a_derivative_is_an_error_in_a_transform(name: str, take: str) -> None:
    refused(lambda: TRANSFORMS[take]((LOST | LOST_IN_TRANSFORMS)[name]))


@pytest.mark.parametrize("leaf", [lambda: jg.tensor(P, requires_grad=True), lambda: jg.Variable(P, requires_grad=True)])
@pytest.mark.parametrize("name", LOST)
def test_what_loses_a_derivative_is_an_error_for_what_requires_one(name: str, leaf: Any) -> None:
    x = leaf()
    refused(lambda: LOST[name](x))
    refused(lambda: LOST[name](x * 1.0))


def refused(f: Callable[[], Any]) -> None:
    """An error of ours; NumPy puts one of its own around it where an element of an array is set."""
    with pytest.raises((JitgradError, ValueError)) as caught:
        f()
    error = caught.value if isinstance(caught.value, JitgradError) else caught.value.__cause__
    assert isinstance(error, (ConcretizationError, UnsupportedError, DTypeError))
    assert any(advice in str(error) for advice in ("detach()", "a = a + v")), error


@pytest.mark.parametrize("name", NOT_OF_OBJECTS)
def test_numpy_refuses_arrays_of_tensors(name: str) -> None:
    with pytest.raises(TypeError, match=r"dtype\('O'\)|argument 0"):
        jg.grad(NOT_OF_OBJECTS[name])(P)


UNSUPPORTED = {"out", "add.at", "+= of an array", "np.unwrap"}


@pytest.mark.parametrize("name", [name for name in LOST if name not in UNSUPPORTED and "leaf" not in name])
def test_a_constant_may_leave_anywhere(name: str) -> None:
    f = LOST[name]
    value = np.asarray(f(jg.tensor(P)))

    def around(x: Any) -> Any:
        """All that is asked for depends on x by no derivative."""
        for constant in (jg.stop_gradient(x), x.detach() * 1.0, jg.tensor(P) * 1.0, jg.floor(x).detach() + (x > 0) + P - 2):
            f(constant)
        with jg.no_grad():
            f(x * 1.0)
        return jg.sum(x * value)

    for take in (TRANSFORMS["grad"], TRANSFORMS["jvp"], by_backward):
        np.testing.assert_allclose(np.asarray(take(around)), np.asarray(take(lambda x: jg.sum(x * value))))


def test_values_under_a_tape_are_values_and_no_path() -> None:
    x = jg.Variable(P)
    with jg.GradientTape(persistent=True) as tape:
        y = float(x[0]) * x[1] + math.sin(x[0])
        z = jg.sum(np.asarray(x * x))
        w = jg.sum(x.numpy()) + x[0].item() + np.mean([x[0], x[1]]) * x[0]
    np.testing.assert_array_equal(np.asarray(tape.gradient(y, x)), [0, P[0]])
    assert tape.gradient(z, x) is None
    np.testing.assert_array_equal(np.asarray(tape.gradient(w, x)), [2, 0])


def test_values_after_backward() -> None:
    """A loop prints its loss, before the call by item() and after it as it likes."""
    w = jg.Variable(2.0, requires_grad=True)
    loss = w * w + 1
    assert loss.item() == 5 and f"{loss:.1f}" == "5.0" and f"{loss}" == "5.0"
    with pytest.raises(ConcretizationError, match=r"float\(\) takes .* requires a gradient at test_values.py.*item\(\)"):
        float(loss)
    loss.backward()
    assert float(loss) == loss.numpy() == loss.tolist() == np.asarray(loss) == 5
    assert w.item() == w.detach().numpy() == 2 and "2." in repr(w)
    with jg.no_grad():
        assert float(w) == np.asarray(w) == 2


@pytest.mark.parametrize("f", [lambda x: np.mean([x[0], x[1]]), scipy.special.logsumexp, scipy.stats.norm.logpdf])
def test_the_line_named_is_the_users_where_a_library_takes_the_value(f: Any) -> None:
    with pytest.raises(ConcretizationError, match=r" at test_values.py:\d+: "):
        jg.grad(lambda x: f(x))(P)


def test_the_error_names_the_transform_and_the_line() -> None:
    with pytest.raises(
        ConcretizationError, match=r"float\(\) .* that grad differentiates at test_values.py:\d+: jg.grad.*sin for math.sin"
    ):
        jg.grad(lambda x: math.sin(x) * x)(2.0)
    with pytest.raises(ConcretizationError, match="that jvp differentiates"):
        jg.jvp(lambda x: np.asarray(x, float) * x, (2.0,), (1.0,))


def test_a_traced_function_says_that_it_is_traced() -> None:
    with pytest.raises(TracingError, match="traced"):
        jg.function(jg.grad(lambda x: math.sin(x) * x))(2.0)
    assert float(jg.grad(jg.function(lambda x: jg.sum(jg.tensor([x, x * x]))))(2.0)) == 5
    assert float(jg.function(lambda x: jg.sum(jg.tensor([x, x * x])))(2.0)) == 6


def test_many_values_of_constants_take_time_in_proportion() -> None:
    asked = 0

    def f(x: Any) -> Any:
        nonlocal asked
        c = jg.tensor(1.0)
        for _ in range(3000):
            c = c * 1.0
            asked += float(c)  # type: ignore[assignment]
        return x * c

    recordings: list[int] = []
    original = jg.tape.recording.Recording._is_constant  # type: ignore[attr-defined]

    def counted(self: Any, tensor: Any) -> bool:
        recordings.append(1)
        return bool(original(self, tensor))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jg.tape.recording.Recording, "_is_constant", counted)  # type: ignore[attr-defined]
        assert float(jg.grad(f)(2.0)) == 1
    assert asked == 3000 and len(recordings) <= 4 * 3000


def test_models_of_variables_that_require_gradients(tmp_path: Any) -> None:
    """They are saved, copied, read and predict as others."""
    model = jg.Sequential([jg.layers.Dense(3, "tanh"), jg.layers.Dense(1)])
    x = np.ones((2, 4), np.float32)
    before = model(x).numpy()
    for v in model.trainable_variables:
        v.requires_grad = True
    np.testing.assert_array_equal(model(x).detach().numpy(), before)
    np.testing.assert_allclose(model.predict(x), before, rtol=1e-6)
    assert [w.shape for w in model.get_weights()] == [(4, 3), (3,), (3, 1), (1,)]
    model.save(tmp_path / "model.jitgrad")
    np.testing.assert_allclose(jg.load_model(tmp_path / "model.jitgrad").predict(x), before, rtol=1e-6)
    jg.check_grads(lambda t: jg.sum(model(t)), (x,), order=1)


COPIES = [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]


@pytest.mark.parametrize("duplicate", COPIES)
def test_a_copy_of_a_variable_is_another(duplicate: Any) -> None:
    v = jg.Variable(np.float32([1, 2]), name="a", trainable=False, requires_grad=True)
    v.constraint = jg.layers.constraints.MaxNorm()
    w = duplicate(v)
    assert (w.name, w.trainable, w.requires_grad, w.dtype, w.shape) == ("a", False, True, np.float32, (2,))
    assert type(w.constraint) is type(v.constraint)
    w.assign([3.0, 4.0])
    assert v.detach().tolist() == [1, 2] and w.detach().tolist() == [3, 4]
    jg.sum(v * v + 3 * w).backward()
    assert v.grad.tolist() == [2, 4] and w.grad.tolist() == [3, 3]
    with jg.GradientTape() as tape:
        tape.watch([v, w])
        y = jg.sum(v * w)
    assert [g.detach().tolist() for g in tape.gradient(y, [v, w])] == [[3, 4], [1, 2]]


def test_copies_share_what_they_shared() -> None:
    v = jg.Variable(1.0)
    both = copy.deepcopy({"a": v, "b": [v]})
    assert both["a"] is both["b"][0] and both["a"] is not v  # type: ignore[index]


@pytest.mark.parametrize("duplicate", COPIES)
@pytest.mark.parametrize("value", [2.5, [1, 2], [True, False], np.float32([1.5]), np.zeros((0, 2))])
def test_a_copy_of_a_tensor_has_its_value(duplicate: Any, value: Any) -> None:
    for t in (jg.tensor(value), jg.tensor(value) + 0):
        made = duplicate(t)
        assert made.dtype == t.dtype and made.shape == t.shape
        np.testing.assert_array_equal(made.numpy(), t.numpy())


def test_a_copy_of_a_leaf_has_a_gradient_of_its_own() -> None:
    x = jg.tensor([1.0, 2.0], requires_grad=True)
    assert copy.copy(x) is x
    for y in (copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        jg.sum(y * y).backward()
        assert x.grad is None and y.grad.tolist() == [2, 4] and y.requires_grad
    z = x * x
    assert copy.deepcopy(z) is z
    with pytest.raises(ConcretizationError, match="pickle"):
        pickle.dumps(z)
