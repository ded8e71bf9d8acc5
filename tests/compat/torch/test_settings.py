"""What programs ask and set at their beginning, and names that are missing."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import jitgrad.compat.torch as torch
from jitgrad.compat.torch import nn
from jitgrad.compat.torch.nn import functional as F  # noqa: N812


def test_the_version_is_that_of_the_names() -> None:
    assert tuple(map(int, torch.__version__.split(".")[:2])) >= (2, 0)


def test_what_is_compiled_is_called_as_it_is() -> None:
    model = nn.Linear(2, 1)
    assert torch.compile(model, mode="reduce-overhead") is model

    @torch.compile
    def plain(x: Any) -> Any:
        return x + 1

    @torch.compile(fullgraph=True)
    def optioned(x: Any) -> Any:
        return x + 2

    assert plain(torch.ones(1)).item() == 2 and optioned(torch.ones(1)).item() == 3


def test_settings_that_hold_anyway() -> None:
    torch.use_deterministic_algorithms(True)
    assert torch.are_deterministic_algorithms_enabled()
    torch.set_float32_matmul_precision("high")
    assert torch.get_float32_matmul_precision() == "high"
    torch.set_float32_matmul_precision("highest")
    with pytest.raises(ValueError, match="'highest', 'high' or 'medium'"):
        torch.set_float32_matmul_precision("low")


def test_a_missing_method_is_named() -> None:
    x = torch.ones(2)
    with pytest.raises(AttributeError, match=r"does not have torch\.Tensor\.softmx") as raised:
        x.softmx()
    assert raised.value.name == "softmx" and raised.value.obj is x
    with pytest.raises(AttributeError, match=r"Use float\(\) or double\(\)"):
        x.half()
    assert not hasattr(x, "data_ptr")
    assert np.asarray(x).tolist() == [1, 1]


def test_a_tensor_of_an_array_is_a_tensor_by_its_type() -> None:
    assert str(type(torch.from_numpy(np.ones(2)))) == "<class 'torch.Tensor'>"


@pytest.mark.parametrize("call", [
    lambda x: torch.cat([x, torch.ones(2, 4)]),
    lambda x: x + torch.ones(4),
    lambda x: F.huber_loss(x, x, delta=-1.0),
    lambda x: F.huber_loss(x, x, delta=0.0),
    lambda x: F.smooth_l1_loss(x, x, beta=-1.0),
])  # fmt: skip
def test_wrong_shapes_and_options_are_runtime_errors(call: Any) -> None:
    with pytest.raises(RuntimeError):
        call(torch.ones(2, 3))


@pytest.mark.parametrize("call", [lambda x: x.sum(2), lambda x: x.argmax(3), lambda x: F.softmax(x, dim=2), lambda x: x[5]])
def test_a_dimension_out_of_range_is_an_index_error(call: Any) -> None:
    with pytest.raises(IndexError):
        call(torch.ones(2, 3))


def test_numpys_names_of_arguments() -> None:
    x = torch.arange(6.0).view(2, 3)
    assert x.sum(axis=1, keepdims=True).tolist() == x.sum(dim=1, keepdim=True).tolist() == [[3], [12]]
    assert x.argmax(axis=1).tolist() == torch.argmax(x, dim=1).tolist()
    assert torch.cat([x, x], axis=1).shape == (2, 6) and torch.stack([x, x], axis=-1).shape == (2, 3, 2)
    assert torch.std(x, axis=0).tolist() == torch.std(x, dim=0).tolist()
    assert torch.softmax(x, axis=0).sum(axis=0).tolist() == pytest.approx([1, 1, 1])
    assert torch.max(x, axis=0).indices.tolist() == [1, 1, 1] and x.unsqueeze(axis=0).shape == (1, 2, 3)
    assert torch.linalg.norm(x, axis=1).tolist() == torch.linalg.norm(x, dim=1).tolist()
    with pytest.raises(TypeError, match="both 'dim' and 'axis'"):
        x.mean(dim=0, axis=0)
    with pytest.raises(TypeError):
        x.split(1, axis=0)


def test_normal_may_require_a_gradient() -> None:
    assert torch.normal(0, 0.01, size=(2, 1), requires_grad=True).requires_grad


def test_parts_and_sums_of_shapes_are_shapes() -> None:
    size, one, five = torch.ones(2, 3, 4).shape, (1,), (5,)
    for made in (size[1:], size + five, one + size, size + size, size * 2):
        assert str(made).startswith("torch.Size([")
    assert (size[1:], size[-1], size + five, one + size) == ((3, 4), 4, (2, 3, 4, 5), (1, 2, 3, 4))
    assert isinstance(size[0], int) and size == (2, 3, 4) and size[1:].numel() == 12


def test_types_are_printed_by_pytorchs_names() -> None:
    layer = nn.Linear(2, 1)
    assert str(type(layer.weight)) == "<class 'torch.nn.parameter.Parameter'>"
    again = pickle.loads(pickle.dumps(layer.weight))
    assert type(again) is nn.Parameter and again.tolist() == layer.weight.tolist() and again.requires_grad
    made = (layer.weight * 2).relu().sum()
    assert type(made.grad_fn).__name__ == "SumBackward0"
    assert type(made.grad_fn.next_functions[0][0]).__name__ == "ReluBackward0"
