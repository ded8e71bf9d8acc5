"""Static graphs with placeholders and sessions, as TensorFlow 1 has them: a thin face on ``jitgrad.function``.

An operation on a placeholder or on a Variable of this module is not recorded but kept as a Node: a call to be made.
``Session.run`` makes the calls inside a traced function, once for the shapes that are fed, and runs its Program from then on,
on the session's own values of the Variables. Every value is that before the run; changes of Variables come last.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from jitgrad.errors import ArgumentError, DataError, DTypeError, ShapeError, TracingError
from jitgrad.functions.create import tensor
from jitgrad.tape import dtypes, variable
from jitgrad.tape.executable import Storage
from jitgrad.tape.function import Function
from jitgrad.tape.indexing import getitem
from jitgrad.tape.lru import Recent
from jitgrad.tape.operators import Operators
from jitgrad.tape.protocol import Deferrable
from jitgrad.tape.reverse_mode import constant, differentiate, key_of
from jitgrad.tape.tensor import Tensor, as_tensor, upstream
from jitgrad.tape.trace import current
from jitgrad.tape.tree import operands_first, tree_leaves, tree_map, tree_pack
from jitgrad.vm import forks

__all__ = [
    "Node",
    "Placeholder",
    "Session",
    "Variable",
    "call",
    "evaluated",
    "global_variables_initializer",
    "gradients",
    "gradients_of",
    "in_order",
    "placeholder",
]


OpenShape = tuple[int | None, ...]


class _Deferrable(Deferrable):
    """What makes a Node of a call."""

    __slots__ = ()

    def defer(self, f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Node:
        return Node(f, args, kwargs)


class Node(_Deferrable, Operators):
    """A call that a session makes: operators, methods and every function of jitgrad on a Node give another.

    Attributes:
        after: what a session runs before it, beside what is among its arguments.
    """

    __slots__ = ("__weakref__", "after", "args", "call", "kwargs", "name")
    gradient = None
    is_deferred = True

    def __init__(self, call: Callable[..., Any], args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None) -> None:
        self.call = call
        self.args = args
        self.kwargs = kwargs or {}
        self.after: tuple[Node, ...] = ()
        self.name = getattr(call, "name", getattr(call, "__name__", "op"))

    def _read(self) -> Tensor:
        raise TracingError(_NO_VALUE)

    def _keep(self, kept: Any) -> None:
        raise TracingError(f"Node {self.name!r} requires no gradient of backward(). Use graph.gradients().")

    def _value(self) -> Any:
        raise TracingError(f"Node {self.name!r} has no value by itself. Run it in a Session, with its placeholders fed.")

    @property
    def shape(self) -> Any:
        raise TracingError(f"The shape of Node {self.name!r} is known when it runs. Use functions of jitgrad that need none.")

    @property
    def dtype(self) -> Any:
        raise TracingError(f"The dtype of Node {self.name!r} is known when it runs. Use functions of jitgrad that need none.")

    def __iter__(self) -> Iterator[Tensor]:
        raise TracingError(f"Node {self.name!r} cannot be iterated over: its shape is known when it runs. Index it instead.")

    def __bool__(self) -> bool:
        raise TracingError(f"Node {self.name!r} has no value yet, so nothing can branch on it. Use jitgrad.where().")

    def __getitem__(self, key: Any) -> Any:
        return Node(_item, (self, key))

    def __repr__(self) -> str:
        return f"<Node {self.name!r}>"


_NO_VALUE = (
    "A Node of a static graph has no value until a session runs it. Use functions of jitgrad on it, graph.call() for one of "
    "your own, and for derivatives graph.gradients()."
)


def _item(value: Any, key: Any) -> Any:
    """Of a call that returns several Tensors, in a list or by name, one of them; else what an index says."""
    return value[key] if isinstance(value, (tuple, list, dict)) else getitem(value, key)


def call(f: Callable[..., Any], *args: Any, **kwargs: Any) -> Node:
    """A Node of ``f(*args, **kwargs)``, which is called for each run: for what has no Node among its arguments, as random
    numbers, ``call(jitgrad.random.normal, (3,))``."""
    return Node(f, args, kwargs)


class Placeholder(Node):
    """A value that is fed to each run.

    Attributes:
        dtype: what is fed is cast to it.
        open_shape: its sizes, None for one that may be any; or None where the number of axes may be any, too.
    """

    __slots__ = ("_dtype", "open_shape")

    def __init__(self, dtype: Any, shape: OpenShape | None, name: str) -> None:
        super().__init__(_unfed)
        self._dtype = np.dtype(dtype)
        if self._dtype not in dtypes.DTYPE:
            raise DTypeError(f"Placeholder {name!r} has dtype {self._dtype}. Use float32, float64, int64 or bool.")
        if shape is not None and any(n is not None and n < 0 for n in shape):
            raise ShapeError(f"Placeholder {name!r} has shape {shape}. Use sizes from 0 on, and None for an open one.")
        self.open_shape = shape
        self.name = name

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._dtype

    def checked(self, value: Any) -> np.ndarray:
        """What is fed, as an array of this dtype. Raises ShapeError or DTypeError where it does not fit."""
        array, _ = dtypes.as_data(value.numpy() if isinstance(value, Operators) else value)
        if array.dtype.kind == "f" and self._dtype.kind != "f":
            raise DTypeError(f"Placeholder {self.name!r} has dtype {self._dtype} and is fed {array.dtype}. Convert it first.")
        wanted = self.open_shape
        if wanted is not None and (
            len(wanted) != array.ndim or any(n not in (None, m) for n, m in zip(wanted, array.shape, strict=True))
        ):
            raise ShapeError(
                f"Placeholder {self.name!r} has shape {wanted} and is fed {array.shape}. Feed an array of its shape, "
                f"or leave the dimension open with None."
            )
        return array.astype(self._dtype)

    def __repr__(self) -> str:
        return f"<Placeholder {self.name!r} shape={self.open_shape} dtype={self._dtype}>"


def _unfed() -> Any:
    raise AssertionError("a placeholder is replaced by what is fed")


def placeholder(dtype: Any, shape: Sequence[int | None] | None = None, name: str | None = None) -> Placeholder:
    """A value to be fed to ``Session.run``.

    Args:
        dtype: float32, float64, int64 or bool.
        shape: its sizes, None for those that may differ from run to run; None for any number of axes.
        name: what errors call it.
    """
    sizes = None if shape is None else tuple(shape)
    return Placeholder(dtype, sizes, name or f"placeholder_{next(variable.names)}")


class Variable(_Deferrable, variable.Variable):
    """A Variable of a static graph: operations on it are Nodes, ``assign`` too.

    Each session has its own value of it, see ``Session``. ``numpy()`` and ``float()`` give that of the session that ran last.
    """

    __slots__ = ()

    @property
    def is_deferred(self) -> bool:
        return current() is None

    def _read(self) -> Tensor:
        if self.is_deferred:
            raise TracingError(_NO_VALUE)
        return super()._read()

    def assign(self, value: Any) -> Any:
        """A Node that gives this Variable ``value`` when it runs."""
        return Node(_assign, (self, value)) if self.is_deferred else super().assign(value)


def _assign(target: variable.Variable, value: Any) -> variable.Variable:
    return target.assign(value)


_assign.changes_state = True  # type: ignore[attr-defined]


class _Initializer(Node):
    """What ``global_variables_initializer`` returns; a session knows it."""

    __slots__ = ()


def global_variables_initializer() -> Node:
    """A Node that gives every Variable its first value again, in the session that runs it, after all else that is fetched.

    A session begins with these values, so that the first one need not be asked for.
    """
    return _Initializer(_initialize)


def _initialize() -> Any:
    raise ArgumentError("An initializer is among the operands of another Node. Fetch it by itself.")


class _SessionStorage(Storage):
    """What a session's Variables are.

    A Variable shows its value in the session that ran or was entered last. One that it got otherwise is its first value in
    every session from then on.
    """

    _lock = forks.lock()

    def __init__(self) -> None:
        self._values: dict[variable.Variable, tuple[np.ndarray, np.ndarray]] = {}

    def read(self, leaf: Tensor) -> Any:
        return super().read(leaf) if leaf.variable is None or leaf.variable.shared else self._own(leaf.variable)

    def write(self, leaf: Tensor, value: np.ndarray) -> None:
        variable = leaf.variable
        if variable is None or variable.shared:
            super().write(leaf, value)
            return
        first = self._show(variable, value)
        self._values[variable] = first, variable.leaf.value

    def _own(self, variable: variable.Variable) -> np.ndarray:
        """The value of a Variable in this session."""
        with self._lock:
            first = self._first(variable)
        known, value = self._values.get(variable, (first, first))
        return value if known is first else first

    def show(self) -> None:
        """Let all show what they are in this session."""
        for v in self._values:
            self._show(v, self._own(v))

    def reset(self) -> None:
        """Give all their first values."""
        known, self._values = self._values, {}
        for v in known:
            self._show(v, self._own(v))

    def _show(self, variable: variable.Variable, value: np.ndarray) -> np.ndarray:
        with self._lock:
            first = self._first(variable)
            variable.store(value)
            variable.first = first, variable.leaf
        return first

    @staticmethod
    def _first(variable: variable.Variable) -> np.ndarray:
        if variable.first is None or variable.first[1] is not variable.leaf:
            variable.first = variable.leaf.value, variable.leaf
        return variable.first[0]


def gradients(target: Any, sources: Any) -> Any:
    """Nodes of the gradients of the sum of ``target``, by Variables, placeholders or other Nodes, nested as ``sources``."""
    wanted = tree_leaves(sources)
    every = Node(_gradients, (target, wanted))
    return tree_pack(sources, [every[i] for i in range(len(wanted))])


def _gradients(target: Any, sources: list[Any]) -> list[Tensor]:
    return gradients_of(as_tensor(target), [as_tensor(s) for s in sources])


def gradients_of(target: Tensor, sources: list[Tensor]) -> list[Tensor]:
    """The gradients of the sum of ``target`` by Tensors, in the run of a session; zeros by one that it does not depend on."""
    tracing = current()
    assert tracing is not None
    mine = {id(t) for t in sources}
    found = differentiate([target], [key_of(t) for t in sources], lambda t: id(t) in mine, tracing.recording.has)
    return [constant(0.0, t) if g is None else g for g, t in zip(found, sources, strict=True)]


KEPT_FUNCTIONS = 128
"""Of a session, for what was fetched together; the one that was not used for longest is dropped."""


class Session:
    """Runs Nodes. Also a context manager, for those who are used to it; there is nothing to close.

    Each session has its own values of all Variables in its Nodes, those of layers and optimizers too. It begins with their
    first values: those that they were made with, or were assigned outside of sessions. Beside a run, a Variable shows its value
    in the session that ran or was entered last. Random numbers come from ``jitgrad.random``, whichever session draws them.

    Example:
        >>> x = placeholder("float32", (None,))
        >>> Session().run(2 * x, {x: [1.0, 2.0]}).tolist()
        [2.0, 4.0]
    """

    def __init__(self) -> None:
        self._functions: Recent[tuple[Function[..., Any], list[Any], list[Placeholder]]] = Recent(KEPT_FUNCTIONS)
        self._values = _SessionStorage()

    def __enter__(self) -> Session:
        self._values.show()
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Forget the Programs of this session."""
        self._functions.clear()

    def run(self, fetches: Any, feed_dict: Mapping[Placeholder, Any] | None = None) -> Any:
        """The values of ``fetches``, all computed in one run; changes of Variables happen at its end.

        Args:
            fetches: a Node, Variable or Tensor, or any nesting of them.
            feed_dict: for each placeholder that they need its value.

        Returns:
            NumPy arrays in the nesting of ``fetches``; None for an operation without a value, as a train op.

        Raises:
            DataError: where a placeholder is needed and not fed.
            ShapeError, DTypeError: where what is fed does not fit its placeholder.
            ArgumentError: where something else than a placeholder is fed, or fetched what is no Node.
        """
        every = tree_leaves(fetches)
        wanted = [fetch for fetch in every if not isinstance(fetch, _Initializer)]
        function, _, needed = self._function(wanted)
        fed = _fed(feed_dict or {}, needed)
        values = iter(function.replay(self._values, fed))
        made = [None if isinstance(fetch, _Initializer) else tree_map(_as_array, next(values)) for fetch in every]
        if len(wanted) < len(every):
            self._values.reset()
        return tree_pack(fetches, made)

    def _function(self, wanted: list[Any]) -> tuple[Function[..., Any], list[Any], list[Placeholder]]:
        key = tuple(map(id, wanted))
        found = self._functions.get(key)
        if found is None:
            for fetch in wanted:
                if not isinstance(fetch, Operators):
                    raise ArgumentError(f"run: {fetch!r} cannot be fetched. Fetch Nodes, Variables or Tensors.")
            order = in_order(wanted)
            needed = [node for node in order if isinstance(node, Placeholder)]

            def step(fed: list[Any]) -> list[Any]:
                return evaluated(wanted, order, dict(zip(map(id, needed), fed, strict=True)))

            found = self._functions.put(key, (Function(step), wanted, needed))
        return found


