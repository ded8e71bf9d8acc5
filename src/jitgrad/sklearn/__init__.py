"""Estimators for scikit-learn (``pip install 'jitgrad[sklearn]'``).

They follow scikit-learn's conventions and can be used in pipelines, grid searches and cross-validation. The parameters have
scikit-learn's names.
"""

from importlib.util import find_spec

from jitgrad.errors import MissingError

if find_spec("sklearn") is None:
    raise MissingError("jitgrad.sklearn requires scikit-learn. Run pip install 'jitgrad[sklearn]'.")

from jitgrad.sklearn.elastic_net import ElasticNetRegressor, ElasticNetRegressorCV
from jitgrad.sklearn.formula import FormulaRegressor
from jitgrad.sklearn.glm import GLMRegressor
from jitgrad.sklearn.logistic import LogisticClassifier
from jitgrad.sklearn.network_classifier import NetworkClassifier
from jitgrad.sklearn.network_regressor import NetworkRegressor

__all__ = [
    "ElasticNetRegressor",
    "ElasticNetRegressorCV",
    "FormulaRegressor",
    "GLMRegressor",
    "LogisticClassifier",
    "NetworkClassifier",
    "NetworkRegressor",
]
