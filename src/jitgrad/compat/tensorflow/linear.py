"""Linear algebra: products, norms and decompositions."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from jitgrad.compat.tensorflow.arguments import axes, integer, named
from jitgrad.compat.tensorflow.errors import InvalidArgumentError
from jitgrad.compat.tensorflow.operands import FLOATS, NUMBERS, agreed, numbers, wrapped_around
from jitgrad.compat.tensorflow.operators import divide, matmul
from jitgrad.compat.tensorflow.tensor import Tensor, convert, made, wrap
from jitgrad.functions import diagonals, linalg, products, reductions
from jitgrad.functions import shapes as library
from jitgrad.functions.einsum import einsum as lib_einsum
from jitgrad.ops import elementwise as ew
from jitgrad.tape.protocol import public


@named("Tensordot")
def tensordot(a: Any, b: Any, axes: Any, name: str | None = None) -> Tensor:
    """Sum products over the last axes of ``a`` and the first axes of ``b``, or over the given axes."""
    x, y = agreed("Tensordot", (a, b), NUMBERS)
    over = axes if isinstance(axes, int) else np.asarray(axes).tolist()
    return made(products.tensordot(x._read(), y._read(), over), x._integer)


@named("Einsum")
def einsum(equation: str, *inputs: Any, **kwargs: Any) -> Tensor:
    """Sum products of operands over the letters that the result does not contain."""
    tensors = agreed("Einsum", inputs, NUMBERS)
    return made(lib_einsum(equation, *[t._read() for t in tensors]), tensors[0]._integer)


@named("MatVec")
def matvec(
    a: Any, b: Any, transpose_a: bool = False, adjoint_a: bool = False, a_is_sparse: bool = False, b_is_sparse: bool = False,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Multiply matrices by vectors."""
    x, y = agreed("MatMul", (a, b), NUMBERS)
    product = matmul(x, made(library.expand_dims(y._read(), -1), y._integer), transpose_a or adjoint_a)
    return made(library.squeeze(product._read(), -1), x._integer)


@named("Norm")
def norm(
    tensor: Any, ord: Any = "euclidean", axis: Any = None, keepdims: bool | None = None, name: str | None = None
) -> Tensor:
    """Return a norm over axes, by default over all axes."""
    x = numbers("Norm", tensor, FLOATS)._read()
    at, kind = axes(axis), None if ord in ("euclidean", "fro") else ord
    if at is None and kind is not None:
        x, at = library.reshape(x, (-1,)), 0
    return made(linalg.norm(x, kind, at, bool(keepdims)))


@named("L2Normalize")
def l2_normalize(x: Any, axis: Any = None, epsilon: float = 1e-12, name: str | None = None) -> Tensor:
    """Divide ``x`` by its Euclidean norm, whose square is at least ``epsilon``."""
    value = numbers("L2Normalize", x, FLOATS)._read()
    squares = reductions.sum(ew.square(value), axis=axes(axis), keepdims=True)
    return made(value / ew.sqrt(ew.maximum(squares, epsilon)))


@named("Normalize")
def normalize(tensor: Any, ord: Any = "euclidean", axis: Any = None, name: str | None = None) -> tuple[Tensor, Tensor]:
    """Return ``tensor`` divided by its norm, and the norm."""
    size = norm(tensor, ord, axis, keepdims=True)
    return divide(tensor, size), size


@named("ClipByNorm")
def clip_by_norm(t: Any, clip_norm: Any, axes: Any = None, name: str | None = None) -> Tensor:
    """Scale ``t`` down if its Euclidean norm exceeds ``clip_norm``."""
    from jitgrad.compat.tensorflow.arguments import axes as given

    x, most = (tensor._read() for tensor in agreed("ClipByNorm", (t, clip_norm), FLOATS))
    squares = reductions.sum(ew.square(x), axis=given(axes), keepdims=True)
    some = ew.greater(squares, 0.0)
    size = ew.where(some, ew.sqrt(ew.where(some, squares, 1.0)), squares)
    return made(x * most / ew.maximum(size, most))


@named("GlobalNorm")
def global_norm(t_list: Any, name: str | None = None) -> Tensor:
    """Return the Euclidean norm of all elements of several tensors; None is ignored."""
    squares = [reductions.sum(ew.square(convert(t)._read())) for t in t_list if t is not None]
    return made(ew.sqrt(builtins.sum(squares[1:], squares[0])))


@named("ClipByGlobalNorm")
def clip_by_global_norm(t_list: Any, clip_norm: Any, use_norm: Any = None, name: str | None = None) -> tuple[Any, Tensor]:
    """Scale several tensors down together if their norm exceeds ``clip_norm``; also return the norm."""
    size = global_norm(t_list) if use_norm is None else convert(use_norm)
    most = clip_norm._read() if hasattr(clip_norm, "_read") else clip_norm
    factor = most / ew.maximum(size._read(), most)
    return [None if t is None else made(convert(t)._read() * factor) for t in t_list], size


