"""``torch.save`` and ``torch.load``: nested dicts and lists of tensors and plain values in a safetensors file.

A file is written completely or not at all, and unlike a pickle it never contains code.
"""

from __future__ import annotations

import errno
import os
from typing import Any

import numpy as np

from jitgrad.compat.torch.creation import check_device
from jitgrad.compat.torch.nn.module import Module
from jitgrad.compat.torch.tensor import Tensor, of_array
from jitgrad.errors import DataError, UnsupportedError
from jitgrad.saving import archive

_PICKLES = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
"""The first bytes of files that PyTorch writes: an archive that contains a pickle, or a plain pickle."""


def save(
    obj: Any, f: Any, pickle_module: Any = None, pickle_protocol: int = 2, _use_new_zipfile_serialization: bool = True
) -> None:
    """Write nested dicts, lists and tuples of tensors and plain values, such as a ``state_dict``, to a path or an open file.

    Modules and other objects are rejected: they could only be pickled, and loading a pickle can run code.
    """
    written = _written(obj)
    document = written if isinstance(obj, dict) else {"$value": written}
    if hasattr(f, "write"):
        f.write(archive.packed(document))
    else:
        archive.write(f, document)


def _written(value: Any) -> Any:
    """Convert a value to dicts, lists, plain values and arrays; other kinds become a dict with the kind as its only key."""
    if isinstance(value, Tensor):
        return np.asarray(value.numpy(force=True))
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, dict):
        if all(isinstance(key, str) and not key.startswith("$") for key in value):
            return {key: _written(item) for key, item in value.items()}
        return {"$pairs": [[_written(key), _written(item)] for key, item in value.items()]}
    if isinstance(value, tuple):
        return {"$tuple": [_written(item) for item in value]}
    if isinstance(value, list):
        return [_written(item) for item in value]
    if isinstance(value, Module):
        raise UnsupportedError(
            "torch.save: a module could be saved only as a pickle, which executes code when it is loaded. "
            "Save module.state_dict(), and pass it to load_state_dict() of a new module."
        )
    raise UnsupportedError(
        f"torch.save: an object of type {type(value).__name__} is neither a tensor nor a plain value and could be saved only "
        "as a pickle. "
        f"Save tensors, numbers, strings, and dicts and lists of them."
    )


def load(
    f: Any, map_location: Any = None, pickle_module: Any = None, *, weights_only: bool | None = None, mmap: bool | None = None
) -> Any:
    """Load a file that ``save`` wrote, or the tensors of any safetensors file.

    PyTorch's own files, which are pickles, are rejected.
    """
    if isinstance(map_location, str) or hasattr(map_location, "type"):
        check_device(map_location)
    if not hasattr(f, "read"):
        return _loaded(f)
    import tempfile

    with tempfile.NamedTemporaryFile() as file:
        file.write(f.read())
        file.flush()
        return _loaded(file.name)


def _loaded(path: Any) -> Any:
    if not os.path.exists(path):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), os.fspath(path))
    if os.path.isfile(path):
        with open(path, "rb") as file:
            if file.read(4).startswith(_PICKLES):
                raise DataError(
                    f"{path} is a pickle of PyTorch. Loading it would execute code, so jitgrad does not load it. "
                    f"Load it in PyTorch and save its state_dict with safetensors.torch.save_file()."
                )
    document = archive.read(path, anyones=True)
    if archive.kind_of(document) is not None:
        raise DataError(f"{path} is a model of jitgrad. Load it with jitgrad.load_model().")
    return _read(document["$value"] if document.keys() == {"$value"} else document)


def _read(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return of_array(value)
    if isinstance(value, list):
        return [_read(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"$tuple"}:
        return tuple(_read(item) for item in value["$tuple"])
    if value.keys() == {"$pairs"}:
        return {_read(key): _read(item) for key, item in value["$pairs"]}
    return {key: _read(item) for key, item in value.items()}
