"""Figures of the cases from statsmodels, and what writes them: ``python -m tests.glm.statsmodels_figures``.

statsmodels fits to its last digits; what R defines otherwise (``references.py`` says what) is put together from statsmodels'
own scores and information, and from scipy's densities.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from tests.glm.cases import CASES
from tests.glm.references import Case

WRITTEN = Path(__file__).parent / "references.json"
ESTIMATED = ("gaussian", "gamma", "inverse_gaussian", "quasi_poisson", "quasi_binomial")
"""Families whose dispersion is estimated."""

Figures = dict[str, Any]


def figures(case: Case) -> Figures:
    """What is known of a fit; coefficients and standard errors by output."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of links that could leave the range of the mean, and of convergence to rounding
        return _of_classes(case) if case.family == "multinomial" else _of_glm(case)


def _given(case: Case) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray], np.ndarray]:
    """X with its intercept, y, the other keywords and the groups, each row as often as its frequency says."""
    x, y, rows = case.x, case.target, dict(case.rows)
    if case.intercept:
        x = np.column_stack([np.ones(len(y)), x])
    groups = np.arange(len(y)) if case.group_labels is None else case.group_labels
    often = rows.pop("freq_weights", np.ones(len(y))).astype(int)
    return (
        np.repeat(x, often, 0),
        np.repeat(y, often),
        {k: np.repeat(v, often) for k, v in rows.items()},
        np.repeat(groups, often),
    )


def _family(case: Case, theta: float | None) -> Any:
    import statsmodels.api as sm

    link = {
        None: None,
        "identity": sm.families.links.Identity(),
        "log": sm.families.links.Log(),
        "inverse": sm.families.links.InversePower(),
        "sqrt": sm.families.links.Sqrt(),
        "probit": sm.families.links.Probit(),
        "cloglog": sm.families.links.CLogLog(),
        "cauchit": sm.families.links.Cauchy(),
    }[case.link]
    name = case.family.removeprefix("quasi_")
    if name == "negative_binomial":
        return sm.families.NegativeBinomial(link or sm.families.links.Log(), alpha=1 / theta)
    families = {"gaussian": "Gaussian", "poisson": "Poisson", "binomial": "Binomial", "gamma": "Gamma",
                "inverse_gaussian": "InverseGaussian"}  # fmt: skip
    return getattr(sm.families, families[name])(link)


def _fitted(
    case: Case, x: np.ndarray, y: np.ndarray, rows: dict[str, np.ndarray], theta: float | None, start: Any = None
) -> Any:
    import statsmodels.api as sm

    trials = rows.get("trials")
    target = y if trials is None else np.column_stack([np.rint(y * trials), trials - np.rint(y * trials)])
    model = sm.GLM(target, x, _family(case, theta), offset=rows.get("offset"), var_weights=rows.get("weights"))
    return model.fit(
        tol=1e-15, tol_criterion="params", maxiter=300, start_params=start, scale="X2" if "quasi" in case.family else None
    )


def _of_glm(case: Case) -> Figures:
    x, y, rows, groups = _given(case)
    weights = rows.get("weights", np.ones(len(y)))
    theta = _theta(case, x, y, rows) if case.theta == "estimated" else case.theta
    fit = _fitted(case, x, y, rows, theta, case.start)
    estimated = case.family in ESTIMATED
    dispersion = fit.pearson_chi2 / fit.df_resid if estimated else 1.0
    found = {
        "coefficients": [fit.params],
        "standard_errors": {kind: [np.sqrt(np.diag(_covariance(fit, x, kind, groups, dispersion)))] for kind in case.kinds},
        "dispersion": dispersion,
        "df_resid": int(fit.df_resid),
        "deviance": fit.deviance,
        "pearson_chi2": fit.pearson_chi2,
        "null_deviance": _null_deviance(case, fit, y, rows, theta),
    }  # fmt: skip
    if case.theta:
        found["theta"] = theta
    if "quasi" not in case.family:
        found["log_likelihood"] = _log_likelihood(case, y, fit.fittedvalues, weights, rows.get("trials"), fit.deviance, theta)
        k = len(fit.params) + estimated + (case.theta == "estimated")
        found["aic"] = -2 * found["log_likelihood"] + 2 * k
        found["bic"] = -2 * found["log_likelihood"] + np.log(len(y)) * k
    return found


def _null_deviance(case: Case, fit: Any, y: np.ndarray, rows: dict[str, np.ndarray], theta: float | None) -> float:
    if not case.intercept:
        mean = fit.family.link.inverse(rows.get("offset", np.zeros(len(y))))
        return fit.family.deviance(y, mean, rows.get("weights", 1.0) * rows.get("trials", 1.0))
    start = None if case.start is None else [float(np.mean(y))]
    return _fitted(case, np.ones((len(y), 1)), y, rows, theta, start).deviance


