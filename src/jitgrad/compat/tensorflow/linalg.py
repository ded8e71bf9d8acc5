"""``tf.linalg``."""

from jitgrad.compat.modules import missing
from jitgrad.compat.tensorflow.constants import eye
from jitgrad.compat.tensorflow.linear import (
    adjoint,
    band_part,
    cholesky,
    cholesky_solve,
    cross,
    det,
    diag,
    diag_part,
    eigh,
    eigvalsh,
    einsum,
    expm,
    global_norm,
    inv,
    l2_normalize,
    logdet,
    lstsq,
    matrix_rank,
    matrix_transpose,
    matvec,
    norm,
    normalize,
    pinv,
    qr,
    set_diag,
    slogdet,
    solve,
    svd,
    tensor_diag,
    tensor_diag_part,
    tensordot,
    trace,
    triangular_solve,
)  # fmt: skip
from jitgrad.compat.tensorflow.operators import matmul

__all__ = [
    "adjoint", "band_part", "cholesky", "cholesky_solve", "cross", "det", "diag", "diag_part", "eigh", "eigvalsh", "einsum",
    "expm", "eye", "global_norm", "inv", "l2_normalize", "logdet", "lstsq", "matmul", "matrix_rank", "matrix_transpose",
    "matvec", "norm", "normalize", "pinv", "qr", "set_diag", "slogdet", "solve", "svd", "tensor_diag", "tensor_diag_part",
    "tensordot", "trace", "triangular_solve",
]  # fmt: skip
_OPERATOR = "jitgrad has no linear operators. Multiply by the matrix itself."
__getattr__ = missing("tensorflow.linalg", __all__, {"LinearOperator": _OPERATOR, "LinearOperatorFullMatrix": _OPERATOR})
