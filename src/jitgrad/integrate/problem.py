"""An initial value problem: the right-hand side as a function of a list of states, and its parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from jitgrad.arguments import nonnegative
from jitgrad.errors import ArgumentError, ReadOnlyError, ShapeError
from jitgrad.tape import dtypes
from jitgrad.tape.operators import Operators
from jitgrad.tape.tensor import Tensor, as_tensor, cast
from jitgrad.tape.tree import contains, tree_leaves, tree_leaves_as, tree_map, tree_pack

Tensors = list[Tensor]


class Problem:
    """The right-hand side, the initial state and the parameters of an initial value problem.

    Attributes
    ----------
    y0 : list of Tensor
        The leaves of the initial state.
    args : tuple
        The parameters, with Tensors for floats and arrays.
    """

    def __init__(self, fun: Callable[..., Any], y0: Any, args: Any) -> None:
        if not callable(fun):
            raise ArgumentError(f"fun is {fun!r}. Give a function of t and y that returns the derivatives of y.")
        self._fun = fun
        self._like: Any = arrays(y0) if isinstance(y0, dict) else None
        self.y0 = [as_floats(x) for x in (tree_leaves(self._like) if isinstance(y0, dict) else [y0])]
        if not any(x.size for x in self.y0):
            raise ArgumentError("y0 is empty. Give the initial value of each state.")
        self.args = parameters(args)

    def pack(self, states: list[Any]) -> Any:
        """Return values of the states in the structure of y0."""
        return states[0] if self._like is None else tree_pack(self._like, states)

    def unpack(self, nest: Any, name: str) -> list[Any]:
        """Return the leaves of a value in the structure of y0."""
        return [nest] if self._like is None else tree_leaves_as(self._like, nest, name)

    def derivatives(self, t: Tensor, states: Tensors) -> Tensors:
        """Return the derivatives of the states."""
        return self.states_from(self._called(t, self.pack(states)), "fun", "the derivative of each element of y")

    def _called(self, t: Tensor, y: Any) -> Any:
        """Call the right-hand side. Errors of assignments to elements say what to return instead."""
        advice = "Return a list or np.array([...]) of the derivatives."
        try:
            return self._fun(t, y, *self.args)
        except ReadOnlyError as error:  # of y or zeros_like(y)
            raise ArgumentError(f"fun assigns to elements of a Tensor. {advice}") from error
        except ValueError as error:
            if "array element" not in str(error):
                raise
            raise ArgumentError(f"fun assigns a Tensor to an element of an array of floats. {advice}") from error

    def states_from(self, nest: Any, name: str, what: str) -> Tensors:
        """Return the leaves of a value that a user's function returned. Raise ShapeError if it is not like y0."""
        if nest is None:
            raise ArgumentError(f"{name} returns None. Return {what}.")
        made = [as_floats(x) for x in self.unpack(nest, name)]
        for x, y in zip(made, self.y0, strict=True):
            if x.shape != y.shape:
                raise ShapeError(f"{name} returns an array of shape {x.shape} for y of shape {y.shape}. Return {what}.")
        return made

    def tolerances(self, atol: Any) -> Any:
        """Return absolute tolerances: a number, or a number for each element of the states, one after another."""
        if isinstance(atol, (int, float)):
            return nonnegative("atol", atol)
        parts = []
        for given, y in zip(self.unpack(atol, "atol"), self.y0, strict=True):
            array = np.asarray(given, np.float64)
            if array.shape not in ((), y.shape) or not (np.isfinite(array).all() and (array >= 0).all()):
                raise ArgumentError(f"atol is {given!r}. Give nonnegative numbers, one or one for each element of y0.")
            parts.append(np.broadcast_to(array, y.shape).ravel())
        return np.concatenate(parts)


def arrays(y0: dict[Any, Any]) -> dict[Any, Any]:
    """Return a dict of arrays and dicts in which lists are arrays."""
    return {key: arrays(x) if isinstance(x, dict) else as_floats(x) for key, x in y0.items()}


def parameters(args: Any) -> tuple[Any, ...]:
    """Return parameters in which floats and arrays are Tensors without literals, so that new values give the same structure.

    Other values, such as integers, strings and functions, are constants of the code.
    """
    if args is None:
        return ()
    if not isinstance(args, (tuple, list)):
        raise ArgumentError(f"args is of type {type(args).__name__}. Give a tuple, such as args=(a, b) or args=(a,).")
    return tuple([tree_map(_parameter, item) for item in args])


def _parameter(value: Any) -> Any:
    if type(value) is float or isinstance(value, (np.ndarray, np.generic)):
        return as_floats(value)
    return as_tensor(value) if isinstance(value, Operators) else value


def as_floats(value: Any) -> Tensor:
    """Return an array of floats as a Tensor. Numbers are data and not literals, unless they are in a list with Tensors."""
    if contains(value, Operators):
        given = as_tensor(value)
        return given if given.level > dtypes.INTEGER else cast(given, dtypes.NUMBER)
    array = dtypes.as_data(value)[0].astype(np.float64)
    return Tensor(None, (), (), array.shape, dtypes.DATA64, array)
