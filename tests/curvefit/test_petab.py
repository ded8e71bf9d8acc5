"""Likelihoods of the PEtab benchmark collection: reaction networks with noise parameters and several experiments.

The parameters are those of the collection (H. Haß et al., "Benchmark problems for dynamic modeling of intracellular processes",
Bioinformatics 35, 2019), and the negative log-likelihoods those in the tests of pyPESTO and PEtab.jl.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

import jitgrad as jg

STAT5 = """
epo = 1.25e-7 * exp(-decay * t)
aa = k_phos * epo * STAT5A**2; ab = k_phos * epo * STAT5A * STAT5B; bb = k_phos * epo * STAT5B**2
STAT5A' = -2 * aa - ab + (2 * k_exp_homo * nAA + k_exp_hetero * nAB) * 0.45 / 1.4
STAT5B' = -2 * bb - ab + (2 * k_exp_homo * nBB + k_exp_hetero * nAB) * 0.45 / 1.4
pAA' = aa - k_imp_homo * pAA; pAB' = ab - k_imp_hetero * pAB; pBB' = bb - k_imp_homo * pBB
nAA' = k_imp_homo * pAA * 1.4 / 0.45 - k_exp_homo * nAA
nAB' = k_imp_hetero * pAB * 1.4 / 0.45 - k_exp_hetero * nAB
nBB' = k_imp_homo * pBB * 1.4 / 0.45 - k_exp_homo * nBB
STAT5A(0) = 207.6 * 0.693; STAT5B(0) = 207.6 * 0.307
a = STAT5A + 2 * pAA; b = STAT5B + 2 * pBB
"""
STAT5_OBSERVED = {
    "pSTAT5A": "100 * (pAB + 2 * 0.107 * pAA) / (pAB + 0.107 * a)",
    "pSTAT5B": "100 * (pAB + 2 * 0.893 * pBB) / (pAB + 0.893 * b)",
    "rSTAT5A": "100 * (pAB + 0.107 * a) / (2 * pAB + 0.107 * a + 0.893 * b)",
}
STAT5_RATES = {
    "decay": 0.026982514033029, "k_exp_hetero": 1.00067973851508e-5, "k_exp_homo": 0.006170228086381,
    "k_imp_hetero": 0.0163679184468, "k_imp_homo": 97749.3794024716, "k_phos": 15766.5070195731,
}  # fmt: skip
STAT5_NOISE = {"pSTAT5A": 3.85261197844677, "pSTAT5B": 6.59147818673419, "rSTAT5A": 3.15271275648527}

RECEPTOR = """
L1 = (k_1 / k1) / (l_2 / l2); L3 = (k_2 / k2) / (l_4 / l4); L5 = (k_4 / k4) / (l_6 / l6)
opens = (k2 * L3 + l4 * ca) / (L3 + ca * (1 + L3 / L1)) * ip3 * R
closes = (k_2 + l_4 * ca) / (1 + ca / L5) * O
inhibits = (k1 * L1 + l2) * ca / (L1 + ca * (1 + L1 / L3)) * R
activates = (k4 * L5 + l6) * ca / (L5 + ca) * O
deactivates = L1 * (k_4 + l_6) / (L1 + ca) * A
exhausts = (k1 * L1 + l2) * ca / (L1 + ca) * A
shuts = k3 * L5 / (L5 + ca) * O
R' = closes - opens - inhibits + (k_1 + l_2) * I1
O' = opens - closes - activates + deactivates - shuts + k_3 * S
A' = activates - deactivates - exhausts + (k_1 + l_2) * I2
I1' = inhibits - (k_1 + l_2) * I1
I2' = exhausts - (k_1 + l_2) * I2
S' = shuts - k_3 * S
R(0) = 1
"""
RECEPTOR_RATES = {
    "k1": 3.72721095730996, "k2": 99999.9999999908, "k3": 15.7453406923706, "k4": 99938.2576283144, "k_1": 0.923924728172173,
    "k_2": 0.001002494725324, "k_3": 1.91463005974811, "k_4": 3079.20732487903, "l2": 0.940077018858089, "l4": 2.85837713545253,
    "l6": 99999.9999999908, "l_2": 0.347664459128102, "l_4": 0.01388020361713, "l_6": 0.001,
}  # fmt: skip


def table_of(name: str) -> dict[str, np.ndarray]:
    return {column.name: column.to_numpy() for column in pl.read_csv(f"data/{name}.csv")}


def negative_log_likelihood(y: Any, said: Any, sd: Any) -> Any:
    return jg.sum(0.5 * jg.square((y - said) / sd) + jg.log(sd) + 0.5 * np.log(2 * np.pi) + 0 * said)


def difference(f: Any, x: np.ndarray, direction: np.ndarray, h: float) -> float:
    """Return the derivative of ``f`` along a direction, by a formula of order four."""
    at = [float(f(x + k * h * direction)) for k in (-2, -1, 1, 2)]
    return (8 * (at[2] - at[1]) - (at[3] - at[0])) / (12 * h)


def test_noise_parameters() -> None:
    """Boehm et al., 2014: three observed quantities with their own noise, a stiff network and a rate that depends on time."""
    table, model = table_of("stat5"), jg.curvefit.ode(STAT5, observe=STAT5_OBSERVED, which="quantity", time="time")
    y, labels = table.pop("value"), list(STAT5_NOISE)
    codes = np.array([labels.index(label) for label in table["quantity"]])

    @jg.function
    def f(u: Any) -> Any:
        p = 10**u
        said = model(**table, **dict(zip(STAT5_RATES, (p[k] for k in range(6)), strict=True)))
        return negative_log_likelihood(y, said, p[6:][codes])

    u = np.log10([*STAT5_RATES.values(), *STAT5_NOISE.values()])
    np.testing.assert_allclose(f(u), 138.22199693517703, rtol=1e-7)
    found = jg.grad(f)(u).numpy()
    np.testing.assert_allclose(found, [difference(f, u, e, 3e-3) for e in np.eye(9)], atol=1e-4)


def test_a_fit_reaches_the_likelihood() -> None:
    table, model = table_of("stat5"), jg.curvefit.ode(STAT5, observe=STAT5_OBSERVED, which="quantity", time="time")
    y = table.pop("value")
    sd = np.array([STAT5_NOISE[label] for label in table["quantity"]])
    held = {name: STAT5_RATES[name] for name in ("k_exp_hetero", "k_imp_homo")}  # at their bounds
    start = {name: 1.5 * value for name, value in STAT5_RATES.items() if name not in held}
    fit = jg.curve_fit(model, table, y, start | held, sd, absolute_sigma=True, fixed=list(held))
    assert float(negative_log_likelihood(y, fit.predict(), sd)) < 138.2219970
    np.testing.assert_allclose(fit.parameters["k_phos"], STAT5_RATES["k_phos"], rtol=1e-3)


def test_experiments() -> None:
    """Sneyd and Dufour, 2002: nine experiments at different concentrations, and rates between 0.001 and 100,000."""
    model = jg.curvefit.ode(RECEPTOR, observe="(0.9 * A + 0.1 * O)**4", by="experiment", time="time")
    table = table_of("ip3_receptor")
    y = table.pop("open")

    @jg.function
    def f(u: Any) -> Any:
        p = 10**u
        said = model(**table, **dict(zip(RECEPTOR_RATES, (p[k] for k in range(14)), strict=True)))
        return negative_log_likelihood(y, said, p[14])

    u = np.log10([*RECEPTOR_RATES.values(), 0.022665679544462])
    np.testing.assert_allclose(f(u), -319.79177818768756, rtol=1e-7)
    direction = np.cos(np.arange(15.0))
    np.testing.assert_allclose(jg.grad(f)(u).numpy() @ direction, difference(f, u, direction, 3e-3), rtol=1e-4)
