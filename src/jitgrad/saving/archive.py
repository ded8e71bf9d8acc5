"""A file of nested dicts, lists, numbers, strings and arrays: safetensors, with JSON in its header.

Every reader of safetensors can read the arrays. Their names are their paths in the document.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from typing import Any

import numpy as np

from jitgrad.errors import ArgumentError, DataError
from jitgrad.files import write_whole

_FORMAT = "1"
_KEY = "jitgrad"
"""The key in the header's metadata for the format and a digest, followed by the document on the next line."""


def write(path: str | os.PathLike[str], document: Any) -> None:
    """Write ``document`` to ``path``, atomically. Equal documents give equal bytes.

    Raises OSError if the file cannot be written.
    """
    write_whole(path, packed(document))


def packed(document: Any) -> bytes:
    """Return the bytes that ``write`` writes."""
    from safetensors.numpy import save

    arrays: dict[str, np.ndarray] = {}
    text = json.dumps(_without_arrays(document, (), arrays), allow_nan=False)
    return save(arrays, metadata={_KEY: f"{_FORMAT} {_digest(text, arrays)}\n{text}"})


def read(path: str | os.PathLike[str], anyones: bool = False) -> Any:
    """Read a document, or, if ``anyones``, the arrays by name of another program's safetensors file.

    Raises DataError if the file does not exist, is incomplete or has another format.
    """
    from safetensors import SafetensorError, safe_open

    if not os.path.exists(path):
        raise DataError(f"There is no file {path}. Check the path.")
    if os.path.isdir(path):
        raise DataError(f"{path} is a directory. Give the path of a file.")
    if not os.path.isfile(path):
        raise DataError(f"{path} is a device or a pipe. Give the path of a regular file.")
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            head, _, text = metadata.get(_KEY, "").partition("\n")
            if anyones and _KEY not in metadata:
                return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (it is not a dict)
            if head.split(" ")[0] != _FORMAT:
                raise DataError(
                    f"{path} is not a jitgrad file, or was written by another version. Give a file that model.save() wrote."
                )
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (it is not a dict)
        if head != f"{_FORMAT} {_digest(text, arrays)}":
            raise DataError(f"{path} is damaged: its contents do not match its digest. Save the model again.")
        return _with_arrays(json.loads(text), arrays)
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path} is damaged or is not a jitgrad file: {error}. Save the model again.") from error


def _digest(text: str, arrays: dict[str, np.ndarray]) -> str:
    """Return the SHA-256 of a document and its arrays."""
    digest = hashlib.sha256(text.encode())
    for name, array in sorted(arrays.items()):
        digest.update(f"\0{name}\0{array.dtype}\0{array.shape}\0".encode())
        digest.update(array.data if array.size else b"")
    return digest.hexdigest()


def read_kind(path: str | os.PathLike[str], kind: str, version: int) -> dict[str, Any]:
    """Return the model in a document of this kind and this or an earlier version. Raises DataError for other documents."""
    document = read(path)
    if kind_of(document) != kind:
        raise DataError(f"{path} does not contain a model of kind {kind!r}. Give a file that jitgrad fit --save wrote.")
    found = document.get("version")
    if not isinstance(found, int) or found > version:
        raise DataError(
            f"{path} has version {found}, but this jitgrad supports versions up to {version}. Install a newer jitgrad."
        )
    model = document.get("model")
    if not isinstance(model, dict):
        raise DataError(f"{path} is damaged: it has no model. Save it again.")
    return model


def kind_of(document: Any) -> str | None:
    """Return the kind of model in a document, or None."""
    kind = document.get("kind") if isinstance(document, dict) else None
    return kind if isinstance(kind, str) else None


def _without_arrays(value: Any, place: tuple[str, ...], arrays: dict[str, np.ndarray]) -> Any:
    if isinstance(value, np.ndarray):
        name = "/".join(place)
        while name in arrays:
            name += "'"
        arrays[name] = np.ascontiguousarray(value, value.dtype.newbyteorder("=")).reshape(value.shape)
        return {"$array": name}
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise ArgumentError(f"The keys {list(value)} at {'/'.join(place)} are not all strings. Use strings.")
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
