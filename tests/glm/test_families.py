"""Links and families: their values, and their derivatives by jitgrad."""

from __future__ import annotations

import numpy as np
import pytest

import jitgrad as jg
from jitgrad import glm
from jitgrad.glm.families import Binomial, Family, NegativeBinomial
from jitgrad.glm.links import Link
from jitgrad.glm.means import derivatives, mean_of
from jitgrad.glm.rows import Mean

ETA = np.array([-30.0, -3, -0.7, -1e-3, 0.2, 1, 2.5])
FAMILIES = {name: family for name, family in glm.FAMILIES.items() if not name.startswith("quasi")}
FAMILIES |= {"negative_binomial": NegativeBinomial(1.7), "whole": Binomial(True)}


def etas_of(link: Link) -> np.ndarray:
    return np.abs(ETA) if link.needs else ETA


@pytest.mark.parametrize("link", glm.LINKS.values(), ids=glm.LINKS)
def test_a_link_and_its_inverse(link: Link) -> None:
    eta = etas_of(link)
    mean = mean_of(link, eta)
    np.testing.assert_allclose(mean.value + mean.rest, 1, rtol=1e-14)
    near = np.abs(eta) < 5
    np.testing.assert_allclose(link.function(mean.value[near]), eta[near], rtol=1e-11)
    slope = np.asarray(jg.grad(lambda x: jg.sum(link.inverse(x)))(eta))
    np.testing.assert_allclose(link.derivative(eta), slope, rtol=1e-10)  # that of expm1 loses digits


@pytest.mark.parametrize(("name", "tail"), [("logit", 40.0), ("probit", 20.0), ("cloglog", 6.0), ("cauchit", 1e20)])
def test_means_keep_their_digits_at_either_end(name: str, tail: float) -> None:
    """Where the mean is 1 in floating point, what is left to it is not."""
    link = glm.LINKS[name]
    rest = link.rest(np.array([tail]))
    assert link.inverse(np.array([tail]))[0] == pytest.approx(1.0, abs=1e-15)
    assert 0 < rest[0] < 1e-17
    if name != "cloglog":
        np.testing.assert_allclose(rest, link.inverse(np.array([-tail])), rtol=1e-12)


@pytest.mark.parametrize("link", ["log", "logit", "identity", "inverse"])
@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_the_score_is_the_derivative_of_the_deviance(family: Family, link: str) -> None:
    """Half of it, with the other sign; and the weights are the variance of the score."""
    by = glm.LINKS[link]
    eta = {"log": -np.linspace(0.1, 2, 6), "logit": np.linspace(-2, 2, 6), "inverse": np.linspace(1.1, 4, 6)}.get(
        link, np.linspace(0.1, 0.9, 6)
    )
    y = np.array([0.0, 1, 1, 0, 1, 1]) if family.name in ("binomial", "whole") else np.array([0.5, 1, 2, 3, 0.1, 7])
    cost = lambda x: jg.sum(family.unit_deviance(y, mean_of(by, x)))  # noqa: E731
    mean = mean_of(by, eta)
    score, weights = derivatives(family, by, y, eta, mean)
    np.testing.assert_allclose(score, -np.asarray(jg.grad(cost)(eta)) / 2, rtol=1e-10)
    np.testing.assert_allclose(weights, by.derivative(eta) ** 2 / family.variance(mean), rtol=1e-12)


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_a_mean_that_is_its_target_has_no_deviance(family: Family) -> None:
    y = np.array([0.0, 1.0]) if family.proportion else np.array([0.5, 3.0])
    with np.errstate(invalid="ignore", divide="ignore"):
        np.testing.assert_allclose(family.unit_deviance(y, Mean(y, 1 - y)), 0, atol=1e-15)
