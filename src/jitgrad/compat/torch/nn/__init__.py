"""``torch.nn``: modules."""

from jitgrad.compat.modules import missing
from jitgrad.compat.torch.nn import functional, init, utils
from jitgrad.compat.torch.nn.activations import (
    CELU,
    ELU,
    GELU,
    GLU,
    SELU,
    Dropout,
    Hardshrink,
    Hardsigmoid,
    Hardswish,
    Hardtanh,
    LeakyReLU,
    LogSigmoid,
    LogSoftmax,
    Mish,
    PReLU,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Softmax,
    Softmin,
    Softplus,
    Softshrink,
    Softsign,
    Tanh,
    Tanhshrink,
    Threshold,
)
from jitgrad.compat.torch.nn.containers import ModuleDict, ModuleList, ParameterDict, ParameterList, Sequential
from jitgrad.compat.torch.nn.lazy import LazyLinear
from jitgrad.compat.torch.nn.linear import Bilinear, Embedding, Flatten, Identity, Linear, Unflatten
from jitgrad.compat.torch.nn.losses import (
    BCELoss,
    BCEWithLogitsLoss,
    CosineEmbeddingLoss,
    CosineSimilarity,
    CrossEntropyLoss,
    GaussianNLLLoss,
    HingeEmbeddingLoss,
    HuberLoss,
    KLDivLoss,
    L1Loss,
    MarginRankingLoss,
    MSELoss,
    MultiLabelSoftMarginLoss,
    MultiMarginLoss,
    NLLLoss,
    PairwiseDistance,
    PoissonNLLLoss,
    SmoothL1Loss,
    SoftMarginLoss,
    TripletMarginLoss,
)
from jitgrad.compat.torch.nn.module import Module
from jitgrad.compat.torch.nn.normalization import BatchNorm1d, GroupNorm, LayerNorm, RMSNorm
from jitgrad.compat.torch.nn.parameter import Parameter

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "GLU",
    "SELU",
    "BCELoss",
    "BCEWithLogitsLoss",
    "BatchNorm1d",
    "Bilinear",
    "CosineEmbeddingLoss",
    "CosineSimilarity",
    "CrossEntropyLoss",
    "Dropout",
    "Embedding",
    "Flatten",
    "GaussianNLLLoss",
    "GroupNorm",
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "HingeEmbeddingLoss",
    "HuberLoss",
    "Identity",
    "KLDivLoss",
    "L1Loss",
    "LayerNorm",
    "LazyLinear",
    "LeakyReLU",
    "Linear",
    "LogSigmoid",
    "LogSoftmax",
    "MSELoss",
    "MarginRankingLoss",
    "Mish",
    "Module",
    "ModuleDict",
    "ModuleList",
    "MultiLabelSoftMarginLoss",
    "MultiMarginLoss",
    "NLLLoss",
    "PReLU",
    "PairwiseDistance",
    "Parameter",
    "ParameterDict",
    "ParameterList",
    "PoissonNLLLoss",
    "RMSNorm",
    "ReLU",
    "ReLU6",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "SmoothL1Loss",
    "SoftMarginLoss",
    "Softmax",
    "Softmin",
    "Softplus",
    "Softshrink",
    "Softsign",
    "Tanh",
    "Tanhshrink",
    "Threshold",
    "TripletMarginLoss",
    "Unflatten",
    "functional",
    "init",
    "utils",
]

_CONVOLUTION = "Convolutions are for images and sequences; jitgrad fits tables, with Linear layers."
_RECURRENT = "Recurrent layers are for sequences; jitgrad fits tables, with Linear layers."
_ATTENTION = "Attention is for sequences; jitgrad fits tables, with Linear layers."
_POOLING = "Pooling is used with convolutions, which jitgrad does not have."
_PADDING = "Padding is used with convolutions, which jitgrad does not have."
_IMAGES = "It is for images; jitgrad fits tables."
_DIMENSIONS = ("1d", "2d", "3d")

_REASONS = {
    **{f"{kind}{d}": _CONVOLUTION for kind in ("Conv", "ConvTranspose", "LazyConv", "LazyConvTranspose") for d in _DIMENSIONS},
    **{
        f"{kind}{d}": _POOLING
        for kind in ("MaxPool", "AvgPool", "LPPool", "MaxUnpool", "AdaptiveAvgPool", "AdaptiveMaxPool", "FractionalMaxPool")
        for d in _DIMENSIONS
    },
    **{f"{k}Pad{d}": _PADDING for k in ("Circular", "Constant", "Reflection", "Replication", "Zero") for d in _DIMENSIONS},
    **dict.fromkeys(("RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell", "RNNBase"), _RECURRENT),
    **dict.fromkeys(
        ("MultiheadAttention", "Transformer", "TransformerEncoder", "TransformerDecoder", "TransformerEncoderLayer",
         "TransformerDecoderLayer"), _ATTENTION,
    ),
    **dict.fromkeys(
        ("BatchNorm2d", "BatchNorm3d", "InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d", "LocalResponseNorm", "Dropout1d",
         "Dropout2d", "Dropout3d", "Softmax2d", "PixelShuffle", "PixelUnshuffle", "Upsample", "UpsamplingNearest2d",
         "UpsamplingBilinear2d", "Fold", "Unfold"), _IMAGES,
    ),
    "LazyBatchNorm1d": "Give BatchNorm1d its number of features.",
    "AlphaDropout": "Use Dropout.",
    "RReLU": "Use LeakyReLU, or PReLU, whose slope is learned.",
    "CTCLoss": _RECURRENT,
    "EmbeddingBag": "Use Embedding, and the mean or sum of its rows.",
    "DataParallel": "jitgrad runs on the CPU, in one process.",
    "MultiLabelMarginLoss": "Use MultiLabelSoftMarginLoss.",
}  # fmt: skip

__getattr__ = missing("torch.nn", __all__, _REASONS)
