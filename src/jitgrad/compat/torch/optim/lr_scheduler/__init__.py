"""``torch.optim.lr_scheduler``: learning rates that change between epochs without retracing a step."""

from jitgrad.compat.modules import missing
from jitgrad.compat.torch.optim.lr_scheduler.compositions import ChainedScheduler, SequentialLR
from jitgrad.compat.torch.optim.lr_scheduler.cycles import CosineAnnealingWarmRestarts, CyclicLR, OneCycleLR
from jitgrad.compat.torch.optim.lr_scheduler.decays import (
    ConstantLR,
    CosineAnnealingLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    MultiplicativeLR,
    MultiStepLR,
    PolynomialLR,
    StepLR,
)
from jitgrad.compat.torch.optim.lr_scheduler.plateau import ReduceLROnPlateau
from jitgrad.compat.torch.optim.lr_scheduler.scheduler import LRScheduler

_LRScheduler = LRScheduler

__all__ = [
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
]

__getattr__ = missing("torch.optim.lr_scheduler", __all__)
