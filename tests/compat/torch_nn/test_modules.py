"""Modules: what they own, how they are changed, saved and loaded, and what goes wrong."""

from __future__ import annotations

import copy
import pickle
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jitgrad.compat.torch as torch
from jitgrad.compat.modules import MissingNameError
from jitgrad.compat.torch import nn


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 3)
        self.norm = nn.BatchNorm1d(3)
        self.last = nn.Sequential(nn.ReLU(), nn.Linear(3, 2, bias=False))
        self.scale = nn.Parameter(torch.ones(2))
        self.register_buffer("seen", torch.zeros(1))
        self.register_buffer("scratch", torch.zeros(1), persistent=False)

    def forward(self, x: Any) -> Any:
        return self.last(self.norm(self.first(x))) * self.scale


NAMES = ["scale", "first.weight", "first.bias", "norm.weight", "norm.bias", "last.1.weight"]
STATE = [
    "scale", "seen", "first.weight", "first.bias", "norm.weight", "norm.bias", "norm.running_mean", "norm.running_var",
    "norm.num_batches_tracked", "last.1.weight",
]  # fmt: skip


@pytest.fixture
def net() -> Net:
    torch.manual_seed(0)
    return Net()


def test_what_a_module_owns(net: Net) -> None:
    assert [name for name, _ in net.named_parameters()] == NAMES
    assert [tuple(p.shape) for p in net.parameters()] == [(2,), (3, 4), (3,), (3,), (3,), (2, 3)]
    assert [name for name, _ in net.named_buffers()] == [
        "seen", "scratch", "norm.running_mean", "norm.running_var", "norm.num_batches_tracked",
    ]  # fmt: skip
    assert [name for name, _ in net.named_children()] == ["first", "norm", "last"]
    assert [name for name, _ in net.named_modules()] == ["", "first", "norm", "last", "last.0", "last.1"]
    assert len(list(net.modules())) == 6
    assert len(list(net.parameters(recurse=False))) == 1
    assert net.get_submodule("last.1") is net.last[1]
    assert net.get_parameter("first.weight") is net.first.weight
    assert net.get_buffer("norm.running_mean") is net.norm.running_mean
    assert list(net._modules) == ["first", "norm", "last"]


def test_shared_parameters_are_found_once() -> None:
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    net[1].weight = net[0].weight
    assert [name for name, _ in net.named_parameters()] == ["0.weight", "0.bias", "1.bias"]
    assert list(net.state_dict()) == ["0.weight", "0.bias", "1.weight", "1.bias"]


def test_attributes_change_what_is_owned(net: Net) -> None:
    net.scale = nn.Parameter(torch.zeros(2))
    assert net.state_dict()["scale"].tolist() == [0, 0]
    del net.last
    net.first.bias = None
    assert [name for name, _ in net.named_parameters()] == ["scale", "first.weight", "norm.weight", "norm.bias"]
    net.seen = torch.ones(3)
    assert net.state_dict()["seen"].tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("wrong", "kind", "words"),
    [
        (lambda net: net.nothing, AttributeError, "'Net' object has no attribute 'nothing'"),
        (lambda net: setattr(net, "scale", torch.ones(2)), TypeError, "cannot assign 'Tensor' as parameter 'scale'"),
        (lambda net: setattr(net, "first", 3), TypeError, "cannot assign 'int' as child module 'first'"),
        (lambda net: net.add_module("a.b", nn.ReLU()), ValueError, "no dots"),
        (lambda net: net.register_parameter("forward", None), ValueError, "already exists"),
        (lambda net: net.register_buffer("x", 3), TypeError, "cannot assign 'int' object to buffer 'x'"),
        (lambda net: net.get_parameter("first"), AttributeError, "is not an nn.Parameter"),
        (lambda net: nn.Module()(1), NotImplementedError, 'missing the required "forward" function'),
        (lambda net: net.train("yes"), ValueError, "Give True"),
        (lambda net: net.cuda(), AttributeError, "computes on the processor"),
        (lambda net: net.half(), AttributeError, "float32 and float64"),
        (lambda net: net.register_full_backward_hook(print), AttributeError, "Look at .grad"),
        (lambda net: nn.Conv2d, MissingNameError, "jitgrad does not have torch.nn.Conv2d. Convolutions"),
        (lambda net: nn.LSTM, MissingNameError, "Recurrent layers"),
        (lambda net: nn.Transformer, MissingNameError, "Attention"),
        (lambda net: nn.Linaer, MissingNameError, "Did you mean 'Linear'"),
        (lambda net: nn.Dropout(1.5), ValueError, "between 0 and 1, but got 1.5"),
        (lambda net: nn.GroupNorm(3, 4), ValueError, "must be divisible"),
        (lambda net: nn.BatchNorm1d(3)(torch.ones(3)), ValueError, "expected 2D or 3D input"),
        (lambda net: nn.BatchNorm1d(3)(torch.ones(4, 2)), RuntimeError, "should contain 2 elements not 3"),
        (lambda net: nn.MSELoss(reduction="max"), ValueError, "max is not a valid value for reduction"),
        (lambda net: nn.Embedding(3, 2, max_norm=1.0), TypeError, "max_norm"),
        (lambda net: nn.Sequential(nn.ReLU())[3], IndexError, "out of range"),
        (lambda net: nn.init.uniform_(torch.arange(3)), RuntimeError, "cannot store fractions"),
        (lambda net: nn.Parameter(torch.arange(3)), RuntimeError, "floating point"),
    ],
)
def test_wrong_uses(net: Net, wrong: Callable[[Net], Any], kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=None) as caught:
        wrong(net)
    assert words in str(caught.value)


