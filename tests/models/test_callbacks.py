"""What callbacks compare, and functions as callbacks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jitgrad
from jitgrad import callbacks, layers
from jitgrad.errors import ArgumentError, OptionError

X = np.random.default_rng(0).normal(size=(16, 3)).astype(np.float32)


def fitted(*given: Any, epochs: int = 6, rate: float = 0.01) -> Any:
    jitgrad.random.seed(0)
    model = jitgrad.Sequential([layers.Dense(1)])
    model.compile(jitgrad.optimizers.SGD(rate), "mse")
    return model.fit(X, X[:, 0], epochs=epochs, callbacks=list(given), verbose=0, seed=0)


def test_a_figure_must_become_better_than_the_baseline() -> None:
    losses = fitted().loss
    assert (np.diff(losses) < 0).all()
    assert fitted(callbacks.EarlyStopping("loss", patience=2, baseline=losses[-1] / 2)).epochs == 2
    assert fitted(callbacks.EarlyStopping("loss", patience=2, baseline=losses[0] * 2)).epochs == 6
    reached = fitted(callbacks.EarlyStopping("loss", patience=3, baseline=float(losses[1])))
    assert reached.epochs == 6  # from the third epoch on it is


def test_what_the_first_checkpoint_must_be_better_than(tmp_path: Path) -> None:
    losses = fitted().loss
    bound = float(losses[2] + losses[3]) / 2
    path = str(tmp_path / "{epoch}.jitgrad")
    fitted(callbacks.ModelCheckpoint(path, "loss", save_best_only=True, initial_value_threshold=bound))
    assert sorted(p.stem for p in tmp_path.iterdir()) == ["4", "5", "6"]


def test_functions_as_callbacks() -> None:
    seen: list[Any] = []
    one = callbacks.LambdaCallback(
        on_train_begin=lambda first: seen.append(first), on_epoch_end=lambda epoch, logs: seen.append((epoch, logs["loss"]))
    )
    losses = fitted(one, epochs=2).loss
    assert seen == [0, (0, losses[0]), (1, losses[1])]
    steps: list[float] = []
    fitted(callbacks.LambdaCallback(on_train_batch_end=lambda epoch, logs: steps.append(logs["loss"])), epochs=3)
    assert len(steps) == 3


@pytest.mark.parametrize("options", [{"patience": 3, "min_delta": 1.0}, {"patience": 1, "min_delta": 0.2}, {"patience": 9}])
@pytest.mark.parametrize("rate", [0.01, jitgrad.optimizers.schedules.ExponentialDecay(0.05, 2, 0.5)])
def test_a_fit_ends_at_the_same_epoch_whether_weights_are_shared_or_not(options: dict[str, Any], rate: Any) -> None:
    told: list[int] = []
    alone = fitted(callbacks.EarlyStopping("loss", **options), epochs=12, rate=rate)
    shared = fitted(
        callbacks.EarlyStopping("loss", **options),
        callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: told.append(epoch)),
        epochs=12,
        rate=rate,
    )
    assert alone.history == shared.history and told == shared.epoch
    assert (alone.epochs == 12) == (options["patience"] == 9)


def test_figures_are_told_after_many_epochs_at_once() -> None:
    class Counting(callbacks.EarlyStopping):
        asked = 0

        def ahead(self) -> int:
            self.asked += 1
            return super().ahead()

    counting = Counting("loss", patience=20)
    assert fitted(counting, epochs=60).epochs == 60
    assert counting.asked == 3


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: callbacks.LambdaCallback(on_epoch_ends=print), OptionError, "'on_epoch_ends'. Did you mean 'on_epoch_end'"),
        (lambda: callbacks.LambdaCallback(on_epoch_end=3), ArgumentError, "on_epoch_end is 3. Give a function"),
        (lambda: callbacks.EarlyStopping(baseline="low"), ArgumentError, "baseline is 'low'"),
    ],
)
def test_wrong_use_says_what_to_do(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
