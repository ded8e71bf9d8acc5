"""torch.save and torch.load."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jitgrad.compat.torch as torch
from jitgrad.compat.torch import nn, optim


def test_a_checkpoint(tmp_path: Path) -> None:
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
    optimizer = optim.Adam(net.parameters(), lr=0.01)

    def step(net: Any, optimizer: Any) -> float:
        optimizer.zero_grad()
        loss = (net(torch.arange(12).reshape(4, 3).float()) ** 2).mean()
        loss.backward()
        optimizer.step()
        return float(loss.item())

    for _ in range(3):
        step(net, optimizer)
    path = tmp_path / "folder" / "checkpoint.pt"
    torch.save({"epoch": 3, "model": net.state_dict(), "optimizer": optimizer.state_dict(), "loss": 0.5}, path)
    again = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
    other = optim.Adam(again.parameters())
    found = torch.load(path, map_location="cpu", weights_only=True)
    assert found["epoch"] == 3 and found["loss"] == 0.5
    again.load_state_dict(found["model"])
    other.load_state_dict(found["optimizer"])
    assert other.param_groups[0]["lr"] == 0.01 and other.param_groups[0]["betas"] == (0.9, 0.999)
    assert [step(net, optimizer) for _ in range(3)] == [step(again, other) for _ in range(3)]


@pytest.mark.parametrize(
    "value",
    [3, None, "text", [1, 2.5, True], (1, (2,)), {"a": {"b": [None]}}, {1: 2, (3, 4): "x"}, {"$odd": 1}, float("inf")],
)
def test_plain_values(value: Any, tmp_path: Path) -> None:
    torch.save(value, tmp_path / "file")
    assert torch.load(str(tmp_path / "file")) == value


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int32", "uint8", "bool"])
def test_tensors_keep_their_dtypes(dtype: str) -> None:
    wanted = torch.tensor([[0, 1], [1, 0]]).to(getattr(torch, dtype))
    buffer = io.BytesIO()
    torch.save({"x": wanted, "list": [wanted]}, buffer)
    buffer.seek(0)
    found = torch.load(buffer)
    assert found["x"].dtype is wanted.dtype and torch.equal(found["x"], wanted) and torch.equal(found["list"][0], wanted)


def test_other_readers_find_the_tensors_by_name(tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    torch.save(nn.Linear(2, 1).state_dict(), tmp_path / "file")
    assert sorted(load_file(tmp_path / "file")) == ["bias", "weight"]
    save_file({"weight": np.ones((1, 2), np.float32), "bias": np.zeros(1, np.float32)}, tmp_path / "theirs")
    net = nn.Linear(2, 1)
    net.load_state_dict(torch.load(tmp_path / "theirs"))
    assert net.weight.tolist() == [[1, 1]]


@pytest.mark.parametrize(
    ("wrong", "kind", "words"),
    [
        (lambda path: torch.save(nn.Linear(1, 1), path), TypeError, "Save module.state_dict()"),
        (lambda path: torch.save({"x": object()}, path), TypeError, "neither a tensor nor a plain value"),
        (lambda path: torch.load(path / "nothing"), FileNotFoundError, "nothing"),
        (lambda path: torch.load(path.parent), ValueError, "is a directory"),
        (lambda path: (path.write_bytes(pickle.dumps([1])), torch.load(path)), ValueError, "Loading it would execute code"),
        (lambda path: (path.write_bytes(b"PK\x03\x04..."), torch.load(path)), ValueError, "is a pickle"),
        (lambda path: (path.write_bytes(b"else"), torch.load(path)), ValueError, "damaged"),
        (lambda path: (torch.save({}, path), torch.load(path, map_location="cuda")), RuntimeError, "only on the CPU"),
    ],
)
def test_wrong_uses(wrong: Callable[[Path], Any], kind: type[Exception], words: str, tmp_path: Path) -> None:
    with pytest.raises(kind) as caught:
        wrong(tmp_path / "file")
    assert words in str(caught.value)
    assert not words.startswith("Save") or not (tmp_path / "file").exists()