def _as_array(value: Any) -> Any:
    return None if value is None else value.numpy()


def _fed(feed_dict: Mapping[Placeholder, Any], needed: list[Placeholder]) -> list[Any]:
    for key in feed_dict:
        if not isinstance(key, Placeholder):
            raise ArgumentError(f"feed_dict has {key!r} for a key. Feed placeholders.")
    fed = []
    for node in needed:
        if node not in feed_dict:
            raise DataError(f"Placeholder {node.name!r} is needed and not fed. Add it to feed_dict.")
        fed.append(tensor(node.checked(feed_dict[node])))
    return fed


def in_order(wanted: list[Any], given: Collection[int] = ()) -> list[Node]:
    """All Nodes that are needed, operands first. Those whose ids are in ``given`` need nothing."""
    order = operands_first(_nodes(wanted), lambda node: [] if id(node) in given else _nodes(_below(node)))
    late: set[int] = set()
    for node in order:
        below = _below(node)
        if getattr(node.call, "changes_state", False) or any(id(x) in late for x in below):
            late.add(id(node))
        for x in below:
            _refuse_early_values(node, x)
    return sorted(order, key=lambda node: id(node) in late)  # changes, and what needs them, come last


def _below(node: Node) -> list[Any]:
    return [*node.after, *tree_leaves((node.args, node.kwargs))]


