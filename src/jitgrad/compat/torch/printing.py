"""The printed form of a tensor in PyTorch's format."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from jitgrad.compat.torch import dtypes as types
from jitgrad.compat.torch.tensor import Tensor
from jitgrad.errors import ArgumentError

_LARGEST_RATIO, _LARGEST, _SMALLEST = 1000, 1e8, 1e-4


@dataclass(frozen=True)
class _Options:
    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


_PROFILES = {"default": _Options(), "short": _Options(precision=2, edgeitems=2), "full": _Options(threshold=math.inf)}
_options = _Options()


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set the print options; ``profile`` is "default", "short" or "full"."""
    global _options
    if profile is not None and profile not in _PROFILES:
        raise ArgumentError(f"set_printoptions: there is no profile {profile!r}. Use 'default', 'short' or 'full'.")
    given: dict[str, Any] = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    base = _options if profile is None else _PROFILES[profile]
    _options = replace(base, sci_mode=sci_mode, **{key: value for key, value in given.items() if value is not None})


class _Number:
    """The number format of a tensor, and its width."""

    def __init__(self, values: np.ndarray) -> None:
        self.width = 1
        self.whole = self.scientific = False
        self.floating = values.dtype.kind == "f"
        row = values.ravel()
        if self.floating:
            row = row.astype(np.float64)
            row = row[np.isfinite(row) & (row != 0)]
            self.whole = bool(np.all(row == np.ceil(row)))
            self.scientific = self._is_scientific(np.abs(row))
        if row.size:
            self.width = max(len(self._text(x)) for x in row.tolist())

    def _is_scientific(self, sizes: np.ndarray) -> bool:
        if not sizes.size:
            return False
        if _options.sci_mode is not None:
            return _options.sci_mode
        low, high = float(sizes.min()), float(sizes.max())
        return high / low > _LARGEST_RATIO or high > _LARGEST or (not self.whole and low < _SMALLEST)

    def _text(self, x: Any) -> str:
        if not self.floating:
            return str(x)
        if self.scientific:
            return f"{x:.{_options.precision}e}"
        if self.whole:
            return f"{x:.0f}" + ("." if math.isfinite(x) else "")
        return f"{x:.{_options.precision}f}"

    def __call__(self, x: Any) -> str:
        return self._text(x).rjust(self.width)


def _edges(values: np.ndarray) -> np.ndarray:
    """Return the elements at both ends of each axis."""
    edge = _options.edgeitems
    for axis, n in enumerate(values.shape):
        if n > 2 * edge:
            values = np.concatenate([values.take(range(edge), axis), values.take(range(n - edge, n), axis)], axis)
    return values


def _rows(values: np.ndarray, number: _Number, indent: int, brief: bool) -> str:
    """Format an array in nested brackets, with the inner axes indented."""
    if values.ndim == 0:
        return number(values.item())
    edge = _options.edgeitems
    cut = brief and values.shape[0] > 2 * edge
    shown = [*values[:edge], *values[-edge:]] if cut else list(values)
    if values.ndim == 1:
        texts = [number(x.item()) for x in shown]
        if cut:
            texts.insert(edge, " ...")
        each = max(1, (_options.linewidth - indent) // (number.width + 2))
        lines = [", ".join(texts[i : i + each]) for i in range(0, len(texts), each)]
        return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"
    parts = [_rows(x, number, indent + 1, brief) for x in shown]
    if cut:
        parts.insert(edge, "...")
    return "[" + ("," + "\n" * (values.ndim - 1) + " " * (indent + 1)).join(parts) + "]"


def _notes(x: Tensor) -> list[str]:
    """Return the text after the numbers: the dtype and the gradient function."""
    notes = []
    empty = x.numel() == 0
    if empty and x.ndim != 1:
        notes.append(f"size={tuple(x.shape)}")
    usual = (types.default(),) if empty else (types.default(), types.int64, types.bool_)
    if x.dtype not in usual:
        notes.append(f"dtype={x.dtype}")
    if x.grad_fn is not None:
        notes.append(f"grad_fn=<{x.grad_fn.name()}>")
    elif x.requires_grad:
        notes.append("requires_grad=True")
    return notes


def text_of(x: Tensor) -> str:
    """Return the text of a tensor."""
    start = "tensor("
    indent = len(start)
    values = np.asarray(x._value())
    brief = values.size > _options.threshold
    text = start + (_rows(values, _Number(_edges(values) if brief else values), indent, brief) if values.size else "[]")
    length = len(text) - text.rfind("\n") + 1
    for note in _notes(x):
        if length + len(note) + 2 > _options.linewidth:
            text += ",\n" + " " * indent + note
            length = indent + len(note)
        else:
            text += ", " + note
            length += len(note) + 2
    return text + ")"


for _name in ("__repr__", "__str__"):
    setattr(Tensor, _name, text_of)
