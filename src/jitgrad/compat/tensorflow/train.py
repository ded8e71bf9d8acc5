"""``tf.train``: checkpoints, in safetensors files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from jitgrad.compat.modules import missing
from jitgrad.compat.tensorflow.dtypes import as_dtype
from jitgrad.compat.tensorflow.errors import ConversionError, NotFoundError
from jitgrad.compat.tensorflow.module import Module, attributes
from jitgrad.saving import archive
from jitgrad.tape.variable import Variable as LibraryVariable

_SUFFIX = ".safetensors"
_VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"


def _children(value: Any) -> Iterator[tuple[str, Any]]:
    """Return the saved parts of an object: attributes, items of lists and dicts, and the numbered Variables of layers."""
    if isinstance(value, dict):
        yield from ((str(key), item) for key, item in value.items())
    elif isinstance(value, (list, tuple)):
        yield from ((str(i), item) for i, item in enumerate(value))
    elif isinstance(value, Module) or not hasattr(value, "variables"):
        if hasattr(value, "__dict__"):
            yield from attributes(value)
    else:
        yield from ((str(i), v) for i, v in enumerate(value.variables))


def _variables(value: Any, path: str, seen: set[int]) -> Iterator[tuple[str, Any]]:
    if isinstance(value, LibraryVariable):
        yield path, value
    elif id(value) not in seen and not isinstance(value, (str, bytes, int, float, np.ndarray, type, type(None))):
        seen.add(id(value))
        for name, item in _children(value):
            yield from _variables(item, f"{path}/{name}" if path else name, seen)


class LoadStatus:
    """The status that ``restore`` returns."""

    def __init__(self, unused: Callable[[], set[str]], without: Callable[[], set[str]]) -> None:
        self._unused, self._without = unused, without

    def assert_consumed(self) -> LoadStatus:
        """Raise AssertionError unless every saved value has a Variable, and every Variable a value."""
        self.assert_existing_objects_matched()
        if self._unused():
            raise AssertionError(f"Unresolved values in the checkpoint: {sorted(self._unused())}.")
        return self

    def assert_existing_objects_matched(self) -> LoadStatus:
        """Raise AssertionError unless all Variables have values."""
        if self._without():
            raise AssertionError(f"Objects without a value in the checkpoint: {sorted(self._without())}.")
        return self

    def assert_nontrivial_match(self) -> LoadStatus:
        """Raise AssertionError unless all Variables have values."""
        return self.assert_existing_objects_matched()

    def expect_partial(self) -> LoadStatus:
        """Accept that some values are not used."""
        return self


class Checkpoint:
    """Variables of objects by name, saved to a file and restored from it.

    Parameters
    ----------
    root : object, optional
        An object whose attributes are saved.
    **kwargs
        Objects by name: Modules, Variables, layers, optimizers, generators, lists and dicts of them.
    """

    def __init__(self, root: Any = None, **kwargs: Any) -> None:
        self._root = root
        self._objects = dict(kwargs)
        self._saves = 0
        for name, value in kwargs.items():
            setattr(self, name, value)

    def _named(self) -> dict[str, Any]:
        seen: set[int] = set()
        found = {} if self._root is None else dict(_variables(self._root, "", seen))
        for name in self._objects:
            found |= dict(_variables(getattr(self, name), name, seen))
        return found

    def write(self, file_prefix: Any, options: Any = None) -> str:
        """Save all Variables to a file; returns the name for ``read``."""
        values = {name: np.asarray(v._value()) for name, v in self._named().items()}
        Path(file_prefix).parent.mkdir(parents=True, exist_ok=True)
        archive.write(f"{file_prefix}{_SUFFIX}", {"kind": "checkpoint", "variables": values})
        return str(file_prefix)

    def save(self, file_prefix: Any, options: Any = None) -> str:
        """Save all Variables with the save's number in the file name, so that ``latest_checkpoint`` finds the file."""
        self._saves += 1
        path = self.write(f"{file_prefix}-{self._saves}")
        (Path(path).parent / "checkpoint").write_text(f'model_checkpoint_path: "{Path(path).name}"\n')
        return path

    def read(self, save_path: Any, options: Any = None) -> LoadStatus:
        """Restore the Variables from a file. Variables that do not exist yet are restored when they are created."""
        values = _values(save_path)
        left = dict(values)

        def give(path: str, variable: Any) -> None:
            if path in values:
                variable.assign(values[path].astype(as_dtype(variable.dtype).as_numpy_dtype))
                left.pop(path, None)

        def wait(module: Any, path: str) -> None:
            if isinstance(module, Module):
                object.__setattr__(module, "_restored", lambda name, value: later(f"{path}/{name}" if path else name, value))
                for name, item in attributes(module):
                    wait(item, f"{path}/{name}" if path else name)

        def later(path: str, value: Any) -> None:
            for name, variable in _variables(value, path, set()):
                if name in left:
                    give(name, variable)
            wait(value, path)

        for path, variable in self._named().items():
            give(path, variable)
        wait(self._root, "")
        for name in self._objects:
            wait(getattr(self, name), name)
        return LoadStatus(lambda: set(left), lambda: set(self._named()) - set(values))

    def restore(self, save_path: Any, options: Any = None) -> LoadStatus:
        """Restore the Variables like ``read``. If the path is None, do nothing."""
        return LoadStatus(set, set) if save_path is None else self.read(save_path)


