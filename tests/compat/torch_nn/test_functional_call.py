"""torch.func.functional_call: modules with other tensors in place of their own."""

from __future__ import annotations

from typing import Any

import pytest

import jitgrad.compat.torch as torch
from jitgrad.compat.torch import nn
from jitgrad.compat.torch.func import functional_call, grad, vmap


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(2, 2, bias=False)
        self.second = nn.Linear(2, 2, bias=False)
        self.second.weight = self.first.weight

    def forward(self, x: Any) -> Any:
        return self.second(self.first(x))


def test_a_module_is_called_with_other_tensors_and_keeps_its_own() -> None:
    model = nn.Linear(2, 1)
    weight = model.weight
    others = {"weight": torch.tensor([[2.0, 3.0]]), "bias": torch.tensor([1.0])}
    assert functional_call(model, others, torch.tensor([[1.0, 10.0]])).tolist() == [[33]]
    assert functional_call(model, ({"weight": others["weight"]}, {"bias": others["bias"]}), (torch.ones(1, 2),)).item() == 6
    assert model.weight is weight and dict(model.named_parameters())["weight"] is weight
    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        functional_call(model, others, torch.ones(1, 3))
    assert model.weight is weight


def test_gradients_of_each_row_are_those_of_pytorch() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    params = {name: p.detach() for name, p in model.named_parameters()}

    def loss(params: Any, x: Any, y: Any) -> Any:
        return ((functional_call(model, params, (x.unsqueeze(0),)).squeeze(0) - y) ** 2).mean()

    x, y = torch.randn(5, 2), torch.randn(5, 1)
    rows = vmap(grad(loss), in_dims=(None, 0, 0))(params, x, y)
    assert {name: tuple(g.shape) for name, g in rows.items()} == {name: (5, *p.shape) for name, p in params.items()}
    ((model(x) - y) ** 2).mean().backward()
    for name, p in model.named_parameters():
        assert torch.allclose(rows[name].mean(0), p.grad, atol=1e-6)


def test_names_of_one_parameter_are_replaced_together() -> None:
    model = Tied()
    double = {"first.weight": 2 * torch.eye(2)}
    assert functional_call(model, double, torch.ones(1, 2)).tolist() == [[4, 4]]
    once = functional_call(model, {"first.weight": torch.zeros(2, 2)}, torch.ones(1, 2), tie_weights=False)
    assert once.tolist() == [[0, 0]] and model.second.weight is model.first.weight


def test_names_must_be_those_of_the_module() -> None:
    model = nn.BatchNorm1d(2)
    with pytest.raises(RuntimeError, match="Unexpected key"):
        functional_call(model, {"weights": torch.ones(2)}, torch.ones(3, 2))
    with pytest.raises(RuntimeError, match="Missing key"):
        functional_call(model, {"weight": torch.ones(2)}, torch.ones(3, 2), strict=True)
    buffers = {name: b.clone() for name, b in model.named_buffers()}
    functional_call(model, buffers, torch.ones(3, 2))
    assert model.running_mean.tolist() == [0, 0]
    assert buffers["running_mean"].tolist() == pytest.approx([0.1, 0.1])
