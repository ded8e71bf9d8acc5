"""nn.LazyLinear: a layer that learns its number of inputs from the first of them."""

from __future__ import annotations

import copy

import pytest

import jitgrad.compat.torch as torch
from jitgrad.compat.torch import nn


def test_the_first_input_makes_it_a_linear_layer_with_the_same_parameters() -> None:
    layer = nn.LazyLinear(3)
    assert repr(layer) == "LazyLinear(in_features=0, out_features=3, bias=True)"
    assert repr(layer.weight) == "<UninitializedParameter>" and len(list(layer.parameters())) == 2
    weight, optimizer = layer.weight, torch.optim.SGD(layer.parameters(), lr=0.1)
    assert layer(torch.ones(2, 4)).shape == (2, 3)
    assert type(layer) is nn.Linear and layer.weight is weight and type(weight) is nn.Parameter
    assert repr(layer) == "Linear(in_features=4, out_features=3, bias=True)"
    assert 0 < float(weight.abs().max()) <= 0.5 and list(layer.state_dict()) == ["weight", "bias"]
    before = weight.detach().clone()
    layer(torch.ones(2, 4)).sum().backward()
    optimizer.step()
    assert torch.allclose(before - weight, torch.full((3, 4), 0.2))


def test_its_options() -> None:
    layer = nn.LazyLinear(3, bias=False, dtype=torch.float64)
    layer(torch.ones(2, 5, dtype=torch.float64))
    assert layer.bias is None and layer.weight.dtype is torch.float64
    moved = nn.Sequential(nn.LazyLinear(3)).to("cpu").double()
    assert moved(torch.ones(2, 5, dtype=torch.float64)).dtype is torch.float64
    frozen = nn.LazyLinear(3).requires_grad_(False)
    assert not frozen(torch.ones(1, 2)).requires_grad


def test_before_the_first_input_nothing_has_a_shape() -> None:
    net = nn.Sequential(nn.LazyLinear(3), nn.ReLU(), nn.LazyLinear(1))
    with pytest.raises(RuntimeError, match="no shape yet"):
        _ = net[0].weight.shape
    with pytest.raises(RuntimeError, match="no shape yet"):
        sum(p.numel() for p in net.parameters())
    with pytest.raises(RuntimeError, match="no shape yet"):
        copy.deepcopy(net)
    with pytest.raises(RuntimeError, match="no shape yet"):
        net.state_dict()
    assert net(torch.ones(2, 4)).shape == (2, 1)
    assert sum(p.numel() for p in net.parameters()) == 19
