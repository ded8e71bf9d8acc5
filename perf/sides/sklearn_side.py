"""scikit-learn: SGDRegressor for the line (a row a step, not a batch), MLPClassifier for iris."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import jobs
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import SGDRegressor
from sklearn.neural_network import MLPClassifier

warnings.simplefilter("ignore", ConvergenceWarning)


def line() -> Callable[[int], float]:
    x, y = jobs.line_data()

    def call(epochs: int) -> float:
        model = SGDRegressor(max_iter=epochs, tol=None, learning_rate="constant", eta0=0.001, penalty=None)
        model.fit(x[:, None], y)
        return float(((model.predict(x[:, None]) - y) ** 2).sum())

    return call


def iris() -> Callable[[int], float]:
    x, y = jobs.iris_data()

    def call(epochs: int) -> float:
        model = MLPClassifier(
            jobs.WIDTHS[1:-1], solver="sgd", alpha=0, batch_size=jobs.BATCH, learning_rate_init=0.001, momentum=0,
            max_iter=epochs, n_iter_no_change=epochs + 1,
        )  # fmt: skip
        model.fit(x, y)
        return float(model.loss_)

    return call


jobs.main({"line": line, "iris": iris})