def _matrix(op: str, f: Any, doc: str) -> Any:
    @named(op)
    def function(input: Any, name: str | None = None) -> Any:
        return wrap(f(numbers(op, input, FLOATS)._read()))

    function.__doc__ = doc
    return function


det = _matrix("MatrixDeterminant", linalg.det, "The determinants of matrices.")
cholesky = _matrix("Cholesky", linalg.cholesky, "The lower triangles L of L·Lᵀ.")
slogdet = _matrix("LogMatrixDeterminant", linalg.slogdet, "The signs of determinants, and the logarithms of their sizes.")
_eigh = _matrix("SelfAdjointEigV2", linalg.eigh, "Eigenvalues of symmetric matrices, ascending, and eigenvectors in columns.")
_eigvalsh = _matrix("SelfAdjointEigV2", linalg.eigvalsh, "Eigenvalues of symmetric matrices, ascending.")
expm = _matrix("MatrixExponential", linalg.expm, "The exponentials of matrices.")
_logdet = _matrix("LogDet", lambda a: linalg.slogdet(a)[1], "The logarithms of determinants of positive definite matrices.")


def eigh(tensor: Any, name: str | None = None) -> tuple[Tensor, Tensor]:
    """Return the eigenvalues of symmetric matrices in ascending order, and the eigenvectors in columns."""
    values, vectors = _eigh(tensor)
    return values, vectors


def eigvalsh(tensor: Any, name: str | None = None) -> Tensor:
    """Return the eigenvalues of symmetric matrices in ascending order."""
    return _eigvalsh(tensor)


def logdet(matrix: Any, name: str | None = None) -> Tensor:
    """Return the logarithms of the determinants of positive definite matrices."""
    return _logdet(matrix)


@public()
def matrix_transpose(a: Any, name: str = "matrix_transpose", conjugate: bool = False) -> Tensor:
    """Swap the last two axes."""
    x = convert(a)
    return made(library.swapaxes(x._read(), -1, -2), x._integer)


def adjoint(matrix: Any, name: str | None = None) -> Tensor:
    """Return the adjoints of matrices, which are their transposes because there are no complex dtypes."""
    return matrix_transpose(matrix)


@named("MatrixInverse")
def inv(input: Any, adjoint: bool = False, name: str | None = None) -> Tensor:
    """Return the inverses of matrices."""
    found = linalg.inv(numbers("MatrixInverse", input, FLOATS)._read())
    return made(library.swapaxes(found, -1, -2) if adjoint else found)


@named("MatrixSolve")
def solve(matrix: Any, rhs: Any, adjoint: bool = False, name: str | None = None) -> Tensor:
    """Return the solution x of ``matrix @ x = rhs``."""
    a, b = (tensor._read() for tensor in agreed("MatrixSolve", (matrix, rhs), FLOATS))
    if b.ndim < 2:
        raise InvalidArgumentError(
            f"Input tensor 1 must have at least rank 2 but has shape {b.shape} [Op:MatrixSolve]. Add an axis."
        )
    return made(linalg.solve(library.swapaxes(a, -1, -2) if adjoint else a, b))


@named("MatrixTriangularSolve")
def triangular_solve(matrix: Any, rhs: Any, lower: bool = True, adjoint: bool = False, name: str | None = None) -> Tensor:
    """Return the solution x of ``matrix @ x = rhs`` with the lower or upper triangle of ``matrix``."""
    a, b = (tensor._read() for tensor in agreed("MatrixTriangularSolve", (matrix, rhs), FLOATS))
    return made(linalg.solve_triangular(a, b, lower=bool(lower), trans=int(bool(adjoint))))


@named("CholeskySolve")
def cholesky_solve(chol: Any, rhs: Any, name: str | None = None) -> Tensor:
    """Return the solution x of ``chol @ cholᵀ @ x = rhs``."""
    a, b = (tensor._read() for tensor in agreed("CholeskySolve", (chol, rhs), FLOATS))
    return made(linalg.cholesky_solve(a, b))


@named("MatrixSolveLs")
def lstsq(matrix: Any, rhs: Any, l2_regularizer: float = 0.0, fast: bool = True, name: str | None = None) -> Tensor:
    """Return the least-squares solution x of ``matrix @ x = rhs``."""
    if l2_regularizer:
        raise InvalidArgumentError(
            "tf.linalg.lstsq does not support l2_regularizer. Use tf.linalg.solve with the normal equations."
        )
    a, b = (tensor._read() for tensor in agreed("MatrixSolveLs", (matrix, rhs), FLOATS))
    return made(linalg.lstsq(a, b)[0])


@named("Qr")
def qr(input: Any, full_matrices: bool = False, name: str | None = None) -> tuple[Tensor, Tensor]:
    """Return orthonormal columns q and an upper triangular r with ``q @ r`` equal to the matrix."""
    if full_matrices:
        raise InvalidArgumentError("tf.linalg.qr(full_matrices=True) is not supported. Use the reduced form.")
    q, r = linalg.qr(numbers("Qr", input, FLOATS)._read())
    return made(q), made(r)