def _covariance(fit: Any, x: np.ndarray, kind: str, groups: np.ndarray, dispersion: float) -> np.ndarray:
    """Of the expected information, with statsmodels' scores."""
    bread = np.asarray(fit.normalized_cov_params)
    if kind == "model":
        return bread * dispersion
    scores = np.asarray(fit.model.score_obs(fit.params, scale=1.0))
    n, p = x.shape
    if kind == "cluster":
        sums = np.array([scores[groups == group].sum(0) for group in np.unique(groups)])
        g = len(sums)
        return bread @ sums.T @ sums @ bread * g / (g - 1) * (n - 1) / (n - p)
    hat = fit.model.hessian_factor(fit.params, scale=1.0, observed=False) * np.einsum("ij,jk,ik->i", x, bread, x)
    factor = {"HC0": 1.0, "HC1": n / (n - p), "HC2": 1 / (1 - hat), "HC3": 1 / (1 - hat) ** 2}[kind]
    return bread @ (scores.T * factor) @ scores @ bread


def _log_likelihood(
    case: Case, y: np.ndarray, mean: np.ndarray, w: np.ndarray, trials: np.ndarray | None, deviance: float, theta: float | None
) -> float:
    """R's ``logLik``."""
    from scipy import stats

    phi = deviance / w.sum()
    match case.family:
        case "gaussian":
            return -0.5 * len(y) * (np.log(2 * np.pi * deviance / len(y)) + 1) + 0.5 * np.sum(np.log(w))
        case "gamma":
            return np.sum(w * stats.gamma.logpdf(y, 1 / phi, scale=mean * phi))
        case "inverse_gaussian":
            return -0.5 * np.sum(w * (np.log(2 * np.pi * phi) + 1 + 3 * np.log(y)))
        case "poisson":
            return np.sum(w * stats.poisson.logpmf(y, mean))
        case "binomial":
            n = np.ones(len(y)) if trials is None else trials
            return np.sum(w * stats.binom.logpmf(np.rint(y * n), n, mean))
        case "negative_binomial":
            return np.sum(w * stats.nbinom.logpmf(y, theta, theta / (theta + mean)))
    raise AssertionError(case.family)


def _theta(case: Case, x: np.ndarray, y: np.ndarray, rows: dict[str, np.ndarray]) -> float:
    """Where the derivative of the likelihood by theta is 0."""
    from scipy import optimize, special

    def slope(theta: float) -> float:
        mean = _fitted(case, x, y, rows, theta, case.start).fittedvalues
        return float(
            np.sum(
                special.digamma(y + theta)
                - special.digamma(theta)
                + np.log(theta / (theta + mean))
                + (mean - y) / (theta + mean)
            )
        )

    return float(optimize.brentq(slope, 0.3, 60.0, xtol=1e-14, rtol=1e-14))


def _of_classes(case: Case) -> Figures:
    import statsmodels.api as sm

    x, y, _, groups = _given(case)
    fit = sm.MNLogit(y, x).fit(method="newton", tol=1e-14, maxiter=100, disp=0)
    n, p, outputs = len(y), x.shape[1], fit.params.shape[1]
    bread = -np.linalg.inv(fit.model.hessian(fit.params))
    scores = fit.model.score_obs(fit.params)
    sums = np.array([scores[groups == group].sum(0) for group in np.unique(groups)])
    k = p * outputs
    factor = {"model": 1.0, "HC0": 1.0, "HC1": n / (n - k), "cluster": len(sums) / (len(sums) - 1) * (n - 1) / (n - k)}
    meat = {"model": np.linalg.inv(bread), "HC0": scores.T @ scores, "HC1": scores.T @ scores, "cluster": sums.T @ sums}
    errors = {kind: np.sqrt(np.diag(bread @ meat[kind] @ bread * factor[kind])).reshape(outputs, p) for kind in case.kinds}
    counts = np.bincount(y.astype(int))
    return {
        "coefficients": list(np.asarray(fit.params).T),
        "standard_errors": {kind: list(error) for kind, error in errors.items()},
        "dispersion": 1.0,
        "deviance": -2 * fit.llf,
        "null_deviance": -2 * float(np.sum(counts * np.log(counts / n))),
        "log_likelihood": fit.llf,
        "aic": -2 * fit.llf + 2 * k,
        "bic": -2 * fit.llf + np.log(n) * k,
    }


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | np.ndarray):
        return [_plain(inner) for inner in value]
    return value if isinstance(value, int) else float(value)


if __name__ == "__main__":
    lines = [f"{json.dumps(name, ensure_ascii=False)}: {json.dumps(_plain(figures(case)))}" for name, case in CASES.items()]
    WRITTEN.write_text("{\n" + ",\n".join(lines) + "\n}\n")
