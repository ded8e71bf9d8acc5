"""Initial value problems with known solutions.

Nonstiff: the classes A to E of DETEST (Hull, Enright, Fellen and Sedgwick, SIAM Journal on Numerical Analysis 9, 1972; Enright
and Pryce, ACM Transactions on Mathematical Software 13, 1987). Stiff: the classes A to E of stiff DETEST (Enright, Hull and
Lindberg, BIT 15, 1975; Enright and Pryce), and problems of the test set of Mazzia and Magherini (2008), which are those of
Hairer and Wanner, Solving Ordinary Differential Equations II, 1996. Right-hand sides apply functions of NumPy, so they take
arrays and Tensors. ``references.py`` has the solutions at the end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tests.integrate.references import REFERENCES


class Problem(NamedTuple):
    """The problem ``y' = fun(t, y)`` from ``y0`` at time 0 to the time ``end``."""

    name: str
    fun: Callable[[Any, Any], Any]
    y0: np.ndarray
    end: float

    @property
    def solution(self) -> np.ndarray:
        """The solution at the end."""
        return np.array(REFERENCES[self.name])

    def __str__(self) -> str:
        return self.name


def system(*equations: Callable[..., Any]) -> Callable[[Any, Any], Any]:
    """Return the right-hand side of equations ``(t, y₀, y₁, …) → y'ᵢ``."""
    n = len(equations)
    return lambda t, y: np.stack([equation(t, *(y[i] for i in range(n))) for equation in equations])


def linear(matrix: Any) -> Callable[[Any, Any], Any]:
    matrix = np.asarray(matrix, float)
    return lambda t, y: matrix @ y


def unit(n: int) -> np.ndarray:
    return np.eye(n)[0]


# Nonstiff problems

CHAIN = np.diag([-1.0] * 9 + [0.0]) + np.diag([1.0] * 9, -1)
RISING_CHAIN = np.diag([-1.0 * k for k in range(1, 10)] + [0.0]) + np.diag(np.arange(1.0, 10.0), -1)


def diffusion(n: int) -> np.ndarray:
    return np.diag([-2.0] * n) + np.diag([1.0] * (n - 1), 1) + np.diag([1.0] * (n - 1), -1)


def torus(t: Any, y: Any) -> Any:
    r = np.sqrt(y[0] ** 2 + y[1] ** 2)
    return np.stack([-y[1] - y[0] * y[2] / r, y[0] - y[1] * y[2] / r, y[0] / r])


MASSES = np.array([0.000954786104043, 0.000285583733151, 0.0000437273164546, 0.0000517759138449, 0.00000277777777778])
GRAVITY, SUN = 2.95912208286, 1.00000597682
POSITIONS = """
     3.42947415189    3.35386959711    1.35494901715   6.64145542550   5.97156957878   2.18231499728   11.2630437207
    14.6952576794     6.27960525067  -30.1552268759    1.65699966404   1.43785752721 -21.1238353380    28.4465098142
    15.3882659679"""
VELOCITIES = """
    -0.557160570446   0.505696783289   0.230578543901 -0.415570776342  0.365682722812  0.169143213293 -0.325325669158
     0.189706021964   0.0877265322780 -0.0240476254170 -0.287659532608 -0.117219543175 -0.176860753121 -0.216393453025
    -0.0148647893090"""
PLANETS = np.array((POSITIONS + VELOCITIES).split(), float)


def planets(t: Any, y: Any) -> Any:
    """The motion of the five outer planets about the sun."""
    position = np.reshape(y[:15], (5, 3))
    from_sun = position / np.sum(position**2, 1)[:, None] ** 1.5
    apart = position[None, :, :] - position[:, None, :]
    cubed = (np.sum(apart**2, 2) + np.eye(5)) ** 1.5
    pull = np.sum(MASSES[None, :, None] * apart / cubed[:, :, None], 1)
    others = np.sum(MASSES[None, :, None] * (1 - np.eye(5))[:, :, None] * from_sun[None, :, :], 1)
    acceleration = GRAVITY * (-(SUN + MASSES)[:, None] * from_sun + pull - others)
    return np.concatenate([y[15:], np.reshape(acceleration, (15,))])


