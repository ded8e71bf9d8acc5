"""Layers of ``torch.nn.functional``: products, normalizations, embeddings, distances."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from jitgrad import random as library
from jitgrad.compat.torch import dtypes as types
from jitgrad.compat.torch.errors import TorchError
from jitgrad.compat.torch.numpy_names import numpy_names
from jitgrad.compat.torch.promotion import read
from jitgrad.compat.torch.tensor import Tensor, wrap
from jitgrad.functions import networks, rearranging, shapes
from jitgrad.functions.einsum import einsum
from jitgrad.functions.linalg import norm as vector_norm
from jitgrad.ops import elementwise as ew
from jitgrad.ops import linear as ops
from jitgrad.tape import dtypes
from jitgrad.tape.tensor import Tensor as Plain
from jitgrad.tape.tensor import as_tensor, known
from jitgrad.tape.variable import Variable, assign_together


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Compute ``input @ weight.T + bias`` with a weight of shape (out, in)."""
    x, w = read("linear", input), read("linear", weight)
    if x.level != w.level:
        raise TorchError(
            f"mat1 and mat2 must have the same dtype, but got {input.dtype.title} and {weight.dtype.title}. "
            f"Convert the input with to(torch.{weight.dtype.name})."
        )
    a, b = x.shape, w.shape
    if len(b) != 2 or not a or a[-1] != b[1]:
        rows = f"{math.prod(a[:-1])}x{a[-1] if a else 1}"
        raise TorchError(
            f"mat1 and mat2 shapes cannot be multiplied ({rows} and {'x'.join(map(str, b[::-1]))}). "
            f"Give the layer {b[-1]} features."
        )
    if bias is None:
        name = "MmBackward0" if len(a) == 2 else "SqueezeBackward4" if len(a) == 1 else "UnsafeViewBackward0"
        return wrap(networks.linear_of_rows(x, w), name)
    return wrap(networks.linear_of_rows(x, w, bias._tensor), "AddmmBackward0" if len(a) == 2 else "ViewBackward0")


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Compute ``input1 @ weight[k] @ input2`` for each k, plus the bias."""
    x, y, w = (read("bilinear", t) for t in (input1, input2, weight))
    made = einsum("...i,kij,...j->...k", x, w, y)
    return wrap(made if bias is None else made + bias._tensor, "AddBackward0")


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """During training, set elements to 0 with probability p and multiply the remaining ones by 1 / (1 - p)."""
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}. Give a number in this range.")
    if not training or p == 0:
        return input
    x = read("dropout", input)
    made = x * (library.uniform(x.shape) >= p) / (1 - p) if p < 1 else x * 0.0
    if inplace:
        input._become(made, "MulBackward0")
        return input
    return wrap(made, "MulBackward0")


@functools.lru_cache(maxsize=64)
def _filled(value: float, size: int, level: int) -> Plain:
    """Return the default for a missing weight."""
    made = np.full(size, value, dtypes.DTYPE[level])
    made.setflags(write=False)
    return known(made, level)


def _affine(weight: Tensor | None, bias: Tensor | None, size: int, level: int) -> tuple[Any, Any]:
    """Return a weight and a bias as rows, by default ones and zeros."""
    return (
        _filled(1.0, size, level) if weight is None else weight._tensor,
        _filled(0.0, size, level) if bias is None else bias._tensor,
    )


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-05,
) -> Tensor:
    """Normalize each channel (axis 1) to mean 0 and standard deviation 1, then scale and shift it.

    Training uses the statistics of the batch and updates the running statistics; otherwise the running statistics are used.
    """
    x = read("batch_norm", input)
    shape = x.shape
    if training and math.prod(shape) <= shape[1]:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {input.shape}. Give more rows.")
    gamma, beta = _affine(weight, bias, shape[1], x.level)
    x = x if len(shape) == 2 else shapes.moveaxis(x, 1, -1)
    if not training and running_mean is not None and running_var is not None:
        made = networks.fixed_norm(x, gamma, beta, running_mean._tensor, running_var._tensor, epsilon=eps)
    else:
        old = _filled(0.0, shape[1], x.level)
        means, variances = (old if t is None else t._tensor for t in (running_mean, running_var))
        made, center, variance = networks.batch_norm(
            x, gamma, beta, means, variances, momentum=1 - momentum, epsilon=eps, unbiased=True
        )
        if running_mean is not None and running_var is not None:
            _move(running_mean, center, running_var, variance)
    return wrap(made if len(shape) == 2 else shapes.moveaxis(made, -1, 1), "NativeBatchNormBackward0")


def _move(running_mean: Tensor, center: Plain, running_var: Tensor, variance: Plain) -> None:
    means, variances = running_mean._tensor, running_var._tensor
    if isinstance(means, Variable) and isinstance(variances, Variable):
        assign_together((means, center), (variances, variance))
    else:
        running_mean._become(center)
        running_var._become(variance)


def _inner(name: str, x: Any, normalized_shape: Any) -> tuple[int, ...]:
    """Return the last axes, which are normalized together."""
    inner = tuple(normalized_shape) if isinstance(normalized_shape, (tuple, list)) else (normalized_shape,)
    if x.shape[len(x.shape) - len(inner) :] != inner:
        raise TorchError(
            f"Given normalized_shape={list(inner)}, expected input with shape [*, {', '.join(map(str, inner))}], "
            f"but got input of size {list(x.shape)}. Change one of them."
        )
    return inner


def _flat(t: Any, count: int) -> Any:
    """Merge the last axes into one."""
    return (
        t if count == 1 else shapes.reshape(t, (*t.shape[: len(t.shape) - count], math.prod(t.shape[len(t.shape) - count :])))
    )


def layer_norm(
    input: Tensor, normalized_shape: Any, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-05
) -> Tensor:
    """Normalize over the last axes, then scale and shift."""
    x = read("layer_norm", input)
    inner = _inner("layer_norm", x, normalized_shape)
    gamma, beta = (_flat(t, len(t.shape)) for t in _affine(weight, bias, math.prod(inner), x.level))
    made = networks.layer_norm(_flat(x, len(inner)), gamma, beta, epsilon=eps)
    return wrap(made if len(inner) == 1 else shapes.reshape(made, x.shape), "NativeLayerNormBackward0")


def rms_norm(input: Tensor, normalized_shape: Any, weight: Tensor | None = None, eps: float | None = None) -> Tensor:
    """Divide by the root mean square over the last axes, then scale."""
    x = read("rms_norm", input)
    inner = _inner("rms_norm", x, normalized_shape)
    gamma, _ = _affine(weight, None, math.prod(inner), x.level)
    small = types.finfo(input.dtype).eps if eps is None else eps
    made = networks.rms_norm(_flat(x, len(inner)), _flat(gamma, len(gamma.shape)), epsilon=small)
    return wrap(made if len(inner) == 1 else shapes.reshape(made, x.shape), "MulBackward0")


def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-05
) -> Tensor:
    """Normalize groups of channels (axis 1), then scale and shift."""
    x = read("group_norm", input)
    n, channels, *rest = x.shape
    if channels % num_groups:
        raise TorchError(
            f"Expected number of channels in input to be divisible by num_groups, but got input of shape {list(x.shape)} and "
            f"num_groups={num_groups}. Change one of them."
        )
    size = channels // num_groups * math.prod(rest)
    grouped = shapes.reshape(x, (n, num_groups, size))
    made = shapes.reshape(networks.layer_norm(grouped, *_affine(None, None, size, x.level), epsilon=eps), x.shape)
    each = (channels,) + (1,) * len(rest)
    made = made if weight is None else made * shapes.reshape(weight._tensor, each)
    return wrap(made if bias is None else made + shapes.reshape(bias._tensor, each), "NativeGroupNormBackward0")


def embedding(input: Tensor, weight: Tensor, padding_idx: int | None = None, **options: Any) -> Tensor:
    """Look up a row of ``weight`` for each integer; the row ``padding_idx`` receives no gradient."""
    if any(options.values()):
        raise TorchError(f"embedding: jitgrad does not have {', '.join(options)}. Omit it.")
    places, table = read("embedding", input), read("embedding", weight)
    if places.level != dtypes.INTEGER:
        raise TorchError(
            f"Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got "
            f"{input.dtype.title} instead. Convert it with long()."
        )
    known = np.asarray(places._read().force())
    if known.size and (known.min() < 0 or known.max() >= table.shape[0]):
        raise IndexError(
            f"index out of range in self: there are {table.shape[0]} rows. Give integers from 0 to {table.shape[0] - 1}."
        )
    rows = ops.gather(table, places, axis=0)
    if padding_idx is not None:
        padded = shapes.expand_dims(ew.equal(places, padding_idx % table.shape[0]), -1)
        rows = ew.where(padded, ew.stop_gradient(rows), rows)
    return wrap(rows, "EmbeddingBackward0")


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """Return vectors with a 1 at the given index and 0 elsewhere."""
    places = read("one_hot", tensor)
    if places.level != dtypes.INTEGER:
        raise TorchError("one_hot is only applicable to index tensor of type LongTensor. Convert it with long().")
    known = np.asarray(places._read().force())
    classes = int(known.max()) + 1 if num_classes == -1 else num_classes
    if known.size and (known.min() < 0 or known.max() >= classes):
        raise TorchError(f"Class values must be nonnegative and smaller than num_classes, which is {classes}. Change them.")
    made = np.equal(known[..., None], np.arange(classes)).astype(np.int64)
    return wrap(as_tensor(made))


def normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Tensor:
    """Divide by the p-norm along an axis, or by ``eps`` if that is larger."""
    return wrap(networks.unit_rows(read("normalize", input), p=p, axis=dim, epsilon=eps), "DivBackward0")


@numpy_names
def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """Return the cosine similarity along an axis."""
    operands = read("cosine_similarity", x1), read("cosine_similarity", x2)
    return wrap(networks.cosine(*operands, axis=dim, epsilon=eps), "SumBackward1")


def _length(x: Any, p: float, keepdims: bool) -> Any:
    """Return the p-norm along the last axis."""
    return networks.length(x, axis=-1, keepdims=keepdims) if p == 2 else vector_norm(x, p, -1, keepdims)


def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """Return the p-norm of the difference plus ``eps`` along the last axis."""
    difference = read("pairwise_distance", x1) - read("pairwise_distance", x2) + eps
    return wrap(_length(difference, p, keepdim), "NormBackward1")


def cdist(x1: Tensor, x2: Tensor, p: float = 2.0) -> Tensor:
    """Return the p-norms of the differences between all pairs of rows."""
    x, y = read("cdist", x1), read("cdist", x2)
    return wrap(_length(shapes.expand_dims(x, -2) - shapes.expand_dims(y, -3), p, False), "CdistBackward0")


def pad(input: Tensor, pad: Any, mode: str = "constant", value: float | None = None) -> Tensor:
    """Pad the last axes: ``pad`` is (before, after) for the last axis, then for the one before it, and so on."""
    x = read("pad", input)
    if mode != "constant":
        raise TorchError(f"pad: mode {mode!r} is not supported. Use 'constant'.")
    widths = [(0, 0)] * (len(x.shape) - len(pad) // 2) + [(pad[i], pad[i + 1]) for i in range(len(pad) - 2, -1, -2)]
    return wrap(rearranging.pad(x, widths, "constant", value or 0), "ConstantPadNdBackward0", input._integer)
