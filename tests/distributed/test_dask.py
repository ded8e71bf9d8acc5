"""Fits on Dask's workers, two processes that the tests start."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from jitgrad.errors import DataError, OptionError
from tests.distributed.readings import BY, FORMULA, START, check_same, decay, here, readings

dd = pytest.importorskip("dask.dataframe", reason="Dask is not installed")
distributed = pytest.importorskip("distributed", reason="Dask's workers are not installed")
groups = pytest.importorskip("jitgrad.distributed.dask", exc_type=ImportError)

READINGS = readings()


def cluster(**options: Any) -> Any:
    """Two processes that work."""
    return distributed.LocalCluster(n_workers=2, processes=True, dashboard_address=":0", **options)


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with cluster(threads_per_worker=2) as workers, distributed.Client(workers) as client:
        yield client


def spread(frame: pl.DataFrame, partitions: int) -> Any:
    """A table in partitions."""
    return dd.from_pandas(frame.to_pandas(), npartitions=partitions, sort=False)


@pytest.mark.parametrize(("before", "after"), [(1, None), (7, None), (5, 2)])
def test_fits_are_those_made_here(client: Any, before: int, after: int | None) -> None:
    fits = groups.fit_groups(FORMULA, spread(READINGS, before), "od", by=BY, p0=START, partitions=after)
    assert isinstance(fits, dd.DataFrame) and fits.npartitions == (after or before)
    came = fits.compute()
    assert fits.dtypes.equals(came.dtypes)
    check_same(came, here(READINGS).frame(), BY)


def test_a_function_and_starts_by_key_travel(client: Any) -> None:
    starts = here(READINGS).frame().select(*BY, "a", "k", "c").to_pandas()
    fits = groups.fit_groups(lambda t, a, k, c: decay(t, a, k, c), spread(READINGS, 3), "od", by=BY, x="t", p0=starts)
    check_same(fits.compute(), here(READINGS, decay, x="t", p0=starts).frame(), BY)


def test_predictions_are_those_made_here(client: Any) -> None:
    frame, wanted = spread(READINGS, 4), here(READINGS).predict(READINGS)
    fits = groups.fit_groups(FORMULA, frame, "od", by=BY, p0=START)
    for known in (fits, here(READINGS), here(READINGS).frame()):
        said = groups.predict(FORMULA, frame, known, by=BY, y="od")
        assert isinstance(said, dd.DataFrame)
        check_same(said.compute(), wanted, ["row"])


def test_keys_may_be_categories(client: Any) -> None:
    frame = READINGS.with_columns(pl.col("plate").cast(pl.Categorical))
    fits = groups.fit_groups(FORMULA, spread(frame, 3), "od", by=BY, p0=START).compute()
    assert fits["plate"].dtype == "category"
    came = pl.DataFrame(fits.assign(plate=fits["plate"].astype(str)))
    check_same(came, here(READINGS).frame(), BY)


def test_a_frame_that_is_here_is_refused() -> None:
    with pytest.raises(DataError, match=r"Give a Dask DataFrame, or use jitgrad\.fit_groups for data in memory"):
        groups.fit_groups(FORMULA, READINGS, "od", by=BY)


def test_options_that_are_misspelt() -> None:
    with pytest.raises(OptionError, match=r"^There is no option 'max_nfv'. Did you mean 'max_nfev'\? Leave it out.$"):
        groups.fit_groups(FORMULA, spread(READINGS, 2), "od", by=BY, max_nfv=10)


def touch(part: Any, folder: Path) -> Any:
    """A partition, of which a file in a folder tells who has it."""
    if len(part):
        (folder / f"{os.getpid()}-{time.time_ns()}").touch()
        time.sleep(0.2)
    return part


@pytest.mark.slow
def test_a_worker_that_is_killed_loses_nothing(tmp_path: Path) -> None:
    frame = readings(300)
    with cluster(threads_per_worker=1) as workers, distributed.Client(workers) as client:
        fits = groups.fit_groups(FORMULA, spread(frame, 12), "od", by=BY, p0=START)
        running = client.compute(fits.map_partitions(touch, tmp_path, meta=fits._meta))
        while not (done := sorted(tmp_path.iterdir())):
            time.sleep(0.01)
        killed = int(done[0].name.partition("-")[0])
        assert killed in client.run(os.getpid).values() and not running.done()
        os.kill(killed, signal.SIGKILL)
        came = running.result(timeout=120)
        assert killed not in client.run(os.getpid).values()
    check_same(came, here(frame).frame(), BY)


def compiled() -> list[str]:
    """What this process has compiled itself."""
    from jitgrad.vm import compiling

    return list(compiling._made)


@pytest.mark.slow
def test_workers_that_start_cold_compile_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cache").mkdir(mode=0o755)
    monkeypatch.setenv("JITGRAD_CACHE_DIR", str(tmp_path / "cache"))
    with cluster(threads_per_worker=1) as workers, distributed.Client(workers) as client:
        fits = groups.fit_groups(FORMULA, spread(READINGS, 8), "od", by=BY, p0=START).compute()
        first, second = client.run(compiled).values()
        assert first or second
        assert not set(first) & set(second)
        names = [path.name for path in (tmp_path / "cache").rglob("*") if path.is_file()]
        assert set(first + second) <= set(names)
    check_same(fits, here(READINGS).frame(), BY)


def test_an_array_of_an_image_series_is_fitted_by_workers(client: Any, draw: np.random.Generator) -> None:
    xr = pytest.importorskip("xarray", reason="xarray is not installed")
    from jitgrad.groupfit.fit import fit_groups

    t, k = np.linspace(0, 4, 15), draw.uniform(0.5, 2, (6, 8, 1))
    series = xr.DataArray(decay(t, 2.0, k, 0.1) + 0.01 * draw.normal(size=(6, 8, 15)), {"t": t}, ("y", "x", "t"))
    fits = fit_groups(FORMULA, series.chunk({"y": 2, "x": 3}), coords="t", p0=START)
    assert fits.compute().identical(fit_groups(FORMULA, series, coords="t", p0=START))
