"""Fit a table: a generalized linear model exactly, penalized or by gradient descent, or a network."""

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
from jitgrad.tabular.frames import Table
from jitgrad.tabular.model import TableModel
from jitgrad.tabular.result import TableFit
from jitgrad.tabular.selection import check_names
from jitgrad.tabular.settings import LEVEL, Settings
from jitgrad.training.progress import Verbose


def fit_table(
    frame: Table,
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
    cov_type: Literal["model", "HC0", "HC1", "HC2", "HC3", "cluster"] = "model",
    groups: str | None = None,
    level: float = LEVEL,
    penalty: Literal["ridge", "lasso", "elastic-net"] | None = None,
    alpha: float | None = None,
    l1_ratio: float = 0.5,
    cv: int = 10,
    exclude: Sequence[str] = (),
    dates: Literal["since", "parts"] = "since",
    texts: Literal["auto", "group", "hash"] = "auto",
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
    verbose: Verbose = None,
) -> TableFit:
    """Fit a model to a table: predict one column from others.

    Text columns are encoded as categories and dates as days, rows with missing values are dropped, and identifiers and constant
    columns are left out. The result's ``notes`` report this. Generalized linear models are fitted by maximum likelihood to all
    rows and scored by cross-validation. Networks are fitted by gradient descent to 80% of the rows and scored on the rest.

    Parameters
    ----------
    frame : DataFrame or mapping of str to sequence
        The table: a frame of pandas, Polars, PyArrow or any other library that narwhals supports, or a mapping of columns.
    target : str, optional
        The column to predict. Not needed if ``formula`` names it.
    features : sequence of str, optional
        The columns from which to predict it. By default, all columns that can be used.
    formula : str, optional
        A formula such as ``"y ~ a * b + C(g) + log(x) + offset(log(t))"``, in Wilkinson's notation [1]_ as read by formulaic.
    model : str, optional
        The model: "linear", "logistic", "poisson", "gamma", "inverse_gaussian", "negative_binomial", "quasi_poisson",
        "quasi_binomial" or "mlp", a multilayer perceptron. By default, "mlp" if ``hidden`` is given, "logistic" for a target of
        text or Booleans, and "linear" for numbers.
    link : str, optional
        The link function: "identity", "log", "logit", "probit", "cloglog", "cauchit", "inverse", "inverse_squared" or "sqrt".
        By default, the model's default link; see `jitgrad.glm.fit`.
    offset : str, optional
        A column, or an expression of columns such as ``"log(t)"``, that is added to the linear predictor.
    weights : str, optional
        A column of precision weights, like R's ``weights``: the variance of a row is divided by its weight.
    freq_weights : str, optional
        A column of frequency weights: the number of identical rows that each row represents.
    trials : str, optional
        For binomial models, a column with the numbers of trials. The target then holds numbers or proportions of successes.
    cov_type : {"model", "HC0", "HC1", "HC2", "HC3", "cluster"}, default "model"
        The covariance estimator for standard errors; see `jitgrad.glm.covariance`.
    groups : str, optional
        The column that identifies the clusters, for ``cov_type="cluster"``.
    level : float, default 0.95
        The level of the confidence intervals.
    penalty : {"ridge", "lasso", "elastic-net"}, optional
        A penalty on the coefficients of a linear, logistic or Poisson model; see `jitgrad.glm.path`.
    alpha : float, optional
        The strength of the penalty. By default, chosen by cross-validation.
    l1_ratio : float, default 0.5
        The lasso share of the penalty "elastic-net".
    cv : int, default 10
        The number of cross-validation folds.
    exclude : sequence of str, optional
        Columns to exclude from the features.
    dates : {"since", "parts"}, default "since"
        Whether dates are encoded as days since the earliest one, or as year, month, weekday and hour.
    texts : {"auto", "group", "hash"}, default "auto"
        How to encode text columns with many categories: leave them out, merge rare categories, or hash all of them [2]_.
    classify : bool, default False
        Whether to treat a numeric target as classes.
    missing : {"drop", "error"}, default "drop"
        Whether to drop rows with missing values or raise DataError.
    hidden : sequence of int, optional
        The widths of the hidden layers of a network. By default, ``(64, 32)`` for "mlp".
    epochs : int, optional
        The number of epochs of gradient descent. Any of the gradient descent settings, from this one to ``early_stopping``,
        replaces the exact fit of a linear, logistic or Poisson model with gradient descent.
    batch_size : int, optional
        The number of rows per gradient step. By default, 32 for networks, and all rows of a linear model with at most 4096.
    lr : float, optional
        The learning rate. By default, it depends on the optimizer.
    optimizer : str, optional
        The name of an optimizer in `jitgrad.optimizers`. By default, "adam".
    validation_split : float, default 0.0
        The fraction of the training rows to hold out and evaluate after each epoch.
    early_stopping : int, optional
        Stop after this many epochs without a lower validation loss, and restore the best weights.
    test_split : float, optional
        The fraction of rows to hold out for scores. By default, 0.2 for gradient descent and 0 for exact fits.
    seed : int, default 0
        Random seed for splits, folds, initial weights and the order of rows.
    start : TableModel, optional
        A model to continue training by gradient descent. Its columns and their encoding are kept.
    verbose : bool, int or str, optional
        Whether to show progress on stderr. By default, only in a terminal.

    Returns
    -------
    TableFit
        The model, its scores, and estimates with standard errors.

    Raises
    ------
    DataError
        If a column does not exist or cannot be used, or the model does not suit the target.
    ArgumentError
        If a setting is out of range or cannot be combined with another.
    FormulaError
        If the formula is invalid.
    FitError
        If gradient descent diverges, or an exact fit has no solution and gradient descent does not support the model.

    See Also
    --------
    jitgrad.glm.fit : Generalized linear models for arrays.
    jitgrad.tabular.fit_curve : Nonlinear formulas with parameters.
    jitgrad.tabular.TableModel.load : Load a saved model.

    Notes
    -----
    If the classes are perfectly separated, or there are too many coefficients for an exact fit, the model is fitted by gradient
    descent instead, without standard errors, and a note says so.

    References
    ----------
    .. [1] G. N. Wilkinson and C. E. Rogers, "Symbolic description of factorial models for analysis of variance", *Applied
       Statistics* 22, 1973.
    .. [2] K. Weinberger et al., "Feature hashing for large scale multitask learning", *Proc. ICML*, 2009.

    Examples
    --------
    >>> cars = {"speed": [4, 7, 8, 9, 10, 11, 12], "dist": [2, 4, 16, 10, 18, 17, 24]}
    >>> fit = jg.fit_table(cars, "dist")
    >>> fit.frame()["estimate"].round(4).to_list()
    [-10.2763, 2.6711]
    >>> fit.predict({"speed": [20]})["prediction"].round(2).to_list()
    [43.14]

    Interactions, categorical terms and transformations are written as a formula:

    >>> import polars as pl
    >>> diabetes = pl.read_csv("data/diabetes.csv", infer_schema_length=None)
    >>> fit = jg.fit_table(diabetes, formula="progression ~ bmi * bp + log(s5)", cov_type="HC3")
    >>> print(fit)
    Linear regression of progression, 442 rows
    ...
    """
    call = _given(locals())  # before other local variables exist
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
    """Return the arguments of ``fit_table``, except the table, that differ from their defaults."""
    defaults = {"target": None, "features": None, "verbose": arguments["verbose"], **(fit_table.__kwdefaults__ or {})}
    return {name: value for name, value in arguments.items() if name != "frame" and value != defaults[name]}


def _check_columns(settings: Settings, groups: str | None, of_rows: Sequence[str]) -> None:
    """Raise ArgumentError for columns that are missing or not supported by the settings."""
    if (groups is None) == (settings.cov_type == "cluster"):
        raise ArgumentError(
            "{argument} and cov_type 'cluster' must be used together. Give both, or neither.",
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
    """Return the settings with the model chosen for the target, and whether the target is a class."""
    if target is None and formula is None:
        raise ArgumentError(
            "No target is given. Give {argument}, or a formula with the target on its left side.", argument="target"
        )
    name = target if target is not None else target_of(str(formula), data.columns)
    if name not in data.columns:  # either an expression, or an error that is raised later
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
    """Return the settings for continuing the fit of a model. Raises an error if the model does not match."""
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
