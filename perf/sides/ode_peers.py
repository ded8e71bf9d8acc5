"""Other solvers for ``perf/ode.py``, each in its strongest form. Usage: ode_peers.py SIDE JOB"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import ode_jobs as jobs
from ode_jobs import row, worst

Rows = Iterator[dict[str, Any]]


def numba_lorenz() -> Rows:
    import numba

    @numba.njit(fastmath={"contract"}, error_model="numpy")
    def slopes(y, k):  # type: ignore[no-untyped-def]
        k[0] = 10 * (y[1] - y[0])
        k[1] = y[0] * (28 - y[2]) - y[1]
        k[2] = y[0] * y[1] - 8 / 3 * y[2]

    @numba.njit(fastmath={"contract"}, error_model="numpy")
    def advance(y, k, h, w, z):  # type: ignore[no-untyped-def]
        for i in range(3):
            total = 0.0
            for j in range(len(w)):
                total += w[j] * k[j, i]
            z[i] = y[i] + h * total

    stages = (
        (1 / 5,), (3 / 40, 9 / 40), (44 / 45, -56 / 15, 32 / 9),
        (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
        (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
        (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
    )  # fmt: skip
    a, b, c, d, e, f = stages
    of_error = (71 / 57600, 0.0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40)
    tolerance = jobs.TOLERANCE

    @numba.njit(fastmath={"contract"}, error_model="numpy")
    def solve(begin, times, out):  # type: ignore[no-untyped-def]
        """Dormand and Prince's method of order 5 with local extrapolation and cubic dense output."""
        y, z, k = begin.copy(), np.empty(3), np.zeros((7, 3))
        t, h, wanted = times[0], 1e-3, 0
        slopes(y, k[0])
        while wanted < len(times):
            advance(y, k, h, a, z)
            slopes(z, k[1])
            advance(y, k, h, b, z)
            slopes(z, k[2])
            advance(y, k, h, c, z)
            slopes(z, k[3])
            advance(y, k, h, d, z)
            slopes(z, k[4])
            advance(y, k, h, e, z)
            slopes(z, k[5])
            advance(y, k, h, f, z)
            slopes(z, k[6])
            error = 0.0
            for i in range(3):
                part = 0.0
                for j in range(7):
                    part += of_error[j] * k[j, i]
                error += (h * part / (tolerance + tolerance * max(abs(y[i]), abs(z[i])))) ** 2
            error = np.sqrt(error / 3)
            if error <= 1:
                while wanted < len(times) and times[wanted] <= t + h:
                    x = (times[wanted] - t) / h
                    for i in range(3):
                        turn = (1 - 2 * x) * (z[i] - y[i]) + (x - 1) * h * k[0, i] + x * h * k[6, i]
                        out[wanted, i] = (1 - x) * y[i] + x * z[i] + x * (x - 1) * turn
                    wanted += 1
                t += h
                y[:], k[0] = z, k[6]
            h *= min(5.0, max(0.2, 0.9 * error**-0.2)) if error > 0 else 5.0
        return out

    out = np.empty((len(jobs.OUTPUTS), 3))
    yield row("Numba, written by hand", jobs.timed(lambda: solve(jobs.BEGIN, jobs.OUTPUTS, out)))


def _njit(function: Callable[..., Any]) -> Any:
    import numba

    return numba.njit(function)


def _predators(t, y, a, b, c, d):  # type: ignore[no-untyped-def]
    return np.array([a * y[0] - b * y[0] * y[1], d * y[0] * y[1] - c * y[1]])


def _robertson(t, y):  # type: ignore[no-untyped-def]
    fast = 1e4 * y[1] * y[2]
    square = 3e7 * y[1] * y[1]
    return np.array([-0.04 * y[0] + fast, 0.04 * y[0] - fast - square, square])


def _robertson_jacobian(t, y):  # type: ignore[no-untyped-def]
    u, v, w = 1e4 * y[2], 1e4 * y[1], 6e7 * y[1]
    return np.array([[-0.04, u, v], [0.04, -u - w, -v], [0.0, w, 0.0]])


