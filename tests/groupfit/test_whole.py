"""Frames in pieces, cut so that no group is split."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitgrad.errors import DataError
from jitgrad.groupfit.whole import GroupReturnsError, whole_groups


def pieces(frame: pl.DataFrame, edges: list[int]) -> list[pl.DataFrame]:
    """A frame cut at some rows."""
    cuts = [0, *sorted(min(edge, frame.height) for edge in edges), frame.height]
    return [frame[first:stop] for first, stop in pairwise(cuts)]


@given(sizes=st.lists(st.integers(1, 9), max_size=12), edges=st.lists(st.integers(0, 60), max_size=8), rows=st.integers(1, 20))
def test_no_group_is_split_and_no_row_is_lost(sizes: list[int], edges: list[int], rows: int) -> None:
    key = np.repeat(np.arange(len(sizes)), sizes)
    frame = pl.DataFrame({"plate": key // 3, "well": [f"w{k % 3}" for k in key], "row": np.arange(len(key))})
    came = list(whole_groups(pieces(frame, edges), ["plate", "well"], rows))
    assert pl.concat([frame[:0], *came]).equals(frame)
    groups = [piece.select("plate", "well").unique().height for piece in came]
    assert sum(groups) == len(sizes)
    assert all(piece.height for piece in came)


def test_keys_may_be_missing_or_not_a_number() -> None:
    frame = pl.DataFrame({"key": [None, None, 1.0, float("nan"), float("nan"), float("nan")], "row": range(6)})
    came = list(whole_groups(pieces(frame, [1, 4, 5]), ["key"], 1))
    assert [piece["row"].to_list() for piece in came] == [[0, 1, 2], [3, 4, 5]]


def test_rows_without_a_key_may_stand_anywhere() -> None:
    frame = pl.DataFrame({"key": [1, None, 2, None, None, 3, None], "row": range(7)})
    came = list(whole_groups(frame.iter_slices(2), ["key"], 2))
    assert pl.concat(came).equals(frame) and len(came) > 2


def test_a_group_that_is_known_from_before_does_not_come_back() -> None:
    frame = pl.DataFrame({"key": [3, 3, 4]})
    assert len(list(whole_groups([frame], ["key"], 1, [pl.DataFrame({"key": [1, 2]}), pl.DataFrame({"key": [7]})]))) == 2
    with pytest.raises(GroupReturnsError, match="group key = 4 occur again"):
        list(whole_groups([frame], ["key"], 1, [pl.DataFrame({"key": [4, 2]})]))


def test_a_group_larger_than_a_piece_is_one() -> None:
    frame = pl.DataFrame({"key": [1] * 5000 + [2] * 5000})
    assert [piece.height for piece in whole_groups(frame.iter_slices(10), ["key"], 20)] == [5000, 5000]


def test_a_group_that_comes_back_is_an_error() -> None:
    frame = pl.DataFrame({"plate": ["a", "a", "b", "a"], "well": [1, 2, 1, 2]})
    with pytest.raises(DataError, match=r"group plate = 'a', well = 2 occur again .* Sort the rows by plate, well\."):
        list(whole_groups(frame.iter_slices(1), ["plate", "well"], 1))


def test_a_group_that_comes_back_is_found_among_many() -> None:
    frame = pl.DataFrame({"key": [*range(1000), 123]})
    with pytest.raises(DataError, match="key = 123"):
        list(whole_groups(frame.iter_slices(7), ["key"], 7))


def test_nothing_comes_of_nothing() -> None:
    assert list(whole_groups([], ["key"])) == []
    assert list(whole_groups([pl.DataFrame({"key": []})], ["key"])) == []
