"""The pictures of a fitted table, with their captions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from jitgrad.glm.influence import influence
from jitgrad.glm.quantiles import at_most, has_distribution, quantile_residuals
from jitgrad.pictures.canvas import plain
from jitgrad.pictures.classes import draw_calibration, draw_roc
from jitgrad.pictures.counts import draw_rootogram
from jitgrad.pictures.diagnostics import draw_leverage, draw_quantiles, draw_residuals, draw_spread
from jitgrad.pictures.forest import draw_estimates, estimates_height
from jitgrad.pictures.penalties import draw_cross_validation, draw_path
from jitgrad.pictures.predictions import confusion_width, draw_confusion
from jitgrad.pictures.table_rows import draw_curve, draw_losses, draw_predictions

if TYPE_CHECKING:
    from jitgrad.tabular import TableFit

WIDTH, HEIGHT = 4.8, 3.6
"""The size of a picture, in inches."""
_COUNTS = ("poisson", "negative_binomial")


@dataclass(frozen=True)
class Panel:
    """A picture of a fit.

    Parameters
    ----------
    title : str
        The title, a few words.
    caption : str
        A description of the picture, and what to look for in it.
    draw : callable
        Draws the picture on a figure or subfigure.
    height : float
        The height in inches, for a width of ``WIDTH``.
    """

    title: str
    caption: str
    draw: Callable[[Any], None]
    height: float = HEIGHT


def panels_of(result: TableFit) -> list[Panel]:
    """Return the available pictures of a fitted table, the most informative first."""
    return [
        *(_of_classes if result.model.classes else _of_numbers)(result),
        *_of_estimates(result),
        *_of_penalty(result),
        *_of_descent(result),
    ]


def on_axes(draw: Callable[..., Any], *given: Any) -> Callable[[Any], None]:
    """Return a function that draws on the only axes of a figure."""

    def drawn(figure: Any) -> None:
        draw(figure.subplots(), *given)

    return drawn


def _of_numbers(result: TableFit) -> Iterator[Panel]:
    target = plain(result.model.target.name)
    if len(result.model.features) == 1 and result.design.offset is None:
        said = "The feature, the target and the predictions"
        if result.model.inference is not None:
            level = f"{100 * result.model.settings.level:g}%"
            said += f", with {level} confidence bands for the mean and, for a linear model, {level} prediction bands"
        yield Panel("The fit", f"{said}.", partial(draw_curve, result))
    said = "Measured against predicted values, with the line of equality; below, the residuals."
    yield Panel("Measured and predicted", said, partial(draw_predictions, result), 4.2)
    if result.glm is not None:
        yield from _of_residuals(result, target)


def _rows_of(result: TableFit) -> dict[str, Any]:
    """Return the training rows as arguments of ``glm.fit``."""
    design, used = result.design, result.rows["train"]
    names = ("offset", "weights", "freq_weights", "trials")
    columns = {name: getattr(design, name) for name in names}
    return {"x": design.x[used], "y": design.y[used]} | {
        name: column[used] for name, column in columns.items() if column is not None
    }


def _of_residuals(result: TableFit, target: str) -> Iterator[Panel]:
    """Yield the residuals of an exact fit, its influential rows, and its counts."""
    fit, rows = result.glm, _rows_of(result)
    assert fit is not None
    found = influence(fit, **rows)
    numbers = result.design.rows[result.rows["train"]] + 1
    frequency = rows.pop("freq_weights", None)
    mean = fit.predict(rows["x"], rows.get("offset"))
    kind, residuals = "standardized", found.standardised
    if has_distribution(fit) and fit.family.name != "gaussian":
        kind, residuals = "quantile", quantile_residuals(fit, **rows)
    known = np.isfinite(residuals)
    mean, residuals, numbers_known = mean[known], residuals[known], numbers[known]
    if len(residuals):
        drawn = "" if kind == "standardized" else " Quantile residuals are normal if the model is correct, for every family."
        yield Panel(
            "Residuals",
            f"Residuals against fitted values.{drawn} The line is a local average: where it departs from 0, the model "
            "misses a trend. The largest residuals are labeled with their row numbers.",
            on_axes(draw_residuals, mean, residuals, numbers_known, kind, f"fitted {target}"),
        )
        yield Panel(
            "Normal quantiles",
            "Sorted residuals against quantiles of the normal distribution. The band is a pointwise 95% band for a correct "
            "model.",
            on_axes(draw_quantiles, residuals, numbers_known, kind),
        )
        yield Panel(
            "Spread",
            "The square root of the absolute residuals against fitted values. If the line rises or falls, the variance is not "
            "constant, and robust standard errors such as HC3 are safer.",
            on_axes(draw_spread, mean, residuals, kind, f"fitted {target}"),
        )
    yield Panel(
        "Leverage",
        "The leverage and the residual of each row. Rows beyond the dashed lines, at Cook's distances of 0.5 and 1, have a "
        "strong influence on the estimates. If no dashed line is visible, there are no such rows.",
        on_axes(draw_leverage, found.leverage, found.standardised_pearson, found.cooks_distance, len(fit.covariance), numbers),
    )
    if fit.family.name in _COUNTS:
        whole = fit.predict(rows["x"], rows.get("offset"))
        yield Panel(
            "Counts",
            "A hanging rootogram: observed counts as bars that hang from the expected ones, on a square-root scale. Bars that "
            "end below 0 belong to counts that are more frequent than expected.",
            on_axes(draw_rootogram, rows["y"], frequency, lambda k: at_most(fit, np.full(len(whole), k), whole), target),
        )


def _of_classes(result: TableFit) -> Iterator[Panel]:
    """Yield the pictures of a classifier, for the test rows if there are any."""
    model, design = result.model, result.design
    name = "test" if len(result.rows["test"]) else "train"
    rows = result.rows[name]
    offset = None if design.offset is None else design.offset[rows]
    y, probabilities = design.y[rows], model.predicted(design.x[rows], offset)
    weights = np.ones(len(rows)) if design.freq_weights is None else design.freq_weights[rows]
    of = "test rows" if name == "test" else "training rows"
    score = model.scores[name]
    width = confusion_width(len(model.classes))
    yield Panel(
        "Confusion",
        f"True and predicted classes of the {score['rows']} {of}; accuracy {score['accuracy']:.3g}.",
        on_axes(draw_confusion, np.array(score["confusion"]), model.classes),
        max(HEIGHT, 0.75 * width),
    )
    yield Panel(
        "Receiver operating characteristic",
        f"The true positive rate against the false positive rate at all thresholds, for the {of}. An area under the curve of "
        "1 is perfect classification, and 0.5 is chance.",
        on_axes(draw_roc, y, probabilities, weights, model.classes),
    )
    yield Panel(
        "Calibration",
        f"Observed frequencies against predicted probabilities of the {of}, in ten groups of equal size, with 95% intervals; "
        "below, a histogram of the probabilities. Probabilities on the line are well calibrated.",
        partial(draw_calibration, y=y, probabilities=probabilities, weights=weights, classes=model.classes),
        4.2,
    )


def _of_estimates(result: TableFit) -> Iterator[Panel]:
    """Yield the standardized estimates of a model with one output."""
    inference, fit = result.model.inference, result.glm
    if inference is None or fit is None or len(inference.outputs) != 1 or len(inference.names) < 2:
        return
    spread = result.design.x[result.rows["train"]].std(0)
    is_identity = fit.link is not None and fit.link.name == "identity"
    unit = f"change of {plain(result.model.target.name)}" if is_identity else "change of the linear predictor"
    columns = [column[1:, 0] * spread for column in (inference.estimate, inference.low, inference.high)]
    many = f" Only the 25 largest of {len(spread)} estimates are shown." if len(spread) > 25 else ""
    yield Panel(
        "Estimates",
        f"Estimates with {100 * inference.level:g}% confidence intervals, for a change of each feature by one standard "
        f"deviation.{many}",
        on_axes(draw_estimates, inference.names[1:], *columns, unit),
        estimates_height(len(spread)),
    )


def _of_penalty(result: TableFit) -> Iterator[Panel]:
    """Yield the path of a penalized fit whose penalty was chosen by cross-validation."""
    chosen = result.path
    if chosen is None:
        return
    path, spread = chosen.path, result.design.x[result.rows["train"]].std(0)
    if path.coefficients.ndim == 3:  # for classes, the norm of the coefficients of a feature
        coefficients, unit = (
            np.linalg.norm(path.coefficients, axis=2) * spread,
            "norm of the classes' coefficients × std. deviation",
        )
    else:
        coefficients, unit = path.coefficients * spread, "coefficient × std. deviation"
    weakest = " It is the weakest penalty tried." if chosen.chosen == len(path.alphas) - 1 else ""
    yield Panel(
        "Cross-validation",
        "The cross-validated deviance with one standard error, for each penalty strength. The dashed line marks the chosen "
        f"strength.{weakest}",
        on_axes(
            draw_cross_validation,
            path.alphas,
            chosen.mean,
            chosen.standard_error,
            {"chosen": chosen.chosen, "within one standard error": chosen.one_standard_error},
        ),
    )
    yield Panel(
        "Path",
        "The standardized coefficients as the penalty decreases from left to right. The dashed line marks the chosen strength.",
        on_axes(draw_path, path.alphas, coefficients, result.model.features, chosen.alpha, unit),
    )


def _of_descent(result: TableFit) -> Iterator[Panel]:
    if result.history is not None:
        yield Panel("Losses", "The loss after each epoch of gradient descent.", partial(draw_losses, result.history))
