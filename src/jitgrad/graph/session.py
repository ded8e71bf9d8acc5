"""Sessions, which run Nodes on their own values of the Variables."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from jitgrad.errors import ArgumentError, DataError
from jitgrad.functions.create import tensor
from jitgrad.graph.nodes import Initializer, Node, Placeholder
from jitgrad.tape import variable
from jitgrad.tape.executable import Storage
from jitgrad.tape.function import Function
from jitgrad.tape.lru import Recent
from jitgrad.tape.operators import Operators
from jitgrad.tape.tensor import Tensor, as_tensor, upstream
from jitgrad.tape.tree import operands_first, tree_leaves, tree_map, tree_pack
from jitgrad.vm import forks


class _SessionStorage(Storage):
    """The values of Variables in a session.

    A Variable shows its value in the session that ran or was entered last. A value that is assigned
    outside of a session becomes the initial value in every session.
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
        """Return the value of a Variable in this session."""
        with self._lock:
            first = self._first(variable)
        known, value = self._values.get(variable, (first, first))
        return value if known is first else first

    def show(self) -> None:
        """Show the values of this session in all Variables."""
        for v in self._values:
            self._show(v, self._own(v))

    def reset(self) -> None:
        """Reset all Variables to their initial values."""
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


KEPT_FUNCTIONS = 128
"""The number of traced functions that a session keeps, one per set of fetches. The least recently used one is dropped."""


class Session:
    """Run the Nodes of a static graph.

    Each session has its own values of all Variables in its Nodes, including Variables of layers and optimizers. It begins with
    their initial values: the values with which they were created, or that were assigned outside of sessions. Between runs, a
    Variable shows its value in the session that ran or was entered last. Random numbers come from ``jitgrad.random`` in all
    sessions.

    A session is a context manager, as in TensorFlow 1. Closing it is not necessary.

    Examples
    --------
    >>> x = jg.graph.placeholder("float32", (None,))
    >>> jg.graph.Session().run(2 * x, {x: [1.0, 2.0]}).tolist()
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
        """Discard the compiled Programs of this session."""
        self._functions.clear()

    def run(self, fetches: Any, feed_dict: Mapping[Placeholder, Any] | None = None) -> Any:
        """Compute the values of ``fetches`` in one run; Variables change at its end.

        Parameters
        ----------
        fetches : Node, Variable, Tensor, or lists, tuples and dicts of them
            The values to compute.
        feed_dict : mapping of Placeholder to array_like, optional
            The values of all placeholders that ``fetches`` depend on.

        Returns
        -------
        ndarray or None, or lists, tuples and dicts of them
            The values in the structure of ``fetches``; None for an operation without a value, such as an assignment.

        Raises
        ------
        DataError
            If a placeholder is required but not fed.
        ShapeError, DTypeError
            If a fed value does not match its placeholder.
        ArgumentError
            If a key of ``feed_dict`` is not a placeholder, or a fetch is not a Node, Variable or Tensor.
        """
        every = tree_leaves(fetches)
        wanted = [fetch for fetch in every if not isinstance(fetch, Initializer)]
        function, _, needed = self._function(wanted)
        fed = _fed(feed_dict or {}, needed)
        values = iter(function.replay(self._values, fed))
        made = [None if isinstance(fetch, Initializer) else tree_map(_as_array, next(values)) for fetch in every]
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
            raise ArgumentError(f"feed_dict has the key {key!r}, which is not a placeholder. Feed placeholders.")
    fed = []
    for node in needed:
        if node not in feed_dict:
            raise DataError(f"Placeholder {node.name!r} is required and not fed. Add it to feed_dict.")
        fed.append(tensor(node.checked(feed_dict[node])))
    return fed


def in_order(wanted: list[Any], given: Collection[int] = ()) -> list[Node]:
    """Return all required Nodes, operands first. Nodes whose ids are in ``given`` have no operands."""
    order = operands_first(_nodes(wanted), lambda node: [] if id(node) in given else _nodes(_below(node)))
    late: set[int] = set()
    for node in order:
        below = _below(node)
        if getattr(node.call, "changes_state", False) or any(id(x) in late for x in below):
            late.add(id(node))
        for x in below:
            _refuse_early_values(node, x)
    return sorted(order, key=lambda node: id(node) in late)  # changes, and Nodes that depend on them, come last


def _below(node: Node) -> list[Any]:
    return [*node.after, *tree_leaves((node.args, node.kwargs))]


def _nodes(values: list[Any]) -> list[Node]:
    return [x for x in values if isinstance(x, Node)]


def _refuse_early_values(node: Node, x: Any) -> None:
    """Raise ArgumentError for a Tensor computed from a Variable outside of the graph, because it would never change."""
    if isinstance(x, Tensor):
        for leaf in upstream([x]):
            if leaf.variable is not None:
                raise ArgumentError(
                    f"Node {node.name!r} has an operand that was computed from Variable {leaf.variable.name!r} when the graph "
                    f"was built. Use a jitgrad.graph.Variable."
                )


def evaluated(wanted: list[Any], order: list[Node], values: dict[int, Any]) -> list[Any]:
    """Return the values of ``wanted``: each Node is called once, and Variables have their values before the run.

    Parameters
    ----------
    wanted : list
        Nodes, Variables and Tensors.
    order : list of Node
        The Nodes from ``in_order``.
    values : dict
        The known values by the ids of their Nodes. New values are added.
    """
    for x in wanted:
        if not isinstance(x, Node):
            values[id(x)] = as_tensor(x)
    for node in order:
        if id(node) not in values:
            args, kwargs = tree_map(lambda x: values[id(x)] if isinstance(x, Node) else x, (node.args, node.kwargs))
            values[id(node)] = node.call(*args, **kwargs)
    return [None if isinstance(values[id(x)], variable.Variable) else values[id(x)] for x in wanted]