def test_a_module_that_does_not_call_init() -> None:
    class Early(nn.Module):
        def __init__(self) -> None:
            self.layer = nn.Linear(1, 1)

    with pytest.raises(RuntimeError, match=r"before Module.__init__\(\) was called"):
        Early()


def test_modes_and_changes_of_all(net: Net) -> None:
    assert net.training and net.norm.training
    assert net.eval() is net
    assert not net.training and not net.last[0].training
    net.requires_grad_(False)
    assert not any(p.requires_grad for p in net.parameters())
    seen: list[Any] = []
    net.train().apply(lambda module: seen.append(type(module).__name__))
    assert seen == ["Linear", "BatchNorm1d", "ReLU", "Linear", "Sequential", "Net"]


def test_gradients_are_forgotten(net: Net) -> None:
    net(torch.randn(5, 4)).sum().backward()
    assert all(p.grad is not None for p in net.parameters())
    net.zero_grad(set_to_none=False)
    assert all(float(p.grad.abs().sum()) == 0 for p in net.parameters())
    net.zero_grad()
    assert all(p.grad is None for p in net.parameters())


def test_dtypes(net: Net) -> None:
    weight = net.first.weight
    assert net.double() is net
    assert net.first.weight is weight and weight.dtype is torch.float64
    assert net.norm.running_mean.dtype is torch.float64 and net.norm.num_batches_tracked.dtype is torch.int64
    assert net(torch.randn(5, 4, dtype=torch.float64)).dtype is torch.float64
    assert net.to("cpu", torch.float32).first.weight.dtype is torch.float32
    assert net.float().cpu() is net


def test_copies_are_apart(net: Net) -> None:
    x = torch.randn(5, 4)
    net(x)
    net.eval()
    for made in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert torch.equal(made(x), net(x))
        assert [name for name, _ in made.named_parameters()] == NAMES
        assert isinstance(made.scale, nn.Parameter) and made.scale.requires_grad
        with torch.no_grad():
            made.scale.add_(1)
        assert made.scale.tolist() == [2, 2] and net.scale.tolist() == [1, 1]
        assert made.scale is dict(made.named_parameters())["scale"]


def test_hooks(net: Net) -> None:
    calls: list[str] = []
    pre = net.register_forward_pre_hook(lambda module, args: (calls.append("before"), (args[0] * 2,))[1])
    post = net.first.register_forward_hook(lambda module, args, output: calls.append(str(tuple(output.shape))))
    net.register_forward_hook(lambda module, args, output: output * 0)
    assert float(net(torch.ones(2, 4)).abs().sum()) == 0
    assert calls == ["before", "(2, 3)"]
    pre.remove()
    post.remove()
    net(torch.ones(2, 4))
    assert calls == ["before", "(2, 3)"]


# State.


def test_state_is_loaded(net: Net) -> None:
    assert list(net.state_dict()) == STATE
    net(torch.randn(6, 4))
    other = Net()
    assert str(other.load_state_dict(net.state_dict())) == "<All keys matched successfully>"
    x = torch.randn(5, 4)
    assert torch.equal(other.eval()(x), net.eval()(x))
    assert int(other.norm.num_batches_tracked) == 1
    with torch.no_grad():
        other.scale.zero_()
    assert net.scale.tolist() == [1, 1]


def test_state_shows_the_parameters_as_they_are_now(net: Net) -> None:
    state = net.state_dict()
    kept = copy.deepcopy(state)
    assert not state["scale"].requires_grad
    with torch.no_grad():
        net.scale.add_(1)
    assert state["scale"].tolist() == [2, 2] and kept["scale"].tolist() == [1, 1]


