"""The model and options of a fit of groups, without the data, so that it can be sent to other processes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import narwhals.stable.v1 as nw
import numpy as np

from jitgrad.arguments import by_name, positive
from jitgrad.curvefit.curve import Curve, curve_of
from jitgrad.curvefit.fit import ERRORS, METHODS
from jitgrad.curvefit.formula import Formula
from jitgrad.curvefit.gallery import MODELS, named
from jitgrad.curvefit.given import check_names, limits_of, options_of, values_of
from jitgrad.curvefit.least_squares import SolverOptions
from jitgrad.curvefit.named_model import NamedModel
from jitgrad.curvefit.text_model import TextModel
from jitgrad.errors import ArgumentError, DataError, FormulaError
from jitgrad.groupfit.given import Setting, are_bounds_for_all, extra_columns, is_for_all, is_frame, named_in
from jitgrad.groupfit.predict import predict_frame
from jitgrad.groupfit.result import GroupFits
from jitgrad.groupfit.solving import fit_table, setting_of
from jitgrad.groupfit.tables import ROW, ROW_OF_GROUP, Table, check_column, column_of, frame_of, read_frame

MEASURES = {"chisqr": "float64", "r2": "float64", "rows": "int64", "nfev": "int64", "status": "str"}
"""The columns of a result after the parameters and their standard errors, with their types."""


@dataclass(frozen=True, eq=False)
class Job:
    """A model to be fitted to each group of rows. Made by ``make_job``.

    Attributes
    ----------
    curve : Curve
        The model.
    by : tuple of str
        The key columns; empty for arrays.
    x : tuple of str
        The columns of the model, in its order.
    y : str
        The response.
    sigma : str, float or None
        The column of its standard deviations, or a number.
    absolute_sigma : bool
        Whether sigma is in the units of y.
    p0, bounds, fixed : object
        As given by the caller.
    free : tuple of int
        The indices of the fitted parameters.
    shared : tuple of int
        The indices of the parameters that all groups share.
    options : SolverOptions
        Tolerances and the loss.
    nan_policy : {"omit", "raise"} or None
        What to do with rows that contain nan.
    named : NamedModel or None
        The model, if it finds its own starting values.
    """

    curve: Curve
    by: tuple[str, ...]
    x: tuple[str, ...]
    y: str
    sigma: str | float | None
    absolute_sigma: bool
    p0: Any
    bounds: Any
    fixed: Any
    free: tuple[int, ...]
    shared: tuple[int, ...]
    options: SolverOptions
    nan_policy: str | None
    named: NamedModel | None

    @property
    def names(self) -> list[str]:
        """The parameters."""
        return self.curve.names

    @property
    def extra(self) -> list[str]:
        """The columns that starting values, bounds and fixed values refer to."""
        return list(dict.fromkeys(extra_columns(self.p0, self.bounds, self.fixed)))

    @property
    def columns(self) -> list[str]:
        """All columns that are read, keys first."""
        sigma = [self.sigma] if isinstance(self.sigma, str) else []
        return list(dict.fromkeys([*self.by, *self.x, self.y, *sigma, *self.extra]))

    def __getstate__(self) -> dict[str, Any]:
        """Return plain data: a formula as its text, a function as its recorded steps, a named model as its name."""
        model = self.named
        by_its_name = model is not None and _is_of_gallery(model.name) and named(model.name).formula == model.formula
        return self.__dict__ | {"curve": self.curve.portable(), "named": model.name if model and by_its_name else model}

    def __setstate__(self, state: dict[str, Any]) -> None:
        model = state["named"]
        self.__dict__.update(state | {"named": named(model) if isinstance(model, str) else model})

    def schema(self) -> dict[str, str]:
        """Return the columns of a result after its keys, in order, with their types: float64, int64 or str."""
        return dict.fromkeys([*self.names, *(f"{name}_stderr" for name in self.names)], "float64") | MEASURES

    @property
    def has_fixed_values(self) -> bool:
        """Whether ``fixed`` contains values, not only names."""
        return isinstance(self.fixed, Mapping) or is_frame(self.fixed)

    def fit(self, data: Any, *, threads: int | None = None, progress: bool = False) -> GroupFits:
        """Fit each group of a frame of whole groups, in any order."""
        table = read_frame(self.coded(data), self.by, self.x, self.y, self.sigma, self.extra, self.nan_policy)
        return self.fit_table(table, threads=threads, progress=progress)

    def fit_table(
        self, table: Table, setting: Setting | None = None, *, threads: int | None = None, progress: bool = False
    ) -> GroupFits:
        """Fit each group of a table, from the given starting values or from a setting."""
        table = table.logarithmic() if self.curve.log else table
        for g in range(len(table)) if self.curve.restricts else ():
            self._check(table, g)
        return fit_table(self, table, setting or setting_of(self, table), threads=threads, progress=progress)

    def _check(self, table: Table, g: int) -> None:
        """Raise DataError if the columns of a group do not suit the model."""
        try:
            self.curve.check(table.columns_of(g))
            if self.curve.suited(table.columns_of(g)) is not self.curve:
                raise DataError("There are several experiments. Fit them with curve_fit, or make each of them a group.")
        except DataError as error:
            key = "" if table.keys is None else ", ".join(map(str, table.keys.row(g)))
            raise DataError(f"Group {key or g}: {error}") from None

    def coded(self, data: Any) -> Any:
        """Return data as a narwhals frame, with numbers in place of the labels that the model takes."""
        frame, model = frame_of(data), self.curve.model
        for name in self.curve.columns if self.curve.restricts else ():
            column = column_of(frame, name)
            codes = model._coded(name, column)
            if codes is not column:
                frame = frame.with_columns(nw.new_series(name, codes, native_namespace=nw.get_native_namespace(frame)))
        return frame

    def predict(self, data: Any, fits: Any) -> Any:
        """Return a frame with a column ``predicted``, computed with the parameters of each key in the frame ``fits``.

        It is nan if the key is not in ``fits``, or its parameters are nan.
        """
        return predict_frame(self, data, fits)

    def chosen(self, names: Sequence[str], columns: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Return the columns of the model. A single column may have any name. Raises DataError if one is missing."""
        if len(names) == len(self.x) == 1:
            return list(columns)
        for name in self.x:
            check_column(name, names)
        return [columns[names.index(name)] for name in self.x]

    def starts_of(self, given: Any, table: Table) -> np.ndarray:
        """Return other starting values of the groups of a table, (G, p). Fixed parameters keep their values."""
        return setting_of(replace(self, p0=given), table).starts


