"""The exceptions and warnings of jitgrad.

A message has two sentences: what is wrong, and what to do.
"""

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
    "IntegrationError",
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
]


class JitgradError(Exception):
    """Base class of all exceptions that jitgrad raises.

    Parameters
    ----------
    *message : object
        The message.
    argument : str, default ""
        The argument that caused the error, if any. It replaces ``{argument}`` in the message. The command line replaces it
        by the name of its option.

    Examples
    --------
    >>> try:
    ...     jg.tensor([1, 2]) + jg.tensor([1, 2, 3])
    ... except jg.errors.JitgradError as error:
    ...     print(type(error).__name__)
    ShapeError
    """

    def __init__(self, *message: object, argument: str = "") -> None:
        super().__init__(*message)
        self.argument = argument

    def __str__(self) -> str:
        """Return the message, escaped by ``printable`` because it may contain names from files."""
        message = super().__str__()
        return printable(message.replace("{argument}", self.argument) if self.argument else message)


class ShapeError(JitgradError, ValueError, RuntimeError):
    """Shapes are not compatible with an operation.

    It is a ValueError, as in NumPy, and a RuntimeError, as in PyTorch.

    Examples
    --------
    >>> jg.ones((2, 3)) + jg.ones(2)
    Traceback (most recent call last):
        ...
    jitgrad.errors.ShapeError: add: shapes (2, 3) and (2,) do not broadcast. Reshape one of
    them so that each axis agrees or is 1.
    """


class AxisError(ShapeError, IndexError):
    """An axis is out of range.

    It is also an IndexError, as in NumPy and PyTorch.

    Examples
    --------
    >>> jg.sum(jg.ones((2, 3)), axis=2)
    Traceback (most recent call last):
        ...
    jitgrad.errors.AxisError: sum: axis 2 is out of range for 2 axes. Use -2 to 1.
    """


class DTypeError(JitgradError, TypeError):
    """A dtype is not supported.

    Examples
    --------
    >>> jg.tensor([1 + 2j])
    Traceback (most recent call last):
        ...
    jitgrad.errors.DTypeError: The dtype complex128 is not supported. Convert it to float32, float64, an
    integer or a boolean dtype first.
    """


class IndexingError(JitgradError, IndexError):
    """An index is out of range, or its kind is not supported.

    Examples
    --------
    >>> jg.arange(3.0)[5]
    Traceback (most recent call last):
        ...
    jitgrad.errors.IndexingError: Index 5 is out of range for axis 0 of shape (3,). Use -3 to 2.
    """


class UnsupportedError(JitgradError, TypeError):
    """An operation is not available for Tensors.

    Examples
    --------
    >>> np.fft.fft(jg.ones(4))
    Traceback (most recent call last):
        ...
    jitgrad.errors.UnsupportedError: numpy.fft.fft does not accept Tensors. Use functions of jitgrad instead, or
    np.asarray(x.detach()) for the value without a derivative.
    """


class UntraceableError(UnsupportedError):
    """A function raised an exception while it was being traced; the exception is the ``__cause__``."""


class ReadOnlyError(JitgradError, TypeError):
    """An attempt to change a Tensor in place.

    Examples
    --------
    >>> x = jg.ones(3)
    >>> x[0] = 2.0
    Traceback (most recent call last):
        ...
    jitgrad.errors.ReadOnlyError: A Tensor cannot be changed in place. Create a new one with
    x.at[key].set(value), and assign() it to a Variable.
    """


class TapeError(JitgradError, RuntimeError):
    """A gradient tape is used in the wrong order, or for a value that it did not record.

    Examples
    --------
    >>> x = jg.Variable(1.0)
    >>> with jg.GradientTape() as tape:
    ...     y = x * x
    >>> gradient = tape.gradient(y, x)
    >>> tape.gradient(y, x)
    Traceback (most recent call last):
        ...
    jitgrad.errors.TapeError: This tape's gradient was already computed. Use GradientTape(persistent=True) for more than one
    gradient, or reset() the tape and record again.
    """


