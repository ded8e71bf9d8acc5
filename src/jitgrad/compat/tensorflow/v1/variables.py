"""Variables of a graph: each session has its own values, which an initializer assigns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from jitgrad import graph as library
from jitgrad.compat.tensorflow import dtypes
from jitgrad.compat.tensorflow.dtypes import DType, as_dtype
from jitgrad.compat.tensorflow.errors import ConversionError
from jitgrad.compat.tensorflow.methods import TensorMethods
from jitgrad.compat.tensorflow.operands import like
from jitgrad.compat.tensorflow.tensor import INT32, convert, made
from jitgrad.compat.tensorflow.v1.graph import (
    GraphKeys,
    Operation,
    Symbol,
    Tensor,
    get_default_graph,
    session_for,
)
from jitgrad.compat.tensorflow.v1.shape import TensorShape
from jitgrad.compat.tensorflow.v1.staging import eager, operation, staged
from jitgrad.errors import ArgumentError, ShapeError
from jitgrad.ops import elementwise as ew
from jitgrad.tape import dtypes as levels
from jitgrad.tape.tree import tree_leaves
from jitgrad.tape.variable import Variable as LibraryVariable


class Change:
    """The function of an operation that assigns a Variable: ``f`` applied to the current value and the given one.

    Attributes
    ----------
    target : Variable
        The Variable.
    """

    changes_state = True
    __slots__ = ("f", "name", "target")

    def __init__(self, target: Variable, f: Any = None) -> None:
        self.target, self.f, self.name = target, f, "assign"

    def __call__(self, value: Any) -> list[Any]:
        given = like(value, made(self.target._leaf, self.target._integer))._read()
        LibraryVariable.assign(self.target, given if self.f is None else self.f(self.target._read(), given))
        return [eager(self.target)]


class Variable(Symbol, TensorMethods, library.Variable):  # type: ignore[misc]
    """A value that a session stores, and that assignments and optimizers change.

    Parameters
    ----------
    initial_value : tensor, array_like or function
        Value that the initializer assigns, or a function that returns it.
    trainable : bool
        Whether optimizers change it by default.
    name, dtype, collections
        As in TensorFlow.
    constraint : None
        Constraints are not supported in a graph.
    validate_shape, caching_device, variable_def, expected_shape, import_scope, use_resource, synchronization, aggregation,
    shape
        Accepted without effect: there is one device, and the shape is the shape of the initial value.
    """

    __slots__ = ("_integer", "graph", "initial_value", "initializer", "op")

    def __init__(
        self, initial_value: Any = None, trainable: bool | None = None, collections: Sequence[str] | None = None,
        validate_shape: bool = True, caching_device: Any = None, name: str | None = None, variable_def: Any = None,
        dtype: Any = None, expected_shape: Any = None, import_scope: Any = None, constraint: Any = None,
        use_resource: bool | None = None, synchronization: Any = None, aggregation: Any = None, shape: Any = None,
    ) -> None:  # fmt: skip
        if initial_value is None:
            raise ArgumentError("initial_value must be specified. Give the Variable its first value.")
        if constraint is not None:
            raise ArgumentError(
                "Constraints of Variables are not supported in a graph. Assign the projected value after each step."
            )
        self.graph = get_default_graph()
        self.op = Operation("VariableV2", list, name=name or "Variable")
        self.op.outputs = [self]  # type: ignore[list-item]
        with self.graph.name_scope(self.op.name + "/"):
            value = initial_value() if callable(initial_value) and not isinstance(initial_value, Symbol) else initial_value
            first = as_tensor(value, None if dtype is None else as_dtype(dtype), "initial_value")
            sizes = first.shape.plain
            if sizes is None or None in sizes:
                raise ShapeError(
                    f"initial_value must have a shape specified: {first}. Give a value whose sizes are known when the graph "
                    f"is made."
                )
            library.Variable.__init__(
                self, np.zeros(sizes, first.dtype.dtype), name=f"{self.op.name}:0", trainable=trainable is not False
            )
            self._integer = first.dtype.dtype if first.dtype.is_integer else INT32
            self.initial_value = first
            self.initializer = changed(self, "Assign", first, name="Assign").op
        kept = [GraphKeys.GLOBAL_VARIABLES] if collections is None else list(collections)
        for collection in kept + [GraphKeys.TRAINABLE_VARIABLES] * self.trainable:
            self.graph.add_to_collection(collection, self)

    @property
    def shape(self) -> TensorShape:
        """The sizes of the axes."""
        return TensorShape(self._leaf.shape)

    @property
    def dtype(self) -> DType:  # type: ignore[override]
        """The dtype of the elements."""
        return dtypes.of_numpy(self._integer) if self.level == levels.INTEGER else dtypes.OF_LEVEL[self.level]

    def value(self) -> Tensor:
        """Return the value as a tensor."""
        made: Tensor = staged("Identity", eager)(self, name=f"{self.op.name}/read")
        return made

    read_value = value

    def assign(  # type: ignore[override]
        self, value: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True
    ) -> Tensor:
        """Return an operation that assigns ``value``; its result is the new value."""
        return changed(self, "Assign", value, name=name)

    def assign_add(  # type: ignore[override]
        self, delta: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True
    ) -> Tensor:
        """Return an operation that adds ``delta``."""
        return changed(self, "AssignAdd", delta, ew.add, name)

    def assign_sub(  # type: ignore[override]
        self, delta: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True
    ) -> Tensor:
        """Return an operation that subtracts ``delta``."""
        return changed(self, "AssignSub", delta, ew.subtract, name)

    def load(self, value: Any, session: Any = None) -> None:
        """Assign a value in a session, by default the session of the ``with`` statement."""
        session_for("load", session).load(self, value)

    def __repr__(self) -> str:
        return f"<tf.Variable {self.name!r} shape={self.shape} dtype={self.dtype.name}_ref>"

    __str__ = __repr__
    __format__ = object.__format__  # type: ignore[assignment]


def as_tensor(value: Any, dtype: DType | None = None, name: str = "Const") -> Any:
    """Convert a value to a Tensor or Variable of the graph. Raises ConversionError for another dtype."""
    if isinstance(value, Symbol):
        given: Any = value.dtype  # type: ignore[attr-defined]
        if dtype is not None and given is not dtype:
            raise ConversionError(f"{value!r} does not have the requested dtype {dtype.name}. Use tf.cast(x, {dtype!r}).")
        return value
    if any(isinstance(x, Symbol) for x in tree_leaves(value)):
        return operation("packed", convert, (value, dtype), name=name)
    constant = convert(value, dtype)
    return operation("Const", lambda: constant, (), name=name)


def changed(target: Variable, type: str, value: Any, f: Any = None, name: str | None = None) -> Tensor:
    """Return the result of an operation that assigns a Variable."""
    given = as_tensor(value, target.dtype, "value")
    target.shape.assert_is_compatible_with(given.shape)
    op = Operation(type, Change(target, f), (given,), name=name)
    return Tensor(op, 0, target.dtype, target._leaf.shape)


def assign(ref: Variable, value: Any, validate_shape: Any = None, use_locking: Any = None, name: str | None = None) -> Tensor:
    """Return an operation that assigns ``value`` to a Variable."""
    return ref.assign(value, name=name)


def assign_add(ref: Variable, value: Any, use_locking: Any = None, name: str | None = None) -> Tensor:
    """Return an operation that adds ``value`` to a Variable."""
    return ref.assign_add(value, name=name)


def assign_sub(ref: Variable, value: Any, use_locking: Any = None, name: str | None = None) -> Tensor:
    """Return an operation that subtracts ``value`` from a Variable."""
    return ref.assign_sub(value, name=name)


def global_variables(scope: str | None = None) -> list[Any]:
    """Return the Variables of the graph."""
    return get_default_graph().get_collection(GraphKeys.GLOBAL_VARIABLES, scope)


def trainable_variables(scope: str | None = None) -> list[Any]:
    """Return the Variables that optimizers change by default."""
    return get_default_graph().get_collection(GraphKeys.TRAINABLE_VARIABLES, scope)


def local_variables(scope: str | None = None) -> list[Any]:
    """Return the Variables in the collection of local variables."""
    return get_default_graph().get_collection(GraphKeys.LOCAL_VARIABLES, scope)


class Reset:
    """The additional effect of an initializer of all Variables: a session discards the state of optimizers."""

    changes_state = True
    name = "init"

    def __call__(self, *ran: Any) -> list[Any]:
        return []


def _initializer(variables: Sequence[Variable], name: str, call: Any) -> Operation:
    op = Operation("NoOp", call, name=name)
    op.after = (*op.after, *(v.initializer for v in variables))
    return op


def global_variables_initializer() -> Operation:
    """Return an operation that initializes all current Variables in the session that runs it."""
    return _initializer(global_variables(), "init", Reset())


def local_variables_initializer() -> Operation:
    """Return an operation that initializes the local Variables."""
    return variables_initializer(local_variables(), "init_local")


def variables_initializer(var_list: Sequence[Variable], name: str = "init") -> Operation:
    """Return an operation that initializes the given Variables."""
    return _initializer(var_list, name, list)


all_variables, initialize_local_variables = global_variables, local_variables_initializer
initialize_all_variables, initialize_variables = global_variables_initializer, variables_initializer

__all__ = [
    "Variable", "all_variables", "assign", "assign_add", "assign_sub", "global_variables", "global_variables_initializer",
    "initialize_all_variables", "initialize_local_variables", "initialize_variables", "local_variables",
    "local_variables_initializer", "trainable_variables", "variables_initializer",
]  # fmt: skip