def test_state_that_does_not_fit(net: Net) -> None:
    state = net.state_dict()
    state["first.weight"] = torch.ones(2, 2)
    del state["scale"]
    state["other"] = torch.ones(1)
    with pytest.raises(RuntimeError) as caught:
        net.load_state_dict(state)
    assert str(caught.value) == (
        "Error(s) in loading state_dict for Net:\n"
        '\tUnexpected key(s) in state_dict: "other". \n'
        '\tMissing key(s) in state_dict: "scale". \n'
        "\tsize mismatch for first.weight: copying a param with shape torch.Size([2, 2]) from checkpoint, "
        "the shape in current model is torch.Size([3, 4])."
    )
    state["first.weight"] = torch.ones(3, 4)
    found = net.load_state_dict(state, strict=False)
    assert found.missing_keys == ["scale"] and found.unexpected_keys == ["other"]
    assert net.first.weight[0, 0].item() == 1


def test_state_that_is_assigned(net: Net) -> None:
    state = {name: torch.zeros(value.shape) for name, value in net.state_dict().items()}
    net.load_state_dict(state, assign=True)
    assert isinstance(net.scale, nn.Parameter) and float(net.scale.abs().sum()) == 0


# Containers.


def test_sequential() -> None:
    net = nn.Sequential(OrderedDict([("a", nn.Linear(2, 3)), ("b", nn.ReLU())]))
    assert net.a is net[0] and len(net) == 2 and net[-1] is net.b
    net.append(nn.Linear(3, 1))
    assert list(dict(net.named_children())) == ["a", "b", "2"]
    assert net(torch.ones(4, 2)).shape == (4, 1)
    assert [type(m).__name__ for m in net[1:]] == ["ReLU", "Linear"]
    plain = nn.Sequential(nn.ReLU(), nn.Tanh(), nn.ReLU())
    plain[1] = nn.Sigmoid()
    plain.insert(0, nn.Identity())
    del plain[1]
    assert [type(m).__name__ for m in plain] == ["Identity", "Sigmoid", "ReLU"]
    assert list(plain._modules) == ["0", "1", "2"]
    assert len(plain + nn.Sequential(nn.ReLU())) == 4
    assert type(plain.pop(-1)).__name__ == "ReLU" and len(plain) == 2


def test_lists_and_dicts() -> None:
    modules = nn.ModuleList([nn.Linear(1, 1)])
    modules += [nn.ReLU()]
    modules.extend([nn.Tanh()]).append(nn.Linear(1, 2))
    assert len(modules) == 4 and len(list(modules.parameters())) == 4
    assert isinstance(modules[1:], nn.ModuleList)
    named = nn.ModuleDict({"a": nn.Linear(1, 1)})
    named.update([("b", nn.ReLU())])
    assert list(named) == ["a", "b"] and "a" in named and [k for k, _ in named.items()] == ["a", "b"]
    assert type(named.pop("b")).__name__ == "ReLU"
    values = nn.ParameterList([torch.ones(2), nn.Parameter(torch.zeros(1))])
    values.append(torch.ones(3))
    assert [p.shape[0] for p in values] == [2, 1, 3] and len(list(values.parameters())) == 3
    by_name = nn.ParameterDict({"w": torch.ones(2)})
    by_name["v"] = nn.Parameter(torch.zeros(1))
    assert sorted(dict(by_name.named_parameters())) == ["v", "w"] and isinstance(by_name["w"], nn.Parameter)
    assert list(by_name.keys()) == ["w", "v"]


# Layers by NumPy's formulas.


def test_linear() -> None:
    layer = nn.Linear(4, 3)
    x = torch.randn(5, 4)
    wanted = x.numpy() @ layer.weight.detach().numpy().T + layer.bias.detach().numpy()
    np.testing.assert_allclose(layer(x).detach().numpy(), wanted, rtol=1e-5, atol=1e-6)
    assert layer.weight.shape == (3, 4) and layer.weight.is_leaf and layer.weight.requires_grad


