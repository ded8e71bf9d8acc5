"""Rows scattered by key: none is lost, and those of a key come together and in order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from jitgrad.io.scatter import scattered


@pytest.mark.parametrize("count", [1, 3, 50])
def test_rows_of_a_key_come_together(count: int, tmp_path: Path) -> None:
    draw = np.random.default_rng(count)
    frame = pl.DataFrame(
        {"a": draw.integers(0, 4, 300), "b": draw.choice(["x", "y", None], 300), "row": np.arange(300)}, strict=False
    )
    came = list(scattered(frame.iter_slices(37), ["a", "b"], count, tmp_path))
    assert len(came) <= count and not list(tmp_path.iterdir())
    assert sum(piece.select("a", "b").n_unique() for piece in came) == frame.select("a", "b").n_unique()
    for piece in came:
        for _, rows in piece.group_by("a", "b"):
            assert rows["row"].is_sorted()
    assert pl.concat(came).sort("row").equals(frame)


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        next(scattered([pl.DataFrame({"a": [1]})], ["a"], 2, tmp_path / "none"))
