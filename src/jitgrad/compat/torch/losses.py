"""Losses of ``torch.nn.functional``: the prediction first, then the target."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from jitgrad.compat.torch.errors import TorchError
from jitgrad.compat.torch.layers import cosine_similarity, pairwise_distance
from jitgrad.compat.torch.promotion import read
from jitgrad.compat.torch.tensor import Tensor, wrap
from jitgrad.errors import users_level
from jitgrad.functions import criteria, shapes
from jitgrad.ops import elementwise as ew
from jitgrad.tape import dtypes
from jitgrad.tape.tensor import Tensor as Plain
from jitgrad.tape.tensor import as_tensor, op_of
from jitgrad.tape.trace import current


def _checked(reduction: str) -> str:
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{reduction} is not a valid value for reduction. Use 'mean', 'sum' or 'none'.")
    return reduction


def _loss(name: str, rule: Any, reduction: str, *operands: Any, weight: Tensor | None = None, **options: Any) -> Tensor:
    """Reduce a loss of elements."""
    if weight is not None:
        operands = (*operands, weight._tensor)
        options["weighted"] = True
    made = criteria.reduced(*operands, rule=rule, reduction=_checked(reduction), **options)
    return wrap(made, name.replace("Mean", "Sum") if reduction == "sum" else name)


def _both(name: str, input: Tensor, target: Tensor) -> tuple[Any, Any]:
    """Return the values of two tensors; a target of another shape is broadcast with PyTorch's warning."""
    x, y = read(name, input), read(name, target)
    if x.shape != y.shape:
        warnings.warn(
            f"Using a target size ({target.shape}) that is different to the input size ({input.shape}). "
            f"This will likely lead to incorrect results due to broadcasting. Please ensure they have the same size.",
            stacklevel=users_level(),
        )
    return x, y


