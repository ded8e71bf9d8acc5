"""Functions of each element."""

from __future__ import annotations

from jitgrad.compat.torch.promotion import binary
from jitgrad.ops import elementwise as ew

add = binary(ew.add, "add", "AddBackward0")
sub = binary(ew.subtract, "sub", "SubBackward0")
mul = binary(ew.multiply, "mul", "MulBackward0")
div = binary(ew.divide, "div", "DivBackward0")
pow = binary(ew.power, "pow", "PowBackward0")
eq = binary(ew.equal, "eq", "")
ne = binary(ew.not_equal, "ne", "")
lt = binary(ew.less, "lt", "")
le = binary(ew.less_equal, "le", "")
gt = binary(ew.greater, "gt", "")
ge = binary(ew.greater_equal, "ge", "")