def orbit(t: Any, y: Any) -> Any:
    cubed = (y[0] ** 2 + y[1] ** 2) ** 1.5
    return np.stack([y[2], y[3], -y[0] / cubed, -y[1] / cubed])


def perihelion(eccentricity: float) -> np.ndarray:
    return np.array([1 - eccentricity, 0.0, 0.0, np.sqrt((1 + eccentricity) / (1 - eccentricity))])


BESSEL = np.array([0.6713967071418030, 0.09540051444747446])  # J(1/2, 1) and its derivative

NONSTIFF = {
    "A1": (lambda t, y: -y, [1.0]),
    "A2": (lambda t, y: -0.5 * y**3, [1.0]),
    "A3": (lambda t, y: y * np.cos(t), [1.0]),
    "A4": (lambda t, y: y / 4 * (1 - y / 20), [1.0]),
    "A5": (lambda t, y: (y - t) / (y + t), [4.0]),
    "B1": (system(lambda t, a, b: 2 * (a - a * b), lambda t, a, b: -(b - a * b)), [1.0, 3.0]),
    "B2": (linear([[-1, 1, 0], [1, -2, 1], [0, 1, -1]]), [2.0, 0.0, 1.0]),
    "B3": (system(lambda t, a, b, c: -a, lambda t, a, b, c: a - b**2, lambda t, a, b, c: b**2), [1.0, 0.0, 0.0]),
    "B4": (torus, [3.0, 0.0, 0.0]),
    "B5": (system(lambda t, a, b, c: b * c, lambda t, a, b, c: -a * c, lambda t, a, b, c: -0.51 * a * b), [0.0, 1.0, 1.0]),
    "C1": (linear(CHAIN), unit(10)),
    "C2": (linear(RISING_CHAIN), unit(10)),
    "C3": (linear(diffusion(10)), unit(10)),
    "C4": (linear(diffusion(51)), unit(51)),
    "C5": (planets, PLANETS),
    "D1": (orbit, perihelion(0.1)),
    "D2": (orbit, perihelion(0.3)),
    "D3": (orbit, perihelion(0.5)),
    "D4": (orbit, perihelion(0.7)),
    "D5": (orbit, perihelion(0.9)),
    "E1": (system(lambda t, a, b: b, lambda t, a, b: -(b / (t + 1) + (1 - 0.25 / (t + 1) ** 2) * a)), BESSEL),
    "E2": (system(lambda t, a, b: b, lambda t, a, b: (1 - a**2) * b - a), [2.0, 0.0]),
    "E3": (system(lambda t, a, b: b, lambda t, a, b: a**3 / 6 - a + 2 * np.sin(2.78535 * t)), [0.0, 0.0]),
    "E4": (system(lambda t, a, b: b, lambda t, a, b: 0.032 - 0.4 * b**2), [30.0, 0.0]),
    "E5": (system(lambda t, a, b: b, lambda t, a, b: np.sqrt(1 + b**2) / (25 - t)), [0.0, 0.0]),
}
NONSTIFF_PROBLEMS = [Problem(name, fun, np.array(y0), 20.0) for name, (fun, y0) in NONSTIFF.items()]

# Stiff problems

DRIVEN = diffusion(9)
DRIVEN[0, :2], DRIVEN[8, 7:] = [-1800.0, 900.0], [1000.0, -2000.0]
SPIRALS = [[-1, 1, 0, 0], [-100, -1, 0, 0], [0, 0, -100, 1], [0, 0, -1e4, -100]]
CASCADE = [[-1e4, 100, -10, 1], [0, -1e3, 10, -10], [0, 0, -1, 10], [0, 0, 0, -0.1]]


