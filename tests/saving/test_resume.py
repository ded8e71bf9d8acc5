"""Fits that are stopped or killed and go on, to the bit."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jitgrad
from jitgrad import callbacks, layers
from jitgrad.errors import DataError
from jitgrad.saving import archive

SCRIPT = Path(__file__).parent / "killed.py"
EPOCHS = 200


def start(place: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, SCRIPT, place / "backup", place / "result.npz", str(EPOCHS)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def finished(place: Path) -> dict[str, np.ndarray]:
    process = start(place)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err.decode()
    with np.load(place / "result.npz") as file:
        return dict(file)


@pytest.fixture(scope="module")
def through(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a fit that runs through comes to, and how long it takes."""
    place = tmp_path_factory.mktemp("through")
    figures = finished(place)
    return {"took": float(figures.pop("took")), "figures": figures, "log": (place / "backup.csv").read_text()}


def killed_and_resumed(place: Path, through: dict[str, Any], seed: int, kills: int) -> None:
    draw = random.Random(seed)
    for _ in range(kills):
        process = start(place)
        while not (place / "backup.started").exists():
            time.sleep(0.002)
        time.sleep(draw.uniform(0, through["took"]))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        if (place / "backup").exists():
            assert jitgrad.load_model(place / "backup").count_params()  # whole
        (place / "backup.started").unlink(missing_ok=True)
    found = finished(place)
    del found["took"]
    assert set(found) == set(through["figures"])
    for name, values in through["figures"].items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)
    assert (place / "backup.csv").read_text() == through["log"]
    assert len(found["loss"]) == EPOCHS


def test_a_killed_fit_goes_on_to_the_bit(tmp_path: Path, through: dict[str, Any]) -> None:
    killed_and_resumed(tmp_path, through, seed=0, kills=2)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10, 30))
def test_twenty_random_kill_points(seed: int, tmp_path: Path, through: dict[str, Any]) -> None:
    killed_and_resumed(tmp_path, through, seed=seed, kills=1)


X = np.linspace(-1, 1, 40)[:, None]


def model() -> jitgrad.Sequential:
    jitgrad.random.seed(0)
    made = jitgrad.Sequential([layers.Dense(4, "tanh"), layers.Dense(1)])
    made.compile("adam", "mse")
    return made


def test_a_fit_that_has_ended_returns_at_once(tmp_path: Path) -> None:
    def fit() -> tuple[Any, Any]:
        stop = callbacks.EarlyStopping("loss", patience=2, min_delta=0.02, restore_best_weights=True)
        made = model()
        return made.fit(X, X**2, epochs=50, callbacks=[stop, callbacks.BackupAndRestore(tmp_path / "b")]), made

    first, a = fit()
    second, b = fit()
    assert first.epochs == second.epochs < 50
    np.testing.assert_array_equal(first.loss, second.loss)
    assert first.history == second.history
    for u, v in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_array_equal(u, v)


def test_more_epochs_go_on(tmp_path: Path) -> None:
    backup = callbacks.BackupAndRestore(tmp_path / "b", every=3)
    model().fit(X, X**2, epochs=7, callbacks=backup)
    longer = model().fit(X, X**2, epochs=20, callbacks=backup)
    whole = model().fit(X, X**2, epochs=20, callbacks=callbacks.BackupAndRestore(tmp_path / "c", delete=True))
    np.testing.assert_array_equal(longer.loss, whole.loss)
    assert not (tmp_path / "c").exists()


def test_a_backup_of_something_else(tmp_path: Path) -> None:
    path = tmp_path / "b"
    model().fit(X, X**2, callbacks=callbacks.BackupAndRestore(path))
    other = jitgrad.Sequential([layers.Dense(5, "tanh"), layers.Dense(1)])
    other.compile("adam", "mse")
    with pytest.raises(DataError, match=r"The earlier fit was a different one.*Remove its file"):
        other.fit(X, X**2, callbacks=callbacks.BackupAndRestore(path))
    model().save(path)
    with pytest.raises(DataError, match="was not written by a fit that can be resumed"):
        model().fit(X, X**2, callbacks=callbacks.BackupAndRestore(path))
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DataError, match="damaged"):
        model().fit(X, X**2, callbacks=callbacks.BackupAndRestore(path))


