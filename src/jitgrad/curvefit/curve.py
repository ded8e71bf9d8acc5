"""A model with its columns and parameters, and how their names are determined."""

from __future__ import annotations

import builtins
import copy
import functools
import inspect
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from jitgrad.curvefit import data as given_data
from jitgrad.curvefit.formula import EULER, Formula
from jitgrad.curvefit.gallery import MODELS
from jitgrad.curvefit.least_squares import SolverOptions, block_of
from jitgrad.curvefit.lowered_model import LoweredBundle, LoweredModel, trace_bundle, trace_model
from jitgrad.curvefit.named_model import NamedModel
from jitgrad.curvefit.recorded import RecordedModel, recorded
from jitgrad.curvefit.text_model import TextModel
from jitgrad.errors import ArgumentError, DataError, JitgradError, UntraceableError, listed, near_name
from jitgrad.ops.elementwise import log as logarithm
from jitgrad.ops.table import Op
from jitgrad.tape.function import Function
from jitgrad.tape.lru import Recent
from jitgrad.tape.tensor import Tensor, as_tensor

Model: TypeAlias = str | TextModel | NamedModel | Callable[..., Any]
"""A model as users pass it: a formula or its text, differential equations, a named model or its name, or a function."""

KEPT_TRACES, KEPT_ELEMENTS = 256, 1 << 23
"""The limits of the cache of traced models: the number of entries, and the total size of their Programs."""
MOST_CALLS = 8
"""The deepest nesting of function calls in a model that is compared with cached ones."""
MOST_COMPARED = 1024
"""The largest size of an array in a model that is compared with cached ones."""

_TRACES: Recent[LoweredModel] = Recent(KEPT_TRACES, KEPT_ELEMENTS, lambda traced: traced.program.size)
_BUNDLES: Recent[LoweredBundle] = Recent(KEPT_TRACES, KEPT_ELEMENTS, lambda traced: traced.executable.program.size)


