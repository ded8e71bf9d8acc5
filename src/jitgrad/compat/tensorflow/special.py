"""Special functions such as ``tf.math.erfinv``, including ``tf.math.special``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jitgrad.compat.modules import missing
from jitgrad.compat.tensorflow.arguments import named
from jitgrad.compat.tensorflow.elementwise import unary
from jitgrad.compat.tensorflow.operands import FLOATS, agreed
from jitgrad.compat.tensorflow.tensor import Tensor, made
from jitgrad.functions import special as library

erfinv, erfcinv, ndtri = unary("Erfinv", library.erfinv), unary("Erfcinv", library.erfcinv), unary("Ndtri", library.ndtri)
bessel_i0, bessel_i0e = unary("BesselI0", library.i0), unary("BesselI0e", library.i0e)
bessel_i1, bessel_i1e = unary("BesselI1", library.i1), unary("BesselI1e", library.i1e)
bessel_j0, bessel_j1 = unary("BesselJ0", library.j0), unary("BesselJ1", library.j1)
bessel_y0, bessel_y1 = unary("BesselY0", library.y0), unary("BesselY1", library.y1)
bessel_k0, bessel_k0e = unary("BesselK0", library.k0), unary("BesselK0e", library.k0e)
bessel_k1, bessel_k1e = unary("BesselK1", library.k1), unary("BesselK1e", library.k1e)


def _of_two(op: str, f: Callable[..., Any]) -> Callable[..., Tensor]:
    @named(op)
    def function(a: Any, x: Any, name: str | None = None) -> Tensor:
        p, q = agreed(op, (a, x), FLOATS)
        return made(f(p._read(), q._read()))

    function.__doc__ = f"``{op}``, element by element."
    return function


igamma, igammac = _of_two("Igamma", library.gammainc), _of_two("Igammac", library.gammaincc)


@named("Betainc")
def betainc(a: Any, b: Any, x: Any, name: str | None = None) -> Tensor:
    """Return the regularized incomplete beta function, element by element."""
    p, q, r = agreed("Betainc", (a, b, x), FLOATS)
    return made(library.betainc(p._read(), q._read(), r._read()))


__all__ = [
    "bessel_i0", "bessel_i0e", "bessel_i1", "bessel_i1e", "bessel_j0", "bessel_j1", "bessel_k0", "bessel_k0e", "bessel_k1",
    "bessel_k1e", "bessel_y0", "bessel_y1",
]  # fmt: skip
__getattr__ = missing("tensorflow.math.special", __all__)
