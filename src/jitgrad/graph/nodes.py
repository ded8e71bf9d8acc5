"""The nodes of a static graph: calls that a session makes, placeholders and Variables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from jitgrad.errors import ArgumentError, DTypeError, ShapeError, TracingError
from jitgrad.tape import dtypes, variable
from jitgrad.tape.indexing import getitem
from jitgrad.tape.operators import Operators
from jitgrad.tape.protocol import Deferrable
from jitgrad.tape.reverse_mode import constant, differentiate, key_of
from jitgrad.tape.tensor import Tensor, as_tensor
from jitgrad.tape.trace import current
from jitgrad.tape.tree import tree_leaves, tree_pack
from jitgrad.typing import ArrayLike, DTypeLike

OpenShape = tuple[int | None, ...]


class _Deferrable(Deferrable):
    """Objects whose operations become Nodes."""

    __slots__ = ()

    def defer(self, f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Node:
        """Return a Node that calls a function when a session runs it.

        Parameters
        ----------
        f : callable
            The function.
        args : tuple
            The positional arguments of the function, which may contain Nodes.
        kwargs : dict of str to object
            The keyword arguments of the function.

        Returns
        -------
        Node
            The deferred call.
        """
        return Node(f, args, kwargs)


class Node(_Deferrable, Operators):
    """An operation of a static graph, which a session runs.

    Operators, methods and functions of jitgrad on a Node return Nodes. Use ``call`` to create a Node directly.

    Parameters
    ----------
    call : callable
        The function to call in each run.
    args : tuple, default ()
        The positional arguments of the function, which may include Nodes.
    kwargs : dict, optional
        The keyword arguments of the function.

    Attributes
    ----------
    after : tuple of Node
        Nodes that must run first, besides those among the arguments.

    Examples
    --------
    >>> x = jg.graph.placeholder("float64", (2,))
    >>> y = jg.sum(x * 2)
    >>> y
    <Node 'sum'>
    >>> float(jg.graph.Session().run(y, {x: [1.0, 2.0]}))
    6.0
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
        raise TracingError(f"Node {self.name!r} cannot require a gradient for backward(). Use graph.gradients().")

    def _value(self) -> Any:
        raise TracingError(
            f"Node {self.name!r} has no value outside of a session. Run it in a Session and feed its placeholders."
        )

    @property
    def shape(self) -> Any:
        """The shape, which is unknown."""
        raise TracingError(
            f"The shape of Node {self.name!r} is not known until it runs. Use functions of jitgrad that do not need it."
        )

    @property
    def dtype(self) -> Any:
        """The dtype, which is unknown."""
        raise TracingError(
            f"The dtype of Node {self.name!r} is not known until it runs. Use functions of jitgrad that do not need it."
        )

    def __iter__(self) -> Iterator[Tensor]:
        raise TracingError(
            f"Node {self.name!r} cannot be iterated over because its shape is not known until it runs. Index it instead."
        )

    def __bool__(self) -> bool:
        raise TracingError(f"Node {self.name!r} has no value yet, so a branch cannot depend on it. Use jitgrad.where().")

    def __getitem__(self, key: Any) -> Any:
        return Node(_item, (self, key))

    def __repr__(self) -> str:
        return f"<Node {self.name!r}>"


_NO_VALUE = (
    "A Node of a static graph has no value until a session runs it. Use functions of jitgrad, graph.call() for your own "
    "functions, and graph.gradients() for derivatives."
)


def _item(value: Any, key: Any) -> Any:
    """Return an item of a list or dict of results, or index a single result."""
    return value[key] if isinstance(value, (tuple, list, dict)) else getitem(value, key)


def call(f: Callable[..., Any], *args: Any, **kwargs: Any) -> Node:
    """Create a Node that calls a function in each run.

    Use it for functions without a Node among their arguments, such as random number generators, and for your own functions.

    Parameters
    ----------
    f : callable
        The function.
    *args : object
        The positional arguments of the function. Nodes among them are replaced by their values.
    **kwargs : object
        The keyword arguments of the function.

    Returns
    -------
    Node
        The call.

    Examples
    --------
    >>> noise = jg.graph.call(jg.random.normal, (3,))
    >>> jg.graph.Session().run(noise).shape
    (3,)
    """
    return Node(f, args, kwargs)


