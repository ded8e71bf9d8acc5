"""Models that are differential equations: ``ode`` and its result."""

from __future__ import annotations

import copy
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from jitgrad.arguments import positive
from jitgrad.curvefit.equations import TIME, doses_of, equations, initial_values, parsed_value
from jitgrad.curvefit.experiments import check_constant, codes_of, counts_of, states_of_experiments
from jitgrad.curvefit.formula import Formula
from jitgrad.curvefit.lowered_model import ERRORS
from jitgrad.curvefit.observed import observed
from jitgrad.curvefit.text_model import TextModel
from jitgrad.curvefit.trajectories import states_at
from jitgrad.errors import DataError, FormulaError, listed, near_name
from jitgrad.tape.tensor import Tensor, as_tensor

Expression: TypeAlias = "str | float"
"""A number, or an expression of parameters and columns."""
Doses: TypeAlias = "Mapping[str, Sequence[tuple[Expression, Expression]]]"
"""For a state, the times and amounts that are added to it."""
Observe: TypeAlias = "str | Sequence[str] | Mapping[Any, str] | None"
"""What is observed: an expression, or several with labels."""
TIMES = ("t", "time", "x")
"""The columns that are times, in any case, if none is named; the first of them that exists."""


MOST_STEPS, MOST_ROUGH_STEPS = 10_000, 300
"""The largest number of steps of an integration, and of one in a search for starting values."""
ROUGH = 1e-4
"""The relative tolerance in a search for starting values."""


