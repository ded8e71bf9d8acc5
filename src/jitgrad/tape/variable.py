"""Variables: named values that can be assigned."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from jitgrad.errors import DTypeError, ShapeError, TracingError, users_line
from jitgrad.ops import Shape
from jitgrad.tape import dtypes, trace
from jitgrad.tape.operators import Operators
from jitgrad.tape.path import LOST
from jitgrad.tape.protocol import NEVER_DEFERRED, public
from jitgrad.tape.recording import here
from jitgrad.tape.requires_grad import Gradient
from jitgrad.tape.tensor import Tensor, as_tensor, identity, leaf
from jitgrad.tape.tree import contains
from jitgrad.tape.values import check_leaving, shown_value
from jitgrad.typing import ArrayLike, DTypeLike

names = itertools.count()
"""The numbers in default names."""


class Pending(Protocol):
    """Updates that have not been computed yet; see ``evaluate``."""

    def make(self) -> None:
        """Compute the updates now."""


class Projection(Protocol):
    """A constraint onto which a Variable is projected after an optimizer changes it; see ``layers.constraints``."""

    def change(self, weight: Variable) -> trace.StateUpdate:
        """Return the update that projects ``weight``."""


class Variable(Operators):
    """A value that is fitted, or kept as state, and that can be assigned.

    Parameters
    ----------
    value : array_like
        The initial value, which is copied.
    dtype : {"float32", "float64", "int64", "bool"}, optional
        The dtype. By default, the dtype of a NumPy array or Tensor, and float64 for Python numbers.
    name : str, optional
        The name in ``repr`` and in reports.
    trainable : bool, default True
        Whether gradient tapes watch the Variable.
    requires_grad : bool, default False
        Whether ``backward`` computes a gradient, in ``grad``.

    Attributes
    ----------
    name : str
        The name.
    constraint : Constraint or None
        The constraint onto which optimizers project the Variable.
    level : int
        The precedence of the dtype; see ``tape.dtypes``.
    kind : tuple
        The properties that a recorded step depends on: trainable, requires_grad, shape and dtype.
    pending : object
        The computation of the next value, if it has not yet run.
    first : tuple or None
        For sessions of a static graph: the initial value, and the Tensor that the session showed last.
    shared : bool
        Whether all sessions of a static graph share one value.

    Raises
    ------
    DTypeError
        If the dtype is not supported.

    See Also
    --------
    GradientTape : Compute gradients with respect to Variables.

    Examples
    --------
    >>> w = jg.Variable([1.0, 2.0], name="w")
    >>> w.assign(w * 3)
    <Variable 'w' shape=(2,) dtype=float64 [3. 6.]>
    >>> jg.sum(w).item()
    9.0
    """

    __slots__ = ("__weakref__", "_gradient", "_leaf", "_trainable", "constraint", "first", "kind", "level", "name", "pending")
    shared = False

    def __init__(
        self, value: ArrayLike, dtype: DTypeLike | None = None, name: str | None = None, trainable: bool = True,
        requires_grad: bool = False,
    ) -> None:  # fmt: skip
        array, level = dtypes.as_data(as_tensor(value).numpy() if contains(value, Operators) else value, dtype)
        if level == dtypes.INTEGER and dtype is None and not hasattr(value, "dtype"):
            array, level = dtypes.as_data(array, np.float64)
        self.name = name or f"variable_{next(names)}"
        self._trainable = trainable
        self.pending: Pending | None = None
        self.level = dtypes.strong(level)
        self.constraint: Projection | None = None
        self.first: tuple[np.ndarray, Tensor] | None = None
        self._gradient: Gradient | None = None
        self._leaf = self._new_leaf(array)
        self.requires_grad = requires_grad

    def replace(self, array: np.ndarray) -> None:
        """Set the value to an array that never changes, without a copy and without running pending updates first.

        Parameters
        ----------
        array : ndarray
            The value.
        """
        if array.dtype is not dtypes.DTYPE[self.level]:
            self._take(array)
        else:
            self._leaf = leaf(array, array.shape, self.level, self, self._gradient)

    def _new_leaf(self, array: np.ndarray) -> Tensor:
        self.kind = self._trainable, self._gradient is None, array.shape, self.level
        return leaf(array, array.shape, self.level, self, self._gradient)

    @property
    def gradient(self) -> Gradient | None:
        """The state of ``backward``, if a gradient is required."""
        return self._gradient

    def _keep(self, kept: Gradient | None) -> None:
        here.path.changed(self._leaf)
        self._gradient = self._leaf.gradient = kept
        self.kind = self._trainable, kept is None, self.shape, self.level

    @property
    def shape(self) -> Shape:
        """The shape, which never changes."""
        return self._leaf.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype, which never changes."""
        return dtypes.DTYPE[self.level]

    @property
    def trainable(self) -> bool:
        """Whether gradient tapes watch the Variable."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        here.path.changed(self._leaf)
        self._trainable = value
        self.kind = value, self._gradient is None, self.shape, self.level

    @property
    def leaf(self) -> Tensor:
        """The current value as a Tensor, without recording that it was read."""
        if self.pending is not None:
            self.pending.make()
        return self._leaf

    def read(self) -> Tensor:
        """Return the current value as a Tensor, which later assignments do not change.

        Returns
        -------
        Tensor
            The value.
        """
        return identity(self._read())

    def _read(self) -> Tensor:
        if self.pending is not None:
            self.pending.make()
        path = here.path
        if path.active:
            for recording in path.active:
                recording.read[id(self)] = self
            tracing = trace.current()
            return self._leaf if tracing is None else tracing.read(self)
        if path.over or path.event is LOST:
            here.begin()
        return self._leaf

    def _value(self) -> Any:
        if trace.current() is not None:
            raise TracingError(
                f"The value of Variable {self.name!r} was requested while a function is traced{users_line()}. "
                f"Compute with the Variable itself, or request its value outside of the function."
            )
        value: np.ndarray = self.leaf.value
        return value.copy() if value.ndim else value[()]

    @public()
    def assign(self, value: ArrayLike) -> Variable:
        """Assign a new value.

        Parameters
        ----------
        value : array_like
            The value, with the shape of the Variable.

        Returns
        -------
        Variable
            The Variable itself.

        Raises
        ------
        ShapeError
            If the shape differs from the Variable's.
        DTypeError
            If the value is an array or Tensor of a different floating dtype, or a float for an integer Variable.
        ConcretizationError
            In a transform such as ``grad``, if the value depends on the arguments: a Variable holds constants.
        """
        tensor = value if type(value) is Tensor else as_tensor(value)
        if tensor.level != self.level or tensor.shape != self._leaf.shape:
            self._check(tensor, explicit=hasattr(value, "dtype") and getattr(value, "shape", ()) != ())
        if here.path.active:
            tracing = trace.current()
            if tracing is not None:
                tracing.assign(self, tensor)
                return self
            check_leaving(tensor, "assign()", explicit=True)
        if tensor.value is not None or not self.assign_later([(self, tensor)]):
            self.store(tensor.force())
        return self

    if TYPE_CHECKING:

        @staticmethod
        def assign_later(pairs: Sequence[tuple[Variable, Tensor]]) -> bool:
            """Assign values when they are first read. Return False if they must be computed now. Attached by jitgrad.tape."""

    def assign_add(self, value: ArrayLike) -> Variable:
        """Add to the value: ``assign(self + value)``.

        Parameters
        ----------
        value : array_like
            The number or array to add.

        Returns
        -------
        Variable
            The Variable itself.
        """
        return self.assign(self + value)

    def assign_sub(self, value: ArrayLike) -> Variable:
        """Subtract from the value: ``assign(self - value)``.

        Parameters
        ----------
        value : array_like
            The number or array to subtract.

        Returns
        -------
        Variable
            The Variable itself.
        """
        return self.assign(self - value)

    def store(self, value: Any) -> None:
        """Set the value without checks, for values known to match.

        Parameters
        ----------
        value : array_like
            The value, which is converted to the dtype of the Variable, and copied if it may change.
        """
        if self.pending is not None:
            self.pending.make()
        self._take(value)

    def _take(self, value: Any) -> None:
        """Set the value without checks, and without completing pending updates."""
        array = value
        if type(array) is not np.ndarray or array.flags.writeable or array.dtype != dtypes.DTYPE[self.level]:
            array = np.array(value, dtypes.DTYPE[self.level])
            array.setflags(write=False)
        self._leaf = self._new_leaf(array)

    def _check(self, tensor: Tensor, explicit: bool) -> None:
        if tensor.shape != self.shape:
            raise ShapeError(
                f"assign: Variable {self.name!r} has shape {self.shape} and the value {tensor.shape}. "
                f"Give a value of the Variable's shape, or create a new Variable."
            )
        floats = self.level > dtypes.INTEGER and tensor.level > dtypes.INTEGER
        if tensor.level > dtypes.INTEGER >= self.level or (explicit and floats and tensor.dtype != self.dtype):
            raise DTypeError(
                f"assign: Variable {self.name!r} has dtype {self.dtype} and the value {tensor.dtype}. "
                f"Cast the value first, for example with .astype({str(self.dtype)!r})."
            )

    def __getstate__(self) -> Any:
        """Return the state for copies and pickles, which have the same value and a separate gradient."""
        state: Any = object.__getstate__(self)
        attributes, slots = state
        return attributes, slots | {"_leaf": self._value(), "pending": None, "_gradient": self.requires_grad, "first": None}

    def __setstate__(self, state: Any) -> None:
        attributes, slots = state
        for name, value in ((attributes or {}) | slots).items():
            setattr(self, name, value)
        self._gradient = Gradient(wanted=True) if slots["_gradient"] else None
        self.store(np.array(slots["_leaf"]))

    def __repr__(self) -> str:
        return f"<Variable {self.name!r} shape={self.shape} dtype={self.dtype}{shown_value(self.leaf.value)}>"


NEVER_DEFERRED.add(Variable)


def assign_together(*pairs: tuple[Variable, Tensor]) -> None:
    """Assign results that are known to match, faster than with several calls to ``assign``."""
    if trace.current() is not None or not Variable.assign_later(pairs):
        for variable, value in pairs:
            variable.assign(value)


class WeakVariable(Variable):
    """A hyperparameter: stored as float64 and cast to the dtype of a Program, which it does not affect."""

    __slots__ = ()

    def __init__(self, value: Any, name: str) -> None:
        super().__init__(np.asarray(value, np.float64), name=name, trainable=False)
        self.level = dtypes.NUMBER
        self.store(value)
