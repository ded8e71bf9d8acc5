"""``torch.nn.functional``."""

from __future__ import annotations

from jitgrad.compat.modules import missing
from jitgrad.compat.torch.activations import (
    celu,
    elu,
    elu_,
    gelu,
    glu,
    hardshrink,
    hardsigmoid,
    hardswish,
    hardtanh,
    hardtanh_,
    leaky_relu,
    leaky_relu_,
    log_softmax,
    logsigmoid,
    mish,
    prelu,
    relu,
    relu6,
    relu_,
    selu,
    selu_,
    silu,
    softmax,
    softmin,
    softplus,
    softshrink,
    softsign,
    tanhshrink,
    threshold,
)
from jitgrad.compat.torch.layers import (
    batch_norm,
    bilinear,
    cosine_similarity,
    dropout,
    embedding,
    group_norm,
    layer_norm,
    linear,
    normalize,
    one_hot,
    pad,
    pairwise_distance,
    rms_norm,
)
from jitgrad.compat.torch.losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cosine_embedding_loss,
    cross_entropy,
    gaussian_nll_loss,
    hinge_embedding_loss,
    huber_loss,
    kl_div,
    l1_loss,
    margin_ranking_loss,
    mse_loss,
    multi_margin_loss,
    multilabel_soft_margin_loss,
    nll_loss,
    poisson_nll_loss,
    smooth_l1_loss,
    soft_margin_loss,
    triplet_margin_loss,
)
from jitgrad.compat.torch.pointwise import sigmoid, tanh

__all__ = [
    "batch_norm", "bilinear", "binary_cross_entropy", "binary_cross_entropy_with_logits", "celu", "cosine_embedding_loss",
    "cosine_similarity", "cross_entropy", "dropout", "elu", "elu_", "embedding", "gaussian_nll_loss", "gelu", "glu",
    "group_norm", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "hardtanh_", "hinge_embedding_loss", "huber_loss",
    "kl_div", "l1_loss", "layer_norm", "leaky_relu", "leaky_relu_", "linear", "log_softmax", "logsigmoid",
    "margin_ranking_loss", "mish", "mse_loss", "multi_margin_loss", "multilabel_soft_margin_loss", "nll_loss", "normalize",
    "one_hot", "pad", "pairwise_distance", "poisson_nll_loss", "prelu", "relu", "relu6", "relu_", "rms_norm", "selu", "selu_",
    "sigmoid", "silu", "smooth_l1_loss", "soft_margin_loss", "softmax", "softmin", "softplus", "softshrink", "softsign", "tanh",
    "tanhshrink", "threshold", "triplet_margin_loss",
]  # fmt: skip
_IMAGES = "jitgrad is for tables: it has no convolutions, pooling or images. Use linear layers."
_ATTENTION = "jitgrad is for tables: it has no attention. Use linear layers."
__getattr__ = missing(
    "torch.nn.functional",
    __all__,
    {
        **dict.fromkeys(["conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d"], _IMAGES),
        **dict.fromkeys(
            [f"{kind}_pool{n}d" for kind in ("max", "avg", "adaptive_avg", "adaptive_max") for n in (1, 2, 3)], _IMAGES
        ),
        **dict.fromkeys(["interpolate", "grid_sample", "upsample", "unfold", "fold", "pixel_shuffle"], _IMAGES),
        **dict.fromkeys(["scaled_dot_product_attention", "multi_head_attention_forward"], _ATTENTION),
    },
)
