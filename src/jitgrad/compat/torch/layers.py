"""Layers of ``torch.nn.functional``: products, normalisations, embeddings, distances."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from jitgrad import random as library
from jitgrad.compat.torch.errors import TorchError
from jitgrad.compat.torch.promotion import read
from jitgrad.compat.torch.tensor import Tensor, wrap
from jitgrad.functions import reductions, shapes
from jitgrad.functions.linalg import norm as vector_norm
from jitgrad.functions.products import einsum
from jitgrad.functions.products import matmul as product
from jitgrad.ops import elementwise as ew
from jitgrad.ops import linear as ops
from jitgrad.tape import dtypes
from jitgrad.tape.tensor import as_tensor


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``input @ weight.T + bias``, of a weight of shape (out, in)."""
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
    made = product(x, ops.transpose(w, axes=(1, 0)))
    two = len(a) == 2
    if bias is None:
        return wrap(made, "MmBackward0" if two else "SqueezeBackward4" if len(a) == 1 else "UnsafeViewBackward0")
    return wrap(made + bias._tensor, "AddmmBackward0" if two else "ViewBackward0")


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``input1 @ weight[k] @ input2`` for each k, plus the bias."""
    x, y, w = (read("bilinear", t) for t in (input1, input2, weight))
    made = einsum("...i,kij,...j->...k", x, w, y)
    return wrap(made if bias is None else made + bias._tensor, "AddBackward0")


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """While training, elements are 0 with probability p and the others grow by 1 / (1 - p)."""
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}. Change it.")
    if not training or p == 0:
        return input
    x = read("dropout", input)
    made = x * (library.uniform(x.shape) >= p) / (1 - p) if p < 1 else x * 0.0
    if inplace:
        input._become(made, "MulBackward0")
        return input
    return wrap(made, "MulBackward0")


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
    """Each channel (axis 1) less its mean over its standard deviation, times weight plus bias.

    While training of the batch, and the running ones move towards its statistics; else by the running ones.
    """
    x = read("batch_norm", input)
    shape = x.shape
    count = math.prod(shape) // max(shape[1], 1)
    if training and count <= 1:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {input.shape}. Give more rows.")
    spread = (shape[1],) + (1,) * (len(shape) - 2)
    flat = len(shape) == 2

    def placed(t: Any) -> Any:
        return t if flat else shapes.reshape(t, spread)

    if training or running_mean is None or running_var is None:
        axes = (0, *range(2, len(shape)))
        center = ops.sum(x, axes=axes) / float(count)
        centered = x - placed(center)
        variance = ops.sum(ew.square(centered), axes=axes) / float(count)
        if running_mean is not None and running_var is not None:
            _move(running_mean, center, momentum, 1.0)
            _move(running_var, variance, momentum, count / (count - 1))
    else:
        centered, variance = x - placed(running_mean._tensor), running_var._tensor
    scale = 1.0 / ew.sqrt(variance + eps) if weight is None else weight._tensor / ew.sqrt(variance + eps)
    made = centered * placed(scale)
    return wrap(made if bias is None else made + placed(bias._tensor), "NativeBatchNormBackward0")


def _move(running: Tensor, new: Any, momentum: float, factor: float) -> None:
    running._become((1 - momentum) * running._tensor + (momentum * factor) * ew.stop_gradient(new))


def layer_norm(
    input: Tensor, normalized_shape: Any, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-05
) -> Tensor:
    """The last axes less their mean over their standard deviation, times weight plus bias."""
    x = read("layer_norm", input)
    inner = tuple(normalized_shape) if isinstance(normalized_shape, (tuple, list)) else (normalized_shape,)
    if x.shape[len(x.shape) - len(inner) :] != inner:
        raise TorchError(
            f"Given normalized_shape={list(inner)}, expected input with shape [*, {', '.join(map(str, inner))}], "
            f"but got input of size {list(x.shape)}. Change one of them."
        )
    axes = tuple(range(len(x.shape) - len(inner), len(x.shape)))
    return wrap(_scaled(_normal(x, axes, eps), weight, bias), "NativeLayerNormBackward0")


def _normal(x: Any, axes: Any, eps: float) -> Any:
    centered = x - reductions.mean(x, axes, True)
    return centered / ew.sqrt(reductions.mean(ew.square(centered), axes, True) + eps)


def _scaled(x: Any, weight: Tensor | None, bias: Tensor | None) -> Any:
    x = x if weight is None else x * weight._tensor
    return x if bias is None else x + bias._tensor


def rms_norm(input: Tensor, normalized_shape: Any, weight: Tensor | None = None, eps: float | None = None) -> Tensor:
    """The last axes over their root mean square, times weight."""
    x = read("rms_norm", input)
    inner = tuple(normalized_shape) if isinstance(normalized_shape, (tuple, list)) else (normalized_shape,)
    axes = tuple(range(len(x.shape) - len(inner), len(x.shape)))
    small = float(np.finfo(x.dtype).eps) if eps is None else eps
    made = x / ew.sqrt(reductions.mean(ew.square(x), axes, True) + small)
    return wrap(_scaled(made, weight, None), "MulBackward0")


def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-05
) -> Tensor:
    """Groups of channels (axis 1) less their mean over their standard deviation, times weight plus bias."""
    x = read("group_norm", input)
    n, channels, *rest = x.shape
    if channels % num_groups:
        raise TorchError(
            f"Expected number of channels in input to be divisible by num_groups, but got input of shape {list(x.shape)} and "
            f"num_groups={num_groups}. Change one of them."
        )
    grouped = shapes.reshape(x, (n, num_groups, channels // num_groups * math.prod(rest)))
    made = shapes.reshape(_normal(grouped, (2,), eps), x.shape)
    ones = (channels,) + (1,) * len(rest)
    if weight is not None:
        made = made * shapes.reshape(weight._tensor, ones)
    if bias is not None:
        made = made + shapes.reshape(bias._tensor, ones)
    return wrap(made, "NativeGroupNormBackward0")


def embedding(input: Tensor, weight: Tensor, padding_idx: int | None = None, **options: Any) -> Tensor:
    """A row of ``weight`` for each integer; that of ``padding_idx`` gets no gradient."""
    if any(options.values()):
        raise TorchError(f"embedding: jitgrad does not have {', '.join(options)}. Leave it out.")
    places, table = read("embedding", input), read("embedding", weight)
    if places.level != dtypes.INTEGER:
        raise TorchError(
            f"Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got "
            f"{input.dtype.title} instead. Convert it with long()."
        )
    known = np.asarray(places._read().force())
    if known.size and (known.min() < 0 or known.max() >= table.shape[0]):
        raise IndexError(f"index out of range in self: there are {table.shape[0]} rows. Give integers from 0 on below that.")
    rows = ops.gather(table, places, axis=0)
    if padding_idx is not None:
        padded = shapes.expand_dims(ew.equal(places, padding_idx % table.shape[0]), -1)
        rows = ew.where(padded, ew.stop_gradient(rows), rows)
    return wrap(rows, "EmbeddingBackward0")


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """1 in the place that an integer names, 0 in the others."""
    places = read("one_hot", tensor)
    if places.level != dtypes.INTEGER:
        raise TorchError("one_hot is only applicable to index tensor of type LongTensor. Convert it with long().")
    known = np.asarray(places._read().force())
    classes = int(known.max()) + 1 if num_classes == -1 else num_classes
    if known.size and (known.min() < 0 or known.max() >= classes):
        raise TorchError(f"Class values must be from 0 on and smaller than num_classes, and that is {classes}. Change them.")
    made = np.equal(known[..., None], np.arange(classes)).astype(np.int64)
    return wrap(as_tensor(made))


def normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Tensor:
    """Over the p-norm along an axis, or ``eps`` where that is more."""
    x = read("normalize", input)
    return wrap(x / ew.maximum(vector_norm(x, p, dim, True), eps), "DivBackward0")


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """The cosine of the angle between vectors along an axis."""
    x, y = read("cosine_similarity", x1), read("cosine_similarity", x2)
    a, b = (ew.maximum(reductions.sum(ew.square(t), dim), eps * eps) for t in (x, y))
    return wrap(reductions.sum(x * y, dim) / ew.sqrt(a * b), "SumBackward1")


def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """The p-norm of the difference, ``eps`` more, along the last axis."""
    difference = read("pairwise_distance", x1) - read("pairwise_distance", x2) + eps
    return wrap(vector_norm(difference, p, -1, keepdim), "NormBackward1")


def cdist(x1: Tensor, x2: Tensor, p: float = 2.0) -> Tensor:
    """The p-norms of the differences of all rows of one with all of the other."""
    x, y = read("cdist", x1), read("cdist", x2)
    return wrap(vector_norm(shapes.expand_dims(x, -2) - shapes.expand_dims(y, -3), p, -1), "CdistBackward0")


def pad(input: Tensor, pad: Any, mode: str = "constant", value: float | None = None) -> Tensor:
    """Elements before and after the last axes: (before, after) of the last one, then of the one before it."""
    x = read("pad", input)
    if mode != "constant":
        raise TorchError(f"pad: mode {mode!r} is not offered. Use 'constant'.")
    widths = [(0, 0)] * (len(x.shape) - len(pad) // 2) + [(pad[i], pad[i + 1]) for i in range(len(pad) - 2, -1, -2)]
    return wrap(shapes.pad(x, widths, "constant", value or 0), "ConstantPadNdBackward0", input._integer)
