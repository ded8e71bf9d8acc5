"""What PyTorch answers, recorded in figures.json, and what jitgrad's face of it does."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import jitgrad.compat.torch as torch
from tests.compat.torch_nn import cases

FIGURES: dict[str, dict[str, Any]] = json.loads(cases.FIGURES.read_text())


def of(part: str) -> Any:
    return pytest.mark.parametrize(("text", "wanted"), FIGURES[part].items(), ids=FIGURES[part].keys())


# PyTorch has these optimizers' running numbers in float32, whatever the parameters are.
ROUNDED = ("NAdam", "ASGD")


@of("steps")
def test_five_steps_of_every_optimizer(text: str, wanted: Any) -> None:
    tolerance = 1e-7 if text.startswith(ROUNDED) else 1e-12
    np.testing.assert_allclose(cases.five_steps(torch, text), wanted, rtol=tolerance, atol=tolerance)


@of("closures")
def test_steps_with_a_closure(text: str, wanted: Any) -> None:
    np.testing.assert_allclose(cases.closure_steps(torch, text), wanted, rtol=1e-12, atol=1e-12)


@of("rates")
def test_twenty_rates_of_every_scheduler(text: str, wanted: Any) -> None:
    np.testing.assert_allclose(cases.twenty_rates(torch, text), wanted, rtol=1e-13, atol=1e-16)


def flat(value: Any) -> list[float]:
    if isinstance(value, list):
        return [x for item in value for x in flat(item)]
    return [] if value is None else [value]


@of("losses")
def test_every_loss_with_every_reduction(text: str, wanted: Any) -> None:
    got = cases.losses(torch, text)
    np.testing.assert_allclose(flat(got), flat(wanted), rtol=1e-9, atol=1e-12)


@of("layers")
def test_every_layer_without_weights(text: str, wanted: Any) -> None:
    got = cases.of_layer(torch, text)
    tolerance = 1e-7 if "Hardsigmoid" in text else 1e-9  # PyTorch multiplies its gradient by 1/6 in float32
    np.testing.assert_allclose(flat(got), flat(wanted), rtol=tolerance, atol=1e-12)


@of("printed")
def test_what_is_printed(text: str, wanted: str) -> None:
    assert cases.printed(torch, text) == wanted


@of("defaults")
def test_arguments_and_defaults(text: str, wanted: dict[str, Any]) -> None:
    module, _, name = text.rpartition(".")
    assert cases.defaults(torch, module, name) == wanted


@of("functions")
def test_arguments_of_activations(text: str, wanted: dict[str, Any]) -> None:
    assert cases.defaults(torch, "nn", text) == wanted


@of("options")
def test_options_of_groups(text: str, wanted: dict[str, Any]) -> None:
    assert cases.group_options(torch, text) == wanted


@of("spread")
def test_first_values(text: str, wanted: list[float]) -> None:
    least, most, mean, deviation = cases.spread(torch, cases.RANGES[text])
    size = wanted[1] - wanted[0]
    slack = 0.15 if "normal" in text or text in ("embedding", "orthogonal", "sparse") else 0.01  # extremes of a tail vary
    assert [least, most] == pytest.approx(wanted[:2], abs=slack * size + 1e-12)
    assert mean == pytest.approx(wanted[2], abs=0.01 * size + 1e-12)
    assert deviation == pytest.approx(wanted[3], rel=0.02, abs=1e-12)


@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides:UserWarning")  # of PyTorch's KLDivLoss
def test_the_figures_are_pytorchs() -> None:
    original = pytest.importorskip("torch", reason="the figures are recomputed where PyTorch is installed")
    again = cases.answers(original)
    for part in ("printed", "defaults", "functions", "options"):
        assert again[part] == FIGURES[part]
    for part in ("steps", "closures", "rates", "losses", "layers", "spread"):
        for text, figures in again[part].items():
            np.testing.assert_allclose(flat(figures), flat(FIGURES[part][text]), rtol=1e-9, atol=1e-12, err_msg=text)


def test_a_network_trained_from_the_same_weights() -> None:
    original = pytest.importorskip("torch", reason="PyTorch trains the same network")

    def made(nn: Any) -> Any:
        # A bias before batch normalisation would have no gradient but rounding, which Adam makes large.
        first, more = [nn.Linear(4, 16, bias=False), nn.BatchNorm1d(16)], [nn.GELU(), nn.Linear(16, 8), nn.LayerNorm(8)]
        return nn.Sequential(*first, *more, nn.Linear(8, 3))

    def trained(torch: Any, state: dict[str, Any]) -> list[float]:
        nn = torch.nn
        net = made(nn)
        net.load_state_dict({name: torch.tensor(value) for name, value in state.items()})
        optimizer = torch.optim.AdamW(net.parameters(), lr=0.01)
        scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 20)
        x = torch.linspace(-1, 1, 48).reshape(12, 4) ** 3
        y = torch.arange(12) % 3
        costs = []
        for _ in range(20):
            optimizer.zero_grad()
            cost = nn.CrossEntropyLoss(label_smoothing=0.1)(net(x), y)
            cost.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 0.5)
            optimizer.step()
            scheduler.step()
            costs.append(cost.item())
        net.eval()
        return [*costs, *net(x).detach().reshape(-1).tolist()]

    torch.manual_seed(1)
    state = {name: value.numpy() for name, value in made(torch.nn).state_dict().items()}
    np.testing.assert_allclose(trained(torch, state), trained(original, state), rtol=1e-4, atol=1e-5)