class Placeholder(Node):
    """A value that is fed to each run. Use ``placeholder`` to create one.

    Parameters
    ----------
    dtype : {"float32", "float64", "int64", "bool"}
        The dtype to which the fed value is cast.
    shape : tuple of int or None, or None
        The shape, with None for sizes that may differ between runs; None for any number of axes.
    name : str
        The name in error messages.

    Attributes
    ----------
    open_shape : tuple of int or None, or None
        The shape.

    Examples
    --------
    >>> jg.graph.placeholder("float32", (None, 3), name="x")
    <Placeholder 'x' shape=(None, 3) dtype=float32>
    """

    __slots__ = ("_dtype", "open_shape")

    def __init__(self, dtype: DTypeLike, shape: OpenShape | None, name: str) -> None:
        super().__init__(_unfed)
        self._dtype = np.dtype(dtype)
        if self._dtype not in dtypes.DTYPE:
            raise DTypeError(f"Placeholder {name!r} has dtype {self._dtype}. Use float32, float64, int64 or bool.")
        if shape is not None and any(n is not None and n < 0 for n in shape):
            raise ShapeError(
                f"Placeholder {name!r} has shape {shape}. Use non-negative sizes, or None for a size that may vary."
            )
        self.open_shape = shape
        self.name = name

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype to which the fed value is cast."""
        return self._dtype

    def checked(self, value: Any) -> np.ndarray:
        """Return a fed value as an array of this dtype.

        Parameters
        ----------
        value : array_like
            The value.

        Returns
        -------
        ndarray
            The array.

        Raises
        ------
        ShapeError
            If the shape does not match.
        DTypeError
            If a float is fed to an integer or boolean placeholder.
        """
        array, _ = dtypes.as_data(value.numpy() if isinstance(value, Operators) else value)
        if array.dtype.kind == "f" and self._dtype.kind != "f":
            raise DTypeError(
                f"Placeholder {self.name!r} has dtype {self._dtype} and was fed {array.dtype}. Convert the value first."
            )
        wanted = self.open_shape
        if wanted is not None and (
            len(wanted) != array.ndim or any(n not in (None, m) for n, m in zip(wanted, array.shape, strict=True))
        ):
            raise ShapeError(
                f"Placeholder {self.name!r} has shape {wanted} and was fed {array.shape}. Feed an array of that shape, "
                f"or create the placeholder with None for the size."
            )
        return array.astype(self._dtype)

    def __repr__(self) -> str:
        return f"<Placeholder {self.name!r} shape={self.open_shape} dtype={self._dtype}>"


def _unfed() -> Any:
    raise AssertionError("a placeholder is replaced by the fed value")


def placeholder(dtype: DTypeLike, shape: Sequence[int | None] | None = None, name: str | None = None) -> Placeholder:
    """Create a placeholder: a value to be fed to ``Session.run``.

    Parameters
    ----------
    dtype : {"float32", "float64", "int64", "bool"}
        The dtype to which the fed value is cast.
    shape : sequence of int or None, optional
        The shape, with None for sizes that may differ between runs. By default, any shape.
    name : str, optional
        The name in error messages.

    Returns
    -------
    Placeholder
        The placeholder.

    Examples
    --------
    >>> x = jg.graph.placeholder("float32", (None,))
    >>> jg.graph.Session().run(2 * x, {x: [1.0, 2.0]})
    array([2., 4.], dtype=float32)
    """
    sizes = None if shape is None else tuple(shape)
    return Placeholder(dtype, sizes, name or f"placeholder_{next(variable.names)}")


class Variable(_Deferrable, variable.Variable):
    """A Variable of a static graph: operations on it, and assignments, are Nodes.

    Each session has its own value; see ``Session``. ``numpy()`` and ``float()`` return the value in the session that ran last.

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

    See Also
    --------
    jitgrad.Variable : A Variable outside of static graphs.

    Examples
    --------
    >>> count = jg.graph.Variable(0.0)
    >>> step = count.assign(count + 1)
    >>> session = jg.graph.Session()
    >>> for _ in range(3):
    ...     session.run(step)
    >>> float(count)
    3.0
    """

    __slots__ = ()

    @property
    def is_deferred(self) -> bool:
        """Whether operations become Nodes. They do outside of a session."""
        return current() is None

    def _read(self) -> Tensor:
        if self.is_deferred:
            raise TracingError(_NO_VALUE)
        return super()._read()

    def assign(self, value: ArrayLike | Node) -> Any:
        """Create a Node that assigns ``value`` when it runs.

        Parameters
        ----------
        value : array_like or Node
            The value.

        Returns
        -------
        Node
            The assignment.
        """
        return Node(_assign, (self, value)) if self.is_deferred else super().assign(value)


def _assign(target: variable.Variable, value: Any) -> variable.Variable:
    return target.assign(value)


_assign.changes_state = True  # type: ignore[attr-defined]


class Initializer(Node):
    """The Node that ``global_variables_initializer`` returns, which sessions treat specially."""

    __slots__ = ()


def global_variables_initializer() -> Node:
    """Create a Node that resets all Variables of a session to their initial values.

    The reset happens after everything else that is fetched. It is not needed before the first run, because a session begins
    with the initial values.

    Returns
    -------
    Node
        The initializer.

    Examples
    --------
    >>> w = jg.graph.Variable(1.0)
    >>> session = jg.graph.Session()
    >>> session.run([w.assign(5.0), jg.graph.global_variables_initializer()])
    [None, None]
    >>> float(w)
    1.0
    """
    return Initializer(_initialize)


def _initialize() -> Any:
    raise ArgumentError("An initializer cannot be an operand of another Node. Fetch the initializer itself.")


def gradients(target: Any, sources: Any) -> Any:
    """Create Nodes for the gradients of the sum of ``target``.

    Parameters
    ----------
    target : Node
        The value to differentiate.
    sources : Variable, Placeholder, Node, or lists, tuples and dicts of them
        The values to differentiate with respect to.

    Returns
    -------
    Node, or lists, tuples and dicts of Nodes
        The gradients in the structure of ``sources``; zeros for a source that the target does not depend on.

    Examples
    --------
    >>> x = jg.graph.placeholder("float64", ())
    >>> slope = jg.graph.gradients(x**2, x)
    >>> float(jg.graph.Session().run(slope, {x: 3.0}))
    6.0
    """
    wanted = tree_leaves(sources)
    every = Node(_gradients, (target, wanted))
    return tree_pack(sources, [every[i] for i in range(len(wanted))])


def _gradients(target: Any, sources: list[Any]) -> list[Tensor]:
    return gradients_of(as_tensor(target), [as_tensor(s) for s in sources])


def gradients_of(target: Tensor, sources: list[Tensor]) -> list[Tensor]:
    """Return the gradients of the sum of ``target`` in a session's run; zeros for Tensors that it does not depend on."""
    tracing = current()
    assert tracing is not None
    mine = {id(t) for t in sources}
    found = differentiate([target], [key_of(t) for t in sources], lambda t: id(t) in mine, tracing.recording.has)
    return [constant(0.0, t) if g is None else g for g, t in zip(found, sources, strict=True)]