@pytest.mark.parametrize("momentum", [0.1, None])
def test_batch_norm(momentum: float | None) -> None:
    layer = nn.BatchNorm1d(3, momentum=momentum)
    means, variances = np.zeros(3), np.ones(3)
    for number in range(1, 4):
        x = torch.randn(6, 3) * number + number
        a = x.numpy()
        got = layer(x).detach().numpy()
        np.testing.assert_allclose(got, (a - a.mean(0)) / np.sqrt(a.var(0) + 1e-5), rtol=1e-4, atol=1e-5)
        part = 1 / number if momentum is None else momentum
        means = (1 - part) * means + part * a.mean(0)
        variances = (1 - part) * variances + part * a.var(0, ddof=1)
    np.testing.assert_allclose(layer.running_mean.numpy(), means, rtol=1e-5)
    np.testing.assert_allclose(layer.running_var.numpy(), variances, rtol=1e-5)
    assert int(layer.num_batches_tracked) == 3
    x = torch.randn(2, 3)
    wanted = (x.numpy() - means) / np.sqrt(variances + 1e-5)
    np.testing.assert_allclose(layer.eval()(x).detach().numpy(), wanted, rtol=1e-4, atol=1e-5)
    layer.reset_running_stats()
    assert layer.running_var.tolist() == [1, 1, 1] and int(layer.num_batches_tracked) == 0


def test_embedding() -> None:
    table = nn.Embedding(4, 2, padding_idx=1)
    assert table.weight[1].tolist() == [0, 0]
    table(torch.tensor([[0, 1], [3, 0]])).sum().backward()
    assert table.weight.grad.tolist() == [[2, 2], [0, 0], [0, 0], [1, 1]]
    fixed = nn.Embedding.from_pretrained(torch.ones(3, 2))
    assert not fixed.weight.requires_grad and fixed(torch.tensor(2)).tolist() == [1, 1]


def test_dropout_acts_in_training_alone() -> None:
    layer = nn.Dropout(0.5)
    x = torch.ones(1000)
    dropped = layer(x)
    assert sorted(set(dropped.tolist())) == [0, 2] and 400 < float((dropped == 0).sum()) < 600
    assert torch.equal(layer.eval()(x), x)


# Utilities.


def gradients(*values: list[float]) -> list[Any]:
    made = [torch.zeros(len(value), requires_grad=True) for value in values]
    for tensor, value in zip(made, values, strict=True):
        tensor.grad = torch.tensor(value)
    return made


def test_gradients_are_clipped() -> None:
    params = gradients([3.0, 0.0], [4.0])
    assert float(nn.utils.clip_grad_norm_(params, 1.0)) == pytest.approx(5)
    np.testing.assert_allclose([*params[0].grad.tolist(), *params[1].grad.tolist()], [0.6, 0, 0.8], rtol=1e-6)
    assert float(nn.utils.clip_grad_norm_(params, 10.0, norm_type=float("inf"))) == pytest.approx(0.8)
    nn.utils.clip_grad_value_(params, 0.7)
    np.testing.assert_allclose([*params[0].grad.tolist(), *params[1].grad.tolist()], [0.6, 0, 0.7], rtol=1e-6)


def test_parameters_as_a_vector() -> None:
    params = list(nn.Linear(2, 2).parameters())
    vector = nn.utils.parameters_to_vector(params)
    assert vector.shape == (6,)
    nn.utils.vector_to_parameters(torch.arange(6).float(), params)
    assert params[0].tolist() == [[0, 1], [2, 3]] and params[1].tolist() == [4, 5] and params[0].requires_grad


def test_a_block_may_keep_its_modules_by_name() -> None:
    class Chain(nn.Module):
        def __init__(self, *blocks: Any) -> None:
            super().__init__()
            for number, block in enumerate(blocks):
                self._modules[str(number)] = block

        def forward(self, x: Any) -> Any:
            for block in self._modules.values():
                x = block(x)
            return x

    net = Chain(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    assert net(torch.ones(4, 2)).shape == (4, 1) and len(list(net.parameters())) == 4
    net._modules["2"] = nn.Linear(3, 5)
    assert net(torch.ones(4, 2)).shape == (4, 5)
    del net._modules["2"]
    net._buffers["scale"] = torch.ones(2)
    assert list(net._modules) == ["0", "1"] and list(net.state_dict()) == ["scale", "0.weight", "0.bias"]
    with pytest.raises(KeyError):
        del net._modules["2"]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("linear", 1.0), ("sigmoid", 1.0), ("tanh", 5 / 3), ("relu", 2**0.5), ("leaky_relu", (2 / 1.0001) ** 0.5), ("selu", 0.75)],
)
def test_gains(name: str, wanted: float) -> None:
    assert nn.init.calculate_gain(name) == pytest.approx(wanted)


def test_initialisers_return_their_tensor() -> None:
    weight = nn.Linear(3, 3).weight
    assert nn.init.constant_(weight, 0.3) is weight and weight.requires_grad
    assert nn.init.eye_(weight).tolist() == torch.eye(3).tolist()
    assert float(nn.init.zeros_(torch.ones(2)).sum()) == 0
    turned = nn.init.orthogonal_(torch.empty(4, 2)).numpy()
    np.testing.assert_allclose(turned.T @ turned, np.eye(2), atol=1e-6)
