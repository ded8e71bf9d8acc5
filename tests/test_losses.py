"""Losses: against formulas and PyTorch, gradients, weights, extremes, and what wrong use says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from scipy import special

import jitgrad
from jitgrad import losses
from jitgrad.errors import ArgumentError, DataError, ShapeError

RNG = np.random.default_rng(0)
Y, P = RNG.normal(size=(6, 3)), RNG.normal(size=(6, 3))
POSITIVE, MEANS = RNG.uniform(0.5, 3, (6, 3)), RNG.uniform(0.5, 3, (6, 3))
BITS, LABELS = RNG.integers(0, 2, (6, 3)).astype(float), RNG.integers(0, 3, 6)
HOT, CHANCES, Q = np.eye(3)[LABELS], special.softmax(P, -1), special.softmax(Y, -1)


NO_OPTIONS: dict[str, Any] = {}


class Case(NamedTuple):
    """A loss on a target and a prediction, and each row's loss by NumPy; and the same in PyTorch, if it has it."""

    loss: Any
    target: Any
    prediction: Any
    rows: Callable[[Any, Any], Any]
    options: dict[str, Any] = NO_OPTIONS
    torch: Callable[..., Any] | None = None
    keras: Callable[..., Any] | None = None


def smoothed(t: Any) -> Any:
    return t * 0.9 + 0.1 / 3


