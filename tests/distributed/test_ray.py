"""Fits on Ray, with two CPUs, which the tests start."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest

from tests.distributed.readings import BY, FORMULA, START, check_same, decay, here, readings

ray = pytest.importorskip("ray", reason="Ray is not installed")
pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
groups = pytest.importorskip("jitgrad.distributed.ray", exc_type=ImportError)

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # Ray has many of its own

READINGS = readings()


@pytest.fixture(scope="module")
def frame() -> Iterator[Any]:
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    ray.data.DataContext.get_current().enable_progress_bars = False
    whole = READINGS.to_arrow()
    yield ray.data.from_arrow([whole.slice(first, 100) for first in range(0, len(whole), 100)])
    ray.shutdown()


def table(data: Any) -> pl.DataFrame:
    """All rows of a data set, here."""
    return pl.DataFrame(pa.concat_tables(ray.get(data.to_arrow_refs()), promote_options="default"))


@pytest.mark.parametrize("partitions", [1, 4])
def test_fits_are_those_made_here(frame: Any, partitions: int) -> None:
    fits = groups.fit_groups(FORMULA, frame, "od", by=BY, p0=START, partitions=partitions)
    check_same(table(fits), here(READINGS).frame(), BY)


def test_a_function_travels(frame: Any) -> None:
    fits = groups.fit_groups(lambda t, a, k, c: decay(t, a, k, c), frame, "od", by=BY, x="t", p0=START, threads=2, partitions=2)
    check_same(table(fits), here(READINGS).frame(), BY)


def test_predictions_are_those_made_here(frame: Any) -> None:
    wanted = here(READINGS).predict(READINGS)
    fits = groups.fit_groups(FORMULA, frame, "od", by=BY, p0=START, partitions=3)
    for known in (fits, here(READINGS)):
        check_same(table(groups.predict(FORMULA, frame, known, by=BY, y="od", partitions=3)), wanted, ["row"])
