"""Sessions of TensorFlow 1, which run operations and have their own values of Variables."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from jitgrad.compat.tensorflow.errors import FailedPreconditionError, InvalidArgumentError
from jitgrad.compat.tensorflow.tensor import INT32, made, wrap_array
from jitgrad.compat.tensorflow.v1.graph import Graph, Operation, Symbol, Tensor, get_default_graph, sessions
from jitgrad.compat.tensorflow.v1.variables import Change, Reset, Variable
from jitgrad.errors import ArgumentError, ShapeError, UnsupportedError
from jitgrad.graph import Node
from jitgrad.graph.session import KEPT_FUNCTIONS, evaluated, in_order
from jitgrad.tape.executable import Storage
from jitgrad.tape.function import Function
from jitgrad.tape.lru import Recent
from jitgrad.tape.operators import Operators
from jitgrad.tape.tensor import Tensor as Value
from jitgrad.tape.tree import tree_leaves, tree_pack
from jitgrad.tape.variable import Variable as LibraryVariable


class _State(Storage):
    """The values of a session: initialized or assigned Variables, and the state of optimizers."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.values: dict[LibraryVariable, np.ndarray] = {}

    def read(self, leaf: Value) -> Any:
        variable = leaf.variable
        if variable is None:
            return super().read(leaf)
        if variable not in self.values and variable.shared and self.graph.seed is not None:
            self.values[variable] = _seeded(variable, self.graph.seed)
        return self.values[variable] if variable in self.values else super().read(leaf)

    def write(self, leaf: Value, value: np.ndarray) -> None:
        variable = leaf.variable
        if variable is None or (variable.shared and variable not in self.values):
            super().write(leaf, value)
        else:
            self.put(variable, value)

    def put(self, variable: LibraryVariable, value: Any) -> None:
        """Store a copy of a value."""
        array = np.array(value, variable._leaf.value.dtype)
        array.setflags(write=False)
        self.values[variable] = array

    def reset(self) -> None:
        """Discard the state of optimizers."""
        self.values = {v: value for v, value in self.values.items() if isinstance(v, Variable) or v.shared}

    def require(self, variable: Variable) -> None:
        """Raise FailedPreconditionError if a Variable has no value."""
        if variable not in self.values:
            raise FailedPreconditionError(
                f"Attempting to use uninitialized value {variable.op.name}. Run tf.global_variables_initializer() in this "
                f"session, after all Variables are made."
            )


def _seeded(state: Any, seed: int) -> np.ndarray:
    """Return the state of a random number generator after seeding."""
    begun = copy.copy(state)
    begun.set_key(seed)
    return np.array(begun.numpy())


class _Plan:
    """The computation of a set of fetches: a Function of the fed values."""

    def __init__(self, wanted: list[Node], fed: list[Node]) -> None:
        self.kept = wanted, fed  # keeps the ids unique
        order = in_order(wanted, set(map(id, fed)))
        given = set(map(id, order))
        self.needed = [node for node in fed if id(node) in given]
        self.unfed = [
            x for x in order if isinstance(x, Operation) and x.type == "Placeholder" and x.outputs[0] not in self.needed
        ]
        self.resets = any(isinstance(node.call, Reset) for node in order)
        self.reads = _variables_read(order)
        self.function = Function(self._step)
        self._wanted, self._order = wanted, order

    def _step(self, fed: list[Any]) -> list[Any]:
        values: dict[int, Any] = {}
        for node, value in zip(self.needed, fed, strict=True):
            integer = node.dtype.dtype if isinstance(node, Tensor) and node.dtype.is_integer else INT32
            values[id(node)] = made(value, integer)
        results = evaluated(self._wanted, self._order, values)
        return [None if isinstance(node, Operation) else x for node, x in zip(self._wanted, results, strict=True)]


def _variables_read(order: list[Node]) -> list[Variable]:
    """Return the Variables that are read before the same run assigns them."""
    given: set[int] = set()
    read: dict[int, Variable] = {}
    for node in order:
        used = tree_leaves((node.args, node.kwargs))
        change = node.call if isinstance(node.call, Change) else None
        if change is not None and change.f is not None:
            used.append(change.target)
        read |= {id(x): x for x in used if isinstance(x, Variable) and id(x) not in given}
        if change is not None:
            given.add(id(change.target))
    return list(read.values())


