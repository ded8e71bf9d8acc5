"""Every optimizer in the form of the library that it comes from: recorded figures, recomputed where that is installed.

Ten steps on a matrix and a vector, then the learning rate is halved, then ten more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import jitgrad
from jitgrad import optimizers as o
from jitgrad.errors import ArgumentError, OptionError

W = np.array([[1.5, -1.0], [0.25, 2.0], [-0.5, 0.75]])
B = np.array([0.5, -1.5])
X = np.array([[0.5, -1.0, 0.25], [1.0, 0.5, -0.75], [-0.25, 1.5, 1.0], [0.75, 0.25, -1.25]])
Y = np.array([[1.0, -0.5], [0.25, 0.5], [-1.0, 1.5], [0.0, -0.75]])
RATE, BETAS, TINY = 1 / 16, (0.875, 0.96875), 1 / 128  # numbers of float32, in which Keras keeps them


def gradients(w: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of half the mean square of what ``X @ w + b`` lacks to Y."""
    error = (X @ w + b - Y) / len(X)
    return X.T @ error, error.sum(0)


class Case(NamedTuple):
    """An optimizer, and that of the library it comes from, which may keep some numbers in float32."""

    ours: Callable[[], Any]
    library: str
    theirs: Callable[[Any, Any], Any]
    tolerance: float = 1e-8


