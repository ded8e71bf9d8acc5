"""TensorFlow's exceptions (``tf.errors``), each an error of jitgrad, too."""

from __future__ import annotations

from jitgrad.compat.modules import missing
from jitgrad.errors import DTypeError, IndexingError, JitgradError, ShapeError


class OpError(JitgradError):
    """Base of the errors that operations raise.

    Attributes
    ----------
    message : str
        What it says.
    op, node_def : None
        There is no graph here.
    """

    error_code = 2
    op = None
    node_def = None

    @property
    def message(self) -> str:
        """What it says."""
        return str(self)


class InvalidArgumentError(OpError):
    """Operands that an operation cannot take: of other dtypes, of shapes that do not fit."""

    error_code = 3


class NotFoundError(OpError):
    """A file that is not there."""

    error_code = 5


class FailedPreconditionError(OpError):
    """Something asked for before what it needs was done."""

    error_code = 9


class OutOfRangeError(OpError):
    """Asked for more than there is."""

    error_code = 11


class UnimplementedError(OpError):
    """What is not there."""

    error_code = 12


class InvalidShapeError(InvalidArgumentError, ShapeError):
    """Shapes that an operation cannot take."""


class InvalidIndexError(InvalidArgumentError, IndexingError):
    """An index outside its axis."""


class InvalidDTypeError(InvalidArgumentError, DTypeError):
    """Operands of dtypes that an operation does not take, or not together."""


class ConversionError(InvalidArgumentError, ValueError, TypeError):
    """A value that cannot become a tensor of the dtype that was asked for."""


__all__ = [
    "FailedPreconditionError", "InvalidArgumentError", "NotFoundError", "OpError", "OutOfRangeError", "UnimplementedError",
]  # fmt: skip
__getattr__ = missing("tensorflow.errors", __all__)
