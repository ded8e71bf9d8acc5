"""Results as JSON objects, as documented in ``docs/json.md``. Values that are not finite become null."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from jitgrad.errors import ACTING

if TYPE_CHECKING:
    from jitgrad.curvefit import Comparison
    from jitgrad.curvefit.estimates import Estimates
    from jitgrad.groupfit.stream import FileFits
    from jitgrad.tabular import CurveModel, CurveTableFit, Inference, TableFit, TableModel
    from jitgrad.tabular.anova import Anova

SCHEMA = 2
"""Increased when a key changes meaning or is removed. New keys may be added at any time."""


def text(document: dict[str, Any]) -> str:
    """Return the object as JSON, with terminal control characters escaped."""
    made = json.dumps(_plain({"schema": SCHEMA, **document}), indent=2, allow_nan=False, ensure_ascii=False)
    return ACTING.sub(lambda found: f"\\u{ord(found[0]):04x}", made)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_plain(item) for item in value]
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and not math.isfinite(value) else value


def of_table(result: TableFit, anova: Literal["each", "sequential"] | None = None) -> dict[str, Any]:
    """Return a fit of a table model."""
    report = of_table_model(result.model) | {"success": result.success, "rows_dropped": result.design.dropped}
    if anova is not None:
        report["terms"] = {"kind": anova, "tests": of_terms(result.anova(anova))}
    if result.history is not None:
        report |= {"loss": float(result.history.loss[-1]), "seconds": result.history.seconds}
    return report


def of_table_model(model: TableModel) -> dict[str, Any]:
    """Return a saved table model."""
    settings = model.settings
    report: dict[str, Any] = {
        "kind": "table",
        "task": "classification" if model.classes else "regression",
        "target": model.target.name,
        "features": model.features,
        "classes": model.classes,
        "model": {"kind": model.kind, "family": model.family, "link": model.link, "hidden": list(settings.hidden)},
        "penalty": None if settings.penalty is None else of_penalty(model),
        "epochs": settings.epochs,
        "batch_size": settings.batch_size,
        "lr": settings.lr,
        "optimizer": settings.optimizer,
        "seed": settings.seed,
        "scores": model.scores,
        "validation": model.validation or None,
        "notes": list(model.notes),
    }
    if model.coefficients is not None and model.intercept is not None:
        outputs = model.classes or [model.target.name]
        report["intercept"] = dict(zip(outputs, model.intercept, strict=True))
        report["coefficients"] = {
            name: dict(zip(outputs, row, strict=True)) for name, row in zip(model.features, model.coefficients, strict=True)
        }
    if model.inference is not None:
        report["inference"] = of_inference(model.inference)
    return report


def of_penalty(model: TableModel) -> dict[str, Any]:
    """Return the penalty on the coefficients."""
    settings = model.settings
    return {"kind": settings.penalty, "alpha": settings.alpha, "l1_ratio": settings.l1_part}


def of_terms(anova: Anova) -> dict[str, Any]:
    """Return tests of terms by name."""
    tested = zip(anova.names, anova.deviances, anova.tests, strict=True)
    parts = ("df", "distribution", "statistic", "p_value")
    return {name: {"deviance": deviance} | {part: getattr(test, part) for part in parts} for name, deviance, test in tested}


def of_inference(inference: Inference) -> dict[str, Any]:
    """Return estimates by output and name, with ratios if they have an interpretation, and fit statistics."""
    names = ("estimate", "standard_error", "statistic", "p_value", "low", "high")
    parts = {name: getattr(inference, name) for name in names}
    if inference.ratio:
        parts |= dict(zip(("ratio", "ratio_low", "ratio_high"), inference.ratios(), strict=True))
    return {
        "level": inference.level,
        "ratio": inference.ratio or None,
        "cov_type": inference.cov_type,
        "distribution": inference.distribution,
        "rows": inference.rows,
        "degrees_of_freedom": inference.degrees_of_freedom,
        "figures": inference.figures,
        "estimates": {
            output: {name: {part: values[i, k] for part, values in parts.items()} for i, name in enumerate(inference.names)}
            for k, output in enumerate(inference.outputs)
        },
    }


def of_curve(fitted: CurveTableFit) -> dict[str, Any]:
    """Return a fit of a curve."""
    result = fitted.result
    return of_curve_model(fitted.model) | {
        "success": result.success,
        "converged": result.converged,
        "notes": result.notes,
        "loss": result.loss,
        "evaluations": result.nfev,
        "starts": result.n_starts,
        "minima": result.n_minima,
        "rows_dropped": fitted.dropped,
        "outliers": fitted.outliers,
    }


def of_comparison(fits: Sequence[CurveTableFit], made: Comparison) -> dict[str, Any]:
    """Return a comparison of two curves, the one with fewer parameters first."""
    test = made.test
    return {
        "kind": "comparison",
        "models": [of_curve(fitted) for fitted in fits],
        "nested": made.nested,
        "test": None if test is None else {
            "name": test.name, "statistic": test.statistic, "degrees_of_freedom": test.df,
            "residual_degrees_of_freedom": test.df_resid, "p_value": test.p_value,
        },
        "aicc_difference": made.aicc_difference,
        "probabilities": made.probabilities,
        "evidence_ratio": made.evidence_ratio,
        "success": all(fitted.result.success for fitted in fits),
    }  # fmt: skip


def of_groups(made: FileFits) -> dict[str, Any]:
    """Return the fits of the groups in a file."""
    summary = made.summary
    return {
        "kind": "groups",
        "target": made.job.y,
        "formula": made.job.curve.model.text,
        "by": list(made.job.by),
        "output": made.output,
        "groups": summary.groups,
        "converged": summary.converged,
        "failures": summary.failures,
        "rows": summary.rows,
        "parameters": {
            name: dict(zip(("q1", "median", "q3"), three, strict=True)) for name, three in summary.quartiles.items()
        },
        "notes": summary.remarks,
        "resumed": made.resumed,
        "success": summary.converged > 0,
    }


def of_curve_model(model: CurveModel) -> dict[str, Any]:
    """Return a saved curve."""
    return {
        "kind": "curve",
        "target": model.target,
        "sigma": model.sigma or None,
        "formula": model.formula,
        "name": model.name or None,
        "errors": model.errors,
        "columns": {name: column for name, (column, *_) in model.columns.items()},
        "parameters": of_parameters(model.estimates),
        "covariance": model.estimates.covariance,
        "figures": model.figures,
        "status": model.status,
    }


def of_parameters(estimates: Estimates) -> dict[str, Any]:
    """Return parameters by name."""
    free = {estimates.names[k] for k in estimates.free}
    return {
        row.name: {
            "estimate": row.estimate, "standard_error": row.stderr, "statistic": row.t, "p_value": row.p,
            "low": row.low, "high": row.high, "fixed": row.name not in free,
        }
        for row in estimates.table()
    }  # fmt: skip
