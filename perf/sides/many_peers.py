"""Other libraries that fit many curves, each in its strongest form, on all cores."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import many_jobs
import numpy as np
from many_jobs import Job

CORES = os.cpu_count() or 1
CHUNK = 32
"""The number of groups that JAX fits at once; all wait for the slowest one, so larger batches take longer."""
Run = Callable[[], Any]


def ends(job: Job) -> dict[str, Any]:
    """The limit for MINPACK, which counts evaluations. Gpufit counts iterations; allow as many failed evaluations."""
    return {"ftol": job.tolerance, "xtol": job.tolerance}


def _scipy_fits(job: Job, by_parameters: bool, part: slice) -> np.ndarray:
    from scipy.optimize import curve_fit

    found, x = np.full(job.starts[part].shape, np.nan), job.x
    jac = job.derivatives if by_parameters else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for row, y, start in zip(found, job.y[part], job.starts[part], strict=True):
            try:
                row[:] = curve_fit(job.function, x, y, start, jac=jac, **ends(job))[0]
            except RuntimeError:  # did not converge
                continue
    return found


def scipy(job: Job) -> Run:
    """A loop, with finite differences, as users usually write it."""
    return lambda: _scipy_fits(job, False, slice(None))


def scipy_jac(job: Job) -> Run:
    """A loop with analytical derivatives."""
    return lambda: _scipy_fits(job, True, slice(None))


_job: list[Job] = []


def _part(part: slice) -> np.ndarray:
    return _scipy_fits(_job[0], True, part)


def scipy_processes(job: Job) -> Run:
    """The same in one process per core. Starting the processes and sending the data is not timed."""
    _job.append(job)
    pool = multiprocessing.get_context("fork").Pool(CORES)
    size = -(-len(job.y) // (4 * CORES))
    parts = [slice(k, k + size) for k in range(0, len(job.y), size)]
    return lambda: np.concatenate(pool.map(_part, parts, chunksize=1))


def _array(job: Job) -> tuple[Any, dict[str, Any], Any]:
    """Return a DataArray, starting values, and the coordinates of the fit."""
    import xarray

    if len(job.columns) == 1:
        array = xarray.DataArray(job.y, dims=("group", "x"), coords={"x": job.columns["x"]})
        coords: Any = "x"
    else:
        side = np.arange(5.0)
        array = xarray.DataArray(job.y.reshape(-1, 5, 5), dims=("group", "v", "u"), coords={"u": side, "v": side})
        coords = ["u", "v"]
    starts = {name: xarray.DataArray(job.starts[:, k], dims="group") for k, name in enumerate(job.names)}
    return array, starts, coords


def _curvefit(job: Job, array: Any, starts: Any, coords: Any) -> Any:
    options = {"kwargs": {"ftol": job.tolerance, "xtol": job.tolerance}, "errors": "ignore"}
    return array.curvefit(coords, job.function, p0=starts, param_names=list(job.names), **options).curvefit_coefficients


def xarray(job: Job) -> Run:
    array, starts, coords = _array(job)

    def run() -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _curvefit(job, array, starts, coords).values

    return run


def dask(job: Job) -> Run:
    """xarray in chunks, with one process per core; threads would block each other."""
    import dask as engine

    array, starts, coords = _array(job)
    size = -(-len(job.y) // (2 * CORES))
    array = array.chunk(group=size)
    starts = {name: start.chunk(group=size) for name, start in starts.items()}
    pool = ProcessPoolExecutor(CORES)

    def run() -> Any:
        with warnings.catch_warnings(), engine.config.set(scheduler="processes", pool=pool):
            warnings.simplefilter("ignore")
            return _curvefit(job, array, starts, coords).compute().values

    return run


def lmfit(job: Job) -> Run:
    """lmfit's Model in a loop, with SciPy's leastsq."""
    import lmfit as library

    x, model = job.x, library.Model(job.function, independent_vars=["x"])
    options = {"ftol": job.tolerance, "xtol": job.tolerance}

    def run() -> Any:
        found = np.full(job.starts.shape, np.nan)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for row, y, start in zip(found, job.y, job.starts.tolist(), strict=True):
                parameters = model.make_params(**dict(zip(job.names, start, strict=True)))
                result = model.fit(y, parameters, x=x, fit_kws=options, calc_covar=True)
                row[:] = [result.params[name].value for name in job.names]
        return found

    return run


def optimistix(job: Job) -> Run:
    """Levenberg-Marquardt under vmap, compiled once, in float64, on one XLA device per core."""
    os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={CORES}"
    import jax
    import jax.numpy as jnp
    import optimistix as library

    jax.config.update("jax_enable_x64", True)
    columns = [jnp.asarray(c) for c in job.columns.values()]
    x = columns[0] if len(columns) == 1 else columns

    def residuals(p: Any, y: Any) -> Any:
        if len(columns) == 1:
            return p[0] * jnp.exp(-p[1] * x) + p[2] * jnp.exp(-p[3] * x) - y
        return p[0] * jnp.exp(-((x[0] - p[1]) ** 2 + (x[1] - p[2]) ** 2) / (2 * p[3] ** 2)) + p[4] - y

    solver = library.LevenbergMarquardt(rtol=job.tolerance, atol=job.tolerance)

    def fit(y: Any, start: Any) -> Any:
        return library.least_squares(residuals, solver, start, args=y, throw=False, max_steps=job.most or 200).value

    many = jax.jit(jax.vmap(fit))
    places = range(0, len(job.y), CHUNK)
    chunks = [
        tuple(jax.device_put(np.asarray(a[k : k + CHUNK], np.float64), jax.devices()[n % CORES]) for a in (job.y, job.starts))
        for n, k in enumerate(places)
    ]
    return lambda: np.concatenate([np.asarray(found) for found in [many(*chunk) for chunk in chunks]])


def cpufit(job: Job) -> Run:
    """Gpufit's algorithm on the CPU in C++ and float32, one thread per core; of the models, it has the 2D Gaussian."""
    library = ctypes.CDLL(os.environ["CPUFIT"])
    gauss_2d, least_squares, points = 1, 0, job.y.shape[1]
    fitted, use = np.empty_like(job.starts), np.ones(len(job.names), np.int32)
    states, iterations = (np.empty(len(job.y), np.int32) for _ in range(2))
    squares = np.empty(len(job.y), np.float32)

    def part(begin: int, end: int) -> None:
        count = ctypes.c_size_t(end - begin)
        given, none = ctypes.c_void_p, ctypes.c_void_p(None)
        error = library.cpufit(
            count, ctypes.c_size_t(points), given(job.y[begin:].ctypes.data), none, gauss_2d,
            given(job.starts[begin:].ctypes.data), ctypes.c_float(job.tolerance), job.most, given(use.ctypes.data),
            least_squares, ctypes.c_size_t(0), none, given(fitted[begin:].ctypes.data), given(states[begin:].ctypes.data),
            given(squares[begin:].ctypes.data), given(iterations[begin:].ctypes.data),
        )  # fmt: skip
        assert not error, error

    cuts = np.linspace(0, len(job.y), CORES + 1).astype(int).tolist()
    pool = ThreadPoolExecutor(CORES)

    def run() -> Any:
        list(pool.map(part, cuts[:-1], cuts[1:]))
        return fitted

    return run


SIDES = {
    "scipy": scipy,
    "scipy, jac": scipy_jac,
    "scipy, jac, processes": scipy_processes,
    "xarray": xarray,
    "xarray on dask": dask,
    "lmfit": lmfit,
    "optimistix": optimistix,
    "cpufit": cpufit,
}

if __name__ == "__main__":
    many_jobs.main(SIDES)
