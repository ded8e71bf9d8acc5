"""Tables through ``fit_table`` have the figures of the same fits of arrays, which are those of statsmodels and R."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from jitgrad.tabular import fit_table
from tests.glm.references import TABLES
from tests.glm.test_references import WRITTEN

# The case of tests/glm/cases.py, its table, the kind of standard errors, and how it is asked for.
ASKED: dict[str, tuple[str, str, dict[str, Any]]] = {
    "budworm": ("budworm", "model", {"formula": "hits ~ sex * ldose", "model": "logistic", "trials": "trials"}),
    "epil": (
        "epil",
        "cluster",
        {"formula": "y ~ lbase*trt + lage + V4", "model": "poisson", "cov_type": "cluster", "groups": "subject"},
    ),
    "insurance, quasi, offset": (
        "insurance",
        "model",
        {"formula": "Claims ~ C(District) + C(Group) + C(Age) + offset(log(Holders))", "model": "quasi_poisson"},
    ),
    "quine, main effects": ("quine", "model", {"formula": "Days ~ Eth + Sex + Age + Lrn", "model": "negative_binomial"}),
    "clotting": ("clotting", "model", {"formula": "lot1 ~ log(u)", "model": "gamma"}),
    "swiss": ("swiss", "HC3", {"target": "Fertility", "cov_type": "HC3"}),
    "hills, weights, no intercept": ("hills", "model", {"formula": "time ~ dist + climb - 1", "weights": "precision"}),
    "yeast": ("yeast", "model", {"formula": "numbers ~ 1", "model": "negative_binomial", "freq_weights": "fr"}),
}


@pytest.mark.parametrize("name", ASKED)
def test_tables_have_the_figures_of_arrays(name: str) -> None:
    table, kind, asked = ASKED[name]
    frame = pl.DataFrame({key: values for key, values in TABLES[table].items() if key != "source"}, strict=False)
    if table == "budworm":
        frame = frame.with_columns(hits=pl.col("dead") / pl.col("trials"))
    if table == "hills":
        frame = frame.with_columns(precision=1 / pl.col("dist") ** 2)
    inference = fit_table(frame, **asked).model.inference
    assert inference is not None
    estimate, error = inference.estimate[:, 0], inference.standard_error[:, 0]
    coefficients, errors = np.array(WRITTEN[name]["coefficients"][0]), np.array(WRITTEN[name]["standard_errors"][kind][0])
    of, to = np.argsort(estimate), np.argsort(coefficients)  # terms of formulas have an order of their own
    np.testing.assert_allclose(estimate[of], coefficients[to], rtol=1e-8)
    np.testing.assert_allclose(error[of], errors[to], rtol=1e-6)
