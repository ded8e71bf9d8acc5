"""``tf.math``."""

from jitgrad.compat.modules import missing
from jitgrad.compat.tensorflow import elementwise, operators, reductions, special
from jitgrad.compat.tensorflow.activations import log_softmax, softmax, softplus, softsign, zero_fraction
from jitgrad.compat.tensorflow.elementwise import *  # noqa: F403
from jitgrad.compat.tensorflow.indices import (
    bincount,
    confusion_matrix,
    segment_mean,
    segment_sum,
    unsorted_segment_mean,
    unsorted_segment_sum,
)  # fmt: skip
from jitgrad.compat.tensorflow.linear import l2_normalize
from jitgrad.compat.tensorflow.operators import *  # noqa: F403
from jitgrad.compat.tensorflow.reductions import *  # noqa: F403
from jitgrad.compat.tensorflow.shapes import in_top_k, top_k
from jitgrad.compat.tensorflow.special import (
    bessel_i0,
    bessel_i0e,
    bessel_i1,
    bessel_i1e,
    betainc,
    erfcinv,
    erfinv,
    igamma,
    igammac,
    ndtri,
)  # fmt: skip

_COMPLEX = "jitgrad does not compute with complex numbers."
__all__ = [
    *(name for name in elementwise.__all__ if name not in ("clip_by_value", "where")),
    *(name for name in operators.__all__ if name != "matmul"), *reductions.__all__,
    "bessel_i0", "bessel_i0e", "bessel_i1", "bessel_i1e", "betainc", "bincount", "confusion_matrix", "erfcinv", "erfinv",
    "igamma", "igammac", "in_top_k", "l2_normalize", "log_softmax", "ndtri", "segment_mean", "segment_sum", "softmax",
    "softplus", "softsign", "special", "top_k", "unsorted_segment_mean", "unsorted_segment_sum", "zero_fraction",
]  # fmt: skip
__getattr__ = missing("tensorflow.math", __all__, dict.fromkeys(["real", "imag", "angle", "conj"], _COMPLEX))
del elementwise, operators, reductions