class Curve:
    """A model with its columns.

    Attributes
    ----------
    names : list of str
        The parameters, in order.
    columns : list of str
        The columns, in order. An array that a function takes directly is named "".
    key : object
        A hashable key of the model's computation; None if this may change. The model is then traced each time.
    remarks : tuple of str
        Remarks on the model, a clause each.
    log : bool
        Whether the values are logarithms of the response, whose errors are normal if those of the response are log-normal.
    """

    key: Any
    remarks: tuple[str, ...] = ()
    log: bool

    def __init__(self, model: Any, names: Sequence[str], columns: Sequence[str], log: bool = False) -> None:
        self.model = model
        self.names = list(names)
        self.columns = list(columns)
        self.log = log
        self.key = model.key if isinstance(model, TextModel) and model.plain else plain_key(model)
        if log and self.key is not None:
            self.key = "log", self.key
        if isinstance(model, TextModel) and EULER in self.names:
            self.remarks = (f"{EULER} is a parameter; write {EULER}() or exp(1) for Euler's number",)

    def __reduce__(self) -> Any:
        return Curve, (self.model, self.names, self.columns, self.log)

    def portable(self) -> Curve:
        """Return the curve for another process: a formula, or a recorded function. Raises UnsupportedError otherwise."""
        if isinstance(self.model, RecordedModel) or (isinstance(self.model, TextModel) and self.model.plain):
            return self
        name = getattr(self.model, "__name__", "of the model")
        model = recorded(self._value, len(self.columns), len(self.names), name)
        return type(self)(model, self.names, self.columns, self.log)

    def of(self, log: bool) -> Curve:
        """Return the curve of the response or of its logarithm."""
        return type(self)(self.model, self.names, self.columns, log)

    def rough(self) -> Curve:
        """Return the curve for a search, which may be less accurate."""
        return type(self)(self.model._rough(), self.names, self.columns, self.log) if self.restricts else self

    def responses(self, values: np.ndarray) -> np.ndarray:
        """Return values of the curve as values of the response."""
        return np.exp(values) if self.log else values

    def tolerances(self, options: SolverOptions) -> SolverOptions:
        """Return the options of the solver for the accuracy of the model."""
        return options.within(self.model.accuracy) if isinstance(self.model, TextModel) else options

    @property
    def restricts(self) -> bool:
        """Whether the columns of each fit must be checked, or have labels."""
        return isinstance(self.model, TextModel) and self.model.restricts

    def check(self, columns: Sequence[np.ndarray]) -> None:
        """Raise DataError if the columns of a fit do not suit the model."""
        if self.restricts:
            self.model._check_columns(dict(zip(self.columns, columns, strict=True)))

    def suited(self, columns: Sequence[np.ndarray]) -> Curve:
        """Return the curve for the columns of a fit, which determine the rows of each experiment."""
        if not self.restricts:
            return self
        model = self.model._suited(dict(zip(self.columns, columns, strict=True)))
        if model is self.model:
            return self
        made = copy.copy(self)
        made.model, made.key = model, self.key and (self.key, model.key)
        return made

    def __call__(self, columns: Sequence[Tensor], parameters: Sequence[Tensor]) -> Any:
        """Return the value as a Tensor. Raises UntraceableError if the function raises any exception."""
        value = self._value(columns, parameters)
        return logarithm(value) if self.log else value

    def _value(self, columns: Sequence[Tensor], parameters: Sequence[Tensor]) -> Any:
        """Return the response as a Tensor."""
        if isinstance(self.model, TextModel):
            return self.model(**dict(zip([*self.columns, *self.names], [*columns, *parameters], strict=True)))
        try:
            return as_tensor(self.model(self._given(columns), *parameters))
        except Exception as error:
            said = str(error).partition("\n")[0]
            said = said.rpartition(". ")[0] if isinstance(error, JitgradError) else said
            raise UntraceableError(f"The function cannot be traced ({type(error).__name__}: {said}).") from error

    def _given(self, columns: Sequence[Tensor]) -> Any:
        """Return the columns in the form that the function expects."""
        return columns[0] if self.columns == [""] else dict(zip(self.columns, columns, strict=True))

    def arrays(self, x: Any) -> list[np.ndarray]:
        """Return the columns of the model from an array, a mapping, a frame, or a list of its columns as arrays.

        Raises DataError if a column is missing or not numeric.
        """
        if isinstance(x, list) and all(isinstance(c, np.ndarray) for c in x):
            return x
        return self.chosen(given_data.columns_of(x, isinstance(self.model, TextModel)))

    def chosen(self, columns: Mapping[str, Any]) -> list[np.ndarray]:
        """Return the columns of the model as arrays. Raises DataError if one is missing or not numeric."""
        if len(columns) == len(self.columns) == 1:  # under any name
            columns = {self.columns[0]: next(iter(columns.values()))}
        for name in self.columns:
            if name not in columns:
                raise DataError(f"There is no column {name!r}.{near_name(name, columns)} The columns are {', '.join(columns)}.")
        coded = self.model._coded if self.restricts else lambda name, values: values
        return [given_data.numbers(coded(name, columns[name]), name or "x") for name in self.columns]

    def evaluate(
        self, values: np.ndarray, free: Sequence[int], columns: Sequence[np.ndarray], rows: int | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the values, (rows,), and their Jacobian with respect to the parameters ``free``, (rows, n).

        Rows of differential equations with different values of a column that is constant in a fit are evaluated separately.
        """
        parts = self.model._separate(dict(zip(self.columns, columns, strict=True))) if self.restricts else []
        if len(parts) > 1:
            found = [self.evaluate(values, free, [c[part] for c in columns]) for part in parts]
            order = np.argsort(np.concatenate(parts))
            return np.concatenate([said for said, _ in found])[order], np.concatenate([slopes for _, slopes in found])[order]
        self.check(columns)
        whole = self.recorded(columns, free, rows)
        rows, traced = whole.rows, self.traced(columns, free, whole.rows)
        result = np.empty((1 + len(free), rows))
        with traced.executable.context() as context:
            traced.executable.load(context)
            for first in range(0, rows, traced.rows):
                part = slice(first, min(first + traced.rows, rows))
                block = [_padded(c[part], traced.rows) for c in columns] if traced.by_rows else columns
                context.load([*values, *block], stop=traced.executable.n_given)
                context.run()
                for row, output in zip(result, context.outputs, strict=True):
                    row[part] = output[: part.stop - first] if output.size > 1 else output
        return result[0], result[1:].T

    def values(
        self, values: np.ndarray, free: Sequence[int], columns: Sequence[np.ndarray], rows: int | None = None
    ) -> np.ndarray:
        """Return the value for each row, (rows,)."""
        return self.evaluate(values, free, columns, rows)[0]

    def goes_by_rows(self, columns: Sequence[np.ndarray], free: Sequence[int], rows: int) -> bool:
        """Return whether the model computes each row from that row alone."""
        return self.traced(columns, free, rows).by_rows

    def traced(self, columns: Sequence[np.ndarray], free: Sequence[int], rows: int) -> LoweredModel:
        """Return the model as a Program, with its derivatives with respect to the parameters ``free``.

        If there are many rows and each is computed independently, the Program is for a block of rows.
        """
        traced = self.recorded(columns, free, rows)
        edges = traced.edges.needed(columns)
        traced = self.recorded(columns, free, rows, True) if edges else traced
        block = block_of(traced.rows, traced.by_rows)
        if block == traced.rows:
            return traced
        part = self.recorded([c[:block] for c in columns], free, block, edges)
        if (
            part.by_rows
            and part.structure == traced.structure
            and list(part.executable.closed_over()) == list(traced.executable.closed_over())
        ):
            return part
        return replace(traced, by_rows=False)  # the model depends on the number of rows

    def recorded(
        self, columns: Sequence[np.ndarray], free: Sequence[int], rows: int | None, edges: bool = False
    ) -> LoweredModel:
        """Return the model for columns of these shapes, for all rows at once."""
        curve, shapes = self.suited(columns), tuple([c.shape for c in columns])
        key = (
            None if curve.key is None else (curve.key, tuple(self.columns), tuple(self.names), tuple(free), shapes, rows, edges)
        )
        traced = None if key is None else _TRACES.get(key)
        if traced is None:
            traced = trace_model(curve, shapes, len(self.names), free, rows, edges, _TRACES if key is None else None)
            if key is not None:
                _TRACES.put(key, traced)
        return traced

    def bundled(self, lowered: LoweredModel, rows: int, lanes: int, shared: bool, edges: bool) -> LoweredBundle:
        """Return the model for a bundle of fits; see ``LoweredBundle``."""
        structure = None if self.key is None else (self.key, tuple(self.columns), tuple(self.names))
        key = "bundle", structure, lowered.free, rows, lanes, shared, edges
        made = None if structure is None else _BUNDLES.get(key)
        if made is None:
            made = trace_bundle(self, len(self.columns), len(self.names), lowered.free, rows, lanes, shared, edges)
            if structure is not None:
                _BUNDLES.put(key, made)
        return made


class TupleCurve(Curve):
    """A function that takes several columns as a tuple: ``x, y = xy``."""

    def __init__(self, model: Any, names: Sequence[str], columns: Sequence[str], log: bool = False) -> None:
        super().__init__(model, names, columns, log)
        self.key = None if self.key is None else ("a tuple", self.key)

    def __reduce__(self) -> Any:
        return TupleCurve, (self.model, self.names, self.columns, self.log)

    def _given(self, columns: Sequence[Tensor]) -> Any:
        return tuple(columns)


def _padded(column: np.ndarray, rows: int) -> np.ndarray:
    """Return a column extended to ``rows`` rows by repeating its last element."""
    return column if len(column) == rows else np.pad(column, (0, rows - len(column)), mode="edge")


def plain_key(model: Any) -> Any:
    """Return a hashable key of a function's computation, or None if the function uses anything but plain data.

    The key consists of the code and everything that it looks up, including the numbers in small arrays. Functions made by
    ``jitgrad.function`` are compared by id, because they are traced only once.
    """
    if isinstance(model, RecordedModel):
        return model.steps
    if isinstance(model, Function):
        return model
    try:
        return _function_key(model, 0) if isinstance(model, types.FunctionType) else None
    except (TypeError, ValueError):  # a mutable object, or an empty cell
        return None


_PLAIN = (int, float, complex, str, bytes, types.NoneType, np.generic)
_OPS = (np.ufunc, Op, type(np.where))
_LIBRARIES = ("numpy", "jitgrad", "math")
_OF_PYTHON = {
    abs, all, any, bool, complex, dict, divmod, enumerate, float, int, isinstance, len, list, map, max, min, pow, range,
    reversed, round, set, sorted, str, sum, tuple, type, zip,
}  # fmt: skip


def _key(value: Any, depth: int) -> Any:
    """Return a key of an object that a function looks up. Raises TypeError if it is mutable, and not a small array."""
    if isinstance(value, _PLAIN):
        return type(value), repr(value)
    if type(value) is np.ndarray and value.dtype.kind in "biuf" and value.size <= MOST_COMPARED:
        return value.dtype.str, value.shape, value.tobytes()
    if type(value) is tuple:
        return tuple([_key(item, depth) for item in value])
    if isinstance(value, _OPS) or _is_of_library(value):
        return value
    if isinstance(value, (type, types.BuiltinFunctionType)) and value in _OF_PYTHON:
        return value
    if isinstance(value, types.FunctionType) and depth < MOST_CALLS:
        return _function_key(value, depth + 1)
    raise TypeError(value)


def _is_of_library(value: Any) -> bool:
    """Return whether an object is a module or function whose behavior is fixed; False for random numbers."""
    if isinstance(value, types.BuiltinFunctionType):
        value = value.__self__  # a module, or the object of a method
    name = value.__name__ if isinstance(value, types.ModuleType) else getattr(value, "__module__", None)
    parts = str(name).split(".")
    return isinstance(value, (types.ModuleType, types.FunctionType)) and parts[0] in _LIBRARIES and "random" not in parts


def _function_key(function: types.FunctionType, depth: int) -> Any:
    """Return a key of a function. Raises TypeError if it has attributes or looks up mutable objects."""
    if function.__dict__:
        raise TypeError(function)
    places = (function.__globals__, vars(builtins), sys.modules)
    known = [(name, next((place[name] for place in places if name in place), None)) for name in _names(function.__code__)]
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    defaults = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    return (
        function.__code__,
        tuple([_key(value, depth) for value in (*defaults, *cells)]),
        tuple([(name, _key(value, depth)) for name, value in known]),
    )


@functools.cache
def _names(code: types.CodeType) -> tuple[str, ...]:
    """Return the names of globals, attributes and modules that code and the functions in it look up."""
    inner = [_names(c) for c in code.co_consts if isinstance(c, types.CodeType)]
    return tuple(sorted({*code.co_names}.union(*inner)))


def names_of(model: Callable[..., Any], given: Sequence[str] | None, count: int | None) -> list[str]:
    """Return the names of a function's parameters: its arguments after the first one.

    Parameters
    ----------
    model : callable
        The function.
    given : sequence of str or None
        The names of the starting values, used if the function takes ``*args``.
    count : int or None
        The number of starting values, if they have no names.

    Raises
    ------
    ArgumentError
        If there are no parameters, or their number is unknown.
    """
    inner = model.function if isinstance(model, Function) else model
    parameters = list(inspect.signature(inner).parameters.values())
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)][1:]
    names = [p.name for p in positional]
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        if given is None and count is None:
            raise ArgumentError("The model takes *args, so its number of parameters is unknown. Give starting values p0.")
        names += list(given)[len(names) :] if given is not None else [f"p{k}" for k in range(len(names), count or 0)]
    elif given is None and count is not None and all(p.default is not p.empty for p in positional[count:]):
        names = names[:count]  # the rest are options with defaults
    if not names:
        raise ArgumentError("The model has no parameters. Write it as f(x, a, b, …).")
    return names


def curve_of(
    model: Any, columns: Mapping[str, Any], names: Sequence[str] | None, count: int | None, log: bool = False
) -> Curve:
    """Return the Curve of a model.

    Parameters
    ----------
    model : str, Formula, NamedModel or callable
        The model.
    columns : mapping
        The available columns by name; a single array is called "".
    names, count
        See ``names_of``.
    log : bool, default False
        Whether the curve computes the logarithm of the response.

    Raises
    ------
    ArgumentError, FormulaError
        If the model is invalid, or has no parameters.
    DataError
        If the formula uses none of the columns.
    """
    if isinstance(model, (NamedModel, str, TextModel)):
        return _curve_of_formula(model, tuple(columns), log)
    if not callable(model):
        raise ArgumentError(f"The model is {model!r}. Give a formula, or a function f(x, a, b, …).")
    return Curve(model, names_of(model, names, count), list(columns), log)


@functools.lru_cache(maxsize=KEPT_TRACES)
def _curve_of_formula(model: Any, known: tuple[str, ...], log: bool) -> Curve:
    made = model.text_model if isinstance(model, NamedModel) else Formula(model) if isinstance(model, str) else model
    made = made._bound(known)
    used = [name for name in known if name in made.names or name in made.constants]
    names = list(model.parameters) if isinstance(model, NamedModel) else made.parameters(known)
    if not used and known:
        near = near_name(made.text, MODELS) or near_name(known[0], made.names)
        what = f"none of the columns {listed(known)}" if len(known) > 1 else f"no column; the only one is {known[0]}"
        raise DataError(f"The formula uses {what}.{near} Use at least one column in it.")
    if not names:
        raise ArgumentError(f"Every name in the formula {made.text!r} is a column. Add at least one parameter.")
    return Curve(made, names, used, log)