CASES: dict[str, Case] = {
    "SGD, dampening": Case(
        lambda: o.SGD(RATE, 0.9, dampening=0.25, form="torch"), "torch", lambda t, p: t.SGD(p, RATE, 0.9, 0.25)
    ),
    "SGD, momentum": Case(lambda: o.SGD(RATE, 0.9, form="torch"), "torch", lambda t, p: t.SGD(p, RATE, 0.9)),
    "SGD, all": Case(
        lambda: o.SGD(RATE, 0.9, True, form="torch", l2=0.125, maximize=True), "torch",
        lambda t, p: t.SGD(p, RATE, 0.9, 0, 0.125, True, maximize=True),
    ),
    "SGD, weight decay": Case(lambda: o.SGD(RATE, l2=0.25), "torch", lambda t, p: t.SGD(p, RATE, weight_decay=0.25)),
    "Adam": Case(lambda: o.Adam(RATE, epsilon=0.01, form="torch"), "torch", lambda t, p: t.Adam(p, RATE, eps=0.01)),
    "Adam, all": Case(
        lambda: o.Adam(RATE, 0.8, 0.99, 0.01, form="torch", l2=0.125, maximize=True), "torch",
        lambda t, p: t.Adam(p, RATE, (0.8, 0.99), 0.01, 0.125, maximize=True),
    ),
    "AMSGrad": Case(
        lambda: o.AMSGrad(RATE, epsilon=0.01, form="torch"), "torch", lambda t, p: t.Adam(p, RATE, eps=0.01, amsgrad=True)
    ),
    "AdamW": Case(
        lambda: o.AdamW(RATE, 0.25, epsilon=0.01, form="torch"), "torch",
        lambda t, p: t.AdamW(p, RATE, eps=0.01, weight_decay=0.25),
    ),
    "Nadam": Case(
        lambda: o.Nadam(RATE, epsilon=0.01, l2=0.125), "torch", lambda t, p: t.NAdam(p, RATE, eps=0.01, weight_decay=0.125)
    ),
    "RAdam": Case(lambda: o.RAdam(RATE, 0.9, 0.99), "torch", lambda t, p: t.RAdam(p, RATE, (0.9, 0.99))),
    "RAdam, decay": Case(
        lambda: o.RAdam(RATE, 0.9, 0.99, 0.01, weight_decay=0.25), "torch",
        lambda t, p: t.RAdam(p, RATE, (0.9, 0.99), 0.01, 0.25, True),
    ),
    "Adamax": Case(lambda: o.Adamax(RATE, epsilon=0.01, form="torch"), "torch", lambda t, p: t.Adamax(p, RATE, eps=0.01)),
    "RMSprop": Case(
        lambda: o.RMSprop(RATE, 0.99, 0.5, 0.01, True, l2=0.125), "torch",
        lambda t, p: t.RMSprop(p, RATE, 0.99, 0.01, 0.125, 0.5, True),
    ),
    "Adagrad": Case(
        lambda: o.Adagrad(RATE, 0.0, 0.01, 0.5), "torch", lambda t, p: t.Adagrad(p, RATE, 0.5, eps=0.01)
    ),
    "Adadelta": Case(lambda: o.Adadelta(1.0, 0.9, 1e-6), "torch", lambda t, p: t.Adadelta(p, 1.0)),
    "Adafactor": Case(
        lambda: o.Adafactor(RATE, epsilon_1=2.0**-52, form="torch", weight_decay=0.25), "torch",
        lambda t, p: t.Adafactor(p, RATE, weight_decay=0.25),
    ),
    "ASGD": Case(
        lambda: o.ASGD(RATE, 0.1, t0=4, l2=0.125), "torch", lambda t, p: t.ASGD(p, RATE, 0.1, t0=4, weight_decay=0.125),
        tolerance=1e-6,
    ),
    "Rprop": Case(lambda: o.Rprop(RATE), "torch", lambda t, p: t.Rprop(p, RATE)),
    "Keras's SGD": Case(
        lambda: o.SGD(RATE, 0.875, weight_decay=0.25), "keras", lambda k, _: k.SGD(RATE, 0.875, weight_decay=0.25)
    ),
    "Keras's SGD, Nesterov and mean": Case(
        lambda: o.SGD(RATE, 0.875, True, use_ema=True, ema_momentum=0.75, ema_overwrite_frequency=7), "keras",
        lambda k, _: k.SGD(RATE, 0.875, True, use_ema=True, ema_momentum=0.75, ema_overwrite_frequency=7),
    ),
    "Keras's Adam": Case(lambda: o.Adam(RATE, *BETAS, TINY), "keras", lambda k, _: k.Adam(RATE, *BETAS, TINY)),
    "Keras's Adam, mean": Case(
        lambda: o.Adam(RATE, *BETAS, TINY, weight_decay=0.25, use_ema=True, ema_momentum=0.75, ema_overwrite_frequency=3),
        "keras",
        lambda k, _: k.Adam(
            RATE, *BETAS, TINY, weight_decay=0.25, use_ema=True, ema_momentum=0.75, ema_overwrite_frequency=3
        ),
    ),
    "Keras's AMSGrad": Case(
        lambda: o.AMSGrad(RATE, *BETAS, TINY), "keras", lambda k, _: k.Adam(RATE, *BETAS, TINY, amsgrad=True)
    ),
    "Keras's AdamW": Case(
        lambda: o.AdamW(RATE, 0.25, *BETAS, clipnorm=0.5), "keras", lambda k, _: k.AdamW(RATE, 0.25, *BETAS, clipnorm=0.5)
    ),
    "Keras's Nadam": Case(
        lambda: o.Nadam(RATE, *BETAS, TINY, 1.0), "keras", lambda k, _: k.Nadam(RATE, *BETAS, TINY), tolerance=1e-6
    ),
    "Keras's Adamax": Case(lambda: o.Adamax(RATE, *BETAS, TINY), "keras", lambda k, _: k.Adamax(RATE, *BETAS, TINY)),
    "Keras's Lion": Case(
        lambda: o.Lion(RATE, *BETAS, weight_decay=0.25), "keras", lambda k, _: k.Lion(RATE, *BETAS, weight_decay=0.25)
    ),
    "Keras's RMSprop": Case(
        lambda: o.RMSprop(RATE, 0.875, 0.5, TINY, True, form="keras"), "keras",
        lambda k, _: k.RMSprop(RATE, 0.875, 0.5, TINY, True),
    ),
    "Keras's Adagrad": Case(
        lambda: o.Adagrad(RATE, 0.125, TINY, form="keras"), "keras", lambda k, _: k.Adagrad(RATE, 0.125, TINY)
    ),
    "Keras's Adadelta": Case(lambda: o.Adadelta(1.0, 0.875, TINY), "keras", lambda k, _: k.Adadelta(1.0, 0.875, TINY)),
    "Keras's Adafactor": Case(
        lambda: o.Adafactor(RATE, weight_decay=0.25), "keras", lambda k, _: k.Adafactor(RATE, weight_decay=0.25)
    ),
}  # fmt: skip