def test_checkpoints(tmp_path: Path) -> None:
    made = model()
    every = callbacks.ModelCheckpoint(tmp_path / "m{epoch:02d}-{loss:.0e}.jitgrad", every=2)
    best = callbacks.ModelCheckpoint(tmp_path / "best", "loss", save_best_only=True)
    weights = callbacks.ModelCheckpoint(tmp_path / "w", save_weights_only=True)
    history = made.fit(X, X**2, epochs=4, callbacks=[every, best, weights])
    names = sorted(p.name for p in tmp_path.iterdir())
    assert [n[:3] for n in names if n.startswith("m")] == ["m02", "m04"]
    assert jitgrad.load_model(tmp_path / "best").evaluate(X, X**2) == pytest.approx(made.evaluate(X, X**2), rel=1e-3)
    assert history.loss[-1] == history.loss.min()
    other = model()
    other(X)
    other.load_weights(tmp_path / "w")
    np.testing.assert_array_equal(other.predict(X), made.predict(X))


@pytest.mark.parametrize("content", [b"epoch,loss\n\xff,1.0\n", b"epoch,loss\nfirst,1.0\n"])
def test_a_log_that_is_none(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_bytes(content)
    model = jitgrad.Sequential([layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(DataError, match="is not a log of a fit"):
        model.fit(np.ones((4, 2)), np.ones(4), initial_epoch=1, epochs=2, callbacks=callbacks.CSVLogger(tmp_path / "log.csv"))


@pytest.mark.parametrize(
    ("make", "path"),
    [
        (lambda p: callbacks.CSVLogger(p), "new/logs/log.csv"),
        (lambda p: callbacks.ModelCheckpoint(p), "new/{epoch:02d}/model"),
        (lambda p: callbacks.ModelCheckpoint(p, save_weights_only=True), "new/{epoch}/weights"),
        (lambda p: callbacks.BackupAndRestore(p), "new/backup"),
    ],
)
def test_directories_are_made(make: Any, path: str, tmp_path: Path) -> None:
    model = jitgrad.Sequential([layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(np.ones((4, 2)), np.ones(4), callbacks=make(str(tmp_path / path)))
    assert (tmp_path / path.format(epoch=1)).is_file()
    model.save(tmp_path / "models" / "m")
    model.load_weights(tmp_path / "models" / "m")


@pytest.mark.parametrize(
    "change",
    [
        lambda fit: fit.update(epoch="x"), lambda fit: fit.update(epoch={}), lambda fit: fit.update(epoch=-1),
        lambda fit: fit.update(epoch=10**9), lambda fit: fit.update(epoch=10**30), lambda fit: fit.update(epoch=0),
        lambda fit: fit.update(seed=None), lambda fit: fit.update(history=[]), lambda fit: fit["history"].update(loss=1.0),
        lambda fit: fit.update(stopped=np.zeros(3)), lambda fit: fit.update(callbacks=7), lambda fit: fit.update(random={}),
        lambda fit: fit.update(signature="x"), lambda fit: fit.pop("history"),
        lambda fit: fit["callbacks"][0][1].update(weights=["x"]), lambda fit: fit["callbacks"][0][1].update(wait={}),
    ],
)  # fmt: skip
def test_a_backup_that_was_changed(change: Any, tmp_path: Path) -> None:
    def fit() -> None:
        model = jitgrad.Sequential([layers.Dense(1, name="dense")], name="changed")
        model.compile("sgd", "mse")
        watchers = [
            callbacks.EarlyStopping("loss", patience=9, restore_best_weights=True), callbacks.BackupAndRestore(tmp_path / "b"),
        ]  # fmt: skip
        model.fit(np.ones((4, 2)), np.ones(4), epochs=2, seed=1, callbacks=watchers)

    fit()
    document = archive.read(tmp_path / "b")
    change(document["fit"])
    archive.write(tmp_path / "b", document)
    with pytest.raises(DataError):
        fit()
