"""Losses of ``torch.nn.functional``: predictions first, then targets."""

from __future__ import annotations

import functools
import math
import warnings
from typing import Any

import numpy as np

from jitgrad.compat.torch.errors import TorchError
from jitgrad.compat.torch.layers import cosine_similarity, pairwise_distance
from jitgrad.compat.torch.promotion import read
from jitgrad.compat.torch.tensor import Tensor, wrap
from jitgrad.errors import users_level
from jitgrad.functions import elementwise, reductions, shapes
from jitgrad.ops import elementwise as ew
from jitgrad.tape import dtypes
from jitgrad.tape.tensor import Tensor as Plain
from jitgrad.tape.tensor import as_tensor
from jitgrad.tape.trace import current


def _reduced(losses: Any, reduction: str, name: str) -> Tensor:
    """The mean or the sum of losses, or each of them."""
    if reduction == "mean":
        return wrap(reductions.mean(losses), name)
    if reduction == "sum":
        return wrap(reductions.sum(losses), name.replace("Mean", "Sum"))
    if reduction != "none":
        raise ValueError(f"{reduction} is not a valid value for reduction. Use 'mean', 'sum' or 'none'.")
    return wrap(losses, name)


def _both(name: str, input: Tensor, target: Tensor) -> tuple[Any, Any]:
    """What two tensors hold; another shape of the target is broadcast, with PyTorch's warning."""
    x, y = read(name, input), read(name, target)
    if x.shape != y.shape:
        warnings.warn(
            f"Using a target size ({target.shape}) that is different to the input size ({input.shape}). "
            f"This will likely lead to incorrect results due to broadcasting. Please ensure they have the same size.",
            stacklevel=users_level(),
        )
    return x, y


def _weighted(losses: Any, weight: Tensor | None) -> Any:
    return losses if weight is None else losses * weight._tensor


def mse_loss(input: Tensor, target: Tensor, reduction: str = "mean", weight: Tensor | None = None) -> Tensor:
    """(input - target)²."""
    x, y = _both("mse_loss", input, target)
    return _reduced(_weighted(ew.square(x - y), weight), reduction, "MseLossBackward0")


def l1_loss(input: Tensor, target: Tensor, reduction: str = "mean", weight: Tensor | None = None) -> Tensor:
    """|input - target|."""
    x, y = _both("l1_loss", input, target)
    return _reduced(_weighted(ew.abs(x - y), weight), reduction, "MeanBackward0")


def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0, weight: Tensor | None = None
) -> Tensor:
    """Half the square of errors up to ``delta``, linear beyond."""
    x, y = _both("huber_loss", input, target)
    error = ew.abs(x - y)
    near = ew.minimum(error, delta)
    return _reduced(_weighted(near * (error - 0.5 * near), weight), reduction, "HuberLossBackward0")


def smooth_l1_loss(input: Tensor, target: Tensor, reduction: str = "mean", beta: float = 1.0) -> Tensor:
    """Half the square of errors over ``beta`` up to it, linear beyond."""
    if beta == 0:
        return l1_loss(input, target, reduction)
    x, y = _both("smooth_l1_loss", input, target)
    error = ew.abs(x - y)
    near = ew.minimum(error, beta)
    return _reduced(near * (error - 0.5 * near) / beta, reduction, "SmoothL1LossBackward0")


# Of classes.


@functools.lru_cache(maxsize=64)
def _numbers(classes: int, axes: int) -> Plain:
    """The classes along an axis that ``axes`` others follow."""
    return as_tensor(np.arange(classes).reshape((classes,) + (1,) * axes))


