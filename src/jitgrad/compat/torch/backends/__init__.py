"""``torch.backends``: the queries that programs use to choose a device."""

from jitgrad.compat.modules import missing
from jitgrad.compat.torch.backends import cudnn, mps

__all__ = ["cudnn", "mps"]
__getattr__ = missing("torch.backends", __all__)
