"""``torch.special``."""

from __future__ import annotations

from jitgrad.compat.modules import missing
from jitgrad.compat.torch.activations import log_softmax, softmax
from jitgrad.compat.torch.pointwise import (
    digamma,
    erf,
    erfc,
    exp2,
    expm1,
    log1p,
    logit,
    polygamma,
    sinc,
    xlogy,
)
from jitgrad.compat.torch.pointwise import digamma as psi
from jitgrad.compat.torch.pointwise import lgamma as gammaln
from jitgrad.compat.torch.pointwise import sigmoid as expit
from jitgrad.compat.torch.reductions import logsumexp

__all__ = [
    "digamma",
    "erf",
    "erfc",
    "exp2",
    "expit",
    "expm1",
    "gammaln",
    "log1p",
    "log_softmax",
    "logit",
    "logsumexp",
    "polygamma",
    "psi",
    "sinc",
    "softmax",
    "xlogy",
]
__getattr__ = missing("torch.special", __all__)
