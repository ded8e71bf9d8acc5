"""The synthetic data of the tutorial on many fits: a plate of dose-response curves, images, and a panel of growth curves.

Run: python scripts/example_data.py [DIRECTORY]

The data are drawn from models, with realistic noise and the kinds of failures that happen in laboratories. They contain no
measurements. The files are written to data/ by default.
"""

from __future__ import annotations

import string
import sys
from pathlib import Path

import numpy as np
import polars as pl

DATA = Path(__file__).parents[1] / "data"


def plate() -> pl.DataFrame:
    """A plate of 384 wells: 24 compounds at 8 doses in two wells each. The signal of living cells is 100 without a compound.

    Compound C07 has no effect. C12 was dispensed into three wells only, the wells of C15 could not be read, and the wells of
    C19 saturated the reader.
    """
    draw = np.random.default_rng(384)
    doses = 100.0 / 3.0 ** np.arange(8)[::-1]
    rows = []
    for c in range(24):
        ec50, hill = 10 ** draw.uniform(-0.7, 1.2), draw.uniform(0.8, 2.2)
        top, bottom = draw.normal(100, 3), draw.uniform(3, 20)
        name = f"C{c + 1:02d}"
        for d, dose in enumerate(doses):
            for twin in range(2):
                signal = bottom + (top - bottom) / (1 + (dose / ec50) ** hill)
                signal = top if name == "C07" else signal
                signal += draw.normal(0, 2.5)
                if name == "C15":
                    signal = np.nan
                if name == "C19":
                    signal = 160.0
                well = f"{string.ascii_uppercase[2 * d + twin]}{c + 1:02d}"
                if name != "C12" or (d < 3 and twin == 0):
                    rows.append((well, name, round(float(dose), 4), round(float(signal), 1)))
    return pl.DataFrame(rows, schema=["well", "compound", "dose", "signal"], orient="row").with_columns(
        pl.col("signal").fill_nan(None)
    )


ECHOES = np.arange(12, 145, 12.0)
"""Times after the excitation, in ms."""


def images() -> np.ndarray:
    """Twelve spin-echo images of a schematic head, (12, 56, 48), in counts.

    T₂ is 75 ms in white matter, 95 in gray matter, 110 in two nuclei, 180 in a lesion and 600 in the ventricles. The head is
    surrounded by air.
    """
    draw = np.random.default_rng(56)
    v, u = np.meshgrid(np.linspace(-1, 1, 56), np.linspace(-1, 1, 48), indexing="ij")

    def ellipse(u0: float, v0: float, a: float, b: float, turned: float = 0.0) -> np.ndarray:
        x, y = u - u0, v - v0
        x, y = x * np.cos(turned) + y * np.sin(turned), y * np.cos(turned) - x * np.sin(turned)
        return (x / a) ** 2 + (y / b) ** 2 < 1

    s0, t2 = np.zeros(u.shape), np.full(u.shape, 60.0)
    folds = 0.05 * np.sin(14 * np.arctan2(v, u))
    for where, density, time in (
        (ellipse(0, 0, 0.92, 0.95), 620, 95),
        (np.hypot(u / 0.74, v / 0.78) < 1 + folds, 540, 75),
        (ellipse(-0.26, 0.05, 0.13, 0.2), 600, 110),
        (ellipse(0.26, 0.05, 0.13, 0.2), 600, 110),
        (ellipse(-0.13, -0.2, 0.09, 0.3, -0.3), 900, 600),
        (ellipse(0.13, -0.2, 0.09, 0.3, 0.3), 900, 600),
        (ellipse(0.36, 0.42, 0.16, 0.13), 700, 180),
    ):
        s0[where], t2[where] = density, time
    s0 *= 1.06 - 0.12 * np.hypot(u - 0.2, v + 0.3)  # the coil is nearer on one side
    clean = s0 * np.exp(-ECHOES[:, None, None] / t2)
    noisy = np.hypot(clean + draw.normal(0, 9, clean.shape), draw.normal(0, 9, clean.shape))  # magnitudes of complex numbers
    return np.rint(noisy).astype(np.uint16)


def growth() -> pl.DataFrame:
    """Optical densities of 96 wells, every 45 minutes for a day: eight strains in three media, four wells each.

    Strain S6 does not grow in medium M3, and two wells were contaminated late in the day.
    """
    draw = np.random.default_rng(96)
    hours = np.arange(0, 24.1, 0.75)
    rates, yields = draw.uniform(0.45, 0.95, 8), draw.uniform(0.8, 1.5, 8)
    frames = []
    wells = [f"{row}{column:02d}" for row in string.ascii_uppercase[:8] for column in range(1, 13)]
    for number, well in enumerate(wells):
        strain, medium = number // 12, number % 12 // 4
        rate = rates[strain] * (1.0, 0.8, 0.6)[medium] * draw.normal(1, 0.04)
        most = yields[strain] * (1.0, 0.75, 0.9)[medium] * draw.normal(1, 0.03)
        first = 0.02 * np.exp(draw.normal(0, 0.2))
        if strain == 5 and medium == 2:
            rate = 0.0
        od = 0.045 + most / (1 + (most / first - 1) * np.exp(-rate * hours))
        if well in ("C05", "G11"):
            od = od + 0.5 / (1 + np.exp(-1.5 * (hours - 19)))
        od = od * draw.normal(1, 0.01, len(hours)) + draw.normal(0, 0.004, len(hours))
        frames.append(
            pl.DataFrame(
                {"well": well, "strain": f"S{strain + 1}", "medium": f"M{medium + 1}", "hours": hours, "od": od.round(4)}
            )
        )
    return pl.concat(frames)


def main() -> None:
    place = Path(sys.argv[1]) if len(sys.argv) > 1 else DATA
    plate().write_csv(place / "plate.csv")
    growth().write_csv(place / "growth.csv")
    np.savez_compressed(place / "echoes.npz", signal=images(), echo=ECHOES)


if __name__ == "__main__":
    main()
