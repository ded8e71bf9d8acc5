"""``tf.train.Saver``: the values of Variables in a safetensors file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from jitgrad.compat.tensorflow.v1.graph import Operation
from jitgrad.compat.tensorflow.v1.variables import global_variables
from jitgrad.errors import ArgumentError, DataError
from jitgrad.files import write_whole

_SUFFIX = ".safetensors"


class Saver:
    """Saves and restores the Variables of a session.

    The name of a file contains its step and ends with ``.safetensors``. TensorFlow's own checkpoints cannot be
    read.

    Parameters
    ----------
    var_list : list or dict of Variables, optional
        Variables to save, by default all Variables of the graph; the keys of a dict are the names in the file.
    max_to_keep : int
        Number of files to keep; older ones that this Saver wrote are removed. None or 0 keeps all files.
    """

    def __init__(self, var_list: Any = None, reshape: bool = False, sharded: bool = False, max_to_keep: int | None = 5) -> None:
        chosen = global_variables() if var_list is None else var_list
        if not chosen:
            raise ArgumentError("No variables to save. Create the Variables before the Saver.")
        named = chosen if isinstance(chosen, Mapping) else {v.op.name: v for v in chosen}
        self._variables: dict[str, Any] = dict(named)
        self._keep = max_to_keep or 0
        self.last_checkpoints: list[str] = []

    def save(self, sess: Any, save_path: str, global_step: Any = None, **options: Any) -> str:
        """Save the values of the Variables in a session; returns the path for ``restore``."""
        from safetensors.numpy import save

        step = sess.run(global_step) if isinstance(global_step, Operation) or hasattr(global_step, "op") else global_step
        path = os.fspath(save_path) if step is None else f"{os.fspath(save_path)}-{int(step)}"
        values = sess.run(self._variables)
        data = save({name: np.array(value, order="C") for name, value in values.items()}, {"format": "jitgrad"})
        write_whole(path + _SUFFIX, data)
        self.last_checkpoints = [p for p in self.last_checkpoints if p != path] + [path]
        while self._keep and len(self.last_checkpoints) > self._keep:
            Path(self.last_checkpoints.pop(0) + _SUFFIX).unlink(missing_ok=True)
        return path

    def restore(self, sess: Any, save_path: str) -> None:
        """Assign the values in a file to the Variables in a session. Raises DataError if the file does not match."""
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        path = os.fspath(save_path) + _SUFFIX
        if not os.path.exists(path):
            raise DataError(
                f"The passed save_path is not a valid checkpoint: there is no {path}. Give the path that save() returned."
            )
        try:
            values = load_file(path)
        except SafetensorError as error:
            raise DataError(f"{path} is not a checkpoint of jitgrad: {error}. Give the path that save() returned.") from None
        for name in self._variables:
            if name not in values:
                raise DataError(
                    f"Key {name} not found in checkpoint {path}. Create the Variables with the names that were saved."
                )
        for name, variable in self._variables.items():
            sess.load(variable, values[name])


def latest_checkpoint(checkpoint_dir: str, latest_filename: str | None = None) -> str | None:
    """Return the path of the newest file in a folder for ``restore``, or None."""
    files = sorted(Path(checkpoint_dir).glob(f"*{_SUFFIX}"), key=lambda path: path.stat().st_mtime_ns)
    return str(files[-1]).removesuffix(_SUFFIX) if files else None
