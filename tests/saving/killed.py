"""A fit that may be killed at any time and run again: ``python killed.py BACKUP RESULT [EPOCHS]``."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

import jitgrad
from jitgrad import callbacks, layers, optimizers


def main(backup: str, result: str, epochs: int) -> None:
    jitgrad.random.seed(5)
    draw = np.random.default_rng(0)
    x = draw.normal(size=(400, 5))
    y = (np.sin(x[:, 0]) + x[:, 1] > 0).astype(int)
    model = jitgrad.Sequential(
        [layers.Dense(16, "relu"), layers.BatchNormalization(), layers.Dropout(0.2), layers.Dense(2, "softmax")]
    )
    model.compile(
        optimizers.Adam(optimizers.schedules.CosineDecay(0.01, 2000)), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    Path(backup + ".started").touch()
    began = time.perf_counter()
    history = model.fit(
        x,
        y,
        epochs=epochs,
        validation_split=0.25,
        callbacks=[
            callbacks.EarlyStopping("val_loss", patience=epochs, restore_best_weights=True),
            callbacks.CSVLogger(backup + ".csv"),
            callbacks.BackupAndRestore(backup),
        ],
    )
    figures = {name: np.array(values) for name, values in history.history.items()}
    drawn = {"generator": jitgrad.random.generator().uniform(size=3), "counted": jitgrad.random.uniform(3).numpy()}
    weights = {f"weight_{i}": w for i, w in enumerate(model.get_weights())}
    np.savez(result, took=time.perf_counter() - began, **figures, **drawn, **weights)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
