"""Compute the solutions of the problems twice, by different methods, and write them to ``references.py`` if both agree.

Linear problems: the exponential of the matrix, and integration. Orbits: Kepler's equation, and integration. Other nonstiff
problems: extrapolation of the midpoint rule (Gragg) in extended precision, and SciPy's DOP853. Other stiff problems: SciPy's
Radau and LSODA. The solution of E4 is the one of Enright and Pryce. The differences are printed.

Usage: ``python -m tests.integrate.compute_references``, five minutes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from tests.integrate import problems
from tests.integrate.problems import NONSTIFF_PROBLEMS, STIFF_PROBLEMS, Problem

LINEAR = {"A1", "B2", "C1", "C2", "C3", "C4"} | {
    f"stiff {name}" for name in ("A1", "A2", "A3", "A4", "B1", "B2", "B3", "B4", "B5")
}
ORBITS = {"D1": 0.1, "D2": 0.3, "D3": 0.5, "D4": 0.7, "D5": 0.9}


def exponential(problem: Problem) -> np.ndarray:
    """Solve y' = A y + b."""
    n = problem.y0.size
    b = problem.fun(0.0, np.zeros(n))
    augmented = np.zeros((n + 1, n + 1))
    augmented[:n, :n] = np.stack([problem.fun(0.0, e) - b for e in np.eye(n)], 1)
    augmented[:n, n] = b
    return (expm(augmented * problem.end) @ np.append(problem.y0, 1.0))[:n]


def kepler(eccentricity: float, t: float) -> np.ndarray:
    e = np.longdouble(eccentricity)
    u = np.longdouble(t)
    for _ in range(100):
        u -= (u - e * np.sin(u) - t) / (1 - e * np.cos(u))
    r, s = 1 - e * np.cos(u), np.sqrt(1 - e * e)
    return np.array([np.cos(u) - e, s * np.sin(u), -np.sin(u) / r, s * np.cos(u) / r])


def extrapolate(problem: Problem, tol: float = 1e-17, columns: int = 10) -> np.ndarray:
    """Gragg's method in extended precision with steps of variable size."""
    fun: Any = problem.fun
    t, y, h = np.longdouble(0), np.asarray(problem.y0, np.longdouble), np.longdouble(0.1)
    while t < problem.end:
        h = min(h, problem.end - t)
        table: list[np.ndarray] = []
        for k in range(columns):
            n = 2 * (k + 1)
            before, now, s = y, y + h / n * fun(t, y), h / n
            for i in range(1, n):
                before, now = now, before + 2 * s * fun(t + i * s, now)
            row = [(before + now + s * fun(t + h, now)) / 2]
            for j in range(k):
                row.append(row[j] + (row[j] - table[j]) / ((np.longdouble(k + 1) / (k - j)) ** 2 - 1))
            error = np.max(np.abs(row[-1] - row[-2]) / (1 + np.abs(y))) if k else np.inf
            table = row
        factor = 0.9 * (tol / max(error, np.longdouble(1e-25))) ** (1 / (2 * columns - 1))
        if error <= tol:
            t, y = t + h, table[-1]
        h *= min(3, max(0.2, factor))
    return y


def scipy(problem: Problem, method: str, rtol: float, atol: float) -> np.ndarray:
    result = solve_ivp(problem.fun, (0, problem.end), problem.y0, method=method, rtol=rtol, atol=atol)
    assert result.success, result.message
    return result.y[:, -1]


def solve_twice(problem: Problem) -> tuple[np.ndarray, np.ndarray]:
    if problem in NONSTIFF_PROBLEMS:
        second = scipy(problem, "DOP853", 3e-14, 1e-15)
        if problem.name in ORBITS:
            return kepler(ORBITS[problem.name], problem.end), second
        return exponential(problem) if problem.name in LINEAR else extrapolate(problem), second
    scale = 1e-20 if problem.name == "stiff E5" else 1e-16
    if problem.name == "stiff E4":
        published = np.array([19.99999977523654, -20.00000022476345, -2.247634567084293e-07, 2.247634567084293e-07])
        return scipy(problem, "LSODA", 1e-12, 1e-14), published
    second = scipy(problem, "Radau", 1e-13, scale)
    return exponential(problem) if problem.name in LINEAR else scipy(problem, "LSODA", 1e-13, scale), second


def main() -> None:
    lines = ['"""The solutions of the problems at the end, from ``compute_references.py``, where two methods agree."""', ""]
    lines += ["REFERENCES: dict[str, list[float]] = {"]
    for problem in NONSTIFF_PROBLEMS + STIFF_PROBLEMS:
        first, second = solve_twice(problem)
        scale = np.abs(second) + 1e-3 * np.max(np.abs(second))
        print(problem.name, float(np.max(np.abs(first - second) / scale)), flush=True)
        better = second if problem.name.startswith("stiff") and problem.name not in LINEAR else first
        lines += [f'    "{problem.name}": [', *(f"        {float(x)!r}," for x in better), "    ],"]
    (Path(problems.__file__).parent / "references.py").write_text("\n".join([*lines, "}", ""]))


if __name__ == "__main__":
    main()
