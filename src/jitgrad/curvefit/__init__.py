"""Fit formulas and functions to data by least squares.

The main function is `jitgrad.curve_fit`. This module has its result, formulas, named curves and comparisons of two fits.
"""

from jitgrad.curvefit import gallery
from jitgrad.curvefit.compare import Comparison, ComparisonTest, compare
from jitgrad.curvefit.estimates import Row
from jitgrad.curvefit.fit import curve_fit
from jitgrad.curvefit.fitted import Outliers
from jitgrad.curvefit.formula import Formula, formula
from jitgrad.curvefit.gallery import named
from jitgrad.curvefit.inverse import Inverse
from jitgrad.curvefit.named_model import NamedModel
from jitgrad.curvefit.ode import OdeModel, ode
from jitgrad.curvefit.result import CurveFit

__all__ = [
    "MODELS", "Comparison", "ComparisonTest", "CurveFit", "Formula", "Inverse", "NamedModel", "OdeModel", "Outliers", "Row",
    "compare", "curve_fit", "formula", "named", "ode",
]  # fmt: skip

MODELS: dict[str, NamedModel] = gallery.MODELS
"""The named curve models, a dict from names such as ``"gaussian"`` to `NamedModel`.

The gallery of curves shows each of them with a picture. `named` also returns polynomials of every degree up to 20.
"""