@named("Svd")
def svd(tensor: Any, full_matrices: bool = False, compute_uv: bool = True, name: str | None = None) -> Any:
    """Return singular values s in descending order, and u and v with ``u @ diag(s) @ vᵀ`` equal to the matrix; or s alone."""
    x = numbers("Svd", tensor, FLOATS)._read()
    if not compute_uv:
        return made(linalg.svd(x, full_matrices=False, compute_uv=False))
    u, s, vh = linalg.svd(x, full_matrices)
    return made(s), made(u), made(library.swapaxes(vh, -1, -2))


@named("PseudoInverse")
def pinv(a: Any, rcond: Any = None, validate_args: bool = False, name: str | None = None) -> Tensor:
    """Return the pseudoinverses of matrices."""
    x = numbers("PseudoInverse", a, FLOATS)._read()
    return made(linalg.pinv(x, 10 * max(x.shape[-2:]) * float(np.finfo(x.dtype).eps) if rcond is None else rcond))


@named("MatrixDiag")
def diag(
    diagonal: Any, name: str = "diag", k: Any = 0, num_rows: int = -1, num_cols: int = -1, padding_value: Any = 0
) -> Tensor:
    """Return matrices whose diagonals are the last axis."""
    x = convert(diagonal)
    n, offset = x._plain_shape[-1], integer(k)
    if (num_rows, num_cols, padding_value) != (-1, -1, 0):
        raise InvalidArgumentError("tf.linalg.diag does not support num_rows, num_cols and padding_value. Pad the result.")
    size = n + abs(offset)
    hit = np.eye(size, k=offset)
    rows = np.clip(np.arange(size) - max(-offset, 0), 0, n - 1)
    spread = x._read()[..., rows]
    return made(ew.where(hit != 0, library.expand_dims(spread, -1), 0), x._integer)


@named("MatrixDiagPart")
def diag_part(input: Any, name: str = "diag_part", k: Any = 0, padding_value: Any = 0, align: str = "RIGHT_LEFT") -> Tensor:
    """Return the diagonals of matrices."""
    x = convert(input)
    return made(diagonals.diagonal(x._read(), integer(k), -2, -1), x._integer)


@named("MatrixSetDiag")
def set_diag(input: Any, diagonal: Any, name: str = "set_diag", k: Any = 0) -> Tensor:
    """Replace the diagonals of matrices."""
    x, d = agreed("MatrixSetDiag", (input, diagonal))
    if integer(k) != 0 or x._plain_shape[-1] != x._plain_shape[-2]:
        raise InvalidArgumentError("tf.linalg.set_diag supports only square matrices and k=0. Use tf.where.")
    hit = np.eye(x._plain_shape[-1], dtype=bool)
    return made(ew.where(hit, library.expand_dims(d._read(), -1), x._read()), x._integer)


@named("MatrixBandPart")
def band_part(input: Any, num_lower: Any, num_upper: Any, name: str | None = None) -> Tensor:
    """Set elements outside a band of diagonals to zero; -1 keeps all diagonals on a side."""
    x = convert(input)
    rows, columns = np.indices(x._plain_shape[-2:])
    below, above = integer(num_lower), integer(num_upper)
    kept = ((below < 0) | (rows - columns <= below)) & ((above < 0) | (columns - rows <= above))
    return made(ew.where(kept, x._read(), 0), x._integer)


@named("Trace")
def trace(x: Any, name: str | None = None) -> Tensor:
    """Return the traces of matrices."""
    value = convert(x)
    return made(wrapped_around(diagonals.trace(value._read(), 0, -2, -1), value._integer), value._integer)


@named("TensorDiag")
def tensor_diag(diagonal: Any, name: str | None = None) -> Tensor:
    """Return the diagonal matrix of a vector."""
    return diag(diagonal)


@named("TensorDiagPart")
def tensor_diag_part(input: Any, name: str | None = None) -> Tensor:
    """Return the diagonal of a matrix."""
    return diag_part(input)


@named("Cross")
def cross(a: Any, b: Any, name: str | None = None) -> Tensor:
    """Return the cross products of vectors with three elements."""
    x, y = agreed("Cross", (a, b), NUMBERS)
    p, q = x._read(), y._read()
    if p.shape != q.shape or p.shape[-1:] != (3,):
        raise InvalidArgumentError(
            f"Cross-products are only defined for 3-element vectors, not {p.shape} and {q.shape}. Reshape."
        )
    ahead, behind = np.array([1, 2, 0]), np.array([2, 0, 1])
    return made(p[..., ahead] * q[..., behind] - p[..., behind] * q[..., ahead], x._integer)


@named("MatrixRank")
def matrix_rank(a: Any, tol: Any = None, validate_args: bool = False, name: str | None = None) -> Tensor:
    """Return the number of singular values above ``tol``."""
    return made(linalg.matrix_rank(numbers("MatrixRank", a, FLOATS)._read(), tol))