def decays(turn: float) -> Callable[[Any, Any], Any]:
    matrix = np.diag([-10, -10, -4, -1, -0.5, -0.1])
    matrix[0, 1], matrix[1, 0] = turn, -turn
    return linear(matrix)


def coupled(strength: float) -> Callable[[Any, Any], Any]:
    """A linear decay that drives three others, with squares."""
    return system(
        lambda t, a, b, c, d: -a + 2,
        lambda t, a, b, c, d: -10 * b + strength * a**2,
        lambda t, a, b, c, d: -40 * c + 4 * strength * (a**2 + b**2),
        lambda t, a, b, c, d: -100 * d + 10 * strength * (a**2 + b**2 + c**2),
    )


def dimer(t: Any, y: Any) -> Any:
    forward, dimerize = 100 * y[0] * y[1] - y[2], 1e4 * y[1] ** 2 - y[3]
    return np.stack([-forward, -forward - 2 * dimerize, forward, dimerize])


def reactor(t: Any, y: Any) -> Any:
    a, b = -0.013 * y[0] - 1000 * y[0] * y[2], -2500 * y[1] * y[2]
    return np.stack([a, b, a + b])


def tubes(t: Any, y: Any) -> Any:
    total = 0.01 + y[0] + y[1]
    return np.stack([0.01 - total * (1 + (y[0] + 1000) * (y[0] + 1)), 0.01 - total * (1 + y[1] ** 2)])


def catalysis(t: Any, y: Any) -> Any:
    a, b = -y[0] + 1e8 * y[2] * (1 - y[0]), -10 * y[1] + 3e7 * y[2] * (1 - y[1])
    return np.stack([a, b, -a - b])


def control(t: Any, y: Any) -> Any:
    a, b, c, d = (y[i] for i in range(4))
    last = (a**2 - np.sin(a) - 1e8) * a + (b * c / (a**2 + 1) - 4e6) * b + (1 - 6e4) * c + (10 * np.exp(-(d**2)) - 400) * d + 1
    return np.stack([b, c, d, last])


MIX = 0.5 * np.ones((4, 4)) - np.eye(4)
ROTATION = np.array([[-10, -10, 0, 0], [10, -10, 0, 0], [0, 0, 1000, 0], [0, 0, 0, 0.01]])


def mixture(t: Any, y: Any) -> Any:
    z = MIX @ y
    squares = np.stack([(z[0] ** 2 - z[1] ** 2) / 2, z[0] * z[1], z[2] ** 2, z[3] ** 2])
    return MIX @ (squares - ROTATION @ z)


def pyrolysis(t: Any, y: Any) -> Any:
    a, b, c = 7.89e-10 * y[0], 1.1e7 * y[0] * y[2], 1.13e9 * y[1] * y[2]
    d = 1.13e3 * y[3]
    return np.stack([-a - b, a - c, a - b - c + d, b - d])


def kinetics(a: float, b: float, c: float) -> Callable[[Any, Any], Any]:
    """Robertson's reactions."""

    def fun(t: Any, y: Any) -> Any:
        first, second, third = a * y[0], b * y[1] ** 2, c * y[1] * y[2]
        return np.stack([third - first, first - third - second, second])

    return fun


def van_der_pol(mu: float) -> Callable[[Any, Any], Any]:
    return system(lambda t, a, b: b, lambda t, a, b: mu * (1 - a**2) * b - a)


OREGO = system(
    lambda t, a, b, c: 77.27 * (b + a * (1 - 8.375e-6 * a - b)),
    lambda t, a, b, c: (c - (1 + a) * b) / 77.27,
    lambda t, a, b, c: 0.161 * (a - c),
)


