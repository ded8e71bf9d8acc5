"""Certified digits, from both starts and from none."""

from __future__ import annotations

import numpy as np
import pytest

from jitgrad import curve_fit
from tests.curvefit import nist


@pytest.mark.parametrize("start", [0, 1])
@pytest.mark.parametrize("name", nist.MODELS)
def test_certified_parameters_and_standard_errors(name: str, start: int) -> None:
    known = nist.read(name)
    result = curve_fit(nist.MODELS[name], known.x, known.y, known.starts[start])
    assert nist.digits(result.parameters, known.values) > 10
    assert nist.digits(dict(zip(result.names, result.stderr, strict=True)), known.deviations) > 10
    assert result.chisqr == pytest.approx(known.squares, rel=1e-9)
    assert result.converged and not result.notes


@pytest.mark.parametrize("name", nist.MODELS)
def test_the_certified_minimum_is_found_without_starting_values(name: str) -> None:
    known = nist.read(name)
    result = curve_fit(nist.MODELS[name], known.x, known.y)
    assert result.chisqr == pytest.approx(known.squares, rel=1e-9)
    assert result.n_minima >= 1 and result.n_starts > 1


def test_a_fit_is_the_same_to_the_bit_again() -> None:
    known = nist.read("Gauss1")
    first, second = (curve_fit(nist.MODELS["Gauss1"], known.x, known.y, known.starts[0]) for _ in range(2))
    np.testing.assert_array_equal(first.values, second.values)
    np.testing.assert_array_equal(first.pcov, second.pcov)
