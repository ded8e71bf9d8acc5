"""Every exception of jitgrad. A message is one sentence that names the thing and one that says what to do."""

from __future__ import annotations

import difflib
import linecache
import os
import re
import reprlib
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

__all__ = [
    "ArgumentError",
    "AxisError",
    "ConcretizationError",
    "DTypeError",
    "DataError",
    "DataWarning",
    "FitError",
    "FitWarning",
    "FormulaError",
    "GradientError",
    "IndexingError",
    "JitgradError",
    "MissingError",
    "OptionError",
    "ProgramError",
    "ReadOnlyError",
    "RetracingWarning",
    "RowsError",
    "ShapeError",
    "TapeError",
    "TracingError",
    "UnsupportedError",
    "UntraceableError",
    "brief",
    "listed",
    "near_name",
    "printable",
    "users_level",
    "users_line",
]


class JitgradError(Exception):
    """Base class of everything that jitgrad raises on purpose.

    Attributes:
        argument: what the argument that it is about is called; empty where it is about none. It stands in the message for
            ``{argument}``. The command line puts its option there.
    """

    def __init__(self, *message: object, argument: str = "") -> None:
        super().__init__(*message)
        self.argument = argument

    def __str__(self) -> str:
        """The message, which may have names from files, as ``printable``."""
        message = super().__str__()
        return printable(message.replace("{argument}", self.argument) if self.argument else message)


class ShapeError(JitgradError, ValueError, RuntimeError):
    """Shapes that an op cannot take: NumPy raises a ValueError for them, PyTorch a RuntimeError."""


class AxisError(ShapeError, IndexError):
    """An axis that is not there: an IndexError too, as NumPy's and PyTorch's."""


class DTypeError(JitgradError, TypeError):
    """A value whose dtype jitgrad does not compute with."""


class IndexingError(JitgradError, IndexError):
    """An index outside its axis, or of a kind that is not supported."""


class UnsupportedError(JitgradError, TypeError):
    """Something that is not done with Tensors."""


class UntraceableError(UnsupportedError):
    """A function that failed when it was traced; its own exception is the cause."""


class ReadOnlyError(JitgradError, TypeError):
    """An attempt to change a Tensor in place."""


class TapeError(JitgradError, RuntimeError):
    """A gradient tape used out of order."""


class GradientError(JitgradError, AssertionError):
    """A derivative that is not what differences say."""


class ConcretizationError(JitgradError, TypeError):
    """A value without a derivative, asked for where a derivative is taken: it would silently be 0."""


class TracingError(JitgradError, RuntimeError):
    """A traced function that asks for a value while it is being traced."""


class ProgramError(JitgradError, ValueError):
    """A Program whose instructions are not valid."""


class ArgumentError(JitgradError, ValueError):
    """An argument outside what it may be."""


class FormulaError(ArgumentError):
    """A formula that is not understood."""


class DataError(JitgradError, ValueError):
    """Input data that cannot be used: a file, a column, an array."""


class OptionError(ArgumentError, TypeError):
    """An argument that a function does not have."""


class RowsError(DataError, TypeError):
    """Fewer rows than there are parameters to fit."""


class FitError(JitgradError, RuntimeError):
    """A fit that failed on good input: it diverged, or there was nothing to fit."""


class FitWarning(UserWarning):
    """A fit whose result needs care: it did not converge, or the data do not determine all parameters."""


class DataWarning(UserWarning):
    """Data that were taken in a way that may not be meant."""


class RetracingWarning(UserWarning):
    """A traced function that is traced again in each call, which takes a thousand times as long as running it."""


class MissingError(JitgradError, ImportError):
    """A package that is needed and not installed."""


ACTING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, what turns the direction of a text, and halves of characters, which cannot be printed."""


def printable(text: str) -> str:
    """With characters that a terminal would act on written as in Python: ``\\x1b`` for an escape."""
    return ACTING.sub(lambda found: ascii(found[0])[1:-1], text)


def _users_frame() -> tuple[FrameType | None, int]:
    """The innermost frame that is the user's, not ours, NumPy's or SciPy's; and its level, as of a warning of our caller."""
    libraries = [sys.modules[name].__file__ for name in ("jitgrad", "numpy", "scipy") if name in sys.modules]
    others = tuple(str(Path(file).parent) + os.sep for file in libraries if file)
    frame: FrameType | None = sys._getframe(2)
    level = 1
    while frame is not None and frame.f_code.co_filename.startswith((*others, "<")):
        frame, level = frame.f_back, level + 1
    return frame, level


def users_line() -> str:
    """Where the user's code called us, directly or by way of NumPy or SciPy: ``" at fit.py:12: if loss > 3:"``, or empty."""
    frame, _ = _users_frame()
    if frame is None:
        return ""
    file, number = frame.f_code.co_filename, frame.f_lineno
    return f" at {Path(file).name}:{number}: {linecache.getline(file, number).strip()}"


def users_level() -> int:
    """The ``stacklevel`` at which a warning of the caller names the user's line."""
    return _users_frame()[1]


def near_name(name: str, known: Iterable[str]) -> str:
    """``" Did you mean 'petal_width'?"``, or the empty string where nothing is near."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f" Did you mean {near[0]!r}?" if near else ""


_SHOWN = 20
_BRIEF = reprlib.Repr()
_BRIEF.maxstring = 60


def listed(names: Iterable[Any]) -> str:
    """``"a, b, c"``, of many names the first twenty and how many more there are."""
    texts: Sequence[str] = [str(name) for name in names]
    more = f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return ", ".join(texts[:_SHOWN]) + more


def brief(value: Any) -> str:
    """The ``repr`` of a value, of a long text its beginning and end."""
    return _BRIEF.repr(value) if isinstance(value, str) else repr(value)
