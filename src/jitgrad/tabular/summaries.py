"""Printed summaries of fitted tables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from jitgrad.summary import Grid, Summary, interval, number, probability, sentence
from jitgrad.tabular.inference import Inference

if TYPE_CHECKING:
    from jitgrad.curvefit.estimates import Estimates
    from jitgrad.tabular.curve_model import CurveModel
    from jitgrad.tabular.curves import CurveTableFit
    from jitgrad.tabular.model import TableModel
    from jitgrad.tabular.result import TableFit

MOST_CLASSES = 8
"""Maximum number of classes that have their own column in a printed table."""
MOST_CONFUSED = 20
KINDS = {
    "linear": "Linear regression", "logistic": "Logistic regression", "poisson": "Poisson regression",
    "gamma": "Gamma regression", "inverse_gaussian": "Inverse Gaussian regression",
    "negative_binomial": "Negative binomial regression", "quasi_poisson": "Quasi-Poisson regression",
    "quasi_binomial": "Quasi-binomial regression", "mlp": "Multilayer perceptron",
}  # fmt: skip
FIGURES = {
    "residual_standard_error": "residual standard error", "degrees_of_freedom": "residual df", "r2": "R²",
    "adjusted_r2": "adjusted R²", "f": "F", "f_p_value": "p-value", "log_likelihood": "log-likelihood",
    "deviance": "deviance", "null_deviance": "null deviance", "pseudo_r2": "pseudo R²", "dispersion": "dispersion",
    "theta": "theta", "likelihood_ratio_p_value": "likelihood-ratio p-value", "aic": "AIC", "aicc": "AICc", "bic": "BIC",
    "condition": "condition number",
}  # fmt: skip
"""Fit statistics, in the order in which they are printed."""
SCORES = {
    "rows": "rows",
    "r2": "R²",
    "rmse": "RMSE",
    "mae": "MAE",
    "accuracy": "accuracy",
    "log_loss": "log loss",
    "auc": "AUC",
}


def of_fit(fit: TableFit, ratios: bool, anova: Literal["each", "sequential"] | None) -> Summary:
    """Summarize a fit."""
    model, rows, fitted = fit.model, fit.design.n, fit.design.part(fit.rows["train"]).n
    used = f"{rows} row{'' if rows == 1 else 's'}"
    title = f"{headline(model)}, {used if fitted == rows else f'fitted to {fitted} of {used}'}"
    parts = _parts(model, ratios)
    if anova is not None:
        parts.append(fit.anova(anova).grid())
    if fit.history is not None:
        settings, history = model.settings, fit.history
        parts.append(
            f"{settings.optimizer}: {history.epochs} epochs in {history.seconds:.2f} s, batch size {settings.batch_size}, "
            f"learning rate {settings.lr:g}, final loss {history.loss[-1]:.6g}"
        )
    return Summary(title, parts)


def of_model(model: TableModel, ratios: bool = False) -> Summary:
    """Summarize a saved model with its columns."""
    rows, texts = [], []
    for column in model.columns:
        if column.categories:
            texts.append(f"categories of {column.name}: {', '.join(map(str, column.categories))}")
        else:
            rows.append((column.name, number(column.low), number(column.high)))
    columns = [Grid(["column", "minimum", "maximum"], rows)] if rows else []
    return Summary(headline(model), [*_parts(model, ratios), *columns, *texts])


def headline(model: TableModel) -> str:
    """Return the first line of a summary."""
    kind, hidden = KINDS[model.kind], model.settings.hidden
    if hidden:
        task = "classification" if model.classes else "regression"
        return f"{kind} ({'–'.join(map(str, hidden))}), {task} of {model.target.name}"
    link = f" with {model.link} link" if model.settings.link else ""
    return f"{kind} of {model.target.name}{link}"


def _parts(model: TableModel, ratios: bool) -> list[Grid | str]:
    """Return the estimates, notes and scores."""
    parts: list[Grid | str] = []
    if model.inference is not None:
        parts += _of_inference(model, model.inference, ratios)
    elif model.kind != "mlp" and len(model.classes) <= MOST_CLASSES:
        parts.append(_coefficients(model))
    elif model.kind != "mlp":
        parts.append(f"{len(model.features)} coefficients for each of {len(model.classes)} classes (use --json to print them)")
    names = {"cross-validation": model.validation}
    return [*parts, *model.notes, scores({names.get(name, name): part for name, part in model.scores.items()})]


def _of_inference(model: TableModel, inference: Inference, ratios: bool) -> list[Grid | str]:
    outputs = inference.outputs
    parts: list[Grid | str] = []
    if len(outputs) >= MOST_CLASSES:
        parts.append(f"{len(inference.names)} estimates for each of {len(outputs)} classes (use --json to print them)")
        outputs = ()
    for k, output in enumerate(outputs):
        what = f"{output} vs. {model.classes[0]}" if model.classes else ""
        parts.append(estimates(inference, k, what, inference.ratio if ratios else ""))
    if inference.cov_type != "model":
        kind = "cluster-robust" if inference.cov_type == "cluster" else f"heteroscedasticity-robust ({inference.cov_type})"
        parts.append(f"Standard errors are {kind}.")
    return [*parts, figures(inference.figures | {"degrees_of_freedom": inference.degrees_of_freedom})]


def estimates(inference: Inference, output: int, what: str = "", ratio: str = "") -> Grid:
    """Return the estimates of an output, or their exponentials if ``ratio`` names them."""
    titles = ["estimate", "std. error", inference.distribution, "p", f"{100 * inference.level:g}% CI"]
    if ratio:
        titles = [ratio, *titles[2:]]
    rows, three = [], inference.ratios() if ratio else (inference.estimate, inference.low, inference.high)
    for i, name in enumerate(inference.names):
        estimate, low, high = (float(values[i, output]) for values in three)
        error, statistic, p = (
            float(values[i, output]) for values in (inference.standard_error, inference.statistic, inference.p_value)
        )
        errors = () if ratio else (number(error, 4),)
        rows.append((name, number(estimate), *errors, number(statistic, 4), probability(p), interval(low, high)))
    return Grid(["", *titles], rows, what)


def figures(values: Mapping[str, float | None]) -> str:
    """Return fit statistics as a line."""
    shown = []
    for name, title in FIGURES.items():
        if name in values:
            value = values[name]
            shown.append((title, probability(value) if name.endswith("p_value") else number(value, 5)))
    return sentence(shown)


def _coefficients(model: TableModel) -> Grid:
    assert model.coefficients is not None and model.intercept is not None
    sparse = model.settings.penalty in ("lasso", "elastic-net")
    rows = [("intercept", *map(number, model.intercept.tolist()))]
    for name, row in zip(model.features, model.coefficients.tolist(), strict=True):
        if any(row) or not sparse:
            rows.append((name, *map(number, row)))
    return Grid(["feature", *(model.classes or ["coefficient"])], rows, "Nonzero coefficients" if sparse else "")


def scores(by_part: Mapping[str, Mapping[str, Any]]) -> Grid:
    """Return scores, with a row for each part of the rows."""
    first = next(iter(by_part.values()))
    names = [name for name in SCORES if name in first]
    rows = [
        (part, *[f"{values[name]}" if name == "rows" else number(values[name], 4) for name in names])
        for part, values in by_part.items()
    ]
    return Grid(["", *[SCORES[name] for name in names]], rows)


def confusion(matrix: Sequence[Sequence[int]], classes: Sequence[str]) -> Grid:
    """Return the confusion matrix, or for many classes the most frequent mistakes."""
    if len(classes) > MOST_CLASSES:
        wrong = [(n, i, j) for i, row in enumerate(matrix) for j, n in enumerate(row) if n and i != j]
        most = [(classes[i], classes[j], str(n)) for n, i, j in sorted(wrong, reverse=True)[:MOST_CONFUSED]]
        return Grid(["true", "predicted", "rows"], most, texts=(1,))
    rows = [(name, *map(str, row)) for name, row in zip(classes, matrix, strict=True)]
    return Grid(["true \\ predicted", *classes], rows)


def of_curve(fitted: CurveTableFit) -> Summary:
    """Summarize a curve fit."""
    result, dropped = fitted.result, fitted.dropped
    made = of_curve_model(fitted.model)
    before: list[Grid | str] = (
        [f"{dropped} row{'' if dropped == 1 else 's'} dropped because of missing values"] if dropped else []
    )
    after: list[Grid | str] = []
    if result.n_minima is not None and result.n_starts > 1:
        found = "only one minimum" if result.n_minima == 1 else f"best of {result.n_minima} local minima"
        after.append(f"{found} found from {result.n_starts} starting points")
    return Summary(made.title, [*before, *made.parts, *after])


def of_curve_model(model: CurveModel, columns: bool = False) -> Summary:
    """Summarize a curve, optionally with the columns of the table and their ranges."""
    named = f", {model.name}" if model.name else ""
    rows = "" if model.figures.get("rows") is None else f", {model.figures['rows']:.0f} rows"
    estimates: Estimates = model.estimates
    free = {estimates.names[k] for k in estimates.free}
    distribution = "z" if estimates.student_dof == math.inf else "t"
    parameters = Grid(
        ["parameter", "estimate", "std. error", distribution, "p", "95% CI"],
        [
            (row[0], *(_estimated(*row[1:]) if row[0] in free else (number(row[1]), "fixed", "", "", "")))
            for row in estimates.table()
        ],
    )
    found = Grid(
        ["variable", "column", "minimum", "maximum"],
        [(name, column, number(low), number(high)) for name, (column, low, high) in model.columns.items()],
        texts=(1,),
    )
    told = {name: value for name, value in model.figures.items() if name != "log_likelihood"}
    parts: list[Grid | str] = [parameters, figures(told), model.status, *([found] if columns else [])]
    return Summary(f"{model.equation}{named}{', log-normal errors' * (model.errors == 'lognormal')}{rows}", parts)


def _estimated(estimate: float, error: float, statistic: float, p: float, low: float, high: float) -> tuple[str, ...]:
    return number(estimate), number(error, 4), number(statistic, 4), probability(p), interval(low, high)
