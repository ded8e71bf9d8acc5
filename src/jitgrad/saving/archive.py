"""One file of nested dicts, lists, numbers, texts and arrays: safetensors, with all but the arrays as JSON in its header.

Any reader of safetensors can read the arrays; their names are their places in the nesting.
"""

from __future__ import annotations

import errno
import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from jitgrad.errors import ArgumentError, DataError

_FORMAT = "jitgrad 1"
_ADVICE = {
    errno.ENOENT: "Make its directory first.",
    errno.ENOTDIR: "Make its directory first.",
    errno.EISDIR: "Name a file in it.",
    errno.ENOSPC: "Make room, or give a file elsewhere.",
    errno.EDQUOT: "Make room, or give a file elsewhere.",
    errno.EFBIG: "Raise the limit on the size of files, or give a file elsewhere.",
}


def write(path: str | os.PathLike[str], document: Any) -> None:
    """Write ``document`` to ``path``, aside first and then renamed, so that the file is whole or as it was before.

    Raises OSError where it cannot be written.
    """
    from safetensors.numpy import save

    arrays: dict[str, np.ndarray] = {}
    text = json.dumps(_without_arrays(document, (), arrays), allow_nan=False)
    write_whole(Path(path), save(arrays, metadata={"format": _FORMAT, "document": text}))


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that is whole or as it was before. Raises OSError where it cannot be written."""
    with written_aside(path) as file:
        file.write(content)


@contextmanager
def written_aside(path: Path) -> Iterator[BinaryIO]:
    """A file to write, beside ``path``; at the end made sure to be on the disk and renamed, or removed after an exception.

    A link stays, and what it leads to is written. Raises DataError for what is there and no regular file.
    """
    path = path.resolve()
    if path.exists() and not path.is_file() and not path.is_dir():
        raise DataError(f"{path} is a device or a pipe. Name a file.")
    aside = path.with_name(path.name + ".part")
    try:
        with aside.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


def unwritable(name: str, error: OSError) -> DataError:
    """What to raise for a file that the system does not let us write."""
    advice = _ADVICE.get(error.errno or 0, "Check its permissions, or give another file.")
    return DataError(f"{name} cannot be written: {error.strerror or error}. {advice}")


def read(path: str | os.PathLike[str]) -> Any:
    """What was written. Raises DataError for a file that is not there, not whole, or something else."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != _FORMAT:
                raise DataError(f"{path} is no file of jitgrad, or of another version. Give one that model.save() wrote.")
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (it is no dict)
        return _with_arrays(json.loads(metadata["document"]), arrays)
    except FileNotFoundError:
        raise DataError(f"There is no file {path}. Check the path.") from None
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        if os.path.isdir(path):
            raise DataError(f"{path} is a directory. Name a file in it.") from None
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path} is damaged, or no file of jitgrad: {error}. Save the model again.") from error


def read_kind(path: str | os.PathLike[str], kind: str, version: int) -> dict[str, Any]:
    """The model in a document of this kind, of this version or an earlier one. Raises DataError for any other file."""
    document = read(path)
    if not isinstance(document, dict) or document.get("kind") != kind:
        raise DataError(f"{path} has no model of kind {kind!r}. Give a file that jitgrad fit --save wrote.")
    found = document.get("version")
    if not isinstance(found, int) or found > version:
        raise DataError(f"{path} is of version {found}, and {version} is the newest known here. Install a newer jitgrad.")
    model = document.get("model")
    if not isinstance(model, dict):
        raise DataError(f"{path} is damaged: it has no model. Save it again.")
    return model


def _without_arrays(value: Any, place: tuple[str, ...], arrays: dict[str, np.ndarray]) -> Any:
    if isinstance(value, np.ndarray):
        name = "/".join(place)
        while name in arrays:
            name += "'"
        arrays[name] = np.ascontiguousarray(value).reshape(value.shape)
        return {"$array": name}
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise ArgumentError(f"The keys {list(value)} at {'/'.join(place)} are not all texts. Use texts.")
        return {key: _without_arrays(item, (*place, key), arrays) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_arrays(item, (*place, str(number)), arrays) for number, item in enumerate(value)]
    plain = value.item() if isinstance(value, np.generic) else value
    return {"$number": repr(plain)} if isinstance(plain, float) and not math.isfinite(plain) else plain


def _with_arrays(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    if isinstance(value, dict):
        if value.keys() == {"$array"}:
            return arrays[value["$array"]]
        if value.keys() == {"$number"}:
            return float(value["$number"])
        return {key: _with_arrays(item, arrays) for key, item in value.items()}
    return [_with_arrays(item, arrays) for item in value] if isinstance(value, list) else value
