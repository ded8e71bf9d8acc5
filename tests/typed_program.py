"""A program as users write it: mypy checks it with the package, in the run of tests/test_style.py; test_typing.py runs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, assert_type

import numpy as np
import numpy.typing as npt

import jitgrad as jg
from jitgrad import Tensor, Variable
from jitgrad.callbacks import EarlyStopping
from jitgrad.optimizers import Adam
from jitgrad.typing import ArrayLike

Array = npt.NDArray[np.float64]


def line_by_tape(x: Array, y: Array) -> float:
    w, b = jg.Variable(0.0), jg.Variable(0.0, name="b", dtype="float64")
    for _ in range(10):
        with jg.GradientTape() as tape:
            loss = jg.mean(jg.square(w * x + b - y))
        gradients = tape.gradient(loss, [w, b])
        assert_type(gradients, list[Tensor | Any])
        for variable, gradient in zip([w, b], gradients, strict=True):
            if gradient is not None:
                variable.assign_sub(0.1 * gradient)
    return float(w) + b.item()


def one_source() -> Tensor:
    x = jg.Variable(3.0)
    with jg.GradientTape(persistent=True) as tape:
        y = x**2
    slope = tape.gradient(y, x)
    assert_type(slope, Tensor | Any)
    certain = tape.gradient(y, x, unconnected_gradients="zero")
    assert_type(certain, Tensor)
    assert_type(tape.jacobian(y, x), Tensor | Any)
    return certain if slope is None else slope + certain


def nested_tapes() -> float:
    x = jg.Variable(2.0)
    with jg.GradientTape() as outer:
        with jg.GradientTape() as inner:
            y = x**3
        slope = inner.gradient(y, x)
    second = outer.gradient(slope, x)
    assert second is not None
    return second.item()


def optimizer_loop(x: Array) -> None:
    w = jg.Variable(0.0)
    optimizer = Adam(0.1)
    for _ in range(10):
        with jg.GradientTape() as tape:
            loss = jg.mean(jg.square(w * x - 3 * x))
        optimizer.apply_gradients(zip(tape.gradient(loss, [w]), [w], strict=True))


def native_fit(x: Array, y: Array) -> list[float]:
    w, b = jg.Variable(0.0), jg.Variable(0.0)

    def cost(x: Tensor, y: Tensor) -> Tensor:
        return jg.mean(jg.square(w * x + b - y))

    return jg.fit(cost, (x, y), Adam(0.01), [w, b], epochs=10, batch_size=None).history["loss"]


def curve(x: Array, y: Array) -> None:
    fit = jg.curve_fit("a * exp(-k * x) + c", x, y, p0={"a": 1.0, "k": 1.0, "c": 0.0}, bounds={"k": (0.0, None)})
    print(fit.parameters["a"], fit.stderr[0], fit.predict(x), fit)
    parameters, covariance = jg.curve_fit(lambda x, a, b: a * x + b, x, y)
    print(parameters, covariance)


def groups() -> None:
    table = {"well": [1, 1, 1, 2, 2, 2], "t": [0.0, 1.0, 2.0] * 2, "y": [1.0, 0.5, 0.25] * 2}
    fits = jg.fit_groups("a * exp(-k * t)", table, "y", by="well")
    print(fits.frame())


def table() -> None:
    fit = jg.fit_table({"x": [1.0, 2.0, 3.0, 4.0], "y": [1.0, 2.1, 2.9, 4.2]}, "y")
    print(fit, fit.predict({"x": [5.0]}))


def network(x: Array, y: Array) -> None:
    model = jg.Sequential([jg.Input((4,)), jg.layers.Dense(16, activation="relu"), jg.layers.Dense(1)])
    model.compile(optimizer=Adam(0.01), loss="mse", metrics=["mae"])
    history = model.fit(x, y, epochs=5, batch_size=16, verbose=0, validation_split=0.2, callbacks=[EarlyStopping(patience=3)])
    model.save("model.jitgrad")
    again = jg.load_model("model.jitgrad")
    print(history.history["loss"][-1], model.predict(x), model.evaluate(x, y), again.predict(x))


@jg.function
def distance(x: Tensor, y: Tensor) -> Tensor:
    return jg.sqrt(jg.sum(jg.square(x - y)))


@jg.custom_op
def product(x: Tensor, y: Tensor) -> Tensor:
    return x * y


@product.def_vjp
def product_vjp(g: Tensor, out: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    return g * y, g * x


@jg.custom_gradient
def clipped(x: Tensor) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    return x, lambda g: jg.clip(g, -1.0, 1.0)


def loss(w: ArrayLike, x: ArrayLike) -> Tensor:
    return jg.mean(jg.square(jg.multiply(w, x)))


def transforms(x: Array) -> None:
    one = jg.tensor(1.0)
    assert_type(distance(one, one), Tensor)
    assert_type(product(one, one), Tensor)
    assert_type(clipped(one), Tensor)
    print(float(jg.grad(loss)(2.0, x)))
    value, gradient = jg.value_and_grad(loss)(2.0, x)
    assert_type(value, Tensor)
    result, tangent = jg.jvp(loss, (2.0, x), (1.0, x))
    assert_type(tangent, Tensor)
    result, pull_back = jg.vjp(loss, 2.0, x)
    print(gradient, pull_back(1.0)[0], result.item())
    print(jg.vmap(jg.grad(lambda v: v**3))(x), jg.hessian(loss)(2.0, x), jg.jacrev(loss)(2.0, x))


def random() -> Tensor:
    jg.random.seed(0)
    noise = jg.random.normal((3,), 0.0, 0.1)
    return jg.where(noise > 0, noise, jg.abs(noise)) + jg.random.uniform((3,)) @ jg.eye(3)


def methods(x: Tensor, v: Variable) -> Tensor:
    assert_type(jg.tanh(np.ones(3)), Tensor)
    y = x.reshape(2, -1).T.sum(axis=0, keepdims=True) - v[0]
    y = -abs(y) / (1 - y) + 2 * y.mean() ** 2 - y.astype("float64").max() + y.std()
    x.sum().backward()
    numbers: list[float] = v.tolist()
    return y[..., None].at[0].set(numbers[0]).detach()


def static_graph() -> None:
    x = jg.graph.placeholder("float64", (None,))
    w = jg.graph.Variable(1.0)
    cost = jg.sum(w * x)
    session = jg.graph.Session()
    print(session.run([cost, jg.graph.gradients(cost, w)], {x: [1.0, 2.0]}))


def errors() -> None:
    try:
        jg.ones((2, 3)) + jg.ones(2)
    except jg.errors.ShapeError as error:
        print(error.argument, error)