def hires(t: Any, y: Any) -> Any:
    a, b, c, d, e, f, g, h = (y[i] for i in range(8))
    bound = 280 * f * h - 1.81 * g
    return np.stack(
        [
            -1.71 * a + 0.43 * b + 8.32 * c + 0.0007,
            1.71 * a - 8.75 * b,
            -10.03 * c + 0.43 * d + 0.035 * e,
            8.32 * b + 1.71 * c - 1.12 * d,
            -1.745 * e + 0.43 * (f + g),
            -280 * f * h + 0.69 * d + 1.71 * e - 0.43 * f + 0.69 * g,
            bound,
            -bound,
        ]
    )


ONES = np.ones(10)
STIFF = {
    "A1": (linear(np.diag([-0.5, -1, -100, -90])), ONES[:4], 20.0),
    "A2": (lambda t, y: DRIVEN @ y + 1000 * np.eye(9)[8], np.zeros(9), 120.0),
    "A3": (linear(CASCADE), ONES[:4], 20.0),
    "A4": (linear(np.diag(-(np.arange(1.0, 11.0) ** 5))), ONES, 1.0),
    "B1": (linear(SPIRALS), [1.0, 0.0, 1.0, 0.0], 20.0),
    "B2": (decays(3), ONES[:6], 20.0),
    "B3": (decays(8), ONES[:6], 20.0),
    "B4": (decays(25), ONES[:6], 20.0),
    "B5": (decays(100), ONES[:6], 20.0),
    "C1": (
        system(
            lambda t, a, b, c, d: -a + b**2 + c**2 + d**2,
            lambda t, a, b, c, d: -10 * b + 10 * (c**2 + d**2),
            lambda t, a, b, c, d: -40 * c + 40 * d**2,
            lambda t, a, b, c, d: -100 * d + 2,
        ),
        ONES[:4],
        20.0,
    ),
    "C2": (coupled(0.1), ONES[:4], 20.0),
    "C3": (coupled(1), ONES[:4], 20.0),
    "C4": (coupled(10), ONES[:4], 20.0),
    "C5": (coupled(20), ONES[:4], 20.0),
    "D1": (
        system(
            lambda t, a, b, c: 0.2 * (b - a),
            lambda t, a, b, c: 10 * a - (60 - 0.125 * c) * b + 0.125 * c,
            lambda t, a, b, c: 1 + 0 * c,
        ),
        np.zeros(3),
        400.0,
    ),
    "D2": (
        system(
            lambda t, a, b, c: -0.04 * a + 0.01 * b * c,
            lambda t, a, b, c: 400 * a - 100 * b * c - 3000 * b**2,
            lambda t, a, b, c: 30 * b**2,
        ),
        unit(3),
        40.0,
    ),
    "D3": (dimer, [1.0, 1.0, 0.0, 0.0], 20.0),
    "D4": (reactor, [1.0, 1.0, 0.0], 50.0),
    "D5": (tubes, [0.0, 0.0], 100.0),
    "D6": (catalysis, unit(3), 1.0),
    "E1": (control, np.zeros(4), 1.0),
    "E2": (van_der_pol(5), [2.0, 0.0], 10.0),
    "E3": (
        system(
            lambda t, a, b, c: -(55 + c) * a + 65 * b,
            lambda t, a, b, c: 0.0785 * (a - b),
            lambda t, a, b, c: 0.1 * a,
        ),
        [1.0, 1.0, 0.0],
        500.0,
    ),
    "E4": (mixture, [0.0, -2.0, -1.0, -1.0], 1000.0),
    "E5": (pyrolysis, [1.76e-3, 0.0, 0.0, 0.0], 1000.0),
    "Robertson": (kinetics(0.04, 3e7, 1e4), unit(3), 1e4),
    "van der Pol": (van_der_pol(1000), [2.0, 0.0], 2000.0),
    "OREGO": (OREGO, [1.0, 2.0, 3.0], 360.0),
    "HIRES": (hires, [1.0, 0, 0, 0, 0, 0, 0, 0.0057], 321.8122),
}
STIFF_PROBLEMS = [Problem(f"stiff {name}", fun, np.array(y0, float), end) for name, (fun, y0, end) in STIFF.items()]