RECORDED: dict[str, tuple[float, float]] = {
    "SGD, dampening": (3.2472967949916316, 0.21147111025588397),
    "SGD, momentum": (3.4338646358098304, 0.13636583292835203),
    "SGD, all": (239.9840328784108, 149.5707364214856),
    "SGD, weight decay": (2.6758264819616158, 0.5596598351284707),
    "Adam": (2.8882292860584178, 0.8739180303717866),
    "Adam, all": (11.942273185206885, 3.9773675832723727),
    "AMSGrad": (2.888148353348159, 0.8738189795397577),
    "AdamW": (2.3126976160200696, 0.6517702849124482),
    "Nadam": (3.1576849910895057, 0.8845153079216608),
    "RAdam": (3.8751574261856367, 0.9442891830300724),
    "RAdam, decay": (3.0306858052927317, 0.7087460287598097),
    "Adamax": (3.1436038749413338, 0.8652494677305809),
    "RMSprop": (2.1940768795792347, 0.08660596394967085),
    "Adagrad": (5.033831960058569, 1.6759547559686436),
    "Adadelta": (5.695972714671002, 1.8984408966432755),
    "Adafactor": (2.8827454035353037, 0.6959966193548854),
    "ASGD": (2.7150277729308, 0.5730460881128315),
    "Rprop": (3.3540287487999993, 0.19503246131199997),
    "Keras's SGD": (3.1993134300940484, 0.15713071012524882),
    "Keras's SGD, Nesterov and mean": (3.314770195058289, 0.28443728706408733),
    "Keras's Adam": (2.9031074452977386, 0.8679601073343564),
    "Keras's Adam, mean": (3.313166560188791, 0.9656996505516671),
    "Keras's AMSGrad": (2.912196297175831, 0.8582751481371742),
    "Keras's AdamW": (2.4092546130390535, 0.5187943993926148),
    "Keras's Nadam": (3.169676809931456, 0.8960416061091),
    "Keras's Adamax": (2.929008878145889, 0.789608197180834),
    "Keras's Lion": (2.4705789653129573, 0.7273475362052917),
    "Keras's RMSprop": (3.227789541986452, 0.17960103920918014),
    "Keras's Adagrad": (4.124787635601718, 1.294068195708657),
    "Keras's Adadelta": (3.2157080094376274, 0.22565357855434448),
    "Keras's Adafactor": (2.887904015253894, 0.6981693626426186),
}
"""The sums of |w| and |b| after all steps, in float64; PyTorch 2.13 and Keras 3.15 have the same."""


def by_ours(name: str) -> list[np.ndarray]:
    w, b = jitgrad.Variable(W), jitgrad.Variable(B)
    optimizer = CASES[name].ours()
    for step in range(20):
        if step == 10:
            optimizer.learning_rate = optimizer.learning_rate / 2
        optimizer.apply_gradients(zip(gradients(w.numpy(), b.numpy()), [w, b], strict=True))
    return [w.numpy(), b.numpy()]


def by_torch(make: Callable[[Any, Any], Any]) -> list[np.ndarray]:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    parameters = [torch.tensor(value, requires_grad=True) for value in (W, B)]
    optimizer = make(torch.optim, parameters)
    for step in range(20):
        if step == 10:
            optimizer.param_groups[0]["lr"] /= 2
        for p, g in zip(parameters, gradients(*(p.detach().numpy() for p in parameters)), strict=True):
            p.grad = torch.as_tensor(g)
        optimizer.step()
    return [p.detach().numpy() for p in parameters]


def by_keras(make: Callable[[Any, Any], Any]) -> list[np.ndarray]:
    keras = pytest.importorskip("keras", reason="Keras is not installed")
    variables = [keras.Variable(value, dtype="float64") for value in (W, B)]
    optimizer = make(keras.optimizers, None)
    for step in range(20):
        if step == 10:
            optimizer.learning_rate = float(optimizer.learning_rate.numpy()) / 2
        optimizer.apply([keras.ops.convert_to_tensor(g) for g in gradients(*(v.numpy() for v in variables))], variables)
    return [v.numpy() for v in variables]


@pytest.mark.parametrize("name", CASES)
def test_recorded_figures(name: str) -> None:
    found = [np.abs(value).sum() for value in by_ours(name)]
    np.testing.assert_allclose(found, RECORDED[name], rtol=1e-9)


@pytest.mark.parametrize("name", CASES)
def test_installed_originals(name: str) -> None:
    case = CASES[name]
    theirs = {"torch": by_torch, "keras": by_keras}[case.library](case.theirs)
    for ours, expected in zip(by_ours(name), theirs, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=case.tolerance)