class GradientError(JitgradError, AssertionError):
    """A derivative does not agree with finite differences.

    Examples
    --------
    >>> jg.check_grads(jg.stop_gradient, (2.0,), order=1)
    Traceback (most recent call last):
        ...
    jitgrad.errors.GradientError: check_grads (fwd): the derivative is 0., and finite differences give 0.12573. Correct ...
    """


class ConcretizationError(JitgradError, TypeError):
    """A value is requested as a number in a function that is being differentiated, which would lose its derivative.

    Examples
    --------
    >>> jg.grad(lambda x: x * float(x))(2.0)
    Traceback (most recent call last):
        ...
    jitgrad.errors.ConcretizationError: float() takes the value of a Tensor that grad differentiates at ...
    """


class TracingError(JitgradError, RuntimeError):
    """A value is requested as a number while a function is being traced, before it is known.

    Examples
    --------
    >>> absolute = jg.function(lambda x: x if x > 0 else -x)
    >>> absolute(2.0)
    Traceback (most recent call last):
        ...
    jitgrad.errors.TracingError: A value was requested while a function was being traced, and it is not known yet at ...
    """


class ProgramError(JitgradError, ValueError):
    """A Program has invalid instructions. Please report it: no public function should raise this error.

    Examples
    --------
    >>> raise jg.errors.ProgramError("Step 3 has 2 operands. It takes 1.")
    Traceback (most recent call last):
        ...
    jitgrad.errors.ProgramError: Step 3 has 2 operands. It takes 1.
    """


class ArgumentError(JitgradError, ValueError):
    """An argument has an invalid value.

    Examples
    --------
    >>> jg.random.seed(-1)
    Traceback (most recent call last):
        ...
    jitgrad.errors.ArgumentError: seed is -1. Give at least 0.
    """


class FormulaError(ArgumentError):
    """A formula cannot be parsed.

    Examples
    --------
    >>> jg.curve_fit("a*x +* b", [1.0, 2.0], [1.0, 2.0])
    Traceback (most recent call last):
        ...
    jitgrad.errors.FormulaError: The formula has a syntax error, at character 6. Check the marked place, ...
    """


class DataError(JitgradError, ValueError):
    """Data cannot be used: a file, a column or an array.

    Examples
    --------
    >>> jg.curve_fit("a*x + b", [1.0, 2.0, 3.0], [2.0, np.nan, 3.0])
    Traceback (most recent call last):
        ...
    jitgrad.errors.DataError: y has nan at position 1. Remove such rows, or set nan_policy='omit'.
    """


class OptionError(ArgumentError, TypeError):
    """A function has no argument of this name.

    Examples
    --------
    >>> jg.tanh(1.0, out=None)
    Traceback (most recent call last):
        ...
    jitgrad.errors.OptionError: tanh has no option 'out'. It takes only operands.
    """


class RowsError(DataError, TypeError):
    """There are fewer rows than parameters to fit.

    It is also a TypeError, as in SciPy.

    Examples
    --------
    >>> jg.curve_fit("a*x + b", [1.0], [2.0])
    Traceback (most recent call last):
        ...
    jitgrad.errors.RowsError: The number of func parameters=2 must not exceed the number of data points=1. Give more rows,
    or fix parameters.
    """


class FitError(JitgradError, RuntimeError):
    """A fit failed: it diverged, or its cost is not finite.

    Examples
    --------
    >>> jg.curve_fit("a*log(x)", [-1.0, 2.0, 3.0], [1.0, 2.0, 3.0])
    Traceback (most recent call last):
        ...
    jitgrad.errors.FitError: The model is not finite at ...
    """


class IntegrationError(JitgradError, RuntimeError):
    """The integration of a differential equation failed.

    Examples
    --------
    >>> jg.solve_ivp(lambda t, y: y**2, (0, 2), [1.0], t_eval=[2.0])
    Traceback (most recent call last):
        ...
    jitgrad.errors.IntegrationError: The step size became too small at t = 1...
    """


