"""TensorFlow's exceptions (``tf.errors``), which are also errors of jitgrad."""

from __future__ import annotations

from jitgrad.compat.modules import missing
from jitgrad.errors import DTypeError, IndexingError, JitgradError, ShapeError


class OpError(JitgradError):
    """Base class of the errors that operations raise.

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
    """Operands that an operation cannot use, because of their dtypes or shapes."""

    error_code = 3


class NotFoundError(OpError):
    """A file that does not exist."""

    error_code = 5


class FailedPreconditionError(OpError):
    """An operation whose precondition is not met."""

    error_code = 9


class OutOfRangeError(OpError):
    """A request beyond the end of the data."""

    error_code = 11


class UnimplementedError(OpError):
    """Something that is not implemented."""

    error_code = 12


class InvalidShapeError(InvalidArgumentError, ShapeError):
    """Shapes that an operation cannot use."""


class InvalidIndexError(InvalidArgumentError, IndexingError):
    """An index outside its axis."""


class InvalidDTypeError(InvalidArgumentError, DTypeError):
    """Dtypes of operands that an operation does not accept or combine."""


class ConversionError(InvalidArgumentError, ValueError, TypeError):
    """A value that cannot be converted to a tensor of the requested dtype."""


__all__ = [
    "FailedPreconditionError", "InvalidArgumentError", "NotFoundError", "OpError", "OutOfRangeError", "UnimplementedError",
]  # fmt: skip
__getattr__ = missing("tensorflow.errors", __all__)