class Session:
    """Runs operations and computes tensors. Each session has its own values of the Variables.

    Parameters
    ----------
    target : str
        "" for this machine, the only one.
    graph : Graph
        The graph; by default the current one.
    config : ConfigProto
        Options of devices and threads, which have no effect.
    """

    def __init__(self, target: str = "", graph: Graph | None = None, config: Any = None) -> None:
        if target:
            raise UnsupportedError(
                f"A session on {target!r} is not possible, because jitgrad runs in this process. Omit target."
            )
        self.graph = graph or get_default_graph()
        self._state = _State(self.graph)
        self._plans: Recent[_Plan] | None = Recent(KEPT_FUNCTIONS)
        self._entered: list[Any] = []

    def run(self, fetches: Any, feed_dict: Any = None, options: Any = None, run_metadata: Any = None) -> Any:
        """Return the values of ``fetches``, all computed in one run. For Variables, these are the values after the run.

        Parameters
        ----------
        fetches : Tensor, Variable, Operation, their names, or a nest of these
            What to compute; the value of an operation is None.
        feed_dict : dict, optional
            Values of placeholders, or values that replace the computation of other tensors.

        Raises
        ------
        FailedPreconditionError
            If a Variable is not initialized in this session.
        InvalidArgumentError
            If a required placeholder is not fed.
        """
        if self._plans is None:
            raise ClosedError("Attempted to use a closed Session. Create a new one.")
        leaves = [self._element(x) for x in tree_leaves(fetches)]
        fed = {self._fed(key): value for key, value in (feed_dict or {}).items()}
        wanted: list[Node] = [x for x in leaves if isinstance(x, Node)]
        values = iter(self._run(wanted, fed) if wanted else ())
        found = [self._after(x) if isinstance(x, Variable) else _array(next(values), x) for x in leaves]
        return tree_pack(fetches, found)

    def _run(self, wanted: list[Node], fed: dict[Any, Any]) -> Any:
        key = tuple(map(id, wanted)), tuple(map(id, fed))
        assert self._plans is not None
        plan = self._plans.get(key) or self._plans.put(key, _Plan(wanted, list(fed)))
        if plan.unfed:
            op = plan.unfed[0]
            raise InvalidArgumentError(
                f"You must feed a value for placeholder tensor {op.name!r} with dtype {op.outputs[0].dtype.name}. "
                f"Add it to feed_dict."
            )
        for variable in plan.reads:
            self._state.require(variable)
        results = plan.function.replay(self._state, [_checked(node, fed[node]) for node in plan.needed])
        if plan.resets:
            self._state.reset()
        return results

    def _after(self, variable: Variable) -> Any:
        self._state.require(variable)
        return _shown(self._state.values[variable], variable)

    def _element(self, fetch: Any) -> Any:
        """Return the Tensor, Variable or Operation of a fetch, which may be a name."""
        if isinstance(fetch, (str, Symbol, Operation)):
            return self.graph.as_graph_element(fetch)
        if fetch is None:
            raise FetchError("Argument `fetch` = None has invalid type 'NoneType'. Fetch tensors and operations.")
        raise FetchError(
            f"Argument `fetch` = {fetch!r} has invalid type {type(fetch).__name__!r}. Fetch tensors and operations."
        )

    def _fed(self, key: Any) -> Tensor:
        found = self.graph.as_graph_element(key) if isinstance(key, (str, Symbol)) else None
        if not isinstance(found, Tensor):
            raise FetchError(f"Cannot interpret feed_dict key {key!r} as Tensor. Feed placeholders.")
        return found

    def load(self, variable: Variable, value: Any) -> None:
        """Assign a value to a Variable in this session."""
        array = np.asarray(value, variable.dtype.dtype)
        if array.shape != variable._leaf.shape:
            raise ShapeError(
                f"Variable {variable.name!r} has shape {variable.shape} but the value has shape {array.shape}. "
                "Give a value of the same shape."
            )
        self._state.put(variable, array)

    def make_callable(self, fetches: Any, feed_list: Any = None) -> Any:
        """Return a function of the values of ``feed_list`` that runs ``fetches``."""
        return lambda *values: self.run(fetches, dict(zip(feed_list or (), values, strict=True)))

    @contextmanager
    def as_default(self) -> Iterator[Session]:
        """Return a context in which ``eval`` and ``run`` use this session."""
        sessions.append(self)
        try:
            with self.graph.as_default():
                yield self
        finally:
            sessions.remove(self)

    def __enter__(self) -> Session:
        self._entered.append(self.as_default())
        entered: Session = self._entered[-1].__enter__()
        return entered

    def __exit__(self, *error: Any) -> None:
        self._entered.pop().__exit__(*error)
        self.close()

    def close(self) -> None:
        """Close the session. Running an operation afterwards is an error."""
        self._plans = None


class InteractiveSession(Session):
    """A session that is the default session until it is closed."""

    def __init__(self, target: str = "", graph: Graph | None = None, config: Any = None) -> None:
        super().__init__(target, graph, config)
        sessions.append(self)

    def close(self) -> None:
        """Close the session."""
        if self in sessions:
            sessions.remove(self)
        super().close()


class FetchError(ArgumentError, TypeError):
    """A value that cannot be fetched or fed."""


class ClosedError(ArgumentError, RuntimeError):
    """The session is closed."""


def get_default_session() -> Session | None:
    """Return the session of the innermost ``with`` statement."""
    return sessions[-1] if sessions else None


def _checked(node: Node, value: Any) -> Value:
    """Return a fed value in the dtype of its tensor. Raises ShapeError, a ValueError, for an incompatible shape."""
    assert isinstance(node, Tensor)
    if isinstance(value, Symbol):
        raise FetchError(
            f"The value of a feed cannot be a tf.Tensor object, as it is for {node.name}. Run it, and feed the array."
        )
    plain = value.numpy() if isinstance(value, Operators) else value
    array = np.asarray(plain, node.dtype.dtype)
    sizes = node._sizes
    if sizes is not None and (
        len(sizes) != array.ndim or any(n not in (None, m) for n, m in zip(sizes, array.shape, strict=True))
    ):
        raise ShapeError(
            f"Cannot feed value of shape {array.shape} for Tensor {node.name}, which has shape {node.shape}. "
            f"Feed an array of its shape."
        )
    return wrap_array(array, node.dtype)._read()


def _array(value: Any, node: Any) -> Any:
    return None if value is None else _shown(value.numpy(), node)


def _shown(array: Any, node: Any) -> Any:
    """Return an array in the dtype of a tensor, or a NumPy scalar if it has no axes."""
    found = np.asarray(array, node.dtype.dtype if node.dtype.is_integer else None)
    return found.copy() if found.ndim else found[()]


__all__ = [
    "InteractiveSession", "Session", "get_default_session",
]  # fmt: skip