class FitWarning(UserWarning):
    """The result of a fit needs care: it did not converge, or the data do not determine all parameters.

    Examples
    --------
    >>> import warnings
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     fitted = jg.curve_fit("a*b*x", [1.0, 2.0, 3.0, 4.0], [1.0, 2.1, 2.9, 4.0])
    >>> print(str(caught[0].message).split(";")[0])
    singular: the data do not determine a and b
    """


class DataWarning(UserWarning):
    """Data were interpreted in a way that may not be intended.

    Examples
    --------
    >>> import warnings
    >>> fitted = jg.fit_table({"group": ["a", "b", "a", "b", "a"], "y": [1.0, 2.0, 1.5, 2.5, 1.2]}, "y")
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     predicted = fitted.predict({"group": ["c"]})
    >>> caught[0].category.__name__
    'DataWarning'
    """


class RetracingWarning(UserWarning):
    """A traced function is traced again in each call, which takes about a thousand times as long as running it.

    Examples
    --------
    >>> import warnings
    >>> scaled = jg.function(lambda x, n: x * n)
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     results = [scaled(1.0, n) for n in range(30)]
    >>> caught[0].category.__name__
    'RetracingWarning'
    """


class MissingError(JitgradError, ImportError):
    """An optional package is required but not installed.

    Examples
    --------
    >>> try:
    ...     from jitgrad.distributed import spark
    ... except jg.errors.MissingError as error:
    ...     print("install PySpark")  # doctest: +SKIP
    """


ACTING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, marks that change the direction of text, and surrogates, which cannot be printed."""


def printable(text: str) -> str:
    """Escape the control characters that a terminal would interpret: an escape becomes ``\\x1b``."""
    return ACTING.sub(lambda found: ascii(found[0])[1:-1], text)


def _users_frame() -> tuple[FrameType | None, int]:
    """Return the innermost frame outside jitgrad, NumPy and SciPy, and its stack level for a warning of our caller."""
    libraries = [sys.modules[name].__file__ for name in ("jitgrad", "numpy", "scipy") if name in sys.modules]
    others = tuple(str(Path(file).parent) + os.sep for file in libraries if file)
    frame: FrameType | None = sys._getframe(2)
    level = 1
    while frame is not None and frame.f_code.co_filename.startswith((*others, "<")):
        frame, level = frame.f_back, level + 1
    return frame, level


def users_line() -> str:
    """Return the line of user code that called jitgrad, as ``" at fit.py:12: if loss > 3:"``, or an empty string."""
    frame, _ = _users_frame()
    if frame is None:
        return ""
    file, number = frame.f_code.co_filename, frame.f_lineno
    return f" at {Path(file).name}:{number}: {linecache.getline(file, number).strip()}"


def users_level() -> int:
    """Return the ``stacklevel`` that makes a warning of the caller point to user code."""
    return _users_frame()[1]


def near_name(name: str, known: Iterable[str]) -> str:
    """Return ``" Did you mean 'petal_width'?"``, or an empty string if no name is similar."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f" Did you mean {near[0]!r}?" if near else ""


_SHOWN = 20
_BRIEF = reprlib.Repr()
_BRIEF.maxstring = 60


def listed(names: Iterable[Any]) -> str:
    """Join names as ``"a, b, c"``; after the first twenty, append the number of the remaining ones."""
    texts: Sequence[str] = [str(name) for name in names]
    more = f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return ", ".join(texts[:_SHOWN]) + more


def enumerated(words: Iterable[Any], word: str = "and") -> str:
    """Join words as ``"a, b and c"``, or with another word before the last."""
    *first, last = map(str, words)
    return f"{', '.join(first)} {word} {last}" if first else last


def brief(value: Any) -> str:
    """Return the ``repr`` of a value, shortened in the middle for a long string."""
    return _BRIEF.repr(value) if isinstance(value, str) else repr(value)
