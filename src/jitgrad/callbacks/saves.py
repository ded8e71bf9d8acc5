"""Callbacks that save the model, or the whole fit, between epochs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

from jitgrad.arguments import count, number
from jitgrad.callbacks.callback import Callback, Logs
from jitgrad.callbacks.monitor import Monitor
from jitgrad.errors import ArgumentError, DataError
from jitgrad.saving import archive
from jitgrad.saving.model import save_model, save_weights


class ModelCheckpoint(Monitor):
    """Save the model at regular intervals of epochs, or whenever a metric improves.

    A file is written completely or not at all.

    Parameters
    ----------
    filepath : path-like
        Path of the file. It may contain ``{epoch}``, which starts with 1, and metrics, such as
        ``{val_loss:.3f}``.
    monitor : str, default "val_loss"
        Name of the metric to monitor. Names that begin with ``val_`` require validation data.
    save_best_only : bool, default False
        Whether to save only if the metric has improved.
    save_weights_only : bool, default False
        Whether to save only the weights, for ``Model.load_weights``.
    mode : {"auto", "min", "max"}, default "auto"
        Whether the metric should decrease or increase. With "auto", accuracies and scores should increase,
        all other metrics should decrease.
    every : int, default 1
        Number of epochs between two saves.
    initial_value_threshold : float, optional
        Value that the metric must first improve upon, with `save_best_only`.

    See Also
    --------
    BackupAndRestore : Saves the state of the fit, to resume it.
    jitgrad.load_model : Loads the file.

    Examples
    --------
    >>> model = jg.Sequential([jg.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> save = jg.callbacks.ModelCheckpoint("model-{epoch:02d}.jitgrad", every=2)
    >>> history = model.fit(np.ones((4, 2)), np.ones(4), epochs=4, callbacks=save)
    >>> loaded = jg.load_model("model-04.jitgrad")
    >>> np.array_equal(loaded.predict(np.ones((1, 2))), model.predict(np.ones((1, 2))))
    True
    """

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: Literal["auto", "min", "max"] = "auto",
        every: int = 1,
        initial_value_threshold: float | None = None,
    ) -> None:
        self._threshold = (
            None if initial_value_threshold is None else number("initial_value_threshold", initial_value_threshold)
        )
        super().__init__(monitor, mode, 0.0)
        self.filepath, self.every = os.fspath(filepath), count("every", every)
        self.save_best_only, self.save_weights_only = save_best_only, save_weights_only

    def on_train_begin(self, first: int) -> None:
        """Reset the best value.

        Parameters
        ----------
        first : int
            Number of the first epoch, starting with 0.
        """
        super().on_train_begin(first)
        if self._threshold is not None:
            self.best = self._threshold

    def after_epoch(self, epoch: int, logs: Logs) -> None:
        """Save the model after an epoch, if it is due.

        Parameters
        ----------
        epoch : int
            Number of the epoch, starting with 0.
        logs : mapping of str to float or ndarray
            Metrics of the epoch by name, including ``learning_rate``.
        """
        if (epoch + 1) % self.every or (self.save_best_only and not self.improved(self.value(logs))):
            return
        try:
            path = self.filepath.format(epoch=epoch + 1, **logs)
        except (KeyError, IndexError, ValueError) as error:
            raise ArgumentError(
                f"filepath {self.filepath!r} contains {error}, but the fields are epoch, {', '.join(logs)}. "
                f"Use only these fields, as in {{epoch:02d}}."
            ) from None
        if self.save_weights_only:
            save_weights(self.model, path)
        else:
            save_model(self.model, path, self.fit_state())


class BackupAndRestore(Callback):
    """Resume a fit that was stopped or killed when the same program is run again.

    After each epoch, or every few epochs, the callback saves the model, its optimizer, the state of the other
    callbacks and of the random number generators, and the metrics so far. If the file exists, a fit continues
    after the last saved epoch. Its result is bit-identical to the result of an uninterrupted fit.

    Parameters
    ----------
    path : path-like
        Path of the file. A file that a `ModelCheckpoint` wrote in the same fit can also be used.
    every : int, default 1
        Number of epochs between two saves.
    delete : bool, default False
        Whether to remove the file at the end of the fit. If it is kept, running the program again returns the finished fit
        immediately.

    Raises
    ------
    DataError
        Raised by ``fit`` if the file was not written by a fit, or by a fit with another model, optimizer,
        number of rows or batch size.

    See Also
    --------
    ModelCheckpoint : Saves the model for other uses.

    Notes
    -----
    The file is replaced atomically, so a crash during a save leaves the previous file. A fit in batches from an
    iterator resumes with the next epoch; the iterable must be able to start again.

    Examples
    --------
    A fit of 5 epochs that ends after epoch 2 and is run again:

    >>> def run(epochs):
    ...     jg.random.seed(0)
    ...     x = np.linspace(-1.0, 1.0, 64)[:, None]
    ...     model = jg.Sequential([jg.layers.Dense(8, "tanh"), jg.layers.Dense(1)])
    ...     model.compile("adam", "mse")
    ...     backup = jg.callbacks.BackupAndRestore("fit.jitgrad")
    ...     return model.fit(x, x**2, epochs=epochs, callbacks=backup, seed=0)
    >>> run(2).epoch
    [0, 1]
    >>> resumed = run(5)
    >>> resumed.epoch
    [0, 1, 2, 3, 4]
    """

    def __init__(self, path: str | os.PathLike[str], every: int = 1, delete: bool = False) -> None:
        self.path, self.every, self.delete = Path(path), count("every", every), delete

    def restored(self) -> dict[str, Any] | None:
        """Read the state of an earlier fit.

        Returns
        -------
        dict or None
            The state, or None if there is no file.

        Raises
        ------
        DataError
            If the file was not written by a fit.
        """
        if not self.path.exists():
            return None
        document = archive.read(self.path)
        fit = document.get("fit") if isinstance(document, dict) else None
        fit = fit if isinstance(fit, dict) else {}
        needed = {"epoch", "seed", "history", "random", "callbacks", "signature", "stopped"}
        if not needed <= fit.keys() or not all(type(fit[name]) is int and fit[name] >= 0 for name in ("epoch", "seed")):
            raise DataError(f"{self.path} was not written by a fit that can be resumed. Give another path, or remove the file.")
        return document

    def after_epoch(self, epoch: int, logs: Logs) -> None:
        """Save the fit if it is due, or if the fit ends.

        Parameters
        ----------
        epoch : int
            Number of the epoch, starting with 0.
        logs : mapping of str to float or ndarray
            Metrics of the epoch by name, including ``learning_rate``.
        """
        if (epoch + 1) % self.every == 0 or self.model.stop_training:
            save_model(self.model, self.path, self.fit_state())

    def on_train_end(self, logs: Logs) -> None:
        """Remove the file, if requested.

        Parameters
        ----------
        logs : mapping of str to float or ndarray
            Metrics of the last epoch by name.
        """
        if self.delete:
            self.path.unlink(missing_ok=True)
