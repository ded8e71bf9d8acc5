"""The op table: one row per op, which defines everything about the op."""

# Importing these modules adds their rows.
from jitgrad.ops import decompositions, elementwise, linalg, linear, order, random, reduce, special  # noqa: F401
from jitgrad.ops.table import OPS, Op, Shape, Shapes

__all__ = ["OPS", "Op", "Shape", "Shapes"]
