"""A callback that writes metrics to a CSV file."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from jitgrad.callbacks.callback import Callback, Logs
from jitgrad.errors import DataError
from jitgrad.files import write_whole


class CSVLogger(Callback):
    """Write the metrics of each epoch to a CSV file.

    The file has one row per epoch and a header. A fit that resumes an earlier one keeps its rows.

    Parameters
    ----------
    filename : path-like
        Path of the file.
    separator : str, default ","
        Separator of the columns.
    append : bool, default False
        Whether to keep the rows that the file already contains.

    Examples
    --------
    >>> model = jg.Sequential([jg.layers.Dense(1, kernel_initializer="zeros")])
    >>> model.compile("sgd", "mse")
    >>> log = jg.callbacks.CSVLogger("log.csv")
    >>> history = model.fit(np.ones((4, 2)), np.ones(4), epochs=2, callbacks=log)
    >>> with open("log.csv") as file:
    ...     print(file.readline().strip())
    epoch,loss,learning_rate
    """

    shares_model = False

    def __init__(self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False) -> None:
        self.path, self.separator, self.append = Path(filename), separator, append
        self._columns: list[str] = []

    def on_train_begin(self, first: int) -> None:
        """Create the file, or keep the rows of earlier epochs.

        Parameters
        ----------
        first : int
            Number of the first epoch, starting with 0.

        Raises
        ------
        DataError
            If an existing file to append to is not a log of a fit.
        """
        self._columns = []
        kept = self._kept(first) if (self.append or first) and self.path.exists() else []
        write_whole(self.path, "".join(f"{line}\n" for line in kept).encode())

    def _kept(self, first: int) -> list[str]:
        """Return the header and the rows before epoch ``first``, or all rows if ``first`` is 0."""
        try:
            header, *rows = self.path.read_text("utf-8").splitlines() or [""]
            self._columns = header.split(self.separator)[1:]
            whole = [
                row for row in rows if row.count(self.separator) == len(self._columns)
            ]  # a killed process may leave an incomplete row
            while whole and first and int(whole[-1].split(self.separator)[0]) >= first:
                del whole[-1]  # this epoch is run again
        except ValueError as error:
            raise DataError(f"{self.path} is not a log of a fit: {error}. Give another path, or remove the file.") from error
        return [header, *whole]

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Write a row.

        Parameters
        ----------
        epoch : int
            Number of the epoch, starting with 0.
        logs : mapping of str to float or ndarray
            Metrics of the epoch by name, including ``learning_rate``.
        """
        with self.path.open("a") as file:
            if not self._columns:
                self._columns = [name for name, value in logs.items() if np.ndim(value) == 0]
                file.write(self.separator.join(["epoch", *self._columns]) + "\n")
            file.write(self.separator.join([str(epoch), *(repr(float(logs[name])) for name in self._columns)]) + "\n")