def _van_der_pol(t, y):  # type: ignore[no-untyped-def]
    return np.array([y[1], 1000.0 * (1 - y[0] * y[0]) * y[1] - y[0]])


def _van_der_pol_jacobian(t, y):  # type: ignore[no-untyped-def]
    return np.array([[0.0, 1.0], [-2000.0 * y[0] * y[1] - 1.0, 1000.0 * (1 - y[0] * y[0])]])


def scipy_lorenz() -> Rows:
    from scipy.integrate import solve_ivp

    slopes = _njit(lambda t, u: np.array([10 * (u[1] - u[0]), u[0] * (28 - u[2]) - u[1], u[0] * u[1] - 8 / 3 * u[2]]))
    options = {"t_eval": jobs.OUTPUTS, "rtol": jobs.TOLERANCE, "atol": jobs.TOLERANCE}
    for method in ("LSODA", "DOP853"):
        run = jobs.timed(lambda method=method: solve_ivp(slopes, jobs.SPAN, jobs.BEGIN, method=method, **options).y)
        yield row(f"SciPy {method}", run)


def scipy_fit(once: bool = False) -> Rows:
    from scipy.integrate import solve_ivp
    from scipy.optimize import least_squares

    slopes, data = _njit(_predators), np.log(jobs.OBSERVED)

    def residuals(p: Any) -> Any:
        solved = solve_ivp(
            slopes, (0, 20), jobs.POPULATIONS, method="LSODA", t_eval=jobs.TIMES, args=tuple(p), rtol=1e-8, atol=1e-8
        )
        return (np.log(solved.y) - data).ravel()

    run = jobs.timed(lambda: least_squares(residuals, jobs.START, x_scale=jobs.TRUTH).x, once)
    yield row("SciPy least_squares", run, result=run[2].tolist())


def scipy_stiff() -> Rows:
    from scipy.integrate import solve_ivp

    functions = {"robertson": (_robertson, _robertson_jacobian), "van der pol": (_van_der_pol, _van_der_pol_jacobian)}
    for name, (y0, end, rtol, atol, solution) in jobs.STIFF.items():
        slopes, jacobian = map(_njit, functions[name])
        for method in ("Radau", "BDF", "LSODA"):
            given = {"method": method, "jac": jacobian, "t_eval": [end], "rtol": rtol, "atol": atol}
            run = jobs.timed(lambda f=slopes, given=given, y0=y0, end=end: solve_ivp(f, (0, end), np.array(y0), **given))
            yield row(f"SciPy {method}", run, problem=name, error=worst(run[2].y[:, -1], solution))


def scipy_many() -> Rows:
    from scipy.integrate import solve_ivp

    slopes, sets = _njit(_predators), jobs.parameter_sets(200)

    def solve(p: Any) -> Any:
        return solve_ivp(
            slopes, (0, 20), jobs.POPULATIONS, method="LSODA", t_eval=jobs.TIMES, args=tuple(p), rtol=1e-8, atol=1e-8
        ).y

    begun, seconds, _ = jobs.timed(lambda: [solve(p) for p in sets])
    yield {"side": "SciPy LSODA, a loop", "first": begun, "seconds": seconds / len(sets)}


class _Diffrax:
    """Diffrax in double precision, with the tolerances of the jobs."""

    def __init__(self) -> None:
        import diffrax
        import jax

        jax.config.update("jax_enable_x64", True)
        self.jax, self.numpy, self.diffrax = jax, jax.numpy, diffrax
        self.control = diffrax.PIDController(rtol=jobs.TOLERANCE, atol=jobs.TOLERANCE)

    def solve(
        self, slopes: Any, method: Any, end: float, y0: Any, args: Any, times: Any, max_steps: int = 100_000, **options: Any
    ) -> Any:
        return self.diffrax.diffeqsolve(
            self.diffrax.ODETerm(slopes), method, 0.0, end, 0.01, y0, args=args, saveat=self.diffrax.SaveAt(ts=times),
            stepsize_controller=self.control, max_steps=max_steps, **options,
        ).ys  # fmt: skip

    def predators(self, t: Any, y: Any, p: Any) -> Any:
        return self.numpy.array([p[0] * y[0] - p[1] * y[0] * y[1], p[3] * y[0] * y[1] - p[2] * y[1]])


