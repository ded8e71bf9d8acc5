"""The examples of methods that ``CurveFit`` inherits, which the test of public names does not cover."""

from __future__ import annotations

import doctest

import numpy as np

import jitgrad as jg
from jitgrad.curvefit import fitted


def test_examples_of_inherited_methods() -> None:
    found = doctest.testmod(fitted, extraglobs={"jg": jg, "np": np}, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert found.attempted > 5 and not found.failed