CASES = {
    "mse": Case(losses.mean_squared_error, Y, P, lambda t, p: ((t - p) ** 2).mean(1), torch=lambda f, t, p: f.mse_loss(p, t)),
    "mae": Case(losses.mean_absolute_error, Y, P, lambda t, p: abs(t - p).mean(1), torch=lambda f, t, p: f.l1_loss(p, t)),
    "huber": Case(
        losses.huber, Y, P, lambda t, p: special.huber(0.7, t - p).mean(1), {"delta": 0.7},
        lambda f, t, p: f.huber_loss(p, t, delta=0.7),
    ),
    "log_cosh": Case(losses.log_cosh, Y, P, lambda t, p: np.log(np.cosh(t - p)).mean(1)),
    "quantile": Case(losses.quantile, Y, P, lambda t, p: np.where(t > p, 0.9 * (t - p), 0.1 * (p - t)).mean(1), {"q": 0.9}),
    "poisson": Case(losses.poisson, POSITIVE, MEANS, lambda t, p: (p - t * np.log(p + 1e-7)).mean(1)),
    "gamma": Case(losses.gamma, POSITIVE, MEANS, lambda t, p: (t / p + np.log(p)).mean(1)),
    "gaussian_nll": Case(
        losses.gaussian_nll, Y, np.c_[P, Q],
        lambda t, p: (0.5 * (p[:, 3:] + (t - p[:, :3]) ** 2 / np.exp(p[:, 3:]))).mean(1),
        torch=lambda f, t, p: f.gaussian_nll_loss(p[:, :3], t, p[:, 3:].exp()),
    ),
    "cosine": Case(
        losses.cosine_similarity, Y, P,
        lambda t, p: -(t * p).sum(1) / np.linalg.norm(t, axis=1) / np.linalg.norm(p, axis=1),
        torch=lambda f, t, p: -f.cosine_similarity(p, t).mean(),
    ),
    "binary": Case(
        losses.binary_crossentropy, BITS, special.expit(P),
        lambda t, p: -(t * np.log(p) + (1 - t) * np.log(1 - p)).mean(1), torch=lambda f, t, p: f.binary_cross_entropy(p, t),
    ),
    "binary logits": Case(
        losses.binary_crossentropy, BITS, P, lambda t, p: (np.logaddexp(0, p) - (t * 0.8 + 0.1) * p).mean(1),
        {"from_logits": True, "label_smoothing": 0.2},
        lambda f, t, p: f.binary_cross_entropy_with_logits(p, t * 0.8 + 0.1),
    ),
    "categorical": Case(losses.categorical_crossentropy, HOT, CHANCES, lambda t, p: -(t * np.log(p)).sum(1)),
    "categorical logits": Case(
        losses.categorical_crossentropy, HOT, P, lambda t, p: -(smoothed(t) * special.log_softmax(p, -1)).sum(1),
        {"from_logits": True, "label_smoothing": 0.1}, lambda f, t, p: f.cross_entropy(p, t, label_smoothing=0.1),
    ),
    "sparse": Case(losses.sparse_categorical_crossentropy, LABELS, CHANCES, lambda t, p: -np.log(p[range(6), t])),
    "sparse logits": Case(
        losses.sparse_categorical_crossentropy, LABELS, P, lambda t, p: -special.log_softmax(p, -1)[range(6), t],
        {"from_logits": True}, lambda f, t, p: f.cross_entropy(p, t),
    ),
    "kl": Case(
        losses.kl_divergence, Q, CHANCES, lambda t, p: (t * np.log(t / p)).sum(1),
        torch=lambda f, t, p: f.kl_div(p.log(), t, reduction="batchmean"),
    ),
    "hinge": Case(
        losses.hinge, BITS, P, lambda t, p: np.maximum(1 - (2 * t - 1) * p, 0).mean(1), keras=lambda f, t, p: f.hinge(t, p)
    ),
    "squared hinge": Case(
        losses.squared_hinge, BITS, P, lambda t, p: (np.maximum(1 - (2 * t - 1) * p, 0) ** 2).mean(1),
        keras=lambda f, t, p: f.squared_hinge(t, p),
    ),
    "categorical hinge": Case(
        losses.categorical_hinge, HOT, P,
        lambda t, p: np.maximum(((1 - t) * p).max(1) - (t * p).sum(1) + 1, 0), keras=lambda f, t, p: f.categorical_hinge(t, p),
    ),
    "smooth_l1": Case(
        losses.smooth_l1, Y, P, lambda t, p: (special.huber(0.7, t - p) / 0.7).mean(1), {"beta": 0.7},
        lambda f, t, p: f.smooth_l1_loss(p, t, beta=0.7),
    ),
    "mape": Case(
        losses.mean_absolute_percentage_error, Y, P, lambda t, p: (100 * abs((t - p) / t)).mean(1),
        keras=lambda f, t, p: f.mean_absolute_percentage_error(t, p),
    ),
    "msle": Case(
        losses.mean_squared_logarithmic_error, POSITIVE, MEANS, lambda t, p: ((np.log1p(t) - np.log1p(p)) ** 2).mean(1),
        keras=lambda f, t, p: f.mean_squared_logarithmic_error(t, p),
    ),
    "binary focal": Case(
        losses.binary_focal_crossentropy, BITS, special.expit(P),
        lambda t, p: (np.where(t, 1 - p, p) ** 2 * -np.log(np.where(t, p, 1 - p))).mean(1),
        keras=lambda f, t, p: f.binary_focal_crossentropy(t, p),
    ),
    "binary focal, balanced": Case(
        losses.binary_focal_crossentropy, BITS, P,
        lambda t, p: (
            np.where(t, 0.3, 0.7) * special.expit(np.where(t, -p, p)) ** 1.5 * np.logaddexp(0, np.where(t, -p, p))
        ).mean(1),
        {"alpha": 0.3, "gamma": 1.5, "from_logits": True},
        keras=lambda f, t, p: f.binary_focal_crossentropy(t, p, True, 0.3, 1.5, True),
    ),
    "categorical focal": Case(
        losses.categorical_focal_crossentropy, HOT, CHANCES,
        lambda t, p: (-0.25 * (1 - p) ** 2 * t * np.log(p)).sum(1),
        keras=lambda f, t, p: f.categorical_focal_crossentropy(t, p),
    ),
    "categorical focal logits": Case(
        losses.categorical_focal_crossentropy, HOT, P,
        lambda t, p: (-0.5 * (1 - special.softmax(p, -1)) ** 3 * smoothed(t) * special.log_softmax(p, -1)).sum(1),
        {"alpha": 0.5, "gamma": 3.0, "from_logits": True, "label_smoothing": 0.1},
        keras=lambda f, t, p: f.categorical_focal_crossentropy(t, p, 0.5, 3.0, True, 0.1),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_values_and_weights(name: str) -> None:
    case = CASES[name]
    rows = case.rows(case.target, case.prediction)
    got = case.loss.by_row(jitgrad.tensor(case.target), jitgrad.tensor(case.prediction), **case.options)
    np.testing.assert_allclose(got.numpy(), rows, rtol=1e-6, atol=1e-9)
    assert float(case.loss(case.target, case.prediction, **case.options)) == pytest.approx(rows.mean(), rel=1e-6)
    weights = np.arange(6.0)
    weighted = case.loss(case.target, case.prediction, **case.options, sample_weight=weights)
    assert float(weighted) == pytest.approx((rows * weights).mean(), rel=1e-6)


@pytest.mark.parametrize("name", CASES)
def test_derivatives(name: str) -> None:
    case = CASES[name]
    jitgrad.check_grads(lambda p: case.loss(case.target, p, **case.options), (case.prediction,), order=2, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.torch])
def test_pytorch(name: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    case = CASES[name]
    assert case.torch is not None
    p = torch.tensor(case.prediction, requires_grad=True)
    expected = case.torch(torch.nn.functional, torch.as_tensor(case.target), p)
    expected.backward()
    value, gradient = jitgrad.value_and_grad(lambda q: case.loss(case.target, q, **case.options))(case.prediction)
    assert float(value) == pytest.approx(float(expected.detach()), rel=1e-6)
    np.testing.assert_allclose(gradient.numpy(), p.grad.numpy(), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.keras])
def test_keras(name: str) -> None:
    keras = pytest.importorskip("keras", reason="Keras is not installed")
    case = CASES[name]
    assert case.keras is not None
    expected = np.asarray(case.keras(keras.losses, case.target, case.prediction))
    got = case.loss.by_row(jitgrad.tensor(case.target), jitgrad.tensor(case.prediction), **case.options)
    np.testing.assert_allclose(got.numpy(), expected, rtol=1e-6, atol=1e-9)


def test_focal_losses_of_what_was_just_recorded_are_those_of_logits() -> None:
    for logit in (-1000.0, 1000.0):
        z = np.array([[logit, 0.0, -logit]])
        soft = losses.categorical_focal_crossentropy(np.eye(3)[[0]], jitgrad.softmax(jitgrad.tensor(z)))
        both = losses.binary_focal_crossentropy([[0.0, 1.0, 1.0]], jitgrad.sigmoid(jitgrad.tensor(z)))
        assert float(soft) == pytest.approx(max(-logit, 0) * 2 / 4 if logit < 0 else 0, rel=1e-6)
        assert float(both) == pytest.approx((max(logit, 0) * 2 + 0.25 * np.log(2)) / 3, rel=1e-6)


def test_extremes_are_finite() -> None:
    for logit in (-1000.0, 1000.0):
        z = np.array([[logit, 0.0, -logit]])
        assert np.isfinite(float(losses.sparse_categorical_crossentropy([0], z, from_logits=True)))
        assert np.isfinite(float(losses.binary_crossentropy([[0.0, 1.0, 0.0]], z, from_logits=True)))
        assert np.isfinite(float(losses.log_cosh(z, -z)))
    assert np.isfinite(float(losses.binary_crossentropy([[1.0, 0.0]], [[0.0, 1.0]])))
    assert np.isfinite(float(losses.categorical_crossentropy([[1.0, 0.0]], [[0.0, 1.0]])))


def test_names() -> None:
    assert losses.get("mse") is losses.mean_squared_error is losses.get(losses.mean_squared_error)
    with pytest.raises(ArgumentError, match=r"no loss 'msee'\. Did you mean 'mse'"):
        losses.get("msee")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: losses.mean_squared_error(Y, P[:, :2]), r"target has shape \(6, 3\) and the prediction \(6, 2\)"),
        (lambda: losses.mean_squared_error(Y, P, sample_weight=np.ones(5)), r"sample_weight has shape \(5,\)"),
        (lambda: losses.sparse_categorical_crossentropy(HOT, P), "one class per row"),
        (lambda: losses.gaussian_nll(Y, P), "twice as many numbers"),
    ],
)
def test_shapes_that_do_not_fit(call: Any, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        call()


# Targets that a loss has no meaning for.

LABELS = [(-1, "-1"), (3, "3"), (0.5, "0.5"), (np.nan, "nan"), (np.inf, "inf"), (10**6, "1000000")]
LOGITS = np.zeros((3, 3))
SPARSE = losses.sparse_categorical_crossentropy


@pytest.mark.parametrize(("label", "said"), LABELS)
@pytest.mark.parametrize(
    "ask",
    [
        lambda y: SPARSE(y, LOGITS, from_logits=True),
        lambda y: SPARSE(y, np.full((3, 3), 1 / 3)),
        lambda y: SPARSE(y[:, None], LOGITS, from_logits=True),
        lambda y: SPARSE(jitgrad.tensor(y), jitgrad.tensor(LOGITS), from_logits=True, sample_weight=np.ones(3)),
        lambda y: SPARSE.by_row(y, LOGITS, from_logits=True),
        lambda y: jitgrad.grad(lambda z: SPARSE(y, z, from_logits=True))(LOGITS),
        lambda y: jitgrad.function(lambda t, z: SPARSE(t, z, from_logits=True))(y, LOGITS),
        lambda y: jitgrad.function(lambda t, z: SPARSE(t, z, from_logits=True))(y[:, None], LOGITS),
        lambda y: jitgrad.metrics.get("sparse_categorical_accuracy")(y, LOGITS),
        lambda y: jitgrad.metrics.get("accuracy")(y, LOGITS),
        lambda y: jitgrad.metrics.get("sparse_top_k_categorical_accuracy")(y, LOGITS),
        lambda y: jitgrad.metrics.get("confusion_matrix")(y, LOGITS),
        lambda y: jitgrad.metrics.get("f1")(y, LOGITS),
    ],
)
def test_a_label_that_is_no_class_is_an_error_with_its_row(ask: Any, label: float, said: str) -> None:
    labels = np.array([0, label, 2])
    with pytest.raises(DataError, match=rf"has {said}(\.0)? in row 1, which is not a class from 0 to 2"):
        float(np.sum(np.asarray(ask(labels))))


@pytest.mark.parametrize("label", [label for label, _ in LABELS if np.isfinite(label)])
def test_a_label_that_is_no_class_ends_a_fit(label: float) -> None:
    w, labels = jitgrad.Variable(LOGITS), np.array([0, label, 2])
    with pytest.raises(DataError, match=r"Data array 0 has .* in row 1"):
        jitgrad.fit(lambda y: SPARSE(y, w[: y.shape[0]], from_logits=True), labels, jitgrad.optimizers.SGD(0.1))


@pytest.mark.parametrize("label", [label for label, _ in LABELS])
@pytest.mark.parametrize("shape", [(3,), (3, 1)])
def test_a_computed_label_that_is_no_class_is_nan(label: float, shape: tuple[int, ...]) -> None:
    f = jitgrad.function(lambda t: SPARSE.by_row(t * 1.0 + 0.0, LOGITS, from_logits=True))
    rows = np.asarray(f(np.array([0, label, 2]).reshape(shape)))
    np.testing.assert_array_equal(np.isnan(rows), [False, True, False])
    np.testing.assert_allclose(rows[[0, 2]], np.log(3))


MEANINGLESS = [
    ("hinge", 0.5), ("hinge", 2.0), ("binary_crossentropy", 2.0), ("binary_crossentropy", -1.0),
    ("categorical_crossentropy", 1.5), ("kl_divergence", -0.5), ("poisson", -1.0), ("gamma", 0.0),
    ("squared_hinge", 0.5), ("categorical_hinge", -1.0), ("binary_focal_crossentropy", 2.0),
    ("categorical_focal_crossentropy", -0.5),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), MEANINGLESS)
