"""The op table: one row an op, from which everything else follows."""

# Importing a module adds its rows.
from jitgrad.ops import decompositions, elementwise, linalg, linear, order, random, reduce, special  # noqa: F401
from jitgrad.ops.table import OPS, Op, Shape, Shapes

__all__ = ["OPS", "Op", "Shape", "Shapes"]
