"""``torch.linalg``."""

from __future__ import annotations

from typing import Any

from jitgrad.compat.modules import missing
from jitgrad.compat.torch import return_types
from jitgrad.compat.torch.errors import TorchError
from jitgrad.compat.torch.numpy_names import numpy_names
from jitgrad.compat.torch.products import cross, matmul
from jitgrad.compat.torch.promotion import read
from jitgrad.compat.torch.reductions import norm as _norm
from jitgrad.compat.torch.shapes import diagonal
from jitgrad.compat.torch.tensor import Tensor, wrap
from jitgrad.functions import linalg as lib
from jitgrad.tape import dtypes


def _matrix(name: str, value: Tensor) -> Any:
    x = read(name, value)
    if len(x.shape) < 2:
        raise TorchError(
            f"{name}: The input tensor must have at least 2 dimensions, and has shape {list(x.shape)}. Give a matrix."
        )
    if x.level <= dtypes.INTEGER:
        raise TorchError(
            f"{name}: Expected a floating point tensor as input. Got {value.dtype.title}. Convert it with float()."
        )
    return x


def _square(name: str, value: Tensor) -> Any:
    x = _matrix(name, value)
    if x.shape[-1] != x.shape[-2]:
        raise TorchError(f"{name}: A must be batches of square matrices, but they are {x.shape[-2]} by {x.shape[-1]} matrices.")
    return x


def inv(A: Tensor) -> Tensor:
    """Return the inverse, or nan for a singular matrix."""
    return wrap(lib.inv(_square("linalg.inv", A)), "LinalgInvExBackward0")


def det(A: Tensor) -> Tensor:
    """Return the determinant."""
    return wrap(lib.det(_square("linalg.det", A)), "LinalgDetBackward0")


def slogdet(A: Tensor) -> Any:
    """Return the sign of the determinant and the logarithm of its absolute value."""
    sign, size = lib.slogdet(_square("linalg.slogdet", A))
    return return_types.linalg_slogdet(wrap(sign, "LinalgSlogdetBackward0"), wrap(size, "LinalgSlogdetBackward0"))


def solve(A: Tensor, B: Tensor) -> Tensor:
    """Solve ``A @ X = B``; the result is nan if A is singular."""
    return wrap(lib.solve(_square("linalg.solve", A), read("linalg.solve", B)), "LinalgSolveExBackward0")


def cholesky(A: Tensor, *, upper: bool = False) -> Tensor:
    """Return the lower triangular L with ``L @ L.T = A``, or its transpose."""
    made = wrap(lib.cholesky(_square("linalg.cholesky", A)), "LinalgCholeskyExBackward0")
    return made.mT if upper else made


def eigh(A: Tensor, UPLO: str = "L") -> Any:
    """Return the eigenvalues of a symmetric matrix in ascending order, and the eigenvectors as columns."""
    values, vectors = lib.eigh(_square("linalg.eigh", A))
    return return_types.linalg_eigh(wrap(values, "LinalgEighBackward0"), wrap(vectors, "LinalgEighBackward0"))


def eigvalsh(A: Tensor, UPLO: str = "L") -> Tensor:
    """Return the eigenvalues of a symmetric matrix in ascending order."""
    return wrap(lib.eigvalsh(_square("linalg.eigvalsh", A)), "LinalgEighBackward0")


def svd(A: Tensor, full_matrices: bool = True) -> Any:
    """Return the singular value decomposition ``U @ diag(S) @ Vh``."""
    parts = lib.svd(_matrix("linalg.svd", A), full_matrices)
    return return_types.linalg_svd(*[wrap(part, "LinalgSvdBackward0") for part in parts])


def old_svd(input: Tensor, some: bool = True, compute_uv: bool = True) -> Any:
    """Return U, S and V, like ``torch.svd``. The columns of V are the rows of Vh."""
    u, s, vh = svd(input, not some)
    return return_types.svd(u, s, vh.mT)


