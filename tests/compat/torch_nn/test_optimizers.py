"""Optimizers: groups, changes between steps, state, and what goes wrong. Their figures are compared in test_originals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jitgrad.compat.torch as torch
from jitgrad.compat.torch import nn, optim
from tests.compat.torch_nn import cases


def stepped(optimizer: Any, cost: Callable[[], Any], steps: int) -> None:
    for _ in range(steps):
        optimizer.zero_grad()
        cost().backward()
        optimizer.step()


@pytest.mark.parametrize("text", cases.OPTIMIZERS)
def test_state_goes_on(text: str) -> None:
    """Two steps, and three by another optimizer that was given the state, are five steps."""
    p, cost = cases.problem(torch)
    first = eval(text, {**vars(optim), "p": p})
    stepped(first, cost, 2)
    second = eval(text, {**vars(optim), "p": p})
    second.load_state_dict(first.state_dict())
    stepped(second, cost, 3)
    np.testing.assert_allclose(cases.values(p), cases.five_steps(torch, text)[-1], rtol=1e-14)


@pytest.mark.parametrize("text", cases.CLOSURES)
def test_state_of_closures_goes_on(text: str) -> None:
    p, cost = cases.problem(torch)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = cost()
        loss.backward()
        return loss

    optimizer = eval(text, {**vars(optim), "p": p})
    optimizer.step(closure)
    state = optimizer.state_dict()
    optimizer = eval(text, {**vars(optim), "p": p})
    optimizer.load_state_dict(state)
    optimizer.step(closure)
    np.testing.assert_allclose(cases.values(p), cases.closure_steps(torch, text)[1][:-1], rtol=1e-14)


def test_state_has_pytorchs_names() -> None:
    p, cost = cases.problem(torch)
    optimizer = optim.Adam(p, lr=0.1)
    empty = optimizer.state_dict()
    assert empty["state"] == {} and empty["param_groups"][0]["params"] == [0, 1]
    assert list(empty["param_groups"][0])[:4] == ["lr", "betas", "eps", "weight_decay"]
    stepped(optimizer, cost, 1)
    kept = optimizer.state_dict()["state"][1]
    assert {"step", "exp_avg", "exp_avg_sq"} <= kept.keys() and kept["exp_avg"].shape == (2, 2) and float(kept["step"]) == 1
    assert optimizer.state[p[0]]["exp_avg"].shape == (3,)


def test_groups() -> None:
    a, b, c = (torch.ones(2, requires_grad=True) for _ in range(3))
    optimizer = optim.SGD([{"params": [a]}, {"params": b, "lr": 1.0}], lr=0.1)
    optimizer.add_param_group({"params": [c], "lr": 0.0})
    assert [group["lr"] for group in optimizer.param_groups] == [0.1, 1.0, 0.0]
    (a + b + c).sum().backward()
    optimizer.step()
    np.testing.assert_allclose([a[0].item(), b[0].item(), c[0].item()], [0.9, 0, 1], rtol=1e-6)
    for group in optimizer.param_groups:
        group["lr"] = 0.5
    optimizer.step()
    np.testing.assert_allclose([a[0].item(), b[0].item(), c[0].item()], [0.4, -0.5, 0.5], rtol=1e-6)


def test_named_parameters_and_generators() -> None:
    net = nn.Linear(2, 1)
    assert len(optim.SGD(net.named_parameters(), lr=0.1).param_groups[0]["params"]) == 2
    assert len(optim.SGD((p for p in net.parameters()), lr=0.1).param_groups[0]["params"]) == 2


def test_parameters_without_gradients_stay_behind() -> None:
    """PyTorch counts steps for each parameter: one that begins later has its own bias correction."""

    def run(torch: Any) -> list[float]:
        a, b = (torch.ones(1, dtype=torch.float64, requires_grad=True) for _ in range(2))
        optimizer = torch.optim.Adam([a, b], lr=0.1)
        for use in ("a", "a", "ab", "b", "ab"):
            optimizer.zero_grad()
            loss = 0.0
            for name, p in (("a", a), ("b", b)):
                if name in use:
                    loss = loss + (p**2).sum()
            loss.backward()
            optimizer.step()
        return [a.item(), b.item()]

    assert run(torch) == pytest.approx([0.6039390605737459, 0.7015862729460302], rel=1e-12)
    original = pytest.importorskip("torch", reason="the figures are PyTorch's")
    assert run(torch) == pytest.approx(run(original), rel=1e-12)


def test_a_learning_rate_that_changes_lowers_nothing() -> None:
    from jitgrad.tape import executable

    p, cost = cases.problem(torch)
    optimizer = optim.SGD(p, lr=0.01, momentum=0.9)
    scheduler = optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.05, total_steps=50)
    lowered = 0
    real = executable.Executable.__init__

    def counted(self: Any, *args: Any, **kwargs: Any) -> None:
        nonlocal lowered
        lowered += 1
        real(self, *args, **kwargs)

    for number in range(12):
        if number == 4:
            executable.Executable.__init__ = counted  # type: ignore[method-assign]
        try:
            stepped(optimizer, cost, 1)
            scheduler.step()
            p[0].tolist()
        finally:
            if number == 11:
                executable.Executable.__init__ = real  # type: ignore[method-assign]
    assert lowered == 0


def test_closure_of_any_optimizer() -> None:
    w = torch.tensor([3.0], requires_grad=True)
    optimizer = optim.SGD([w], lr=0.1)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = (w**2).sum()
        loss.backward()
        return loss

    with torch.no_grad():
        assert optimizer.step(closure).item() == 9
    assert w.item() == pytest.approx(2.4)


def test_an_optimizer_of_ones_own() -> None:
    class Plain(optim.Optimizer):
        def __init__(self, params: Any, lr: float) -> None:
            super().__init__(params, {"lr": lr})

        def step(self, closure: Any = None) -> None:
            for group in self.param_groups:
                for p in group["params"]:
                    self.state[p]["count"] = self.state[p].get("count", 0) + 1
                    p.data.add_(p.grad, alpha=-group["lr"])

    w = torch.ones(2, requires_grad=True)
    optimizer = Plain([w], lr=0.5)
    for _ in range(2):
        optimizer.zero_grad()
        w.sum().backward()
        optimizer.step()
    assert w.tolist() == [0, 0] and optimizer.state_dict()["state"][0] == {"count": 2}
    assert repr(optimizer) == "Plain (\nParameter Group 0\n    lr: 0.5\n)"


def test_gradients_are_forgotten() -> None:
    w = torch.ones(2, requires_grad=True)
    optimizer = optim.SGD([w], lr=0.1)
    w.sum().backward()
    shown = w.grad
    optimizer.zero_grad()
    assert w.grad is None and shown.tolist() == [1, 1]
    (2 * w).sum().backward()
    assert w.grad.tolist() == [2, 2]
    optimizer.zero_grad(set_to_none=False)
    assert w.grad.tolist() == [0, 0]


W = "torch.ones(2, requires_grad=True)"


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("optim.SGD([], lr=0.1)", ValueError, "empty parameter list"),
        (f"optim.SGD({W}, lr=0.1)", TypeError, "should be an iterable of Tensors or dicts"),
        ("optim.SGD([3], lr=0.1)", TypeError, "can only optimize Tensors, but one of the params is int"),
        (f"optim.SGD([{W} * 2], lr=0.1)", ValueError, "can't optimize a non-leaf Tensor"),
        (f"optim.SGD([{W}], lr=-1)", ValueError, "Invalid learning rate: -1"),
        (f"optim.SGD([{W}], lr=0.1, nesterov=True)", ValueError, "Nesterov momentum requires a momentum"),
        (f"optim.Adam([{W}], betas=(1.0, 0.9))", ValueError, "Invalid beta parameter at index 0"),
        (f"optim.Adam([{W}], eps=-1.0)", ValueError, "Invalid epsilon value"),
        ("optim.SGD([w, w], lr=0.1)", ValueError, "more than one parameter group"),
        (f"optim.LBFGS([{W}]).step()", TypeError, "closure"),
        (f"optim.LBFGS([{W}], line_search_fn='armijo')", RuntimeError, "only 'strong_wolfe' is supported"),
        (f"optim.Adam([{W}], differentiable=True)", RuntimeError, "differentiable=True is not supported"),
        ("optim.SGD([w]).load_state_dict(optim.SGD([w, torch.ones(1)]).state_dict())", ValueError, "doesn't match the size"),
        ("optim.Adm", AttributeError, "Did you mean 'Adam'"),
        (f"optim.lr_scheduler.StepLR([{W}], 3)", TypeError, "list is not an Optimizer"),
        (f"optim.lr_scheduler.OneCycleLR(optim.SGD([{W}]), 0.1)", ValueError, "total_steps OR"),
        (f"optim.lr_scheduler.CyclicLR(optim.Adagrad([{W}]), 0.1, 1.0)", ValueError, "must support momentum"),
        (f"optim.lr_scheduler.LambdaLR(optim.SGD([{W}]), [abs, abs])", ValueError, "Expected 1 values"),
    ],
)
def test_wrong_uses(text: str, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind) as caught:
        eval(text, {"torch": torch, "optim": optim, "w": torch.ones(1, requires_grad=True)})
    assert words in str(caught.value)


def test_a_scheduler_before_the_optimizer_warns() -> None:
    scheduler = optim.lr_scheduler.StepLR(optim.SGD([torch.ones(1, requires_grad=True)], lr=0.1), 1)
    with pytest.warns(UserWarning, match="before `optimizer.step"):
        scheduler.step()


def test_state_of_schedulers_goes_on() -> None:
    def made() -> tuple[Any, Any]:
        optimizer = optim.SGD([torch.ones(1, requires_grad=True)], lr=0.1)
        schedulers = [optim.lr_scheduler.LinearLR(optimizer, 0.1), optim.lr_scheduler.CosineAnnealingLR(optimizer, 9)]
        return optimizer, optim.lr_scheduler.SequentialLR(optimizer, schedulers, [3])

    optimizer, scheduler = made()
    optimizer.step()
    for _ in range(5):
        scheduler.step()
    other, second = made()
    other.load_state_dict(optimizer.state_dict())
    second.load_state_dict(scheduler.state_dict())
    other.step()
    for _ in range(3):
        scheduler.step()
        second.step()
        assert scheduler.get_last_lr() == second.get_last_lr() == [other.param_groups[0]["lr"]]