def diffrax_lorenz() -> Rows:
    dx = _Diffrax()

    def slopes(t: Any, u: Any, _: Any) -> Any:
        return dx.numpy.array([10 * (u[1] - u[0]), u[0] * (28 - u[2]) - u[1], u[0] * u[1] - 8 / 3 * u[2]])

    for name in ("Tsit5", "Dopri8"):
        method = getattr(dx.diffrax, name)()
        solve = dx.jax.jit(lambda y0, method=method: dx.solve(slopes, method, 100.0, y0, None, jobs.OUTPUTS))
        run = jobs.timed(lambda solve=solve: solve(dx.numpy.array(jobs.BEGIN)).block_until_ready())
        yield row(f"diffrax {name}", run)


def diffrax_fit(once: bool = False) -> Rows:
    import optimistix

    dx = _Diffrax()
    forward = {"adjoint": dx.diffrax.ForwardMode()}

    def residuals(scaled: Any, data: Any) -> Any:
        y0 = dx.numpy.array(jobs.POPULATIONS)
        solved = dx.solve(dx.predators, dx.diffrax.Tsit5(), 20.0, y0, scaled * jobs.TRUTH, jobs.TIMES, **forward)
        return (dx.numpy.log(solved.T) - data).ravel()

    solver = optimistix.LevenbergMarquardt(rtol=1e-8, atol=1e-8)

    @dx.jax.jit
    def found(data: Any) -> Any:
        begin = dx.numpy.full(4, 1.3)
        options = {"jac": "fwd"}
        return optimistix.least_squares(residuals, solver, begin, data, options=options, throw=False).value * jobs.TRUTH

    data = dx.numpy.log(dx.numpy.array(jobs.OBSERVED))
    run = jobs.timed(lambda: found(data).block_until_ready(), once)
    yield row("diffrax, optimistix", run, result=np.asarray(run[2]).tolist())


def diffrax_many() -> Rows:
    dx = _Diffrax()
    sets = dx.numpy.array(jobs.parameter_sets(1000))
    y0 = dx.numpy.array(jobs.POPULATIONS)
    solve = dx.jax.jit(dx.jax.vmap(lambda p: dx.solve(dx.predators, dx.diffrax.Tsit5(), 20.0, y0, p, jobs.TIMES)))
    begun, seconds, _ = jobs.timed(lambda: solve(sets).block_until_ready())
    yield {"side": "diffrax, vmap", "first": begun, "seconds": seconds / len(sets)}


def diffrax_neural() -> Rows:
    dx = _Diffrax()
    tanh, mean = dx.numpy.tanh, dx.numpy.mean

    def slopes(t: Any, y: Any, weights: Any) -> Any:
        a, b, c, d, e, f = weights
        return e @ tanh(c @ tanh(a @ y + b) + d) + f

    weights = [dx.numpy.array(w) for w in jobs.network()]
    options = {"adjoint": dx.diffrax.RecursiveCheckpointAdjoint(), "max_steps": 4096}
    for name in ("Tsit5", "Dopri8"):
        method = getattr(dx.diffrax, name)()

        def loss(weights: Any, method: Any = method) -> Any:
            solved = dx.solve(slopes, method, 2.0, dx.numpy.array(jobs.NETWORK_BEGIN), weights, jobs.NETWORK_TIMES, **options)
            return mean((solved.T - jobs.TARGETS) ** 2)

        gradient = dx.jax.jit(dx.jax.grad(loss))
        run = jobs.timed(lambda gradient=gradient: dx.jax.block_until_ready(gradient(weights)))
        yield row(f"diffrax {name}", run, error=jobs.norm_error(run[2]))


def scipy_first() -> Rows:
    yield next(scipy_fit(once=True))


def diffrax_first() -> Rows:
    yield next(diffrax_fit(once=True))


if __name__ == "__main__":
    print(json.dumps(list(globals()["_".join(sys.argv[1:3])]())))
