"""From record batches to record batches, without an engine."""

from __future__ import annotations

import pickle
from itertools import pairwise
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jitgrad.distributed import core
from jitgrad.distributed.core import fit_batches, fit_table, fitted_names, job_for, predict_batches, predict_table
from jitgrad.errors import ArgumentError, DataError
from jitgrad.groupfit.whole import whole_groups
from tests.distributed.readings import BY, FORMULA, START, check_same, here, readings

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")

READINGS = readings()
SORTED = READINGS.sort(BY, maintain_order=True)
JOB = job_for(FORMULA, READINGS.columns, "od", by=BY, p0=START)


def batches(frame: pl.DataFrame, edges: list[int]) -> list[Any]:
    """Return a table in record batches that end at these rows."""
    cuts = [0, *sorted({min(edge, frame.height) for edge in edges}), frame.height]
    return [batch for cut, stop in pairwise(cuts) for batch in frame[cut:stop].to_arrow().to_batches()]


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(0, 700), max_size=30), st.integers(1, 300))
def test_fits_are_those_made_here_wherever_batches_end(edges: list[int], rows: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(core, "whole_groups", lambda frames, by: whole_groups(frames, by, rows))
        came = list(fit_batches(JOB, batches(SORTED, edges)))
    check_same(pa.Table.from_batches(came), here(READINGS).frame(), BY)


@pytest.mark.parametrize("rows", [1, 40, 1000])
def test_keys_may_be_dictionaries_of_each_batch(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core, "whole_groups", lambda frames, by: whole_groups(frames, by, rows))
    encoded = []
    for batch in batches(SORTED, list(range(0, 700, 30))):
        at = batch.schema.get_field_index("plate")
        columns = [column.cast("string").dictionary_encode() if k == at else column for k, column in enumerate(batch.columns)]
        encoded.append(pa.RecordBatch.from_arrays(columns, batch.schema.names))
    came = pa.Table.from_batches(list(fit_batches(JOB, encoded))).to_pylist()
    check_same(pl.DataFrame(came, here(READINGS).frame().schema), here(READINGS).frame(), BY)


def test_fits_whose_starts_are_searched_are_those_made_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core, "whole_groups", lambda frames, by: whole_groups(frames, by, 50))
    few = SORTED.filter(pl.col("well") < 5)
    job = job_for(FORMULA, READINGS.columns, "od", by=BY)
    came = pa.Table.from_batches(list(fit_batches(job, batches(few, list(range(0, few.height, 7))))))
    check_same(came, here(few, p0=None).frame(), BY)


def test_predictions_are_those_made_here() -> None:
    fits, job = here(READINGS), job_for(FORMULA, READINGS.columns, "od", by=BY)
    own = fits.frame().select(*BY, *(pl.col(name).alias(to) for to, name in fitted_names(job).items()))
    joined = SORTED.with_row_index("at").join(own, on=BY, how="left").sort("at").drop("at")
    came = pa.Table.from_batches(list(predict_batches(job, batches(joined, [5, 100, 333]))))
    check_same(came, fits.predict(READINGS), ["row"])


def test_nothing_comes_of_nothing_and_has_its_columns() -> None:
    none = READINGS[:0].with_columns(pl.lit(0).alias(core.ORDER)).to_arrow()
    assert list(fit_batches(JOB, none.to_batches())) == []
    assert pl.DataFrame(fit_table(none, JOB)).schema == here(READINGS).frame().schema
    with_fits = none.append_column("__jitgrad_fitted_a", pa.array([], pa.float64()))
    job = job_for("a * t", READINGS.columns, "od", by=BY)
    assert predict_table(with_fits, job).column_names == [*READINGS.columns, "predicted"]


def test_a_group_that_comes_back_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core, "whole_groups", lambda frames, by: whole_groups(frames, by, 1))
    with pytest.raises(DataError, match=r"occur again after rows of other groups\. Sort the rows by plate, well"):
        list(fit_batches(JOB, batches(READINGS, [300])))


def test_a_job_travels_as_its_formula() -> None:
    sent = pickle.dumps(JOB)
    assert FORMULA.encode() in sent and b"ELF" not in sent and len(sent) < 5000
    check_same(pickle.loads(sent).fit(READINGS).frame(), here(READINGS).frame(), BY)


def test_what_needs_all_groups_in_one_place_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"Use jitgrad\.fit_groups"):
        job_for(FORMULA, READINGS.columns, "od", by=BY, shared=["c"])
