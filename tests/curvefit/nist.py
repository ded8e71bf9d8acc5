"""NIST's StRD sets for nonlinear regression (https://www.itl.nist.gov/div898/strd, public domain) and their models."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np

PLACE = Path(__file__).parents[1] / "data" / "nist"

MODELS = {
    "Chwirut2": "exp(-b1*x) / (b2 + b3*x)",
    "DanWood": "b1 * x**b2",
    "Gauss1": "b1*exp(-b2*x) + b3*exp(-(x-b4)**2/b5**2) + b6*exp(-(x-b7)**2/b8**2)",
    "Kirby2": "(b1 + b2*x + b3*x**2) / (1 + b4*x + b5*x**2)",
    "Lanczos3": "b1*exp(-b2*x) + b3*exp(-b4*x) + b5*exp(-b6*x)",
    "MGH17": "b1 + b2*exp(-x*b4) + b3*exp(-x*b5)",
    "Misra1a": "b1 * (1 - exp(-b2*x))",
    "Rat42": "b1 / (1 + exp(b2 - b3*x))",
    "Thurber": "(b1 + b2*x + b3*x**2 + b4*x**3) / (1 + b5*x + b6*x**2 + b7*x**3)",
}


class Certified(NamedTuple):
    """A set: its data, both starts, certified parameters with their standard deviations, and residual sum of squares."""

    x: np.ndarray
    y: np.ndarray
    starts: list[dict[str, float]]
    values: dict[str, float]
    deviations: dict[str, float]
    squares: float


def read(name: str) -> Certified:
    """Read a file in NIST's layout."""
    lines = (PLACE / f"{name}.dat").read_text().splitlines()
    rows = re.findall(r"^\s*(b\d+) =\s+(\S+)\s+(\S+)\s+(\S+)\s+(\S+)", "\n".join(lines), re.M)
    first, second, values, deviations = ({row[0]: float(row[k]) for row in rows} for k in range(1, 5))
    squares = re.search(r"Residual Sum of Squares:\s+(\S+)", "\n".join(lines))
    start = max(i for i, line in enumerate(lines) if line.startswith("Data:"))
    data = np.array([[float(v) for v in line.split()] for line in lines[start + 1 :] if line.strip()])
    assert squares is not None
    return Certified(data[:, 1], data[:, 0], [first, second], values, deviations, float(squares[1]))


def digits(found: dict[str, float], certified: dict[str, float]) -> float:
    """Return the smallest number of correct digits of any parameter, at most the eleven certified ones."""
    errors = [abs(found[k] - v) / abs(v) for k, v in certified.items()]
    return float(-np.log10(max(1e-11, *errors)))