def make_job(
    model: Any,
    names: Sequence[str],
    *,
    by: str | Sequence[str],
    y: str,
    x: str | Sequence[str] | None = None,
    p0: Any = None,
    sigma: Any = None,
    absolute_sigma: bool = False,
    bounds: Any = None,
    method: str | None = "auto",
    fixed: Any = None,
    shared: str | Sequence[str] = (),
    loss: str = "linear",
    f_scale: float = 1.0,
    ftol: float | None = None,
    xtol: float | None = None,
    gtol: float | None = None,
    max_nfev: int | None = None,
    nan_policy: str | None = None,
    errors: str = "normal",
) -> Job:
    """Return a Job for data with columns of these names; see ``fit_groups`` for the arguments.

    Raises ArgumentError, FormulaError or DataError for arguments that are invalid for all data.
    """
    by = tuple(dict.fromkeys(_names_in("by", by, "Give the names of columns, as texts.")))
    if y in by:
        raise ArgumentError(f"{y!r} is both the response and a key. Remove it from the keys {', '.join(by)}.")
    if sigma is not None and not isinstance(sigma, str):
        sigma = positive("sigma", sigma)
    _check_method(method, bounds, loss)
    by_name("errors", errors, ERRORS)
    if nan_policy not in (None, "omit", "raise"):
        raise ArgumentError(f"nan_policy must be one of {{None, 'raise', 'omit'}}. It is {nan_policy!r}.")
    options = options_of(loss, f_scale, ftol, xtol, gtol, max_nfev)
    model = named(model) if isinstance(model, str) and _is_of_gallery(model) else model
    extra = extra_columns(p0, bounds, fixed)
    known = [*by, y, *([sigma] if isinstance(sigma, str) else []), *extra]
    for name in [*known, *([x] if isinstance(x, str) else x or [])]:
        check_column(name, names)
    if p0 is not None and (isinstance(p0, str) or not (isinstance(p0, Mapping) or is_frame(p0) or np.ndim(p0))):
        raise ArgumentError(f"{{argument}} is {p0!r}. Give a sequence of numbers, or a dict by name.", argument="p0")
    is_formula = isinstance(model, (str, TextModel))
    hidden = [name for name in extra if not is_formula or name in named_in(p0, bounds, fixed)]
    curve, x = _curve(model, names, by, [y, sigma], hidden, x, p0, errors == "lognormal")
    free = _free(fixed, curve.names, p0)
    starts = values_of("p0", p0, curve.names, {}) if p0 is not None and is_for_all(p0) else np.full(len(curve.names), np.nan)
    if are_bounds_for_all(bounds):
        limits_of(bounds, starts, curve.names, {})
    job = Job(
        curve, by, x, y, sigma, absolute_sigma, p0, bounds, fixed, free, _shared(shared, free, curve.names),
        curve.tolerances(options),
        nan_policy, model if isinstance(model, NamedModel) else None,
    )  # fmt: skip
    _check_result(job)
    return job


