"""Losses: scalar costs of predictions, made of the ops of the table."""

from __future__ import annotations

from typing import Any

from jitgrad.functions.reductions import logsumexp, mean, sum
from jitgrad.ops.elementwise import square
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import Tensor, as_tensor


@public()
def mean_squared_error(target: Any, prediction: Any) -> Tensor:
    """The mean of (prediction − target)² over all elements."""
    return mean(square(as_tensor(prediction) - target))


@public()
def softmax_cross_entropy(target: Any, logits: Any) -> Tensor:
    """The mean over rows of −Σ target·log softmax(logits), without overflow.

    Args:
        target: (rows, classes), the probabilities of the classes; each row sums to 1.
        logits: (rows, classes), any real numbers.
    """
    logits = as_tensor(logits)
    return mean(logsumexp(logits, axis=-1) - sum(logits * target, axis=-1))