@pytest.mark.parametrize(
    "name", ["Keras's SGD, Nesterov and mean", "Keras's Adam, mean", "Adam", "SGD, dampening", "Adafactor"]
)
def test_steps_from_python_and_natively_are_equal(name: str) -> None:
    def path(natively: bool) -> list[np.ndarray]:
        w, b, optimizer = jitgrad.Variable(W), jitgrad.Variable(B), CASES[name].ours()

        def cost() -> Any:
            return jitgrad.mean(jitgrad.square(X @ w + b - Y))

        for _ in range(1 if natively else 12):
            optimizer.minimize(cost, [w, b], steps=12 if natively else None)
        return [w.numpy(), b.numpy()]

    for native, stepped in zip(path(True), path(False), strict=True):
        np.testing.assert_allclose(native, stepped, rtol=1e-12)


def test_hyperparameters_change_between_steps() -> None:
    """Also from 0, where another Program is needed, and in a cost that is traced once."""
    w, optimizer = jitgrad.Variable(1.0), o.SGD(0.5)
    cost = jitgrad.function(lambda: w * 1.0)
    optimizer.minimize(cost, [w], steps=1)
    assert float(w) == 0.5
    optimizer.change(weight_decay=0.5, learning_rate=1.0)
    optimizer.minimize(cost, [w], steps=1)
    assert float(w) == 0.5 * 0.5 - 1
    optimizer.change(learning_rate=0.0)
    optimizer.minimize(cost, [w], steps=1)
    assert float(w) == -0.75 and optimizer.hyperparameters["weight_decay"] == 0.5


def test_weight_decay_leaves_out() -> None:
    w, b, c = (jitgrad.Variable(1.0, name=name) for name in ("kernel", "bias", "scale"))
    optimizer = o.SGD(0.5, weight_decay=0.5)
    optimizer.exclude_from_weight_decay([c], ["bias"])
    optimizer.apply_gradients([(0.0, w), (0.0, b), (0.0, c)])
    assert (float(w), float(b), float(c)) == (0.75, 1, 1)


def test_a_fit_ends_with_the_running_means() -> None:
    model = jitgrad.Sequential([jitgrad.layers.Dense(2)])
    model.compile(o.SGD(0.1, use_ema=True, ema_momentum=0.5), "mse")
    model.fit(X, Y, epochs=3, verbose=0, shuffle=False)
    w, b = jitgrad.Variable(model.get_weights()[0]), jitgrad.Variable(np.zeros(2))
    kernel, bias = (model.optimizer.variables[i].numpy() for i in (1, 2))
    np.testing.assert_array_equal(w.numpy(), kernel)
    np.testing.assert_array_equal(model.layers[0].bias.numpy(), bias)
    assert b.shape == bias.shape


def test_the_mean_of_averaged_descent() -> None:
    w, optimizer = jitgrad.Variable(1.0), o.ASGD(0.25, 0.0, t0=0.0)
    with pytest.raises(ArgumentError, match="has not been updated"):
        optimizer.average(w)
    for _ in range(4):
        optimizer.apply_gradients([(1.0, w)])
    assert float(w) == 0 and optimizer.average(w) == pytest.approx(0.25)  # of 0.5, 0.25 and 0


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: o.Adam(lr=0.1), OptionError, "no argument 'lr'. Use learning_rate"),
        (lambda: o.SGD(0.1, decay=1e-3), OptionError, "'decay'. Pass a schedule"),
        (lambda: o.Adam(0.1, weight_decoy=0.1), OptionError, "'weight_decoy'. Did you mean 'weight_decay'"),
        (lambda: o.Adam().change(beta=0.5), OptionError, "no hyperparameter 'beta'. Did you mean 'beta_"),
        (lambda: o.Adam().change(beta_1=2), ArgumentError, "beta_1 is 2"),
        (lambda: o.Adam(form="pytorch"), ArgumentError, "form is 'pytorch'. Use 'keras' or 'torch'"),
        (lambda: o.SGD(dampening=0.5), ArgumentError, "dampening exists only in PyTorch's form"),
        (lambda: o.SGD(0.1, 0.9, True, 0.5, "torch"), ArgumentError, "nesterov requires a positive momentum and no dampening"),
        (lambda: o.Rprop(eta_minus=1.5), ArgumentError, "Give 0 < eta_minus < 1 < eta_plus"),
        (lambda: o.SGD(weight_decay=-1), ArgumentError, "weight_decay is -1"),
        (lambda: o.SGD(use_ema=True, ema_overwrite_frequency=0), ArgumentError, "ema_overwrite_frequency is 0"),
    ],
)
def test_arguments_outside_their_range(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()
