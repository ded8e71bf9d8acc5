"""The op table: one row an op, from which everything else follows."""

from jitgrad.ops import elementwise, linear, reduce  # noqa: F401  (importing a module adds its rows)
from jitgrad.ops.table import OPS, Op, Shape

__all__ = ["OPS", "Op", "Shape"]
