"""Changes in place: on tensors, on views of them, on leaves and gradients, on arrays of NumPy that share elements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jitgrad.compat.torch as torch

CHANGES: list[tuple[Callable[[Any], Any], list[float]]] = [
    (lambda x: x.add_(1), [1, 2, 3, 4, 5, 6]),
    (lambda x: x.add_(torch.ones(3), alpha=2), [2, 3, 4, 5, 6, 7]),
    (lambda x: x.sub_(1).mul_(2).div_(4), [-0.5, 0, 0.5, 1, 1.5, 2]),
    (lambda x: x.zero_(), [0] * 6),
    (lambda x: x.fill_(3), [3] * 6),
    (lambda x: x.copy_(torch.tensor([7, 8, 9])), [7, 8, 9, 7, 8, 9]),
    (lambda x: x.clamp_(1, 3), [1, 1, 2, 3, 3, 3]),
    (lambda x: x.pow_(2), [0, 1, 4, 9, 16, 25]),
    (lambda x: x[0].add_(10), [10, 11, 12, 3, 4, 5]),
    (lambda x: x[:, 1].zero_(), [0, 0, 2, 3, 0, 5]),
    (lambda x: x.view(-1)[4].fill_(9), [0, 1, 2, 3, 9, 5]),
    (lambda x: x.t()[0].mul_(-1), [0, 1, 2, -3, 4, 5]),
    (lambda x: x.unsqueeze(0).squeeze().reshape(3, 2)[1:].add_(1), [0, 1, 3, 4, 5, 6]),
    (lambda x: x.flatten().split(4)[1].fill_(0), [0, 1, 2, 3, 0, 0]),
    (lambda x: x.unbind(1)[2].add_(1), [0, 1, 3, 3, 4, 6]),
    (lambda x: x.diagonal().zero_(), [0, 1, 2, 3, 0, 5]),
    (lambda x: x.detach().add_(1), [1, 2, 3, 4, 5, 6]),
    (lambda x: x.data[1].sub_(3), [0, 1, 2, 0, 1, 2]),
    (lambda x: x.masked_fill_(x > 3, -1), [0, 1, 2, 3, -1, -1]),
    (lambda x: x.__setitem__((0, 1), 5), [0, 5, 2, 3, 4, 5]),
    (lambda x: x.__setitem__(x > 2, 0), [0, 1, 2, 0, 0, 0]),
    (lambda x: x.__setitem__((slice(None), [0, 2]), torch.tensor([8.0, 9.0])), [8, 1, 9, 8, 4, 9]),
    (lambda x: x[1].__setitem__(slice(1, None), torch.zeros(2)), [0, 1, 2, 3, 0, 0]),
    (lambda x: x.unbind()[0].__iadd__(1), [1, 2, 3, 3, 4, 5]),
]


@pytest.mark.parametrize(("change", "wanted"), CHANGES)
@pytest.mark.parametrize("leaf", [False, True])
def test_changes_go_where_the_elements_are(change: Callable[[Any], Any], wanted: list[float], leaf: bool) -> None:
    x = torch.arange(6.0).reshape(2, 3).clone().requires_grad_(leaf)
    before = x.view(3, 2)
    with torch.no_grad():
        change(x)
    assert x.flatten().tolist() == wanted
    assert before.flatten().tolist() == wanted
    assert x.requires_grad == leaf


@pytest.mark.parametrize(("change", "wanted"), CHANGES)
def test_they_are_pytorchs(change: Callable[[Any], Any], wanted: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    original = pytest.importorskip("torch", reason="PyTorch is not installed")
    monkeypatch.setitem(change.__globals__, "torch", original)
    x = original.arange(6.0).reshape(2, 3).clone()
    change(x)
    assert x.flatten().tolist() == wanted


def test_a_result_that_was_changed_has_the_gradient_of_what_it_became() -> None:
    x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = x * 2
    y[0] = 10.0
    y[1:].mul_(x[1:])
    (y * 1).sum().backward()
    assert y.tolist() == [10, 8, 18]
    assert x.grad.tolist() == [0, 8, 12]


def test_gradients_are_changed_where_they_are_kept() -> None:
    x = torch.ones(2, requires_grad=True)
    (x * x).sum().backward()
    x.grad.zero_()
    (x * 3).sum().backward()
    x.grad[0] = 7
    x.grad *= 2
    assert x.grad.tolist() == [14, 6]
    kept = x.grad
    x.grad = None
    (x * 5).sum().backward()
    assert kept.tolist() == [14, 6]
    assert x.grad.tolist() == [5, 5]


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x.add_(1),
        lambda x: x.__setitem__(0, 1.0),
        lambda x: x.view(-1).add_(1),
        lambda x: x[0].fill_(1),
        lambda x: x.__iadd__(1),
        lambda x: torch.sin_(x),
    ],
)
def test_a_leaf_that_requires_a_gradient_is_not_changed(change: Callable[[Any], Any]) -> None:
    x = torch.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match=r"leaf Variable that requires grad is being used in an in-place operation\. Change"):
        change(x)
    assert x.tolist() == [1, 1]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda x: x.add_(torch.ones(2, 3)), "doesn't match the broadcast shape"),
        (lambda x: x.long().add_(1.5), "can't be cast to the desired output type Long"),
        (lambda x: x.expand(2, 3).add_(1), "more than one element of the written-to tensor"),
        (lambda x: x.copy_(torch.ones(4)), "must match the size"),
        (lambda x: x.__setitem__(slice(None), torch.ones(2)), "shape mismatch"),
    ],
)
def test_what_cannot_be_changed_is_said(change: Callable[[Any], Any], said: str) -> None:
    with pytest.raises(RuntimeError, match=said):
        change(torch.zeros(3))


def test_arrays_share_their_elements() -> None:
    array = np.ones(3)
    x = torch.from_numpy(array)
    doubled = x * 2
    array[0] = 5
    assert x.tolist() == [5, 1, 1]
    assert doubled.tolist() == [2, 2, 2]
    x.add_(1)
    x[2] = 0
    assert array.tolist() == [6, 2, 0]
    y = torch.zeros(2)
    shown = y.numpy()
    y.add_(1)
    shown += 1
    assert y.tolist() == shown.tolist() == [2, 2]
    assert y.numpy() is shown


def test_changes_that_cannot_be_shared_are_errors() -> None:
    large = np.zeros(2**15 + 1)
    torch.from_numpy(large)
    weight = torch.ones(2, requires_grad=True)
    for array in (large, weight.detach().numpy(), torch.ones(3)[:2].numpy()):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
    small = np.zeros(2)
    small.flags.writeable = False
    with pytest.raises(RuntimeError, match="read-only"):
        torch.from_numpy(small).add_(1)


def test_detached_values_follow_the_variable_that_they_show() -> None:
    weight = torch.ones(2, requires_grad=True)
    shown = weight.detach()
    with torch.no_grad():
        weight -= 3
    assert shown.tolist() == [-2, -2]
    weight.data = torch.tensor([4.0, 5.0])
    assert weight.tolist() == [4, 5]


def test_random_numbers_in_place_repeat_with_the_seed() -> None:
    def drawn() -> list[Any]:
        torch.manual_seed(3)
        x = torch.empty(50)
        return [x.normal_(2, 0.5).tolist(), x.uniform_(-1, 1).tolist(), x.bernoulli_(0.3).tolist(), x.random_(5).tolist()]

    first = drawn()
    assert first == drawn()
    assert 1.6 < np.mean(first[0]) < 2.4
    assert min(first[1]) >= -1
    assert max(first[1]) < 1
    assert set(first[2]) <= {0, 1}
