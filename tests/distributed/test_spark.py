"""Fits on Spark, local[2], which the tests start."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest

from tests.distributed.readings import BY, FORMULA, START, check_same, decay, here, readings

sql = pytest.importorskip("pyspark.sql", reason="PySpark is not installed")
groups = pytest.importorskip("jitgrad.distributed.spark", exc_type=ImportError)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning"),
    # PySpark 4.0 leaves the sockets by which results come to the garbage collector.
    pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"),
]

READINGS = readings()


@pytest.fixture(scope="module")
def session() -> Iterator[Any]:
    """Two cores. A batch has few rows, so that groups go across their edges."""
    settings = {
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.sql.shuffle.partitions": "3",
        "spark.sql.execution.arrow.maxRecordsPerBatch": "7",
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        session = sql.SparkSession.builder.master("local[2]").config(map=settings).getOrCreate()
        yield session
        session.stop()


@pytest.fixture(scope="module")
def frame(session: Any) -> Any:
    return session.createDataFrame(READINGS.to_arrow())


@pytest.mark.parametrize("partitions", [None, 1, 5])
def test_fits_are_those_made_here(frame: Any, partitions: int | None) -> None:
    fits = groups.fit_groups(FORMULA, frame, "od", by=BY, p0=START, partitions=partitions)
    assert fits.columns == here(READINGS).frame().columns
    check_same(fits.toArrow(), here(READINGS).frame(), BY)


def test_a_function_and_starts_by_key_travel(frame: Any) -> None:
    starts = here(READINGS).frame().select(*BY, "a", "k", "c")
    fits = groups.fit_groups(lambda t, a, k, c: decay(t, a, k, c), frame, "od", by=BY, x="t", p0=starts)
    check_same(fits.toArrow(), here(READINGS, decay, x="t", p0=starts).frame(), BY)


def test_predictions_are_those_made_here(frame: Any) -> None:
    wanted = here(READINGS).predict(READINGS)
    fits = groups.fit_groups(FORMULA, frame, "od", by=BY, p0=START)
    for known in (fits, here(READINGS)):
        check_same(groups.predict(FORMULA, frame, known, by=BY, y="od").toArrow(), wanted, ["row"])


def test_names_may_have_dots(frame: Any) -> None:
    renamed = READINGS.rename({"well": "of.well", "od": "o.d", "t": "s"}).with_columns(pl.col("plate").alias("plate.no"))
    by = ["plate.no", "of.well"]
    dotted = frame.sparkSession.createDataFrame(renamed.to_arrow())
    fits = groups.fit_groups("a * exp(-k * s) + c", dotted, "o.d", by=by, p0=START)
    check_same(fits.toArrow(), here(READINGS).frame().rename(dict(zip(BY, by, strict=True))), by)
    said = groups.predict("a * exp(-k * s) + c", dotted, fits, by=by, y="o.d").toArrow()
    wanted = here(READINGS).predict(READINGS)
    check_same(said.select(["row", "predicted"]), wanted.select("row", "predicted"), ["row"])
