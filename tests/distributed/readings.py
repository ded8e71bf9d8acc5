"""A plate reader's table for the engines, and its fits in this process."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import polars as pl
import polars.selectors as cs

from jitgrad.groupfit.fit import fit_groups
from jitgrad.groupfit.result import GroupFits

FORMULA = "a * exp(-k * t) + c"
BY = ["plate", "well"]
START = {"a": 2.0, "k": 1.0, "c": 0.0}


def decay(t: Any, a: Any, k: Any, c: Any) -> Any:
    return a * np.exp(-k * t) + c


def readings(groups: int = 60, rows: int = 12) -> pl.DataFrame:
    """A long table in random order. Of seven groups one has a nan, one has two rows, one is constant, and one has no plate."""
    draw, count = np.random.default_rng(5), groups * rows
    number, at, t = np.repeat(np.arange(groups), rows), np.arange(count) % rows, draw.uniform(0, 4, count)
    a, k = (np.repeat(draw.uniform(*ends, groups), rows) for ends in ((1, 3), (0.5, 2)))
    od = decay(t, a, k, 0.1) + 0.01 * draw.normal(size=count)
    od[(number % 7 == 3) & (at == 4)] = np.nan
    od[number % 7 == 5] = 0.25
    columns = {
        "row": np.arange(count),
        "plate": [None if group % 7 == 6 else f"plate {group % 5}" for group in number],
        "well": number // 5,
        "t": t,
        "od": od,
        "read.by": ["Zoë"] * count,
    }
    frame = pl.DataFrame(columns).filter((number % 7 != 1) | (at < 2))
    return frame[draw.permutation(frame.height)]


def here(frame: pl.DataFrame, model: Any = FORMULA, **options: Any) -> GroupFits:
    """Return the fits of a table, made in this process."""
    return fit_groups(model, frame, "od", by=BY, **{"p0": START, **options})


def check_same(came: Any, wanted: pl.DataFrame, by: list[str]) -> None:
    """Assert that two tables have the same rows in any order, bit by bit."""
    nan = cs.float().fill_null(math.nan)  # as which they come out of pandas
    found, wanted = pl.DataFrame(came).with_columns(nan).sort(by), wanted.sort(by)
    assert found.schema == wanted.schema
    assert found.equals(wanted)