def _nodes(values: list[Any]) -> list[Node]:
    return [x for x in values if isinstance(x, Node)]


def _refuse_early_values(node: Node, x: Any) -> None:
    """A Tensor that was computed from a Variable outside of the graph would never change again."""
    if isinstance(x, Tensor):
        for leaf in upstream([x]):
            if leaf.variable is not None:
                raise ArgumentError(
                    f"Node {node.name!r} has an operand that was computed from Variable {leaf.variable.name!r} when the graph "
                    f"was built. Make that a jitgrad.graph.Variable."
                )


def evaluated(wanted: list[Any], order: list[Node], values: dict[int, Any]) -> list[Any]:
    """The values of ``wanted``: each Node's call once, and of a Variable its value before the run.

    Args:
        wanted: Nodes, Variables and Tensors.
        order: from ``in_order``.
        values: those that are known before, by the ids of their Nodes; the others are added.
    """
    for x in wanted:
        if not isinstance(x, Node):
            values[id(x)] = as_tensor(x)
    for node in order:
        if id(node) not in values:
            args, kwargs = tree_map(lambda x: values[id(x)] if isinstance(x, Node) else x, (node.args, node.kwargs))
            values[id(node)] = node.call(*args, **kwargs)
    return [None if isinstance(values[id(x)], variable.Variable) else values[id(x)] for x in wanted]
