"""Many small data sets of one model, as they occur in practice, with their true parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from jitgrad.curvefit.bundles import Groups
from jitgrad.curvefit.curve import Curve, curve_of


class Family(NamedTuple):
    """Groups of one model.

    Attributes
    ----------
    formula : str
        The model.
    x : ndarray, shape (rows,)
        The independent variable.
    y : ndarray, shape (G, rows)
        The response, with noise.
    truth : ndarray, shape (G, p)
        The true parameters, in the order of the curve.
    shape : tuple of int
        The shape of the image whose pixels the groups are, or (G,).
    """

    formula: str
    x: np.ndarray
    y: np.ndarray
    truth: np.ndarray
    shape: tuple[int, ...]

    @property
    def curve(self) -> Curve:
        return curve_of(self.formula, {"x": self.x}, None, None)

    @property
    def groups(self) -> Groups:
        return in_groups(self.x, self.y)


def in_groups(x: np.ndarray, y: np.ndarray) -> Groups:
    """Return groups that share x."""
    count, rows = y.shape
    parts = np.stack([rows * np.arange(count), np.full(count, rows)], axis=1).astype(np.uint64)
    return Groups([x], y.ravel(), None, parts, True)


def smooth(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Return a smooth field in [0, 1), flat, with evenly distributed values."""
    far = np.hypot(*np.meshgrid(np.fft.fftfreq(shape[0]), np.fft.fftfreq(shape[1]), indexing="ij"))
    field = np.fft.ifft2(np.fft.fft2(rng.normal(size=shape)) * np.exp(-((12 * far) ** 2))).real.ravel()
    return np.argsort(np.argsort(field)) / field.size


def _family(
    formula: str, x: np.ndarray, noise: float, rng: np.random.Generator, shape: tuple[int, ...], **truth: np.ndarray
) -> Family:
    curve = curve_of(formula, {"x": x}, None, None)
    values = np.stack([truth[name] for name in curve.names], axis=1)
    said = np.stack([curve.evaluate(own, (), [x])[0] for own in values])
    return Family(formula, x, said + noise * rng.normal(size=said.shape), values, shape)


def two_exponentials(count: int) -> Family:
    rng = np.random.default_rng(1)
    a, b, k, s = (rng.uniform(*ends, count) for ends in ((1, 4), (1, 4), (0.8, 3), (0.1, 0.4)))
    formula = "a * exp(-k*x) + b * exp(-s*x)"
    return _family(formula, np.linspace(0, 10, 100), 0.02, rng, (count,), a=a, k=k, b=b, s=s)


def wandering_peaks(count: int) -> Family:
    rng, shape = np.random.default_rng(2), (count // 20, 20)
    m, s, a, c = (smooth(rng, shape) for _ in range(4))
    formula = "a * exp(-(x-m)**2 / (2*s**2)) + c"
    x = np.linspace(400, 700, 120)
    return _family(formula, x, 0.1, rng, shape, a=1 + 4 * a, m=410 + 280 * m, s=4 + 10 * s, c=1 + c)


def doses(count: int) -> Family:
    rng = np.random.default_rng(3)
    c, d, m, h = (rng.uniform(*ends, count) for ends in ((0, 10), (60, 120), (-8, -5), (0.6, 2.5)))
    h *= rng.choice([-1, 1], count)
    return _family("c + (d-c) / (1 + (x/m)**h)", np.geomspace(1e-9, 1e-4, 16), 3.0, rng, (count,), c=c, d=d, m=10**m, h=h)


def damped_oscillations(count: int) -> Family:
    rng = np.random.default_rng(4)
    a, t, f, p, c = (rng.uniform(*ends, count) for ends in ((1, 4), (2, 8), (0.3, 3), (-3, 3), (-1, 1)))
    formula = "a * exp(-x/t) * sin(2*pi*f*x + p) + c"
    return _family(formula, np.linspace(0, 10, 150), 0.1, rng, (count,), a=a, t=t, f=f, p=p, c=c)


def growth(count: int) -> Family:
    rng = np.random.default_rng(5)
    c, k, r, m = (rng.uniform(*ends, count) for ends in ((0.02, 0.2), (0.5, 2.5), (0.15, 1), (6, 40)))
    return _family("c + k / (1 + exp(-r * (x-m)))", np.linspace(0, 48, 60), 0.03, rng, (count,), c=c, k=k, r=r, m=m)


FAMILIES: list[Callable[[int], Family]] = [two_exponentials, wandering_peaks, doses, damped_oscillations, growth]
