"""Which pictures a fitted table has, and what they say."""

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
"""Inches."""
_COUNTS = ("poisson", "negative_binomial")


@dataclass(frozen=True)
class Panel:
    """A picture of a fit.

    Parameters
    ----------
    title : str
        A few words.
    caption : str
        What is seen, and what it would look like if all were well.
    draw : callable
        Draws it on a figure, or a part of one.
    height : float
        Inches, for a width of ``WIDTH``.
    """

    title: str
    caption: str
    draw: Callable[[Any], None]
    height: float = HEIGHT


def panels_of(result: TableFit) -> list[Panel]:
    """The pictures of a fitted table that there are, the most telling one first."""
    return [
        *(_of_classes if result.model.classes else _of_numbers)(result),
        *_of_estimates(result),
        *_of_penalty(result),
        *_of_descent(result),
    ]


def on_axes(draw: Callable[..., Any], *given: Any) -> Callable[[Any], None]:
    """Drawing on the only axes of a figure."""

    def drawn(figure: Any) -> None:
        draw(figure.subplots(), *given)

    return drawn


def _of_numbers(result: TableFit) -> Iterator[Panel]:
    target = plain(result.model.target.name)
    if len(result.model.features) == 1 and result.design.offset is None:
        said = "The only feature, the target, and what is predicted"
        if result.model.inference is not None:
            level = f"{100 * result.model.settings.level:g} %"
            said += f"; the bands hold the mean, and of a linear model a new measurement, with a probability of {level}"
        yield Panel("The fit", f"{said}.", partial(draw_curve, result))
    said = "Measured values against predicted ones, and what is left. On the line they would be the same."
    yield Panel("Measured and predicted", said, partial(draw_predictions, result), 4.2)
    if result.glm is not None:
        yield from _of_residuals(result, target)


def _rows_of(result: TableFit) -> dict[str, Any]:
    """What ``glm.fit`` was given: x and y, and the keywords that belong to rows."""
    design, used = result.design, result.rows["train"]
    names = ("offset", "weights", "freq_weights", "trials")
    columns = {name: getattr(design, name) for name in names}
    return {"x": design.x[used], "y": design.y[used]} | {
        name: column[used] for name, column in columns.items() if column is not None
    }


def _of_residuals(result: TableFit, target: str) -> Iterator[Panel]:
    """The residuals of an exact fit, its influential rows, and its counts."""
    fit, rows = result.glm, _rows_of(result)
    assert fit is not None
    found = influence(fit, **rows)
    numbers = result.design.rows[result.rows["train"]] + 1
    frequency = rows.pop("freq_weights", None)
    mean = fit.predict(rows["x"], rows.get("offset"))
    kind, residuals = "standardised", found.standardised
    if has_distribution(fit) and fit.family.name != "gaussian":
        kind, residuals = "quantile", quantile_residuals(fit, **rows)
    known = np.isfinite(residuals)
    mean, residuals, numbers_known = mean[known], residuals[known], numbers[known]
    if len(residuals):
        drawn = "" if kind == "standardised" else " Quantile residuals are normal if the model is true, whatever the family."
        yield Panel(
            "Residuals",
            f"Residuals against fitted values.{drawn} The line is a local average: where it leaves 0, the model misses "
            "a bend. The largest residuals have the numbers of their rows.",
            on_axes(draw_residuals, mean, residuals, numbers_known, kind, f"fitted {target}"),
        )
        yield Panel(
            "Normal quantiles",
            "Sorted residuals against those of a normal distribution. If the model is true, 95 % of the points at each place "
            "are within the band.",
            on_axes(draw_quantiles, residuals, numbers_known, kind),
        )
        yield Panel(
            "Spread",
            "The size of the residuals against fitted values. A line that rises or falls says that the spread changes, and "
            "standard errors such as HC3 are safer.",
            on_axes(draw_spread, mean, residuals, kind, f"fitted {target}"),
        )
    yield Panel(
        "Leverage",
        "How far each row could move the fit, and how far it is off. Rows beyond the dashed lines, Cook's distances of 0.5 "
        "and 1, decide much of the estimates; where no line is in sight, no row does.",
        on_axes(draw_leverage, found.leverage, found.standardised_pearson, found.cooks_distance, len(fit.covariance), numbers),
    )
    if fit.family.name in _COUNTS:
        whole = fit.predict(rows["x"], rows.get("offset"))
        yield Panel(
            "Counts",
            "How often each count was observed, as bars that hang from what the model expects. Bars that end below 0 are of "
            "counts that are more frequent than expected. The axis has square roots.",
            on_axes(draw_rootogram, rows["y"], frequency, lambda k: at_most(fit, np.full(len(whole), k), whole), target),
        )


