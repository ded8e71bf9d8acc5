"""``torch.optim``: optimizers with jitgrad's update rules."""

from jitgrad.compat.modules import missing
from jitgrad.compat.torch.optim import lr_scheduler
from jitgrad.compat.torch.optim.kinds import (
    ASGD,
    SGD,
    Adadelta,
    Adafactor,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    NAdam,
    RAdam,
    RMSprop,
    Rprop,
)
from jitgrad.compat.torch.optim.lbfgs import LBFGS
from jitgrad.compat.torch.optim.optimizer import Optimizer

__all__ = [
    "ASGD",
    "LBFGS",
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "NAdam",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Rprop",
    "lr_scheduler",
]

__getattr__ = missing(
    "torch.optim",
    __all__,
    {
        "SparseAdam": "Gradients of embeddings are dense. Use Adam.",
        "swa_utils": "Keep a copy of the parameters, and average into it in torch.no_grad().",
    },
)
