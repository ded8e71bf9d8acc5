"""``torch.utils``, of which only ``data`` is available."""

from jitgrad.compat.modules import missing
from jitgrad.compat.torch.utils import data

__all__ = ["data"]

__getattr__ = missing(
    "torch.utils",
    __all__,
    {"tensorboard": "jitgrad writes no TensorBoard logs; keep losses in a list and plot them."},
)
