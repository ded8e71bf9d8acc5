"""P1: a line fitted with a gradient tape, one Python step per epoch, and the same in one native call.

Run: python scripts/p1_line.py [--plot line.png]
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from expected import Report

import jitgrad


class Line:
    """y = a + b·x, from a = b = 0."""

    def __init__(self) -> None:
        self.a = jitgrad.Variable(0.0, name="a")
        self.b = jitgrad.Variable(0.0, name="b")

    def __call__(self, x: np.ndarray) -> jitgrad.Tensor:
        return self.a + self.b * x


def squared_error(y: np.ndarray, prediction: jitgrad.Tensor) -> jitgrad.Tensor:
    return jitgrad.sum(jitgrad.square(y - prediction))


def train(model: Line, x: np.ndarray, y: np.ndarray, epochs: int, lr: float = 0.001) -> list[tuple[float, float, float]]:
    """Return the parameters before each epoch, and its loss."""
    history = []
    for _ in range(epochs):
        with jitgrad.GradientTape() as tape:
            loss = squared_error(y, model(x))
        da, db = tape.gradient(loss, [model.a, model.b])
        history.append((float(model.a), float(model.b), float(loss)))
        model.a.assign_sub(lr * da)
        model.b.assign_sub(lr * db)
    return history


def plot(path: str, x: np.ndarray, y: np.ndarray, model: Line, losses: list[float]) -> None:
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
    left.scatter(x, y, s=8, alpha=0.6)
    left.plot([0, 1], model(np.array([0.0, 1.0])).numpy(), color="C1")
    left.set(xlabel="x", ylabel="y", title="data and fitted line")
    right.plot(losses)
    right.set(xlabel="epoch", ylabel="sum of squared errors", title="loss")
    figure.savefig(path, dpi=120)


def main() -> None:
    draw = np.random.default_rng(0)
    x = draw.uniform(0, 1, 200)
    y = 0.3 + 0.5 * x + draw.normal(0, 0.3, 200)
    model = Line()
    history = train(model, x, y, epochs=70)
    for epoch, (a, b, loss) in enumerate(history):
        if epoch < 10 or epoch % 10 == 9:
            print(f"epoch {epoch + 1:3}  a = {a:.5f}  b = {b:.5f}  loss = {loss:.4f}")
    losses = [loss for _, _, loss in history]

    report = Report("P1")
    report.check("loss after 10 epochs is below half of the first", True, losses[10] < losses[0] / 2)
    native = Line()
    run = jitgrad.fit(
        lambda xs, ys: squared_error(ys, native(xs)), (x, y), jitgrad.optimizers.SGD(0.001), epochs=70, batch_size=None
    )
    report.close("70 native epochs, a", float(model.a), float(native.a), 1e-12)
    report.close("70 native epochs, final loss", losses[-1], float(run.loss[-1]), 1e-12)
    jitgrad.fit(
        lambda xs, ys: squared_error(ys, native(xs)), (x, y), jitgrad.optimizers.SGD(0.001), epochs=10_000, batch_size=None
    )
    slope, intercept = np.polyfit(x, y, 1)
    report.close("10,070 epochs, a close to polyfit's", float(intercept), float(native.a), 1e-9)
    report.close("10,070 epochs, b close to polyfit's", float(slope), float(native.b), 1e-9)
    if "--plot" in sys.argv:
        plot(sys.argv[sys.argv.index("--plot") + 1], x, y, model, losses)
    report.finish()


if __name__ == "__main__":
    main()
