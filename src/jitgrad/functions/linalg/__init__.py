"""Linear algebra over the last two axes, with the names of ``numpy.linalg`` and ``scipy.linalg``: ``jitgrad.linalg``."""

from jitgrad.functions.linalg.decompositions import cholesky, eigh, eigvalsh, qr, svd, svdvals
from jitgrad.functions.linalg.matrices import det, expm, matrix_power, multi_dot, slogdet
from jitgrad.functions.linalg.norms import cond, matrix_norm, matrix_rank, norm, vector_norm
from jitgrad.functions.linalg.solving import cholesky_solve, inv, lstsq, pinv, solve, solve_triangular

__all__ = [
    "cholesky", "cholesky_solve", "cond", "det", "eigh", "eigvalsh", "expm", "inv", "lstsq", "matrix_norm", "matrix_power",
    "matrix_rank", "multi_dot", "norm", "pinv", "qr", "slogdet", "solve", "solve_triangular", "svd", "svdvals", "vector_norm",
]  # fmt: skip