def test_targets_without_meaning(name: str, value: float) -> None:
    loss, prediction = losses.LOSSES[name], np.full((2, 2), 0.5)
    target = np.array([[1.0, 1.0], [1.0, value]])
    for ask in (loss, loss.by_row, lambda t, p: loss(t, p, sample_weight=np.ones(2)), jitgrad.function(loss)):
        with pytest.raises(DataError, match=rf"has {value} in row 1, which is"):
            ask(target, prediction)
    rows = np.asarray(jitgrad.function(lambda t: loss.by_row(t + 0.0, prediction))(target))
    np.testing.assert_array_equal(np.isnan(rows), [False, True])


# Probabilities that do not sum to 1, as Keras 3.15 on JAX has them.

Q = np.array([[0.1, 0.2, 0.3], [2, 1, 0.5], [0, 0, 1.0], [1.2, -0.1, 0.3], [0, 0, 0]])
T = np.array([[0, 1, 0], [0, 0, 1.0], [1, 0, 0], [0.2, 0.3, 0.5], [1, 0, 0]])


@pytest.mark.parametrize(
    ("loss", "target", "options", "expected"),
    [
        (losses.categorical_crossentropy, T, {}, [1.0986123, 1.9459101, 16.118095, 5.6364813, np.nan]),
        (losses.categorical_crossentropy, T, {"label_smoothing": 0.1}, [1.1082017, 1.8765954, 15.580826, 5.6665897, np.nan]),
        (SPARSE, np.array([1, 2, 0, 1, 0]), {}, [1.0986123, 1.9459101, 16.118095, 16.118095, np.nan]),
        (losses.kl_divergence, T, {}, [1.609435, 0.69314396, 16.118093, 4.4077625, 16.118095]),
        (losses.binary_crossentropy, T, {}, [0.69049114, 10.9764, 10.7454, 6.1701, 5.372699]),
    ],
)
def test_probabilities_that_do_not_sum_to_one(loss: Any, target: Any, options: Any, expected: list[float]) -> None:
    np.testing.assert_allclose(np.asarray(loss.by_row(target, Q, **options)), expected, rtol=1e-4)


def test_the_documented_example_of_keras() -> None:
    p = np.array([[0.9, 0.05, 0.05], [0.5, 0.89, 0.6], [0.05, 0.01, 0.94]])
    assert float(SPARSE([0, 1, 2], p)) == pytest.approx(0.32396812, rel=1e-6)
    assert float(losses.categorical_crossentropy(np.eye(3), p)) == pytest.approx(0.32396812, rel=1e-6)
    jitgrad.check_grads(lambda q: SPARSE([0, 1, 2], q), (p,), order=2, rtol=1e-5, atol=1e-5)