def _of_classes(result: TableFit) -> Iterator[Panel]:
    """The probabilities of rows that were not fitted, if there are such."""
    model, design = result.model, result.design
    name = "test" if len(result.rows["test"]) else "train"
    rows = result.rows[name]
    offset = None if design.offset is None else design.offset[rows]
    y, probabilities = design.y[rows], model.predicted(design.x[rows], offset)
    weights = np.ones(len(rows)) if design.freq_weights is None else design.freq_weights[rows]
    of = "rows that were kept for testing" if name == "test" else "rows that were fitted"
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
        "How many rows of the class are found, at each share of the others that is taken for it. An area of 1 tells the "
        f"classes apart without error, 0.5 is chance. Of the {of}.",
        on_axes(draw_roc, y, probabilities, weights, model.classes),
    )
    yield Panel(
        "Calibration",
        "How often what has a predicted probability happens, in ten groups of as many rows, with 95 % intervals; below, how "
        f"many rows have which probability. On the line, probabilities are what they say. Of the {of}.",
        partial(draw_calibration, y=y, probabilities=probabilities, weights=weights, classes=model.classes),
        4.2,
    )


def _of_estimates(result: TableFit) -> Iterator[Panel]:
    """The estimates in units that compare, of one output."""
    inference, fit = result.model.inference, result.glm
    if inference is None or fit is None or len(inference.outputs) != 1 or len(inference.names) < 2:
        return
    spread = result.design.x[result.rows["train"]].std(0)
    is_identity = fit.link is not None and fit.link.name == "identity"
    unit = f"change of {plain(result.model.target.name)}" if is_identity else "change of the linear predictor"
    columns = [column[1:, 0] * spread for column in (inference.estimate, inference.low, inference.high)]
    many = f" The {len(spread)} estimates are more than are shown." if len(spread) > 25 else ""
    yield Panel(
        "Estimates",
        f"Estimates and their {100 * inference.level:g} % intervals, each for a change of its feature by one standard "
        f"deviation, so that they compare.{many}",
        on_axes(draw_estimates, inference.names[1:], *columns, unit),
        estimates_height(len(spread)),
    )


def _of_penalty(result: TableFit) -> Iterator[Panel]:
    """The path of a penalised fit whose strength was chosen by cross-validation."""
    chosen = result.path
    if chosen is None:
        return
    path, spread = chosen.path, result.design.x[result.rows["train"]].std(0)
    if path.coefficients.ndim == 3:  # classes: how large the coefficients of a feature are together
        coefficients, unit = (
            np.linalg.norm(path.coefficients, axis=2) * spread,
            "norm of the classes' coefficients × std. deviation",
        )
    else:
        coefficients, unit = path.coefficients * spread, "coefficient × std. deviation"
    weakest = " It is the weakest that was tried." if chosen.chosen == len(path.alphas) - 1 else ""
    yield Panel(
        "Cross-validation",
        "The deviance of rows that were left out, with one standard error, for each strength of the penalty; the dashed line "
        f"is the strength that was chosen.{weakest}",
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
        "The coefficients as the penalty is relaxed from left to right, in units that compare; the dashed line is the strength "
        "that was chosen.",
        on_axes(draw_path, path.alphas, coefficients, result.model.features, chosen.alpha, unit),
    )


def _of_descent(result: TableFit) -> Iterator[Panel]:
    if result.history is not None:
        yield Panel("Losses", "The loss after each epoch of gradient descent.", partial(draw_losses, result.history))