def mse_loss(
    input: Tensor, target: Tensor, size_average: None = None, reduce: None = None, reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """(input - target)²."""
    return _loss("MseLossBackward0", criteria.squared, reduction, *_both("mse_loss", input, target), weight=weight)


def l1_loss(
    input: Tensor, target: Tensor, size_average: None = None, reduce: None = None, reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """|input - target|."""
    return _loss("MeanBackward0", criteria.absolute, reduction, *_both("l1_loss", input, target), weight=weight)


def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0, weight: Tensor | None = None
) -> Tensor:
    """Compute half the squared error up to ``delta``, and a linear loss beyond."""
    if delta <= 0:
        raise TorchError(f"huber_loss does not support non-positive values for delta, and got {delta}. Give a positive number.")
    operands = _both("huber_loss", input, target)
    return _loss("HuberLossBackward0", criteria.huber, reduction, *operands, weight=weight, delta=delta)


def smooth_l1_loss(
    input: Tensor, target: Tensor, size_average: None = None, reduce: None = None, reduction: str = "mean", beta: float = 1.0
) -> Tensor:
    """Compute half the squared error over ``beta`` up to ``beta``, and a linear loss beyond."""
    if beta < 0:
        raise TorchError(
            f"smooth_l1_loss does not support negative values for beta, and got {beta}. Give a nonnegative number."
        )
    if beta == 0:
        return l1_loss(input, target, reduction=reduction)
    operands = _both("smooth_l1_loss", input, target)
    return _loss("SmoothL1LossBackward0", criteria.smooth_absolute, reduction, *operands, beta=beta)


# Classification losses.

_FEW = 256
"""The largest number of targets for which Python is faster than NumPy."""


def _classes(name: str, x: Any, target: Tensor, ignore_index: int) -> tuple[Plain, bool]:
    """Return targets as classes, and whether any of them is ignored. Raise IndexError for an invalid class."""
    y = read(name, target)._read()
    axis = 1 if len(x.shape) > 1 else 0
    if y.level != dtypes.INTEGER:
        raise TorchError(f"expected scalar type Long but found {target.dtype.title}. Convert the target with long().")
    if y.shape != x.shape[:axis] + x.shape[axis + 1 :]:
        if x.shape and y.shape and x.shape[0] != y.shape[0]:
            raise ValueError(
                f"Expected input batch_size ({x.shape[0]}) to match target batch_size ({y.shape[0]}). "
                "Give the same number of rows."
            )
        raise TorchError(f"0D or 1D target tensor expected, multi-target not supported: target {y.shape}, input {x.shape}.")
    if current() is not None:
        return y, True
    known, many = np.asarray(y.force()), x.shape[axis]
    if known.size and known.size <= _FEW:
        each = known.ravel().tolist()
        if min(each) >= 0 and max(each) < many and not 0 <= ignore_index < many:
            return y, False
    ignored = known == ignore_index
    wrong = ((known < 0) | (known >= many)) & ~ignored
    if wrong.any():
        raise IndexError(f"Target {int(known[wrong][0])} is out of bounds: there are {many} classes. Correct it.")
    return y, bool(ignored.any())


def _likelihood(
    name: str, input: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int, reduction: str, smoothing: float
) -> Tensor:
    x = read(name, input)
    y, ignored = _classes(name, x, target, ignore_index)
    made = criteria.classes(
        y, x, *([] if weight is None else [weight._tensor]), axis=1 if len(x.shape) > 1 else 0, logits=name == "cross_entropy",
        ignored=ignore_index if ignored else None, smoothing=smoothing, reduction=_checked(reduction),
    )  # fmt: skip
    return wrap(made, "AddBackward0" if smoothing else "NllLossBackward0" if len(x.shape) < 3 else "NllLoss2DBackward0")


def nll_loss(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: None = None, ignore_index: int = -100,
    reduce: None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """Return minus the element of each row of ``input`` at the target's index."""
    return _likelihood("nll_loss", input, target, weight, ignore_index, reduction, 0.0)


def cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: None = None, ignore_index: int = -100,
    reduce: None = None, reduction: str = "mean", label_smoothing: float = 0.0,
) -> Tensor:  # fmt: skip
    """Compute the cross-entropy of logits; the targets are classes or probabilities."""
    held = read("cross_entropy", target)
    if held.level <= dtypes.INTEGER:
        return _likelihood("cross_entropy", input, target, weight, ignore_index, reduction, label_smoothing)
    x = read("cross_entropy", input)
    if held.shape != x.shape:
        raise TorchError(
            f"expected scalar type Long but found {target.dtype.title}. Convert a target of classes with long(); one of "
            f"probabilities has the shape {x.shape}."
        )
    made = criteria.probabilities(
        held, x, *([] if weight is None else [weight._tensor]), axis=1 if len(x.shape) > 1 else 0,
        smoothing=label_smoothing, reduction=_checked(reduction),
    )  # fmt: skip
    return wrap(made, "DivBackward1" if reduction == "mean" else "NegBackward0")


def binary_cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: None = None, reduce: None = None,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """Compute -target·log(p) - (1 - target)·log(1 - p) for probabilities p; logarithms are clipped at -100."""
    p, y = read("binary_cross_entropy", input)._read(), read("binary_cross_entropy", target)
    if p.shape != y.shape:
        raise ValueError(
            f"Using a target size ({target.shape}) that is different to the input size ({input.shape}) is deprecated. "
            f"Please ensure they have the same size."
        )
    if op_of(p) is not ew.sigmoid and current() is None:
        known = np.asarray(p.force())
        if np.any((known < 0) | (known > 1)):
            raise TorchError(
                "all elements of input should be between 0 and 1. Use binary_cross_entropy_with_logits for logits."
            )
    return _loss("BinaryCrossEntropyBackward0", criteria.binary, reduction, p, y, weight=weight)


def binary_cross_entropy_with_logits(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: None = None, reduce: None = None,
    reduction: str = "mean", pos_weight: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Compute ``binary_cross_entropy`` of sigmoid(input) without overflow."""
    x, y = read("binary_cross_entropy_with_logits", input), read("binary_cross_entropy_with_logits", target)
    if x.shape != y.shape:
        raise ValueError(f"Target size ({target.shape}) must be the same as input size ({input.shape}). Reshape one of them.")
    name = "BinaryCrossEntropyWithLogitsBackward0"
    if pos_weight is None:
        return _loss(name, criteria.binary_of_logits, reduction, x, y, weight=weight)
    return _loss(name, criteria.weighted_binary_of_logits, reduction, x, y, pos_weight._tensor, weight=weight)


def kl_div(
    input: Tensor, target: Tensor, size_average: None = None, reduce: None = None, reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:  # fmt: skip
    """Compute target·(log(target) - input) for log-probabilities; "batchmean" divides the sum by the number of rows."""
    x, y = read("kl_div", input), read("kl_div", target)
    if reduction == "batchmean":
        total = _loss("", criteria.divergence, "sum", x, y, log_target=log_target)
        return wrap(total._tensor / float(x.shape[0]), "DivBackward0")
    return _loss("MeanBackward0", criteria.divergence, reduction, x, y, log_target=log_target)


def poisson_nll_loss(
    input: Tensor, target: Tensor, log_input: bool = True, full: bool = False, size_average: None = None, eps: float = 1e-8,
    reduce: None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """Compute the Poisson negative log-likelihood of counts, from their means or log-means."""
    operands = read("poisson_nll_loss", input), read("poisson_nll_loss", target)
    return _loss("MeanBackward0", criteria.poisson, reduction, *operands, log_input=log_input, full=full, eps=eps)


def gaussian_nll_loss(
    input: Tensor, target: Tensor, var: Any, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Tensor:
    """Compute ½(log var + (input - target)² / var), with a variance of at least ``eps``."""
    x, y = read("gaussian_nll_loss", input), read("gaussian_nll_loss", target)
    given = var._tensor if isinstance(var, Tensor) else as_tensor(float(var))
    if given.shape not in (x.shape, (*x.shape[:-1], 1), ()):
        given = shapes.expand_dims(given, -1)
    return _loss("MeanBackward0", criteria.gaussian, reduction, x, y, given, full=full, eps=eps)


# Margin losses.


def hinge_embedding_loss(
    input: Tensor, target: Tensor, margin: float = 1.0, size_average: None = None, reduce: None = None, reduction: str = "mean"
) -> Tensor:
    """Compute x if the target is 1, max(0, margin - x) if it is -1."""
    operands = read("hinge_embedding_loss", input), read("hinge_embedding_loss", target)
    return _loss("MeanBackward0", criteria.hinge_embedding, reduction, *operands, margin=margin)


def margin_ranking_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0, size_average: None = None, reduce: None = None,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """Compute max(0, -target·(input1 - input2) + margin)."""
    operands = [read("margin_ranking_loss", t) for t in (input1, input2, target)]
    return _loss("MeanBackward0", criteria.margin_ranking, reduction, *operands, margin=margin)


def soft_margin_loss(
    input: Tensor, target: Tensor, size_average: None = None, reduce: None = None, reduction: str = "mean"
) -> Tensor:
    """Compute log(1 + exp(-target·input))."""
    operands = read("soft_margin_loss", input), read("soft_margin_loss", target)
    return _loss("SoftMarginLossBackward0", criteria.soft_margin, reduction, *operands)


def multilabel_soft_margin_loss(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: None = None, reduce: None = None,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """Compute ``binary_cross_entropy_with_logits``, averaged over the labels."""
    operands = read("multilabel_soft_margin_loss", input), read("multilabel_soft_margin_loss", target)
    if weight is None:
        return _loss("MeanBackward0", criteria.multilabel, reduction, *operands)
    return _loss("MeanBackward0", criteria.weighted_multilabel, reduction, *operands, weight._tensor)


def multi_margin_loss(
    input: Tensor, target: Tensor, p: int = 1, margin: float = 1.0, weight: Tensor | None = None, size_average: None = None,
    reduce: None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """Compute the mean over the other classes of max(0, margin - x[target] + x)ᵖ."""
    x = read("multi_margin_loss", input)
    operands = [x, _classes("multi_margin_loss", x, target, -1)[0], *([] if weight is None else [weight._tensor])]
    return _loss("MultiMarginLossBackward0", criteria.multi_margin, reduction, *operands, p=p, margin=margin)


def cosine_embedding_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0, size_average: None = None, reduce: None = None,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """Compute 1 - cosine if the target is 1, max(0, cosine - margin) if it is -1."""
    operands = cosine_similarity(input1, input2, -1)._tensor, read("cosine_embedding_loss", target)
    return _loss("MeanBackward0", criteria.cosine_embedding, reduction, *operands, margin=margin)


def triplet_margin_loss(
    anchor: Tensor, positive: Tensor, negative: Tensor, margin: float = 1.0, p: float = 2, eps: float = 1e-6,
    swap: bool = False, size_average: None = None, reduce: None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """Compute max(0, distance to the positive - distance to the negative + margin)."""
    near, far = (pairwise_distance(anchor, x, p, eps)._tensor for x in (positive, negative))
    if swap:
        far = ew.minimum(far, pairwise_distance(positive, negative, p, eps)._tensor)
    return _loss("MeanBackward0", criteria.triplet, reduction, near, far, margin=margin)
