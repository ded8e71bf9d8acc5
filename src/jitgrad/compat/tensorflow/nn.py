"""``tf.nn``."""

from jitgrad.compat.modules import missing
from jitgrad.compat.tensorflow import activations
from jitgrad.compat.tensorflow.activations import *  # noqa: F403
from jitgrad.compat.tensorflow.elementwise import sigmoid, tanh
from jitgrad.compat.tensorflow.linear import l2_normalize
from jitgrad.compat.tensorflow.losses import (
    batch_normalization,
    bias_add,
    dropout,
    embedding_lookup,
    l2_loss,
    log_poisson_loss,
    moments,
    sigmoid_cross_entropy_with_logits,
    softmax_cross_entropy_with_logits,
    sparse_softmax_cross_entropy_with_logits,
    weighted_cross_entropy_with_logits,
)  # fmt: skip
from jitgrad.compat.tensorflow.shapes import in_top_k, top_k

_IMAGES = "Convolutions and pooling are not part of jitgrad, which fits tables: use tf.matmul and dense layers."
_SEQUENCES = "Recurrent layers and attention are not part of jitgrad, which fits tables."
_REASONS = {
    **dict.fromkeys(["conv1d", "conv2d", "conv3d", "conv2d_transpose", "depthwise_conv2d", "convolution"], _IMAGES),
    **dict.fromkeys(["max_pool", "max_pool1d", "max_pool2d", "avg_pool", "avg_pool1d", "avg_pool2d", "pool"], _IMAGES),
    **dict.fromkeys(["ctc_loss", "ctc_greedy_decoder", "RNNCellDropoutWrapper"], _SEQUENCES),
}

__all__ = [
    *activations.__all__, "batch_normalization", "bias_add", "dropout", "embedding_lookup", "in_top_k", "l2_loss",
    "l2_normalize", "log_poisson_loss", "moments", "sigmoid", "sigmoid_cross_entropy_with_logits",
    "softmax_cross_entropy_with_logits", "sparse_softmax_cross_entropy_with_logits", "tanh", "top_k",
    "weighted_cross_entropy_with_logits",
]  # fmt: skip
__getattr__ = missing("tensorflow.nn", __all__, _REASONS)
del activations