def _classes(name: str, x: Any, target: Tensor, ignore_index: int) -> tuple[Plain, bool]:
    """Targets as classes, and whether one of them is to be ignored. Raises IndexError for one that is not there."""
    y = read(name, target)._read()
    axis = 1 if len(x.shape) > 1 else 0
    if y.level != dtypes.INTEGER:
        raise TorchError(f"expected scalar type Long but found {target.dtype.title}. Convert the target with long().")
    if y.shape != x.shape[:axis] + x.shape[axis + 1 :]:
        if x.shape and y.shape and x.shape[0] != y.shape[0]:
            raise ValueError(
                f"Expected input batch_size ({x.shape[0]}) to match target batch_size ({y.shape[0]}). Give as many."
            )
        raise TorchError(f"0D or 1D target tensor expected, multi-target not supported: target {y.shape}, input {x.shape}.")
    if current() is not None:
        return y, True
    known = np.asarray(y.force())
    ignored = known == ignore_index
    wrong = ((known < 0) | (known >= x.shape[axis])) & ~ignored
    if wrong.any():
        raise IndexError(f"Target {int(known[wrong][0])} is out of bounds: there are {x.shape[axis]} classes. Correct it.")
    return y, bool(ignored.any())


def _likelihood(
    logarithms: Any, y: Plain, ignored: bool, weight: Tensor | None, ignore_index: int, reduction: str, smoothing: float
) -> Tensor:
    """The losses of classes, of logarithms of probabilities."""
    axis = 1 if len(logarithms.shape) > 1 else 0
    classes = logarithms.shape[axis]
    hit = ew.equal(shapes.expand_dims(y, axis), _numbers(classes, len(logarithms.shape) - axis - 1))
    if ignored:
        hit = elementwise.logical_and(hit, ew.not_equal(shapes.expand_dims(y, axis), ignore_index))
    if weight is not None:
        share = shapes.reshape(weight._tensor, (classes,) + (1,) * (len(logarithms.shape) - axis - 1))
        logarithms = logarithms * share
    losses = -reductions.sum(ew.where(hit, logarithms, 0.0), axis)
    if smoothing:
        even = reductions.sum(logarithms, axis)
        even = ew.where(ew.equal(y, ignore_index), 0.0, even) if ignored else even
        losses = losses * (1 - smoothing) - even * (smoothing / classes)
    name = "AddBackward0" if smoothing else "NllLossBackward0" if len(logarithms.shape) < 3 else "NllLoss2DBackward0"
    if reduction != "mean" or (weight is None and not ignored):
        return _reduced(losses, reduction, name)
    counted = hit if weight is None else ew.where(hit, share, 0.0)
    return wrap(reductions.sum(losses) / reductions.sum(counted), name)


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: None = None,
    ignore_index: int = -100,
    reduce: None = None,
    reduction: str = "mean",
) -> Tensor:
    """Minus the element of each row of ``input`` that the target names."""
    x = read("nll_loss", input)
    y, ignored = _classes("nll_loss", x, target, ignore_index)
    return _likelihood(x, y, ignored, weight, ignore_index, reduction, 0.0)


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: None = None,
    ignore_index: int = -100,
    reduce: None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """Minus the logarithm of the probability of the class that the target names, of logits; or of probabilities as targets."""
    x = read("cross_entropy", input)
    axis = 1 if len(x.shape) > 1 else 0
    logarithms = reductions.log_softmax(x, axis)
    held = read("cross_entropy", target)
    if held.level <= dtypes.INTEGER:
        y, ignored = _classes("cross_entropy", x, target, ignore_index)
        return _likelihood(logarithms, y, ignored, weight, ignore_index, reduction, label_smoothing)
    if held.shape != x.shape:
        raise TorchError(
            f"expected scalar type Long but found {target.dtype.title}. Convert a target of classes with long(); one of "
            f"probabilities has the shape {x.shape}."
        )
    if label_smoothing:
        held = held * (1 - label_smoothing) + label_smoothing / x.shape[axis]
    if weight is not None:
        logarithms = logarithms * shapes.reshape(weight._tensor, (x.shape[axis],) + (1,) * (len(x.shape) - axis - 1))
    return _reduced(
        -reductions.sum(held * logarithms, axis), reduction, "DivBackward1" if reduction == "mean" else "NegBackward0"
    )


