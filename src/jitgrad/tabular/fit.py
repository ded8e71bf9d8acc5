"""Fit a table: a generalised linear model exactly, penalised or by gradient descent, or a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import polars as pl

from jitgrad.errors import ArgumentError, DataError, listed
from jitgrad.tabular import frames
from jitgrad.tabular.columns import Design, Roles, design_like, make_design
from jitgrad.tabular.fitting import Fitting
from jitgrad.tabular.formulas import of_target, target_of
from jitgrad.tabular.model import TableModel
from jitgrad.tabular.result import TableFit
from jitgrad.tabular.selection import check_names
from jitgrad.tabular.settings import LEVEL, Settings


def fit_table(
    frame: Any,
    target: str | None = None,
    features: Sequence[str] | None = None,
    *,
    formula: str | None = None,
    model: str | None = None,
    link: str | None = None,
    offset: str | None = None,
    weights: str | None = None,
    freq_weights: str | None = None,
    trials: str | None = None,
    cov_type: str = "model",
    groups: str | None = None,
    level: float = LEVEL,
    penalty: Literal["ridge", "lasso", "elastic-net"] | None = None,
    alpha: float | None = None,
    l1_ratio: float = 0.5,
    cv: int = 10,
    exclude: Sequence[str] = (),
    dates: str = "since",
    texts: str = "auto",
    classify: bool = False,
    missing: Literal["drop", "error"] = "drop",
    hidden: Sequence[int] = (),
    epochs: int | None = None,
    batch_size: int | None = None,
    lr: float | None = None,
    optimizer: str | None = None,
    validation_split: float = 0.0,
    early_stopping: int | None = None,
    test_split: float | None = None,
    seed: int = 0,
    start: TableModel | None = None,
    verbose: bool | int | str | None = None,
) -> TableFit:
    """Fit a target column by the others, by ``features``, or as a formula says.

    A generalised linear model is fitted exactly to all rows, with its inference, and scored by cross-validation, unless
    gradient descent is asked for, the features tell classes apart without error, so that there is nothing to converge to, or
    there are too many coefficients. A network is fitted by gradient descent to 80 % of the rows, and scored on the others.

    Parameters
    ----------
    frame : frame of any library that narwhals knows, or mapping of columns
        The table.
    target : str, optional
        The column to predict; a formula may have it on its left instead.
    features : sequence of str, optional
        The columns to predict it from; by default all that can be used, or those of ``start``.
    formula : str, optional
        ``y ~ a * b + C(g) + log(x) + offset(log(t))``, in Wilkinson's notation (Wilkinson and Rogers, "Symbolic description of
        factorial models for analysis of variance", 1973), as formulaic reads it.
    model : str, optional
        "linear", "logistic", "poisson", "gamma", "inverse_gaussian", "negative_binomial", "quasi_poisson", "quasi_binomial" or
        "mlp"; by default found out from the target.
    link : str, optional
        "identity", "log", "logit", "probit", "cloglog", "cauchit", "inverse", "inverse_squared" or "sqrt"; by default the
        model's.
    offset : str, optional
        A column, or an expression of columns such as ``log(t)``, that is added to the linear predictor.
    weights : str, optional
        A column of precisions, R's ``weights``: the variance of a row is divided by its weight.
    freq_weights : str, optional
        A column that says how many equal rows each one stands for.
    trials : str, optional
        A column of numbers of trials, of which the target says how many succeeded; of a logistic model.
    cov_type : str, default "model"
        The kind of standard errors: "model", "HC0", "HC1", "HC2", "HC3" or, by ``groups``, "cluster".
    groups : str, optional
        The column whose equal values make a cluster.
    level : float, default 0.95
        Of the confidence intervals.
    penalty : {"ridge", "lasso", "elastic-net"}, optional
        What coefficients are penalised by; of linear, logistic and Poisson models.
    alpha : float, optional
        The strength of the penalty, as scikit-learn's; by default chosen by cross-validation.
    l1_ratio : float, default 0.5
        The part of the penalty "elastic-net" that is the lasso's.
    cv : int, default 10
        The number of folds of cross-validations.
    exclude : sequence of str, optional
        Columns that are not features.
    dates : {"since", "parts"}, default "since"
        Whether dates become days since the first, or their parts.
    texts : {"auto", "group", "hash"}, default "auto"
        What is done with columns of many different texts: they are left out, their rare texts make one category, or all are
        hashed.
    classify : bool, default False
        Whether a target of numbers is taken as classes.
    missing : {"drop", "error"}, default "drop"
        What is done with rows that miss a value.
    hidden : sequence of int, optional
        Widths of the hidden layers of a network.
    epochs, batch_size, lr, optimizer, validation_split, early_stopping : optional
        Of gradient descent, see ``Model.fit``. ``validation_split`` is the part of the rows that is evaluated after each epoch.
    test_split : float, optional
        The part of the rows that is kept for scores; by default 0.2 for networks and gradient descent, else none.
    seed : int, default 0
        Of the splits, the folds, the first weights and the order of rows.
    start : TableModel, optional
        A model to go on with by gradient descent, for the same columns, encoded and scaled as they were.
    verbose : bool, int or str, optional
        Whether to show progress on stderr; by default where that is a terminal.

    Returns
    -------
    TableFit
        The model, its scores and how certain it is.

    Raises
    ------
    DataError
        Where a column cannot be used, the model is not one for the target, or ``start`` is one of other columns.
    ArgumentError
        For a setting outside its range, or one that does not go with another.
    FormulaError
        For a formula that cannot be read.
    FitError
        Where the fit diverges, or has no maximum and cannot go on by gradient descent.

    Examples
    --------
    >>> import jitgrad as jg
    >>> cars = {"speed": [4, 7, 8, 9, 10, 11, 12], "dist": [2, 4, 16, 10, 18, 17, 24]}
    >>> fit = jg.fit_table(cars, "dist")
    >>> fit.frame()["estimate"].round(4).to_list()
    [-9.4091, 2.5715]
    """
    call = _given(locals())  # before other names are there
    for name, names in (("features", features), ("exclude", exclude)):
        if isinstance(names, str):
            raise ArgumentError(
                f"{{argument}} is {names!r}, a string. Give a list of names, such as [{names!r}].", argument=name
            )
    data = frames.as_polars(frame)
    if target is not None and formula is not None:
        check_names(data, [target])
        formula, target = of_target(formula, target, data.columns), None
    settings = Settings(
        model, link, cov_type, level, penalty, alpha, l1_ratio, cv, tuple(hidden), epochs, batch_size, lr, optimizer,
        validation_split, early_stopping, test_split, seed,
    )  # fmt: skip
    settings.check()
    given = {"offset": offset, "weights": weights, "freq_weights": freq_weights, "trials": trials}
    _check_columns(settings, groups, [name for name, value in given.items() if value is not None])
    if start is not None:
        settings = _going_on(start, target, features, settings)
        design = design_like(data, start.predictors, start.target, missing == "drop")
        settings = settings.for_target(data[start.target.name], bool(start.classes))
    else:
        is_given = settings.model is not None
        settings, classify = _for_target(data, target, formula, settings, classify, trials is not None)
        design = make_design(
            data, target, features, classify, missing == "drop", formula=formula, exclude=exclude, dates=dates, texts=texts,
            roles=Roles(**given, groups=groups), binomial=settings.model in ("logistic", "quasi_binomial"),
        )  # fmt: skip
        if settings.model == "linear" and not is_given:
            design = replace(design, notes=(*design.notes, *_hint_of_classes(design)))
    return replace(Fitting(design, settings, start, verbose, frames.library_of(frame)).fit(), call=call)


def _given(arguments: dict[str, Any]) -> dict[str, Any]:
    """Those of the arguments of ``fit_table`` that say what to fit and are not its defaults."""
    defaults = {"target": None, "features": None, "verbose": arguments["verbose"], **(fit_table.__kwdefaults__ or {})}
    return {name: value for name, value in arguments.items() if name != "frame" and value != defaults[name]}


def _check_columns(settings: Settings, groups: str | None, of_rows: Sequence[str]) -> None:
    """Raise ArgumentError for columns beside the target that do not go with the settings, or are missing."""
    if (groups is None) == (settings.cov_type == "cluster"):
        raise ArgumentError(
            "{argument} and cov_type 'cluster' require each other: groups names the column that identifies the clusters. "
            "Give both.",
            argument="groups",
        )
    if settings.test_split and "freq_weights" in of_rows:
        raise ArgumentError(
            "{argument} cannot be combined with freq_weights, because all copies of a row would be held out together. Leave it "
            "out: cross-validation, which holds out copies one by one, scores the model.",
            argument="test_split",
        )
    if of_rows and (settings.by_descent or settings.hidden):
        raise ArgumentError(
            "{argument} is not supported by gradient descent. Leave it out, or leave out the settings of gradient descent: "
            "hidden, epochs, batch_size, lr, optimizer, validation_split and early_stopping.",
            argument=of_rows[0],
        )


def _for_target(
    data: pl.DataFrame, target: str | None, formula: str | None, settings: Settings, classify: bool, trials: bool
) -> tuple[Settings, bool]:
    """The settings with the model found out, and whether the target is one of classes."""
    if target is None and formula is None:
        raise ArgumentError(
            "No target is given. Give {argument}, or a formula with the target on its left side.", argument="target"
        )
    name = target if target is not None else target_of(str(formula), data.columns)
    if name not in data.columns:  # an expression, or an error that is found later
        return settings.for_numbers(), classify
    column = data[name]
    two = settings.model == "logistic" and not trials and column.dtype.is_numeric() and column.drop_nulls().n_unique() == 2
    return settings.for_target(column, classify or two, trials), classify or two


def _hint_of_classes(design: Design) -> list[str]:
    """Return a note if a linear model was chosen by default for a target of zeros and ones."""
    if not np.isin(design.y, (0, 1)).all() or design.y.min() == design.y.max():
        return []
    return [
        f"The target {design.target.name!r} has only the values 0 and 1, but was fitted by linear regression. "
        f"Choose model 'logistic' for a logistic regression."
    ]


def _going_on(start: TableModel, target: str | None, features: Sequence[str] | None, settings: Settings) -> Settings:
    """The settings of a fit that goes on with a model. Raises where that is another one."""
    names = [column.name for column in start.columns]
    if (target or start.target.name) != start.target.name or (features is not None and sorted(features) != sorted(names)):
        raise DataError(
            f"The model to continue from predicts {start.target.name!r} from {listed(names)}. Use the same target and features."
        )
    not_of_descent = {
        "an offset": start.predictors.offsets, "weights": start.target.weighted_by, "trials": start.target.trials,
        f"the link {start.settings.link!r}": start.settings.link, "no intercept": not start.predictors.intercept,
    }  # fmt: skip
    for what, has in not_of_descent.items():
        if has:
            raise DataError(
                f"The model to continue from has {what}, which gradient descent does not support. Fit a new model instead."
            )
    for name, given, own in (("model", settings.model, start.kind), ("hidden", settings.hidden, start.settings.hidden)):
        if given and given != own:
            raise ArgumentError(
                f"{{argument}} is {given}, but {own} in the model to continue from. Leave it out.", argument=name
            )
    return replace(settings, model=start.kind, hidden=start.settings.hidden)
