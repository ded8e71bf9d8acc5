"""Initial value problems, written so that SciPy and jitgrad solve the same function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy.integrate import solve_ivp

import jitgrad as jg


class Case(NamedTuple):
    """A problem with parameters, an interval and an initial state."""

    fun: Callable[..., Any]
    span: tuple[float, float]
    y0: tuple[float, ...]
    args: tuple[float, ...]

    def times(self, count: int = 9) -> np.ndarray:
        """Equally spaced times, without the ends."""
        return np.linspace(*self.span, count + 2)[1:-1]


CASES = {
    "decay": Case(lambda t, y, k: -k * y, (0.0, 4.0), (2.0, -1.0, 0.5), (0.7,)),
    "harmonic": Case(lambda t, y, w: [y[1], -w * w * y[0]], (0.0, 10.0), (1.0, 0.5), (1.3,)),
    "backward": Case(lambda t, y, w: [y[1], -w * w * y[0]], (3.0, -2.0), (1.0, 0.5), (1.3,)),
    "forced": Case(lambda t, y, a, w: [a * np.cos(w * t) - y[0] ** 3], (0.0, 6.0), (0.2,), (1.5, 2.0)),
    "logistic": Case(lambda t, y, r, k: [r * y[0] * (1 - y[0] / k)], (0.0, 8.0), (0.1,), (1.2, 3.0)),
    "lotka_volterra": Case(
        lambda t, y, a, b, c, d: [a * y[0] - b * y[0] * y[1], d * y[0] * y[1] - c * y[1]],
        (0.0, 20.0), (30.0, 4.0), (0.55, 0.028, 0.8, 0.024),
    ),
    "sir": Case(
        lambda t, y, b, g: [-b * y[0] * y[1], b * y[0] * y[1] - g * y[1], g * y[1]], (0.0, 40.0), (0.99, 0.01, 0.0), (0.5, 0.1)
    ),
    "oral_dose": Case(lambda t, y, ka, ke: [-ka * y[0], ka * y[0] - ke * y[1]], (0.0, 24.0), (4.0, 0.0), (1.5, 0.09)),
    "van_der_pol": Case(lambda t, y, mu: [y[1], mu * (1 - y[0] ** 2) * y[1] - y[0]], (0.0, 10.0), (2.0, 0.0), (1.5,)),
    "kepler": Case(
        lambda t, y, m: [y[2], y[3], -m * y[0] / (y[0] ** 2 + y[1] ** 2) ** 1.5, -m * y[1] / (y[0] ** 2 + y[1] ** 2) ** 1.5],
        (0.0, 7.0), (0.5, 0.0, 0.0, 1.7), (1.0,),
    ),
    "lorenz": Case(
        lambda t, y, s, r, b: [s * (y[1] - y[0]), y[0] * (r - y[2]) - y[1], y[0] * y[1] - b * y[2]],
        (0.0, 3.0), (1.0, 0.5, 0.0), (10.0, 28.0, 8 / 3),
    ),
}  # fmt: skip

EXPLICIT = ("RK45", "DOP853", "auto")


def reference(case: Case, times: Any, y0: Any = None, args: Any = None, span: Any = None) -> np.ndarray:
    """SciPy's solution at a tolerance of 1e-12."""
    found = solve_ivp(
        case.fun, case.span if span is None else span, np.asarray(case.y0 if y0 is None else y0), "DOP853", times,
        args=case.args if args is None else args, rtol=1e-12, atol=1e-13,
    )  # fmt: skip
    assert found.success
    return found.y


def solved(case: Case, times: Any, y0: Any = None, args: Any = None, span: Any = None, **options: Any) -> jg.Tensor:
    """The states that jitgrad computes; by default at a small tolerance."""
    options = {"method": "DOP853", "rtol": 1e-11, "atol": 1e-12} | options
    args = case.args if args is None else args
    y0 = case.y0 if y0 is None else y0
    return jg.solve_ivp(case.fun, case.span if span is None else span, y0, t_eval=times, args=args, **options).y


def differences(f: Callable[[np.ndarray], np.ndarray], x: np.ndarray, step: float = 2e-4) -> np.ndarray:
    """The Jacobian of a function of a vector by central differences of order 4, along the last axis."""
    columns = []
    for k in range(x.size):
        h = np.zeros(x.size)
        h[k] = step * (abs(x[k]) or 1.0)
        columns.append((8 * (f(x + h) - f(x - h)) - (f(x + 2 * h) - f(x - 2 * h))) / (12 * h[k]))
    return np.stack(columns, axis=-1)