def binary_cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: None = None, reduce: None = None,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """-target·log(p) - (1 - target)·log(1 - p) of probabilities p; a logarithm is no less than -100."""
    p, y = read("binary_cross_entropy", input), read("binary_cross_entropy", target)
    if p.shape != y.shape:
        raise ValueError(
            f"Using a target size ({target.shape}) that is different to the input size ({input.shape}) is deprecated. "
            f"Please ensure they have the same size."
        )
    plain = p._read()
    known = None if plain.op is ew.sigmoid or current() is not None else plain.force()
    if known is not None and (np.min(known, initial=0) < 0 or np.max(known, initial=0) > 1):
        raise TorchError("all elements of input should be between 0 and 1. Use binary_cross_entropy_with_logits for logits.")
    losses = -(y * ew.maximum(ew.log(p), -100.0) + (1 - y) * ew.maximum(ew.log1p(-p), -100.0))
    return _reduced(_weighted(losses, weight), reduction, "BinaryCrossEntropyBackward0")


def binary_cross_entropy_with_logits(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: None = None, reduce: None = None,
    reduction: str = "mean", pos_weight: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """``binary_cross_entropy`` of sigmoid(input), without overflow."""
    x, y = read("binary_cross_entropy_with_logits", input), read("binary_cross_entropy_with_logits", target)
    if x.shape != y.shape:
        raise ValueError(f"Target size ({target.shape}) must be the same as input size ({input.shape}). Reshape one of them.")
    if pos_weight is None:
        losses = ew.softplus(x) - x * y
    else:
        losses = (1 - y) * x + (1 + (pos_weight._tensor - 1) * y) * ew.softplus(-x)
    return _reduced(_weighted(losses, weight), reduction, "BinaryCrossEntropyWithLogitsBackward0")


def kl_div(
    input: Tensor, target: Tensor, size_average: None = None, reduce: None = None, reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:  # fmt: skip
    """target·(log(target) - input), of logarithms of probabilities as input; "batchmean" is the sum over the rows' number."""
    x, y = read("kl_div", input), read("kl_div", target)
    if log_target:
        losses = ew.exp(y) * (y - x)
    else:
        none = ew.equal(y, 0)
        losses = ew.where(none, 0.0, y * ew.log(ew.where(none, 1.0, y))) - y * x
    if reduction == "batchmean":
        return wrap(reductions.sum(losses) / x.shape[0], "DivBackward0")
    return _reduced(losses, reduction, "MeanBackward0")


def poisson_nll_loss(
    input: Tensor, target: Tensor, log_input: bool = True, full: bool = False, size_average: None = None, eps: float = 1e-8,
    reduce: None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """Of counts and their means, or the logarithms of these."""
    x, y = read("poisson_nll_loss", input), read("poisson_nll_loss", target)
    losses = ew.exp(x) - y * x if log_input else x - y * ew.log(x + eps)
    if full:
        many = ew.greater(y, 1)
        n = ew.where(many, y, 2.0)
        losses = losses + ew.where(many, n * ew.log(n) - n + 0.5 * ew.log(2 * math.pi * n), 0.0)
    return _reduced(losses, reduction, "MeanBackward0")


def gaussian_nll_loss(
    input: Tensor, target: Tensor, var: Any, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Tensor:
    """½(log var + (input - target)² / var), of a variance that is no less than ``eps``."""
    x, y = read("gaussian_nll_loss", input), read("gaussian_nll_loss", target)
    given = var._tensor if isinstance(var, Tensor) else as_tensor(float(var))
    if given.shape not in (x.shape, (*x.shape[:-1], 1), ()):
        given = shapes.expand_dims(given, -1)
    small = ew.less(given, eps)
    variance = ew.where(small, given - ew.stop_gradient(given) + eps, given)
    losses = 0.5 * (ew.log(variance) + ew.square(x - y) / variance)
    return _reduced(losses + 0.5 * math.log(2 * math.pi) if full else losses, reduction, "MeanBackward0")


# Of margins.


def hinge_embedding_loss(
    input: Tensor, target: Tensor, margin: float = 1.0, size_average: None = None, reduce: None = None, reduction: str = "mean"
) -> Tensor:
    """x where the target is 1, max(0, margin - x) where it is -1."""
    x, y = read("hinge_embedding_loss", input), read("hinge_embedding_loss", target)
    losses = ew.where(ew.equal(y, -1), ew.relu(margin - x), 0.0) + ew.where(ew.equal(y, 1), x, 0.0)
    return _reduced(losses, reduction, "MeanBackward0")


def margin_ranking_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0, size_average: None = None, reduce: None = None,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """max(0, -target·(input1 - input2) + margin)."""
    x, z, y = (read("margin_ranking_loss", t) for t in (input1, input2, target))
    return _reduced(ew.relu(-y * (x - z) + margin), reduction, "MeanBackward0")


def soft_margin_loss(
    input: Tensor, target: Tensor, size_average: None = None, reduce: None = None, reduction: str = "mean"
) -> Tensor:
    """log(1 + exp(-target·input))."""
    x, y = read("soft_margin_loss", input), read("soft_margin_loss", target)
    return _reduced(ew.softplus(-y * x), reduction, "SoftMarginLossBackward0")


def multilabel_soft_margin_loss(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: None = None, reduce: None = None,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """The mean over labels of ``binary_cross_entropy_with_logits``."""
    x, y = read("multilabel_soft_margin_loss", input), read("multilabel_soft_margin_loss", target)
    return _reduced(reductions.mean(_weighted(ew.softplus(x) - x * y, weight), -1), reduction, "MeanBackward0")


def multi_margin_loss(
    input: Tensor, target: Tensor, p: int = 1, margin: float = 1.0, weight: Tensor | None = None, size_average: None = None,
    reduce: None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """The mean over the other classes of max(0, margin - x[target] + x)ᵖ."""
    x = read("multi_margin_loss", input)
    y, _ = _classes("multi_margin_loss", x, target, -1)
    hit = ew.equal(shapes.expand_dims(y, -1), _numbers(x.shape[-1], 0))
    own = reductions.sum(ew.where(hit, x, 0.0), -1, True)
    rest = ew.where(hit, 0.0, ew.relu(margin - own + x))
    rest = ew.square(rest) if p == 2 else rest
    if weight is not None:
        rest = rest * reductions.sum(ew.where(hit, weight._tensor, 0.0), -1, True)
    return _reduced(reductions.mean(rest, -1), reduction, "MultiMarginLossBackward0")


def cosine_embedding_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0, size_average: None = None, reduce: None = None,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """1 - cosine where the target is 1, max(0, cosine - margin) where it is -1."""
    cosine = cosine_similarity(input1, input2, -1)._tensor
    y = read("cosine_embedding_loss", target)
    losses = ew.where(ew.equal(y, 1), 1 - cosine, ew.where(ew.equal(y, -1), ew.relu(cosine - margin), 0.0))
    return _reduced(losses, reduction, "MeanBackward0")


def triplet_margin_loss(
    anchor: Tensor, positive: Tensor, negative: Tensor, margin: float = 1.0, p: float = 2, eps: float = 1e-6,
    swap: bool = False, size_average: None = None, reduce: None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """max(0, distance to the positive - distance to the negative + margin)."""
    near, far = (pairwise_distance(anchor, x, p, eps)._tensor for x in (positive, negative))
    if swap:
        far = ew.minimum(far, pairwise_distance(positive, negative, p, eps)._tensor)
    return _reduced(ew.relu(near - far + margin), reduction, "MeanBackward0")
