"""``torch.special``, implemented with ``jitgrad.special``."""

from __future__ import annotations

from typing import Any

from jitgrad.compat.modules import missing
from jitgrad.compat.torch.activations import log_softmax, softmax
from jitgrad.compat.torch.pointwise import digamma, erf, erfc, exp2, expm1, log1p, logit, polygamma, round, sinc, xlogy
from jitgrad.compat.torch.pointwise import digamma as psi
from jitgrad.compat.torch.pointwise import lgamma as gammaln
from jitgrad.compat.torch.pointwise import sigmoid as expit
from jitgrad.compat.torch.promotion import binary, read, unary
from jitgrad.compat.torch.reductions import logsumexp
from jitgrad.compat.torch.tensor import Tensor, wrap
from jitgrad.functions import special as lib

erfinv = unary(lib.erfinv, "erfinv", "ErfinvBackward0")
ndtr = unary(lib.ndtr, "ndtr", "SpecialNdtrBackward0")
ndtri = unary(lib.ndtri, "ndtri", "SpecialNdtriBackward0")
log_ndtr = unary(lib.log_ndtr, "log_ndtr", "SpecialLogNdtrBackward0")
entr = unary(lib.entr, "entr", "SpecialEntrBackward0")
i0 = unary(lib.i0, "i0", "I0Backward0")
i0e = unary(lib.i0e, "i0e", "SpecialI0EBackward0")
i1 = unary(lib.i1, "i1", "SpecialI1Backward0")
i1e = unary(lib.i1e, "i1e", "SpecialI1EBackward0")
bessel_j0 = unary(lib.j0, "bessel_j0", "SpecialBesselJ0Backward0")
bessel_j1 = unary(lib.j1, "bessel_j1", "SpecialBesselJ1Backward0")
bessel_y0 = unary(lib.y0, "bessel_y0", "SpecialBesselY0Backward0")
bessel_y1 = unary(lib.y1, "bessel_y1", "SpecialBesselY1Backward0")
gammainc = binary(lib.gammainc, "gammainc", "IgammaBackward0")
gammaincc = binary(lib.gammaincc, "gammaincc", "IgammacBackward0")
xlog1py = binary(lib.xlog1py, "xlog1py", "SpecialXlog1PyBackward0")


def multigammaln(input: Tensor, p: int) -> Any:
    """Return the logarithm of the multivariate gamma function of dimension ``p``."""
    return wrap(lib.multigammaln(read("multigammaln", input), p), "MvlgammaBackward0")


__all__ = [
    "bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1", "digamma", "entr", "erf", "erfc", "erfinv", "exp2", "expit", "expm1",
    "gammainc", "gammaincc", "gammaln", "i0", "i0e", "i1", "i1e", "log1p", "log_ndtr", "log_softmax", "logit", "logsumexp",
    "multigammaln", "ndtr", "ndtri", "polygamma", "psi", "round", "sinc", "softmax", "xlog1py", "xlogy",
]  # fmt: skip
__getattr__ = missing("torch.special", __all__)
