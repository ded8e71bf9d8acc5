"""TensorFlow's exceptions (``tf.errors``), which are also jitgrad's errors."""

from __future__ import annotations

from jitgrad.compat.modules import missing
from jitgrad.errors import DTypeError, IndexingError, JitgradError, ShapeError


class OpError(JitgradError):
    """Base class of the errors of operations.

    Attributes
    ----------
    message : str
        The message.
    op, node_def : None
        None, because there is no graph.
    """

    error_code = 2
    op = None
    node_def = None

    @property
    def message(self) -> str:
        """The message."""
        return str(self)


class InvalidArgumentError(OpError):
    """Operands with a dtype or shape that an operation does not accept."""

    error_code = 3


class NotFoundError(OpError):
    """A file that does not exist."""

    error_code = 5


class FailedPreconditionError(OpError):
    """An operation whose precondition is not met."""

    error_code = 9


class OutOfRangeError(OpError):
    """An access beyond the end."""

    error_code = 11


class UnimplementedError(OpError):
    """A feature that is not implemented."""

    error_code = 12


class InvalidShapeError(InvalidArgumentError, ShapeError):
    """Shapes that an operation does not accept."""


class InvalidIndexError(InvalidArgumentError, IndexingError):
    """An index that is out of bounds."""


class InvalidDTypeError(InvalidArgumentError, DTypeError):
    """Operands whose dtypes an operation does not accept, alone or in combination."""


class ConversionError(InvalidArgumentError, ValueError, TypeError):
    """A value that cannot be converted to a tensor of the requested dtype."""


__all__ = [
    "FailedPreconditionError", "InvalidArgumentError", "NotFoundError", "OpError", "OutOfRangeError", "UnimplementedError",
]  # fmt: skip
__getattr__ = missing("tensorflow.errors", __all__)