def svdvals(A: Tensor) -> Tensor:
    """Return the singular values in descending order."""
    return wrap(lib.svdvals(_matrix("linalg.svdvals", A)), "LinalgSvdBackward0")


def qr(A: Tensor, mode: str = "reduced") -> Any:
    """Return the QR decomposition."""
    parts = lib.qr(_matrix("linalg.qr", A), mode)
    return return_types.linalg_qr(*[wrap(part, "LinalgQrBackward0") for part in parts])


@numpy_names
def norm(A: Tensor, ord: Any = None, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Return the norm of all elements, of vectors along an axis, or of matrices in two axes."""
    x = read("linalg.norm", A)
    if ord is None:
        return _norm(A, 2, dim, keepdim)
    axis = tuple(dim) if isinstance(dim, (tuple, list)) else dim
    return wrap(lib.norm(x, ord, axis, keepdim), "LinalgVectorNormBackward0")


@numpy_names
def vector_norm(x: Tensor, ord: float = 2, dim: Any = None, keepdim: bool = False) -> Tensor:
    """Return the norm of vectors along axes; None means all elements."""
    return _norm(x, ord, dim, keepdim)


def matrix_norm(A: Tensor, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False) -> Tensor:
    """Return the norm of matrices in two axes."""
    return norm(A, ord, dim, keepdim)


def pinv(A: Tensor, *, rcond: float | None = None, rtol: float | None = None) -> Tensor:
    """Return the pseudoinverse."""
    return wrap(lib.pinv(_matrix("linalg.pinv", A), rtol if rcond is None else rcond), "LinalgPinvBackward0")


def lstsq(A: Tensor, B: Tensor, rcond: float | None = None, *, driver: str | None = None) -> Any:
    """Return the least-squares solution of ``A @ X = B``."""
    solution, residuals, rank, values = lib.lstsq(_matrix("linalg.lstsq", A), read("linalg.lstsq", B), rcond)
    results = wrap(solution, "LinalgLstsqBackward0"), wrap(residuals), wrap(rank), wrap(values)
    return return_types.linalg_lstsq(*results)


def matrix_rank(A: Tensor) -> Tensor:
    """Return the rank."""
    return wrap(lib.matrix_rank(_matrix("linalg.matrix_rank", A)))


def cond(A: Tensor, p: Any = None) -> Tensor:
    """Return the condition number."""
    return wrap(lib.cond(_matrix("linalg.cond", A), p), "SqueezeBackward1")


def matrix_power(A: Tensor, n: int) -> Tensor:
    """Return the ``n``-th power of the matrix."""
    return wrap(lib.matrix_power(_square("linalg.matrix_power", A), n), "MmBackward0")


def matrix_exp(A: Tensor) -> Tensor:
    """Return the matrix exponential."""
    return wrap(lib.expm(_square("linalg.matrix_exp", A)), "LinalgMatrixExpBackward0")


def multi_dot(tensors: Any) -> Tensor:
    """Multiply several matrices in the order with the fewest operations."""
    return wrap(lib.multi_dot([read("linalg.multi_dot", x) for x in tensors]), "ViewBackward0")


def solve_triangular(A: Tensor, B: Tensor, *, upper: bool, left: bool = True, unitriangular: bool = False) -> Tensor:
    """Solve ``A @ X = B`` for a triangular A; the other triangle is not read."""
    if not left:
        return solve_triangular(A.mT, B.mT, upper=not upper, unitriangular=unitriangular).mT
    a, b = _square("linalg.solve_triangular", A), read("linalg.solve_triangular", B)
    return wrap(lib.solve_triangular(a, b, not upper, 0, unitriangular), "LinalgSolveTriangularBackward0")


__all__ = [
    "cholesky",
    "cond",
    "cross",
    "det",
    "diagonal",
    "eigh",
    "eigvalsh",
    "inv",
    "lstsq",
    "matmul",
    "matrix_exp",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "multi_dot",
    "norm",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "solve_triangular",
    "svd",
    "svdvals",
    "vector_norm",
]
__getattr__ = missing("torch.linalg", __all__)
