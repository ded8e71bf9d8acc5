"""Variables: named values that change by assignment."""

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
from jitgrad.tape.values import check_leaving, shown_value

names = itertools.count()
"""Numbers for the names of what is not named."""


class Pending(Protocol):
    """Updates that are still to be made, see ``evaluate``."""

    def make(self) -> None:
        """Make them now."""


class Projection(Protocol):
    """What a Variable is brought back to after an optimizer changed it, see ``layers.constraints``."""

    def change(self, weight: Variable) -> trace.StateUpdate:
        """The update that brings ``weight`` back."""


class Variable(Operators):
    """A value that is fitted, or kept as state.

    Args:
        value: a number, array-like or Tensor; copied.
        dtype: float32, float64, int64 or bool. By default that of a NumPy value or Tensor; float64 for Python numbers.
        name: shown by ``repr`` and in reports.
        trainable: whether a gradient tape watches it by itself.
        requires_grad: whether ``backward`` gives it a gradient, in ``.grad``.

    Attributes:
        pending: makes the next value when somebody asks.
        kind: what a path knows of it, beside its value.
        first: what sessions of a static graph know: the value that they begin with, and the Tensor that they showed last.
        shared: whether these have one value together, instead of each its own.

    Raises:
        DTypeError: for a dtype that jitgrad does not compute with.
    """

    __slots__ = ("__weakref__", "_gradient", "_leaf", "_trainable", "constraint", "first", "kind", "level", "name", "pending")
    shared = False

    def __init__(
        self, value: Any, dtype: Any = None, name: str | None = None, trainable: bool = True,
        requires_grad: bool = False,
    ) -> None:  # fmt: skip
        array, level = dtypes.as_data(value.numpy() if isinstance(value, Operators) else value, dtype)
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
        """As ``take``, of an array that never changes."""
        if array.dtype is not dtypes.DTYPE[self.level]:
            self.take(array)
        else:
            self._leaf = leaf(array, array.shape, self.level, self, self._gradient)

    def _new_leaf(self, array: np.ndarray) -> Tensor:
        self.kind = self._trainable, self._gradient is None, array.shape, self.level
        return leaf(array, array.shape, self.level, self, self._gradient)

    @property
    def gradient(self) -> Gradient | None:
        """Where it requires a gradient, what ``backward`` keeps of it."""
        return self._gradient

    def _keep(self, kept: Gradient | None) -> None:
        here.path.changed(self._leaf)
        self._gradient = self._leaf.gradient = kept
        self.kind = self._trainable, kept is None, self.shape, self.level

    @property
    def shape(self) -> Shape:
        """The sizes of the axes; they never change."""
        return self._leaf.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype; it never changes."""
        return dtypes.DTYPE[self.level]

    @property
    def trainable(self) -> bool:
        """Whether a gradient tape watches it by itself."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        here.path.changed(self._leaf)
        self._trainable = value
        self.kind = value, self._gradient is None, self.shape, self.level

    @property
    def leaf(self) -> Tensor:
        """The Tensor of the value that is stored now."""
        if self.pending is not None:
            self.pending.make()
        return self._leaf

    def read(self) -> Tensor:
        """The value now as a Tensor, which later assignments do not touch."""
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
                f"The value of Variable {self.name!r} was asked for while a function is traced{users_line()}. "
                f"Compute with the Variable itself, or ask for its value outside."
            )
        value: np.ndarray = self.leaf.value
        return value.copy() if value.ndim else value[()]

    @public()
    def assign(self, value: Any) -> Variable:
        """Take ``value`` from now on; returns self.

        Raises:
            ShapeError: where its shape is not this Variable's.
            DTypeError: where it is an array or Tensor of another floating dtype, or does not fit an integer Variable.
            ConcretizationError: inside a transform, where it depends on the arguments: what a Variable holds is a constant.
        """
        tensor = value if type(value) is Tensor else as_tensor(value)
        if tensor.level != self.level or tensor.shape != self._leaf.shape:
            self._check(tensor, explicit=hasattr(value, "dtype") and value.shape != ())
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
            """Have Variables take values when somebody asks; False where that cannot wait. Put here by jitgrad.tape."""

    def assign_add(self, value: Any) -> Variable:
        """``assign(self + value)``."""
        return self.assign(self + value)

    def assign_sub(self, value: Any) -> Variable:
        """``assign(self - value)``."""
        return self.assign(self - value)

    def store(self, value: Any) -> None:
        """Keep ``value`` in this Variable's dtype, a copy if it may change. For values known to fit; ``assign`` checks."""
        if self.pending is not None:
            self.pending.make()
        self.take(value)

    def take(self, value: Any) -> None:
        """The same, whatever is pending."""
        array = value
        if type(array) is not np.ndarray or array.flags.writeable or array.dtype != dtypes.DTYPE[self.level]:
            array = np.array(value, dtypes.DTYPE[self.level])
            array.setflags(write=False)
        self._leaf = self._new_leaf(array)

    def _check(self, tensor: Tensor, explicit: bool) -> None:
        if tensor.shape != self.shape:
            raise ShapeError(
                f"assign: Variable {self.name!r} has shape {self.shape} and the value {tensor.shape}. "
                f"Give a value of the Variable's shape, or make a new Variable."
            )
        floats = self.level > dtypes.INTEGER and tensor.level > dtypes.INTEGER
        if tensor.level > dtypes.INTEGER >= self.level or (explicit and floats and tensor.dtype != self.dtype):
            raise DTypeError(
                f"assign: Variable {self.name!r} has dtype {self.dtype} and the value {tensor.dtype}. "
                f"Cast the value first, for example with .astype({str(self.dtype)!r})."
            )

    def __getstate__(self) -> Any:
        """For copies and pickles: they have the same value, and a gradient of their own."""
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
    """Have Variables take results that fit them: as ``assign`` one after the other, and quicker."""
    if trace.current() is not None or not Variable.assign_later(pairs):
        for variable, value in pairs:
            variable.assign(value)


class WeakVariable(Variable):
    """Numbers beside the model, as hyperparameters: kept in float64, and cast to a Program's dtype without deciding it."""

    __slots__ = ()

    def __init__(self, value: Any, name: str) -> None:
        super().__init__(np.asarray(value, np.float64), name=name, trainable=False)
        self.level = dtypes.NUMBER
        self.store(value)
