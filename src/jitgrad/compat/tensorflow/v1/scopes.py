"""Access to Variables by name: ``tf.get_variable`` and ``tf.variable_scope``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from jitgrad.compat.tensorflow import dtypes
from jitgrad.compat.tensorflow.dtypes import DType, as_dtype
from jitgrad.compat.tensorflow.v1 import initializers
from jitgrad.compat.tensorflow.v1.graph import GraphKeys, get_default_graph
from jitgrad.compat.tensorflow.v1.shape import TensorShape
from jitgrad.compat.tensorflow.v1.variables import Variable
from jitgrad.errors import ArgumentError


class _Scope:
    """A variable scope, created by ``tf.variable_scope`` and used by ``tf.get_variable``."""

    def __init__(self, name: str, reuse: Any, initializer: Any) -> None:
        self.name, self.reuse, self.initializer = name, reuse, initializer

    @property
    def original_name_scope(self) -> str:
        """The name of the corresponding name scope."""
        return self.name + "/"

    def reuse_variables(self) -> None:
        """Make ``get_variable`` return existing Variables in this scope."""
        self.reuse = True


AUTO_REUSE = "AUTO_REUSE"


def get_variable_scope() -> _Scope:
    """Return the current variable scope."""
    graph = get_default_graph()
    if not graph.variable_scopes:
        graph.variable_scopes.append(_Scope("", False, None))
    found: _Scope = graph.variable_scopes[-1]
    return found


@contextmanager
def variable_scope(
    name_or_scope: Any, default_name: str | None = None, values: Any = None, initializer: Any = None, reuse: Any = None
) -> Iterator[_Scope]:
    """A context in which names of Variables and operations begin with ``layer/``: ``with tf.variable_scope("layer"):``."""
    graph, outer = get_default_graph(), get_variable_scope()
    if isinstance(name_or_scope, _Scope):
        name = name_or_scope.name
    else:
        own = name_or_scope or graph.unique_name(default_name or "scope", mark_as_used=False).rpartition("/")[2]
        name = f"{outer.name}/{own}" if outer.name else own
    scope = _Scope(name, outer.reuse if reuse is None else reuse, initializer or outer.initializer)
    with ExitStack() as stack:
        stack.enter_context(graph.name_scope(name.rpartition("/")[2] or None))
        graph.variable_scopes.append(scope)
        stack.callback(graph.variable_scopes.pop)
        yield scope


def get_variable(
    name: str, shape: Any = None, dtype: Any = None, initializer: Any = None, regularizer: Any = None,
    trainable: bool | None = None, collections: Sequence[str] | None = None, caching_device: Any = None,
    partitioner: Any = None, validate_shape: bool = True, use_resource: bool | None = None, custom_getter: Any = None,
    constraint: Any = None,
) -> Variable:  # fmt: skip
    """Return the Variable with a name in the variable scope, creating it if necessary.

    Raises ArgumentError, a ValueError, if the Variable exists but the scope does not reuse Variables, or if it does not exist
    and the scope reuses them.
    """
    if custom_getter is not None:
        raise ArgumentError("tf.get_variable does not support custom_getter. Change the Variable that it returns.")
    scope, graph = get_variable_scope(), get_default_graph()
    full = f"{scope.name}/{name}" if scope.name else name
    known: dict[str, Variable] = graph.named
    if full in known and scope.reuse:
        return known[full]
    if full in known:
        raise ArgumentError(f"Variable {full} already exists, disallowed. Did you mean to set reuse=tf.AUTO_REUSE in VarScope?")
    if scope.reuse is True:
        raise ArgumentError(
            f"Variable {full} does not exist, or was not created with tf.get_variable(). Did you mean to set "
            f"reuse=tf.AUTO_REUSE in VarScope?"
        )
    wanted = None if dtype is None else as_dtype(dtype)
    first = _first_value(full, initializer or scope.initializer, shape, wanted)
    with graph.name_scope(None):
        made = Variable(first, trainable, collections, name=full, dtype=wanted, constraint=constraint)
    known[full] = made
    if regularizer is not None:
        graph.add_to_collection(GraphKeys.REGULARIZATION_LOSSES, regularizer(made))
    return made


def _first_value(name: str, initializer: Any, shape: Any, dtype: DType | None) -> Any:
    if initializer is not None and not callable(initializer):
        return initializer
    if shape is None:
        raise ArgumentError(f"Shape of a new variable ({name}) must be fully defined. Give shape=, or a value as initializer.")
    sizes = TensorShape(shape).as_list()
    wanted = dtype or dtypes.float32
    if initializer is None:
        initializer = initializers.glorot_uniform if wanted.is_floating else initializers.zeros
    made: Any = initializer() if isinstance(initializer, type) else initializer
    return lambda: made(sizes, dtype=wanted)


__all__ = ["AUTO_REUSE", "get_variable", "get_variable_scope", "variable_scope"]
