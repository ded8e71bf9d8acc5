"""``tf.print``: print abbreviated values to standard error."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

from jitgrad.compat.tensorflow.tensor import convert
from jitgrad.tape.operators import Operators


def print(
    *inputs: Any, output_stream: Any = None, summarize: Any = 3, sep: str = " ", end: str = os.linesep, name: Any = None
) -> None:
    """Print tensors and other values.

    Parameters
    ----------
    *inputs
        Values to print, including nested tensors.
    output_stream
        A file, or ``"file://"`` followed by a path; by default ``sys.stderr``.
    summarize : int
        Number of elements at both ends of each axis; -1 for all.
    sep, end : str
        Separator between the values, and text at the end.
    """
    text = sep.join(_shown(x, summarize or 3, False) for x in inputs) + end
    if isinstance(output_stream, str):
        with Path(output_stream.removeprefix("file://")).open("a") as file:
            file.write(text)
    else:
        (sys.stderr if output_stream is None else output_stream).write(text)


def _shown(value: Any, most: int, inside: bool) -> str:
    if isinstance(value, (Operators, np.ndarray, np.generic)):
        array = np.asarray(convert(value).numpy())
        return _array(array, most)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {_shown(item, most, True)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_shown(item, most, True) for item in value) + "]"
    if isinstance(value, tuple):
        return "(" + ", ".join(_shown(item, most, True) for item in value) + ("," if len(value) == 1 else "") + ")"
    return repr(value) if inside else str(value)


def _array(array: np.ndarray, most: int, depth: int = 1) -> str:
    if array.ndim == 0:
        return _number(array[()])
    n = len(array)
    whole = most < 0 or n <= 2 * most
    parts = [*array] if whole else [*array[:most], None, *array[-most:]]
    between = " " if array.ndim == 1 else "\n" * (array.ndim - 1) + " " * depth
    return "[" + between.join("..." if p is None else _array(np.asarray(p), most, depth + 1) for p in parts) + "]"


def _number(value: Any) -> str:
    if isinstance(value, (bytes, str)):
        return '"' + (value.decode() if isinstance(value, bytes) else value) + '"'
    if isinstance(value, np.bool_):
        return str(int(value))
    if isinstance(value, np.floating):
        few, many = (15, 17) if value.dtype.itemsize == 8 else (6, 9)
        short = f"{float(value):.{few}g}"
        return short if type(value)(short) == value or value != value else f"{float(value):.{many}g}"
    return str(value)


__all__ = ["print"]
