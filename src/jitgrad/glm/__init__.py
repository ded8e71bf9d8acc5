"""Generalized linear models for arrays: estimates, standard errors, tests, diagnostics, penalties and cross-validation.

Fit a model with `fit`, then pass the result to the functions for inference. See `jitgrad.fit_table` for tables with text
columns, missing values and formulas.
"""

from jitgrad.glm.covariance import covariance
from jitgrad.glm.cross_validation import CrossValidated, cross_validated
from jitgrad.glm.estimates import Estimates, Ratios, estimates, ratios
from jitgrad.glm.families import FAMILIES
from jitgrad.glm.fit import fit
from jitgrad.glm.influence import Influence, influence
from jitgrad.glm.links import LINKS
from jitgrad.glm.overdispersion import Overdispersion, overdispersion
from jitgrad.glm.path import Path, path
from jitgrad.glm.result import Fit
from jitgrad.glm.terms import Step, analysis_of_deviance, drop_each
from jitgrad.glm.tests import HypothesisTest, compare, f_test, likelihood_ratio, wald
from jitgrad.glm.validation import Validation, cross_validate

__all__ = [
    "FAMILIES", "LINKS", "CrossValidated", "Estimates", "Fit", "HypothesisTest", "Influence", "Overdispersion", "Path",
    "Ratios", "Step", "Validation", "analysis_of_deviance", "compare", "covariance", "cross_validate", "cross_validated",
    "drop_each", "estimates", "f_test", "fit", "influence", "likelihood_ratio", "overdispersion", "path", "ratios", "wald",
]  # fmt: skip
