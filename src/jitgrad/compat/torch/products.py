"""Products of matrices and vectors."""

from __future__ import annotations

from typing import Any

from jitgrad.compat.torch.errors import TorchError
from jitgrad.compat.torch.numpy_names import numpy_names
from jitgrad.compat.torch.promotion import read, result_type
from jitgrad.compat.torch.tensor import Tensor, into, wrap
from jitgrad.functions import joining, shapes
from jitgrad.functions import products as lib
from jitgrad.functions.einsum import einsum as lib_einsum
from jitgrad.tape import dtypes
from jitgrad.tape.tensor import Tensor as Plain
from jitgrad.tape.tensor import retyped


def _pair(name: str, a: Any, b: Any) -> tuple[Any, Any]:
    """Return the values of two tensors of the same dtype."""
    x, y = read(name, a), read(name, b)
    if a.dtype is not b.dtype:
        raise TorchError(
            f"expected m1 and m2 to have the same dtype, but got: {a.dtype.title} != {b.dtype.title}. "
            f"Convert one with to(torch.{a.dtype.name})."
        )
    return x, y


def _made(value: Plain, name: str, like: Tensor) -> Tensor:
    """Return a product in the dtype of its operands."""
    return wrap(retyped(value, like._tensor.level) if value.level == dtypes.NUMBER else value, name, like._integer)


_NAMES = {(1, 1): "DotBackward0", (2, 2): "MmBackward0", (2, 1): "MvBackward0", (1, 2): "SqueezeBackward4"}


def matmul(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Multiply matrices in the last two axes; vectors are rows on the left and columns on the right."""
    if out is not None:
        return into(out, matmul(input, other))
    x, y = _pair("matmul", input, other)
    a, b = x.shape, y.shape
    if not a or not b:
        raise TorchError(
            f"both arguments to matmul need to be at least 1D, but they are {len(a)}D and {len(b)}D. Use * instead."
        )
    if a[-1] != b[-2 if len(b) > 1 else -1]:
        raise TorchError(_shapes_say(a, b))
    return _made(lib.matmul(x, y), _NAMES.get((len(a), len(b)), "UnsafeViewBackward0"), input)


def _shapes_say(a: tuple[int, ...], b: tuple[int, ...]) -> str:
    if len(a) == len(b) == 1:
        return f"inconsistent tensor size, expected tensor [{a[0]}] and src [{b[0]}] to have the same number of elements."
    left = f"{'x'.join(map(str, a))}" if len(a) > 1 else f"1x{a[0]}"
    right = f"{'x'.join(map(str, b))}" if len(b) > 1 else f"{b[0]}x1"
    return f"mat1 and mat2 shapes cannot be multiplied ({left} and {right}). Give as many columns as the other has rows."


def mm(input: Tensor, mat2: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Multiply two matrices."""
    made = _of_axes("mm", input, 2, mat2, 2)
    return made if out is None else into(out, made)


def mv(input: Tensor, vec: Tensor) -> Tensor:
    """Multiply a matrix and a vector."""
    return _of_axes("mv", input, 2, vec, 1)


def dot(input: Tensor, tensor: Tensor) -> Tensor:
    """Return the dot product of two vectors."""
    return _of_axes("dot", input, 1, tensor, 1)


inner = vdot = dot


def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """Multiply two batches of matrices."""
    made = _of_axes("bmm", input, 3, mat2, 3)
    made._name = "BmmBackward0"
    return made


def _of_axes(name: str, a: Tensor, n: int, b: Tensor, m: int) -> Tensor:
    x, y = read(name, a), read(name, b)
    if len(x.shape) != n or len(y.shape) != m:
        raise TorchError(f"{name}: expected {n}D and {m}D tensors, but got {len(x.shape)}D and {len(y.shape)}D. Use matmul().")
    return matmul(a, b)


def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """Compute ``beta * input + alpha * mat1 @ mat2``."""
    product = matmul(mat1, mat2)._tensor * alpha if alpha != 1 else matmul(mat1, mat2)._tensor
    return wrap(product + (input._tensor * beta if beta != 1 else input._tensor), "AddmmBackward0", input._integer)


def addmv(input: Tensor, mat: Tensor, vec: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """Compute ``beta * input + alpha * mat @ vec``."""
    made = addmm(input, mat, vec, beta=beta, alpha=alpha)
    made._name = "AddmvBackward0"
    return made


def baddbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """Compute ``beta * input + alpha * batch1 @ batch2``."""
    made = addmm(input, batch1, batch2, beta=beta, alpha=alpha)
    made._name = "BaddbmmBackward0"
    return made


def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """Return the outer product of two vectors."""
    return wrap(lib.outer(read("outer", input), read("outer", vec2)), "MulBackward0", result_type(input, vec2).numpy)


ger = outer


def kron(input: Tensor, other: Tensor) -> Tensor:
    """Return the Kronecker product."""
    return wrap(lib.kron(read("kron", input), read("kron", other)), "UnsafeViewBackward0", input._integer)


def einsum(equation: str, *operands: Any) -> Tensor:
    """Evaluate an Einstein summation."""
    given = operands[0] if len(operands) == 1 and isinstance(operands[0], (list, tuple)) else operands
    made = lib_einsum(equation.replace(" ", ""), *[read("einsum", x) for x in given])
    return _made(made, "SumBackward1" if len(given) == 1 else "ViewBackward0", given[0])


def tensordot(a: Tensor, b: Tensor, dims: Any = 2) -> Tensor:
    """Sum products over axes of both tensors."""
    return _made(lib.tensordot(*_pair("tensordot", a, b), axes=dims), "ViewBackward0", a)


@numpy_names
def cross(input: Tensor, other: Tensor, dim: int = -1) -> Tensor:
    """Return the cross product of vectors of three elements along ``dim``."""
    x, y = _pair("cross", input, other)
    if x.shape[dim] != 3 or y.shape[dim] != 3:
        raise TorchError(f"linalg.cross: inputs dimension {dim} must have length 3. Got {x.shape[dim]} and {y.shape[dim]}.")
    a, b = ([shapes.moveaxis(t, dim, 0)[i] for i in range(3)] for t in (x, y))
    made = [a[(i + 1) % 3] * b[(i + 2) % 3] - a[(i + 2) % 3] * b[(i + 1) % 3] for i in range(3)]
    return _made(joining.stack(made, dim), "LinalgCrossBackward0", input)