def _values(save_path: Any) -> dict[str, np.ndarray]:
    path = f"{save_path}{_SUFFIX}"
    if not Path(path).exists():
        raise NotFoundError(
            f"Unsuccessful tensor lookup: there is no checkpoint {save_path}. Give the path that save() or write() returned."
        )
    document = archive.read(path)
    if document.get("kind") != "checkpoint":
        raise ConversionError(
            f"{path} is not a checkpoint of tf.train.Checkpoint. Use the load function of the program that wrote it."
        )
    values: dict[str, np.ndarray] = document["variables"]
    return values


def list_variables(ckpt_dir_or_file: Any) -> list[tuple[str, list[int]]]:
    """Return the names and shapes in a checkpoint."""
    path = latest_checkpoint(ckpt_dir_or_file) if Path(ckpt_dir_or_file).is_dir() else ckpt_dir_or_file
    return [(name + _VALUE, list(value.shape)) for name, value in sorted(_values(path).items())]


def load_variable(ckpt_dir_or_file: Any, name: str) -> np.ndarray:
    """Return one value of a checkpoint."""
    values = _values(ckpt_dir_or_file)
    found = values.get(name.removesuffix(_VALUE))
    if found is None:
        raise NotFoundError(f"Key {name} not found in checkpoint. It has {', '.join(sorted(values))}.")
    return found


def latest_checkpoint(checkpoint_dir: Any, latest_filename: str | None = None) -> str | None:
    """Return the last checkpoint in a folder, or None."""
    note = Path(checkpoint_dir) / (latest_filename or "checkpoint")
    return str(Path(checkpoint_dir) / note.read_text().split('"')[1]) if note.is_file() else None


class CheckpointManager:
    """Saves checkpoints in a folder and keeps the most recent ones.

    Parameters
    ----------
    checkpoint : Checkpoint
        The checkpoint to save.
    directory : str
        The folder.
    max_to_keep : int or None
        Number of checkpoints to keep; None for all.
    checkpoint_name : str
        Prefix of the file names.
    """

    def __init__(
        self, checkpoint: Checkpoint, directory: Any, max_to_keep: int | None, checkpoint_name: str = "ckpt", **kwargs: Any
    ) -> None:
        self.checkpoint = checkpoint
        self.directory = str(directory)
        self._prefix = Path(directory) / checkpoint_name
        self._most = max_to_keep
        found = Path(directory).glob(f"{checkpoint_name}-*{_SUFFIX}")
        numbers = sorted(int(path.name.removesuffix(_SUFFIX).rpartition("-")[2]) for path in found)
        self.checkpoints = [f"{self._prefix}-{n}" for n in numbers]

    @property
    def latest_checkpoint(self) -> str | None:
        """The last checkpoint."""
        return self.checkpoints[-1] if self.checkpoints else None

    def save(self, checkpoint_number: Any = None, check_interval: bool = True, options: Any = None) -> str:
        """Save a checkpoint, and delete the oldest ones if there are too many."""
        if checkpoint_number is not None:
            self.checkpoint._saves = int(checkpoint_number) - 1
        elif self.checkpoints and not self.checkpoint._saves:
            self.checkpoint._saves = int(self.checkpoints[-1].rpartition("-")[2])
        self.checkpoints.append(self.checkpoint.save(self._prefix))
        while self._most is not None and len(self.checkpoints) > self._most:
            Path(self.checkpoints.pop(0) + _SUFFIX).unlink(missing_ok=True)
        return self.checkpoints[-1]

    def restore_or_initialize(self) -> str | None:
        """Restore the last checkpoint if one exists."""
        self.checkpoint.restore(self.latest_checkpoint)
        return self.latest_checkpoint


__all__ = ["Checkpoint", "CheckpointManager", "latest_checkpoint", "list_variables", "load_variable"]
_OPTIMIZERS = "Use tf.keras.optimizers, or tf.compat.v1.train for a program of TensorFlow 1."
__getattr__ = missing(
    "tensorflow.train", __all__, dict.fromkeys(["GradientDescentOptimizer", "AdamOptimizer", "MomentumOptimizer"], _OPTIMIZERS)
)
