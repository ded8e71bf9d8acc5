"""Networks: what scikit-learn's have, the same bits for the same random_state, and fits that go on."""

from __future__ import annotations

import pickle
import warnings
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed")
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import scale

import jitgrad
from jitgrad.sklearn import NetworkClassifier, NetworkRegressor
from jitgrad.sklearn import perceptron as engine

IRIS, SPECIES = load_iris(return_X_y=True)
IRIS = scale(IRIS)
CANCER, BENIGN = load_breast_cancer(return_X_y=True)
CANCER = scale(CANCER)
DIABETES, PROGRESSION = load_diabetes(return_X_y=True)
DIABETES, PROGRESSION = scale(DIABETES[:400]), scale(PROGRESSION[:400])
ALL = {"max_iter": 20, "tol": 0.0, "random_state": 0}


def theirs_from(own: Any, kind: Any, x: np.ndarray, y: np.ndarray, **options: Any) -> Any:
    """scikit-learn's network after the same epochs from the same first weights, without shuffling."""
    sizes = [x.shape[1], *own.hidden_layer_sizes, own.n_outputs_]
    start = engine.first_weights(sizes, x.dtype, own._seed)
    made = kind(
        hidden_layer_sizes=own.hidden_layer_sizes, warm_start=True, shuffle=False, tol=0.0, n_iter_no_change=10**6, **options
    )
    made.set_params(max_iter=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        made.fit(x, y)
        made.coefs_, made.intercepts_ = [k.copy() for k in start.kernels], [b.copy() for b in start.biases]
        made.set_params(max_iter=options["max_iter"]).fit(x, y)
    return made


@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
@pytest.mark.parametrize(
    ("own", "kind", "x", "y"),
    [
        (NetworkClassifier, MLPClassifier, IRIS, SPECIES),
        (NetworkClassifier, MLPClassifier, CANCER[:300], BENIGN[:300]),
        (NetworkRegressor, MLPRegressor, DIABETES, PROGRESSION),
        (NetworkRegressor, MLPRegressor, DIABETES[:, :4], DIABETES[:, 4:6]),
    ],
)
def test_epochs_are_scikit_learns(own: Any, kind: Any, x: np.ndarray, y: np.ndarray, activation: str) -> None:
    options = {"max_iter": 12, "alpha": 0.5, "batch_size": 50, "activation": activation}  # batches of one size
    adam = jitgrad.optimizers.Adam(0.001, epsilon=1e-8)  # as scikit-learn's
    made = own((5, 4), shuffle=False, tol=0.0, random_state=1, solver=adam, **options).fit(x, y)
    theirs = theirs_from(made, kind, x, y, **options)
    np.testing.assert_allclose(made.coefs_[0], theirs.coefs_[0], rtol=1e-9, atol=1e-12)
    if y.ndim == 1:  # of several outputs scikit-learn fits their sum and shows their mean
        np.testing.assert_allclose(made.loss_curve_, theirs.loss_curve_[-12:], rtol=1e-9)
    method = "predict_proba" if own is NetworkClassifier else "predict"
    np.testing.assert_allclose(getattr(made, method)(x), getattr(theirs, method)(x), rtol=1e-9, atol=1e-12)


def test_the_same_random_state_gives_the_same_bits() -> None:
    engine._IDLE.clear()
    whole = NetworkClassifier((6,), batch_size=32, **ALL)
    first = whole.fit(IRIS, SPECIES).predict_proba(IRIS)
    again = clone(whole).fit(IRIS, SPECIES).predict_proba(IRIS)  # by a model that was traced before
    np.testing.assert_array_equal(first, again)
    before = jitgrad.get_num_threads()
    try:
        jitgrad.set_num_threads(1)
        np.testing.assert_array_equal(clone(whole).fit(IRIS, SPECIES).predict_proba(IRIS), first)
    finally:
        jitgrad.set_num_threads(before)
    other = clone(whole).set_params(random_state=1).fit(IRIS, SPECIES).predict_proba(IRIS)
    assert np.abs(other - first).max() > 1e-3
    by_state = [
        NetworkClassifier((6,), max_iter=2, tol=0.0, random_state=np.random.RandomState(3)).fit(IRIS, SPECIES) for _ in "ab"
    ]
    np.testing.assert_array_equal(by_state[0].coefs_[0], by_state[1].coefs_[0])


def test_other_options_are_not_those_of_a_model_that_was_traced_before() -> None:
    options: dict[str, Any] = {"hidden_layer_sizes": (6,), "batch_size": 50, **ALL}
    known: dict[str, np.ndarray] = {}
    for _ in range(2):
        for name, changed in {
            "plain": {}, "alpha": {"alpha": 3.0}, "rate": {"learning_rate_init": 0.1}, "solver": {"solver": "sgd"},
            "tanh": {"activation": "tanh"}, "batch": {"batch_size": 30}, "own": {"solver": jitgrad.optimizers.Adam(0.02)},
        }.items():  # fmt: skip
            made = NetworkClassifier(**options | changed).fit(IRIS, SPECIES).coefs_[0]
            np.testing.assert_array_equal(known.setdefault(name, made), made)
    assert len({made.tobytes() for made in known.values()}) == len(known)


@pytest.mark.parametrize("solver", jitgrad.optimizers.OPTIMIZERS)
def test_every_optimizer_is_a_solver(solver: str) -> None:
    batch = 150 if solver in ("lbfgs", "rprop") else 50
    made = NetworkClassifier((4,), solver=solver, batch_size=batch, learning_rate_init=0.05, **ALL).fit(IRIS, SPECIES)
    assert made.loss_curve_[-1] < made.loss_curve_[0]


def test_epochs_one_by_one_are_those_of_a_fit() -> None:
    whole = NetworkRegressor((5,), batch_size=64, **ALL).fit(DIABETES, PROGRESSION)
    parts = NetworkRegressor((5,), batch_size=64, **ALL)
    for epoch in range(20):
        parts.partial_fit(DIABETES, PROGRESSION)
        parts = pickle.loads(pickle.dumps(parts)) if epoch % 3 == 0 else parts
    np.testing.assert_array_equal(parts.coefs_[1], whole.coefs_[1])
    assert parts.loss_curve_ == whole.loss_curve_ and parts.n_iter_ == whole.n_iter_ == 20


def test_classes_of_later_parts() -> None:
    model = NetworkClassifier((4,), learning_rate_init=0.05, random_state=0)
    for rows in (slice(0, 60), slice(60, 150)) * 30:
        model.partial_fit(IRIS[rows], SPECIES[rows], classes=[0, 1, 2])
    assert model.score(IRIS, SPECIES) > 0.9
    with pytest.raises(ValueError, match="the class 7, which is not in classes"):
        model.partial_fit(IRIS[:2], [0, 7])


def test_a_warm_start_goes_on() -> None:
    model = NetworkClassifier((4,), warm_start=True, **ALL).fit(IRIS, SPECIES)
    before = model.loss_
    assert model.fit(IRIS, SPECIES).loss_ < before
    with pytest.raises(ValueError, match=r"layer sizes changed from \[4, 4, 3\] to \[4, 5, 3\]"):
        model.set_params(hidden_layer_sizes=(5,)).fit(IRIS, SPECIES)


def test_rows_held_out_end_a_fit() -> None:
    options: dict[str, Any] = {"max_iter": 500, "learning_rate_init": 0.05, "random_state": 0, "n_iter_no_change": 5}
    model = NetworkClassifier((16,), early_stopping=True, **options).fit(CANCER, BENIGN, sample_weight=np.ones(len(BENIGN)))
    assert model.n_iter_ < 500 and len(model.validation_loss_curve_) == model.n_iter_
    assert np.argmin(model.validation_loss_curve_) >= model.n_iter_ - 1 - 5 - 5
    assert model.score(CANCER, BENIGN) > 0.95
    assert NetworkClassifier((16,), tol=0.01, **options).fit(CANCER, BENIGN).n_iter_ < 100
    with pytest.warns(ConvergenceWarning, match="still decreasing after 3 epochs"):
        NetworkRegressor((3,), max_iter=3).fit(DIABETES, PROGRESSION)


def test_float32_stays_float32() -> None:
    model = NetworkRegressor((3,), **ALL).fit(DIABETES.astype(np.float32), PROGRESSION)
    assert model.coefs_[0].dtype == model.predict(DIABETES.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"activation": "tahn"}, "no activation 'tahn'. Did you mean 'tanh'"),
        ({"solver": "adma"}, "no optimizer 'adma'"),
        ({"hidden_layer_sizes": (0,)}, "hidden_layer_sizes is 0"),
        ({"alpha": -1}, "alpha is -1"),
        ({"max_iter": 0}, "max_iter is 0"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"learning_rate_init": 0}, "learning_rate_init is 0"),
        ({"n_iter_no_change": 0}, "n_iter_no_change is 0"),
    ],
)
def test_wrong_options_say_what_to_do(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        NetworkClassifier(**options).fit(IRIS, SPECIES)
