"""Graphs of TensorFlow 1: operations and their tensors, names, collections, and control dependencies."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from jitgrad.compat.tensorflow.dtypes import DType
from jitgrad.compat.tensorflow.methods import TensorMethods
from jitgrad.compat.tensorflow.v1.shape import TensorShape
from jitgrad.errors import ArgumentError, TracingError
from jitgrad.graph import Node
from jitgrad.tape.tree import tree_leaves

Sizes = tuple[int | None, ...] | None
"""The known part of a shape: None for an unknown size, or for an unknown shape."""


class GraphKeys:
    """The names of collections."""

    GLOBAL_VARIABLES = "variables"
    TRAINABLE_VARIABLES = "trainable_variables"
    LOCAL_VARIABLES = "local_variables"
    LOSSES = "losses"
    REGULARIZATION_LOSSES = "regularization_losses"
    GLOBAL_STEP = "global_step"
    UPDATE_OPS = "update_ops"


class Graph:
    """A graph: its operations by name, and its collections.

    Attributes
    ----------
    seed : int or None
        Seed of the random numbers of each session; see ``tf.set_random_seed``.
    scopes, variable_scopes, before : list
        The active ``with`` statements: name scopes, variable scopes and control dependencies.
    named : dict
        The Variables that ``tf.get_variable`` has created.
    """

    def __init__(self) -> None:
        self.seed: int | None = None
        self.scopes: list[str] = [""]
        self.variable_scopes: list[Any] = []
        self.named: dict[str, Any] = {}
        self.before: list[tuple[Any, ...]] = [()]
        self._operations: dict[str, Operation] = {}
        self._taken: dict[str, int] = {}
        self._collections: dict[str, list[Any]] = {}

    @contextmanager
    def as_default(self) -> Iterator[Graph]:
        """Return a context in which new operations belong to this graph."""
        _defaults.append(self)
        try:
            yield self
        finally:
            _defaults.remove(self)

    def unique_name(self, name: str, mark_as_used: bool = True) -> str:
        """Return a name in the current scope, with a number if it is taken."""
        full = self.scopes[-1] + name
        key = full.lower()
        number = self._taken.get(key, 0)
        if mark_as_used:
            self._taken[key] = number + 1
        if number == 0:
            return full
        while f"{key}_{number}" in self._taken:
            number += 1
        if mark_as_used:
            self._taken[key] = number + 1
            self._taken[f"{key}_{number}"] = 1
        return f"{full}_{number}"

    @contextmanager
    def name_scope(self, name: str | None) -> Iterator[str]:
        """Return a context in which names begin with ``layer/``: ``with graph.name_scope("layer"):``."""
        scope = "" if not name else name if name.endswith("/") else self.unique_name(name) + "/"
        self.scopes.append(scope)
        try:
            yield scope
        finally:
            self.scopes.pop()

    def add(self, operation: Operation) -> None:
        """Register an operation by its name."""
        self._operations[operation.name] = operation

    def get_operations(self) -> list[Operation]:
        """Return all operations in the order of their creation."""
        return list(self._operations.values())

    def get_operation_by_name(self, name: str) -> Operation:
        """Return the operation with a name. Raises ArgumentError, a KeyError, if it does not exist."""
        found = self._operations.get(name)
        if found is None:
            raise MissingOperationError(
                f"The name {name!r} refers to an Operation not in the graph. get_operations() returns the existing ones."
            )
        return found

    def get_tensor_by_name(self, name: str) -> Tensor:
        """Return the tensor with a name such as "add:0"."""
        operation, colon, index = name.rpartition(":")
        if not colon or not index.isdigit():
            raise ArgumentError(
                f"Tensor names must be of the form '<op_name>:<output_index>', not {name!r}. Give 'add:0', for example."
            )
        outputs = self.get_operation_by_name(operation).outputs
        if int(index) >= len(outputs):
            raise MissingOperationError(
                f"The operation {operation!r} has {len(outputs)} outputs, not {name!r}. Give another one."
            )
        return outputs[int(index)]

    def as_graph_element(self, value: Any, allow_tensor: bool = True, allow_operation: bool = True) -> Any:
        """Return the tensor, Variable or operation with a name. Raises ArgumentError if it belongs to another graph."""
        if isinstance(value, str):
            return self.get_tensor_by_name(value) if ":" in value else self.get_operation_by_name(value)
        if getattr(value, "graph", self) is not self:
            raise ArgumentError(f"{value!r} is not an element of this graph. Create it and run it with the same tf.Graph.")
        return value

    def add_to_collection(self, name: str, value: Any) -> None:
        """Append a value to a collection."""
        self._collections.setdefault(name, []).append(value)

    def get_collection(self, name: str, scope: str | None = None) -> list[Any]:
        """Return the values of a collection, optionally those whose names begin with ``scope``."""
        found = list(self._collections.get(name, []))
        return found if scope is None else [x for x in found if re.match(scope, getattr(x, "name", ""))]

    def get_collection_ref(self, name: str) -> list[Any]:
        """Return the collection itself."""
        return self._collections.setdefault(name, [])

    @contextmanager
    def control_dependencies(self, control_inputs: Sequence[Any] | None) -> Iterator[None]:
        """Return a context in which new operations run after the given ones."""
        more = tuple(operation_of(x) for x in control_inputs or ())
        self.before.append(self.before[-1] + more if control_inputs is not None else ())
        try:
            yield
        finally:
            self.before.pop()


class MissingOperationError(ArgumentError, KeyError):
    """The graph has no operation of this name."""


class SymbolError(TracingError, TypeError):
    """A tensor of a graph was used as a value."""


_first: list[Graph] = []
_defaults: list[Graph] = []


def get_default_graph() -> Graph:
    """Return the graph to which new operations belong."""
    if _defaults:
        return _defaults[-1]
    if not _first:
        _first.append(Graph())
    return _first[0]


def reset_default_graph() -> None:
    """Start a new graph, outside of any ``with graph.as_default()``."""
    if _defaults:
        raise TracingError(
            "Do not use tf.reset_default_graph() to clear nested graphs. Leave the with statement of the graph first."
        )
    _first.clear()


class Operation(Node):
    """A call that a session runs, with a name in a graph.

    Attributes
    ----------
    type : str
        Kind of operation, such as "MatMul".
    graph : Graph
        The graph to which it belongs.
    outputs : list of Tensor
        Its results.
    """

    __slots__ = ("graph", "outputs", "type")

    def __init__(
        self, type: str, call: Callable[..., Any], args: tuple[Any, ...] = (), kwargs: Any = None, name: str | None = None
    ) -> None:
        super().__init__(call, args, kwargs)
        self.graph = get_default_graph()
        self.type = type
        self.name = self.graph.unique_name(name or type)
        self.outputs: list[Tensor] = []
        self.after = self.graph.before[-1]
        self.graph.add(self)

    @property
    def control_inputs(self) -> list[Operation]:
        """The operations that run before this one."""
        return list(self.after)  # type: ignore[arg-type]

    def run(self, feed_dict: Any = None, session: Any = None) -> None:
        """Run the operation in a session, by default the session of the ``with`` statement."""
        session_for("run", session).run(self, feed_dict)

    def __eq__(self, other: object) -> bool:  # type: ignore[override]
        return self is other

    def __ne__(self, other: object) -> bool:  # type: ignore[override]
        return self is not other

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return f"<tf.Operation {self.name!r} type={self.type}>"

    def __str__(self) -> str:
        return f'name: "{self.name}"\nop: "{self.type}"\n'


class Symbol:
    """Base class of a graph's Tensors and Variables; ``symbols`` adds the operators.

    ``==`` compares identity, as in TensorFlow 1.
    """

    __slots__ = ()
    __array_ufunc__ = None
    __array_priority__ = 100

    def __eq__(self, other: object) -> bool:
        return self is other

    def __ne__(self, other: object) -> bool:
        return self is not other

    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        raise SymbolError("Using a `tf.Tensor` as a Python `bool` is not allowed in a graph. Use tf.cond() or tf.where().")

    def __iter__(self) -> Iterator[Any]:
        raise SymbolError("Iterating over a `tf.Tensor` is not allowed in a graph. Use tf.unstack().")

    def __len__(self) -> int:
        raise SymbolError("len is not well defined for a tensor of a graph. Use x.shape for the known part of its shape.")

    def __float__(self) -> float:
        raise SymbolError("A tensor of a graph has no numeric value. Run it in a session.")

    __int__ = __index__ = __complex__ = __float__

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise SymbolError("A tensor of a graph is not an array. Run it in a session, or compute with tf's functions.")

    def _read(self) -> Any:
        if self.is_deferred:  # type: ignore[attr-defined]
            raise SymbolError(
                f"{self!r} has no value until a session runs it. Use functions of tf on it; for layers there is "
                f"tf.layers.dense."
            )
        return super()._read()  # type: ignore[misc]

    @property
    def device(self) -> str:
        """The device."""
        return ""

    def get_shape(self) -> TensorShape:
        """Return the known part of the shape."""
        shape: TensorShape = self.shape  # type: ignore[attr-defined]
        return shape

    def eval(self, feed_dict: Any = None, session: Any = None) -> Any:
        """Return the value in a session, by default the session of the ``with`` statement."""
        return session_for("eval", session).run(self, feed_dict)


class Tensor(Symbol, TensorMethods, Node):  # type: ignore[misc]
    """A result of an operation, computed by a session."""

    __slots__ = ("_dtype", "_sizes", "op", "value_index")

    def __init__(self, op: Operation, index: int, dtype: DType, sizes: Sizes) -> None:
        Node.__init__(self, _output, (op, index))
        self.op = op
        self.value_index = index
        self.name = f"{op.name}:{index}"
        self._dtype = dtype
        self._sizes = sizes
        op.outputs.append(self)

    @property
    def graph(self) -> Graph:
        """The graph to which it belongs."""
        return self.op.graph

    @property
    def dtype(self) -> DType:  # type: ignore[override]
        """The dtype."""
        return self._dtype

    @property
    def shape(self) -> TensorShape:
        """The known part of the shape."""
        return TensorShape(self._sizes)

    def set_shape(self, shape: Any) -> None:
        """Add information about the shape."""
        self._sizes = TensorShape(self.shape.merge_with(shape)).plain

    def consumers(self) -> list[Operation]:
        """Return the operations that use this tensor."""
        return [op for op in self.graph.get_operations() if self in tensors_in((op.args, op.kwargs))]

    def __repr__(self) -> str:
        return f"<tf.Tensor {self.name!r} shape={self.shape} dtype={self._dtype.name}>"

    def __str__(self) -> str:
        shape = "" if self._sizes is None else f", shape={self.shape}"
        return f'Tensor("{self.name}"{shape}, dtype={self._dtype.name})'

    __format__ = object.__format__  # type: ignore[assignment]


def _output(results: list[Any], index: int) -> Any:
    return results[index]


def tensors_in(nest: Any) -> list[Tensor]:
    """Return the Tensors in a nest of arguments."""
    return [x for x in tree_leaves(nest) if isinstance(x, Tensor)]


def operation_of(value: Any) -> Operation:
    """Return the operation of a Tensor, Variable or operation."""
    found = value if isinstance(value, Operation) else getattr(value, "op", None)
    if not isinstance(found, Operation):
        raise ArgumentError(f"{value!r} is not an operation of a graph. Give operations, tensors or Variables of the graph.")
    return found


# The innermost ``with`` statement determines the default session.

sessions: list[Any] = []


def session_for(what: str, session: Any) -> Any:
    """Return the given session or the default one. Raises ArgumentError if there is none."""
    if session is None and not sessions:
        raise ArgumentError(
            f"Cannot use `{what}()`: No default session is registered. Use `with sess.as_default()` or pass session=sess."
        )
    return session or sessions[-1]


__all__ = [
    "Graph", "GraphKeys", "Operation", "Tensor", "get_default_graph", "reset_default_graph",
]  # fmt: skip
