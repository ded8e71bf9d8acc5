"""scikit-learn: SGDRegressor for the line (one row per step), MLPClassifier and MLPRegressor."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable

import jobs
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import SGDRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor

warnings.simplefilter("ignore", ConvergenceWarning)


def line() -> Callable[[int], float]:
    x, y = jobs.line_data()

    def call(epochs: int) -> float:
        model = SGDRegressor(max_iter=epochs, tol=None, learning_rate="constant", eta0=0.001, penalty=None)
        model.fit(x[:, None], y)
        return float(((model.predict(x[:, None]) - y) ** 2).sum())

    return call


def network(job: str) -> Callable[[int], float]:
    """A network without batch normalization, which scikit-learn does not have."""
    described = jobs.NETWORKS[job]
    x, y = jobs.network_data(job)
    kind = MLPClassifier if described.classes else MLPRegressor
    optimizer = {"solver": "adam"} if described.adam else {"solver": "sgd", "momentum": 0}

    def call(epochs: int) -> float:
        model = kind(
            hidden_layer_sizes=described.widths[1:-1], alpha=0, batch_size=described.batch, learning_rate_init=jobs.LR,
            **optimizer, max_iter=epochs, n_iter_no_change=epochs + 1,
        )  # fmt: skip
        model.fit(x, y if described.classes else y[:, 0])
        return float(model.loss_)

    return call


jobs.main({"line": line} | {job: functools.partial(network, job) for job in jobs.NETWORKS})