def _check_result(job: Job) -> None:
    """Raise ArgumentError if two columns of the result would have the same name."""
    for name in job.by:
        if name in job.schema():
            raise ArgumentError(f"The key {name!r} has the same name as a column of the result. Rename it.")
        if name in (ROW, ROW_OF_GROUP, "reason"):
            raise ArgumentError(f"The key {name!r} has a name that is reserved. Rename it.")
    for name in job.names:
        if name in MEASURES or name.removesuffix("_stderr") in set(job.names) - {name}:
            raise ArgumentError(f"The parameter {name!r} has the same name as a column of the result. Rename it.")


def _names_in(what: str, given: Any, advice: str) -> list[str]:
    """Return one or more names as a list. Raises ArgumentError for other values."""
    names: list[Any] = [given] if isinstance(given, str) else list(given) if isinstance(given, Iterable) else [None]
    if not all(isinstance(name, str) for name in names):
        raise ArgumentError(f"{{argument}} is of type {type(given).__name__}. {advice}", argument=what)
    return names


def _is_of_gallery(name: str) -> bool:
    return name in MODELS or name.partition(":")[0] == "polynomial"


def _check_method(method: str | None, bounds: Any, loss: Any) -> None:
    by_name("method", method or "auto", METHODS)
    if method in ("lbfgs", "adam") or callable(loss):
        what = f"Method {method!r}" if method in ("lbfgs", "adam") else "A custom loss"
        raise ArgumentError(f"{what} is not supported for many groups. Use method 'auto' with a named loss, or curve_fit.")
    if method == "lm" and bounds is not None:
        raise ArgumentError("Method 'lm' only works for unconstrained problems. Use 'auto', 'trf' or 'dogbox' with bounds.")


def _curve(
    model: Any, names: Sequence[str], by: Sequence[str], taken: Sequence[Any], extra: Sequence[str], x: Any, p0: Any, log: bool
) -> tuple[Curve, tuple[str, ...]]:
    """Return the model, and the names of its columns.

    These are neither the response and its sigma (``taken``), nor columns with values of parameters (``extra``).
    """
    is_formula = isinstance(model, (str, TextModel))
    others = [name for name in names if name not in (*taken, *extra) and (is_formula or name not in by)]
    chosen = [x] if isinstance(x, str) else others if x is None else list(x)
    starts = None if p0 is None or is_frame(p0) else p0
    given = list(starts) if isinstance(starts, Mapping) else None
    count = None if starts is None or given is not None else np.shape(starts)[-1]
    if isinstance(model, NamedModel):
        if len(model.columns) == 1 != len(chosen):
            raise ArgumentError(
                f"The model takes one column, but the candidates are {', '.join(chosen) or 'none'}. Choose one with x=."
            )
        own = model.named_columns({name: name for name in chosen})
        return curve_of(model, dict.fromkeys(own), given, count, log), tuple(own.values())
    if not is_formula and (isinstance(x, str) or len(chosen) == 1):
        return curve_of(model, {"": None}, given, count, log), tuple(chosen)
    if is_formula:
        model = model if isinstance(model, TextModel) else Formula(model)
        _check_response(model, taken)
    curve = curve_of(model, dict.fromkeys(chosen), given, count, log)
    return curve, tuple(curve.columns)


def _shared(shared: str | Sequence[str], free: Sequence[int], names: Sequence[str]) -> tuple[int, ...]:
    """Return the indices of the shared parameters. Raises ArgumentError if one is fixed."""
    wanted = _names_in("shared", shared, "Give names of parameters.")
    check_names("shared", wanted, names, {})
    for name in wanted:
        if names.index(name) not in free:
            raise ArgumentError(f"Parameter {name!r} is both fixed and shared. Remove it from one of the two.")
    return tuple(k for k in free if names[k] in wanted)


def _check_response(model: Formula, taken: Sequence[Any]) -> None:
    for name in taken:
        if name in model.names:
            raise FormulaError(f"The formula uses {name!r}, which is the response or its sigma. Remove it from the formula.")


def _free(fixed: Any, names: Sequence[str], p0: Any) -> tuple[int, ...]:
    """Return the indices of the parameters to fit. Raises ArgumentError if a fixed one has no value."""
    if fixed is None:
        return tuple(range(len(names)))
    if is_frame(fixed):
        held = [name for name in names if name in frame_of(fixed).columns]
    else:
        held = _names_in("fixed", fixed, "Give names of parameters, or a dict of values by name.")
        check_names("fixed", held, names, {})
    if not isinstance(fixed, Mapping) and not is_frame(fixed):
        for name in held:
            if p0 is None or (isinstance(p0, Mapping) and name not in p0):
                raise ArgumentError(
                    f"Parameter {name!r} is fixed but has no value. Give its value in {{argument}}, or as a starting value.",
                    argument="fixed",
                )
    return tuple(k for k, name in enumerate(names) if name not in held)