class OdeModel(TextModel):
    """A model of differential equations.

    Use `ode` to make one. It is a model for `jitgrad.curve_fit` and `jitgrad.fit_groups`, and can be called with a value for
    each of its names.

    Parameters
    ----------
    text : str
        The equations.
    initial : mapping of str to float or str, optional
        The initial values.
    observe : str, sequence of str, or mapping, optional
        What is measured.
    which : str, optional
        The column that contains what is measured in each row.
    by : str, optional
        The column that contains the experiment of each row.
    time : str, optional
        The column of times.
    t0 : float or str, default 0
        The time of the initial values.
    doses : mapping of str to sequence of (time, amount), optional
        Amounts that are added to states.
    method : str, default "auto"
        The method of integration.
    rtol, atol : float, default 1e-8 and 1e-12
        The tolerances of the integration.

    Attributes
    ----------
    text : str
        The equations with the initial values, on one line.
    names : list of str
        The names of columns and parameters, in order of appearance.
    states : list of str
        The states.
    lines : list of str
        The definitions, equations and initial values, and what is observed.

    See Also
    --------
    ode : Describes the language of equations.

    Examples
    --------
    >>> model = jg.curvefit.ode("A' = -k * A", initial={"A": "dose"})
    >>> model.states, model.names
    (['A'], ['k', 'dose'])
    >>> model(t=np.array([0.0, 1.0]), k=np.log(2), dose=4.0).numpy().round(6)
    array([4., 2.])
    """

    plain = restricts = True

    def __init__(
        self,
        text: str,
        initial: Mapping[str, Expression] | None = None,
        observe: Observe = None,
        which: str | None = None,
        by: str | None = None,
        time: str | None = None,
        t0: Expression = 0,
        doses: Doses | None = None,
        method: str = "auto",
        rtol: float = 1e-8,
        atol: float = 1e-12,
    ) -> None:
        self._arguments = (
            text, None if initial is None else dict(initial), dict(observe) if isinstance(observe, Mapping) else observe, which,
            by, time, t0, None if doses is None else {name: list(given) for name, given in doses.items()}, method,
            positive("rtol", rtol), positive("atol", atol),
        )  # fmt: skip
        self.accuracy = ERRORS * rtol
        self._equations = equations(text)
        self.states, self._time, self._which, self._by = list(self._equations.rates), time, which, by
        self._counts: tuple[int, ...] = ()
        self._initial = initial_values(self._equations, initial or {}, needed=not doses)
        self._observed = observed(observe, which, self._equations)
        self._t0 = parsed_value(t0, "t0")
        self._doses = doses_of(doses or {}, self.states)
        self._options = {
            "method": method,
            "rtol": rtol,
            "atol": atol,
            "max_steps": MOST_STEPS if rtol < ROUGH else MOST_ROUGH_STEPS,
        }
        begun = [*((f"{name}(0)", f) for name, f in self._initial.items()), ("t0", self._t0)]
        begun += [(f"a dose of {self.states[k]}", f) for k, *both in self._doses for f in both]
        self._check_constant(begun)
        once = self._equations.used([*self._equations.rates.values(), *(f for _, f in begun)])
        self._once = self._equations.free_names(once)
        every = [*self._equations.definitions.values(), *once, *self._observed.formulas.values()]
        names = self._equations.free_names(every)
        labels = [name for name in (which, by) if name]
        self.names = list(dict.fromkeys([*([time] if time else []), *names, *labels]))
        self.constants = list(dict.fromkeys(name for formula in every for name in formula.constants))
        super().__init__("; ".join(self.lines[: -len(self._observed.formulas)]))
        self.labels = labels

    def __reduce__(self) -> Any:
        return OdeModel, self._arguments

    def __repr__(self) -> str:
        return "\n".join(self.lines)

    @property
    def key(self) -> Hashable:
        """A key of the computation."""
        return repr(self._arguments), self._counts

    @property
    def lines(self) -> list[str]:
        """The definitions, equations and initial values, and what is observed, a line each."""
        at = self._t0.text if self._t0.names else f"{float(self._t0()):g}"
        begun = [f"{name}({at}) = {formula.text}" for name, formula in self._initial.items()]
        begun += [f"{self.states[k]} += {amount.text} at t = {time.text}" for k, time, amount in self._doses]
        seen = [
            f"observed: {f.text}" + ("" if self._which is None else f" where {self._which} is {label}")
            for label, f in self._observed.formulas.items()
        ]
        return [*self._equations.lines, *begun, *seen]

    def _equation(self, name: str) -> str:
        """Return the model as equations for a response of this name."""
        seen = [f"{name} = {f.text}" for f in self._observed.formulas.values()]
        return "; ".join([*seen, self.text]) if self._which is None else self.text

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments of `ode` that make this model."""
        names = ("text", "initial", "observe", "which", "by", "time", "t0", "doses", "method", "rtol", "atol")
        return dict(zip(names, self._arguments, strict=True))

    def _check_constant(self, given: Iterable[tuple[str, Formula]]) -> None:
        """Raise FormulaError for initial values that depend on states or time."""
        for of, formula in given:
            for used in self._equations.used([formula]):
                for name in used.names:
                    if name in self.states or name == TIME:
                        raise FormulaError(
                            f"In {of} = {formula.text}: {name!r} varies with time. Use parameters, columns and numbers."
                        )

    def _bound(self, columns: Sequence[str]) -> OdeModel:
        """Return the model for data with these columns, one of which is the time. Raises DataError if it is not clear which."""
        for of, name in {"which": self._which, "by": self._by}.items():
            if name is not None and name not in columns:
                near = near_name(name, columns)
                raise DataError(f"There is no column {name!r} for {of}.{near} The columns are {listed(columns)}.")
        if self._time in columns or not columns:
            return self
        return type(self)(**self.arguments | {"time": self._time_of(columns)})

    def _time_of(self, columns: Sequence[str]) -> str:
        """Return the column of times."""
        if tuple(columns) == ("x",):  # an array
            return "x"
        if self._time is not None:
            near = near_name(self._time, columns)
            raise DataError(f"There is no column {self._time!r} for the time.{near} The columns are {listed(columns)}.")
        for wanted in TIMES:
            for name in columns:
                if name.casefold() == wanted and (name not in self.names or wanted == "time"):
                    return name
        rest = [name for name in columns if name not in self.names]
        if len(rest) != 1:
            raise DataError(
                f"No column is called t or time. Name the column of times by time=, one of {listed(rest or columns)}."
            )
        return rest[0]

    def _check_columns(self, columns: Mapping[str, np.ndarray]) -> None:
        """Raise DataError for columns that vary within an experiment, and times before the initial time."""
        codes = columns.get(self._by or "")
        once = [name for name in self._once if name in columns and name != self._time]
        for part in [slice(None)] if codes is None else [codes == code for code in np.unique(codes)]:
            rows = {name: values[part] for name, values in columns.items()}
            if rows and all(len(values) for values in rows.values()):  # none are known while the model is traced
                check_constant({name: rows[name] for name in once}, self._by)
                self._check_start(rows)

    def _separate(self, columns: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """Return the rows with the same values of all columns that are constant within an experiment, if ``by`` names none."""
        once = [columns[name] for name in self._once if name in columns and name != self._time]
        if self._by is not None or not once:
            return []
        _, kinds = np.unique(np.stack(once), axis=1, return_inverse=True)
        return [np.flatnonzero(kinds == kind) for kind in range(kinds.max(initial=-1) + 1)]

    def _check_start(self, rows: Mapping[str, np.ndarray]) -> None:
        """Raise DataError for times and doses of an experiment before the initial time."""
        start, times = _known(self._t0, rows), rows.get(self._time or TIME)
        if start is None:
            return
        given = [(f"A dose of {self.states[k]!r}", _known(time, rows)) for k, time, _ in self._doses]
        for what, time in [(f"Column {self._time!r}", None if times is None else times.min()), *given]:
            if time is not None and time < start:
                raise DataError(
                    f"{what} has the time {time:g}, before the initial values, which are given at {start:g}. "
                    f"Set t0 to the time of the initial values."
                )

    def _suited(self, columns: Mapping[str, np.ndarray]) -> OdeModel:
        """Return the model for the number of rows of each experiment in the data."""
        codes = columns.get(self._by or "")
        counts = self._counts if codes is None else counts_of(codes)
        if counts == self._counts:
            return self
        made = copy.copy(self)
        made._counts = counts
        return made

    def _rough(self) -> OdeModel:
        """Return the model with a large tolerance, for a search."""
        given = self.arguments
        rough = {"rtol": max(ROUGH, given["rtol"]), "atol": max(ROUGH**2, given["atol"])}
        return type(self)(**given | rough)

    def _coded(self, name: str, values: Any) -> Any:
        """Return the values of a column, with numbers in place of labels of observed quantities."""
        if name == self._by:
            return codes_of(values)
        return self._observed.coded(values) if name == self._which else values

    def _along(self, columns: Mapping[str, np.ndarray]) -> str | None:
        """Return the column of times if no other column varies within an observed quantity, else None."""
        own = [values for name, values in columns.items() if name not in (self._time, self._which) and values.size]
        return self._time if all((values == values[0]).all() for values in own) else None

    def _quantities(self, columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the rows of each observed quantity, a mask by its label."""
        if self._which is None:
            return super()._quantities(columns)
        return {label: columns[self._which] == k for k, label in enumerate(self._observed.formulas)}

    def __call__(self, /, **values: Any) -> Tensor:
        """Solve the equations.

        Parameters
        ----------
        **values : array_like
            The times, in any order, as the column of times or as ``t``, shape (rows,), and a value for each name: a number, or
            an array of shape (rows,).

        Returns
        -------
        Tensor
            The observed quantity, shape (rows,).

        Raises
        ------
        FormulaError
            If a name has no value.
        DataError
            If a value varies with time that must not, or there are no times.
        """
        time = self._time or TIME
        for name in (time, *self.names):
            if name not in values:
                raise FormulaError(
                    f"The equations need a value for {name!r}.{near_name(name, values)} Pass it as a keyword argument."
                )
        coded = {name: value if isinstance(value, Tensor) else self._coded(name, value) for name, value in values.items()}
        columns = {name: value for name, value in coded.items() if isinstance(value, np.ndarray) and value.ndim}
        self._check_columns(columns)
        given = {name: as_tensor(value) for name, value in coded.items()}
        model = self._suited(columns)
        times = given[time].reshape(-1)
        if not times.size:
            raise DataError(f"{time!r} is empty. Give at least one time.")
        states = model._states(given, times)
        rows = given | self._at([states[k] for k in range(len(self.states))], times)
        found = [formula(**self._defined(rows)) for formula in self._observed.formulas.values()]
        return self._observed.chosen(found, given[self._which] if self._which else None)

    def _states(self, given: Mapping[str, Tensor], times: Tensor) -> Tensor:
        """Return the states in each row, (n, rows)."""
        columns = {name: given[name] for name in self._once if given[name].ndim and name != self._time}
        fixed = {name: value for name, value in given.items() if not value.ndim}
        if self._by is None or len(self._counts) < 2:
            return self._solved(fixed | {name: column[0] for name, column in columns.items()}, times)

        def solve(constants: Mapping[str, Tensor], times: Tensor) -> Tensor:
            return self._solved({**fixed, **constants}, times)

        return states_of_experiments(given[self._by], times, columns, self._counts, solve)

    def _solved(self, once: Mapping[str, Tensor], times: Tensor) -> Tensor:
        """Return the states at the times, (n, rows), for one value of each name."""
        constant = self._defined(once)
        initial = [formula(**constant) for formula in self._initial.values()]

        def rates(t: Tensor, y: Sequence[Tensor]) -> list[Tensor]:
            values = self._defined({**once, **self._at(y, t)})
            return [formula(**values) for formula in self._equations.rates.values()]

        doses = [(k, time(**constant), amount(**constant)) for k, time, amount in self._doses]
        return states_at(rates, self._t0(**constant), initial, times, doses, **self._options)

    def _at(self, states: Sequence[Tensor], times: Tensor) -> dict[str, Tensor]:
        """Return states and times by name. A state may have the name of the column of times, such as x of an array."""
        return {TIME: times, (self._time or TIME): times, **dict(zip(self.states, states, strict=True))}

    def _defined(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return values with those of the definitions that they determine."""
        found = dict(values)
        for name, formula in self._equations.definitions.items():
            if all(used in found for used in formula.names):
                found[name] = formula(**found)
        return found


def _known(formula: Formula, rows: Mapping[str, np.ndarray]) -> float | None:
    """Return the value of a formula in the rows of an experiment; None if it uses parameters."""
    values = {name: rows[name][0] for name in formula.names if name in rows}
    return float(formula(**values)) if len(values) == len(formula.names) else None


def ode(
    text: str,
    initial: Mapping[str, Expression] | None = None,
    observe: Observe = None,
    *,
    which: str | None = None,
    by: str | None = None,
    time: str | None = None,
    t0: Expression = 0,
    doses: Doses | None = None,
    method: str = "auto",
    rtol: float = 1e-8,
    atol: float = 1e-12,
) -> OdeModel:
    """Parse differential equations as a model.

    The result is a model for `jitgrad.curve_fit` and `jitgrad.fit_groups`, like a formula. It is solved, and differentiated,
    in compiled code, and nothing is compiled for a model.

    Rates of absorption and elimination may often be exchanged without changing the curve ("flip-flop"). A fit without
    starting values then returns the solution in which formation is faster than loss; a fit with `p0` ends in the nearest one.

    Parameters
    ----------
    text : str
        The equations, separated by semicolons or lines:

        - ``A' = -k * A``, or ``dA/dt = …`` or ``d/dt(A) = …``: the derivative of a state with respect to time.
        - ``k = CL / V``: a definition, which later definitions, the equations and `observe` may use.
        - ``A(0) = dose``: an initial value, instead of `initial`.

        Right-hand sides are formulas of states, definitions, parameters and columns, in the language of
        `jitgrad.curvefit.formula`; ``t`` is the time. Columns in them must be constant within an experiment.
        A covariate that changes at known times is a function of them: ``w = where(t < 5, 70, 80)``.
    initial : mapping of str to float or str, optional
        The initial value of each state: a number, or an expression of parameters and columns, such as ``"dose"`` or ``"C0"``.
        A parameter is fitted. States without an initial value start at 0.
    observe : str, sequence of str, or mapping, optional
        What is measured: an expression of states, such as ``"C"``, ``"A / V"`` or ``"log(C)"``. By default, the only state.
        With `which`, several expressions: a mapping from the labels in that column, or a sequence of expressions that are
        themselves the labels. In a column of numbers, the expressions of a sequence are 1, 2, and so on.
    which : str, optional
        The column that contains what is measured in each row, such as ``"dvid"``.
    by : str, optional
        The column that contains the experiment of each row, if a fit has several. Experiments share the parameters. The columns
        in the equations, the initial values and the doses may differ between experiments.
    time : str, optional
        The column of times, in any order. By default, the column ``t`` or ``time``, an array, or the only column that the
        equations do not use.
    t0 : float or str, default 0
        The time of the initial values: a number, or an expression of parameters and columns.
    doses : mapping of str to sequence of (time, amount), optional
        Amounts that are added to a state at given times, as in ``{"A": [(12, 100), (24, "dose")]}``: numbers, or expressions
        of parameters and columns. A measurement at the time of a dose is made after it. A dose at a time that is a parameter
        has no effect before `t0`.
    method : str, default "auto"
        The method of integration; see `jitgrad.solve_ivp`.
    rtol, atol : float, default 1e-8 and 1e-12
        The relative and the absolute tolerance of the integration.

    Returns
    -------
    OdeModel
        The model.

    Raises
    ------
    FormulaError
        If an equation is invalid, a state has two equations, or no state has an initial value.
    ArgumentError
        If it is not clear what is observed.

    See Also
    --------
    formula : A model that is an explicit formula.
    jitgrad.solve_ivp : Solve differential equations that are Python functions.

    Examples
    --------
    A drug that is absorbed from the gut (A) into the blood (C), for one subject:

    >>> import polars as pl
    >>> subject = pl.read_csv("data/theoph.csv").filter(pl.col("subject") == 1)
    >>> model = jg.curvefit.ode("A' = -ka * A; C' = ka * A / V - ke * C", initial={"A": "dose", "C": 0}, observe="C")
    >>> fit = jg.curve_fit(model, subject, "conc", {"ka": 1, "V": 0.5, "ke": 0.1})
    >>> {name: round(value, 3) for name, value in fit.parameters.items()}
    {'ka': 1.777, 'V': 0.369, 'ke': 0.054}
    """
    return OdeModel(text, initial, observe, which, by, time, t0, doses, method, rtol, atol)
