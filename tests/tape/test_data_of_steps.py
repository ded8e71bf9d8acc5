"""What was computed before a step, and not asked for, is data to the step."""

from __future__ import annotations

import numpy as np
import pytest

import jitgrad as jg
from jitgrad.tape.path import Path


def test_a_step_on_what_was_computed_before_keeps_its_path(monkeypatch: pytest.MonkeyPatch) -> None:
    x = jg.tensor(np.linspace(0.0, 1.0, 5))
    target = jg.sin(x)
    weight = jg.Variable(np.array(0.5), requires_grad=True)
    lost = []

    def step() -> float:
        loss = ((weight * x - target) ** 2).sum()
        weight.zero_grad()
        loss.backward()
        weight.assign(weight - 0.1 * weight.grad)
        return loss.item()

    losses = [step() for _ in range(3)]
    assert target.value is not None
    monkeypatch.setattr(Path, "lose", lambda self: lost.append(self))
    losses += [step() for _ in range(3)]
    assert not lost
    w, expected = 0.5, []
    s, t = np.linspace(0.0, 1.0, 5), np.sin(np.linspace(0.0, 1.0, 5))
    for _ in range(6):
        expected.append(((w * s - t) ** 2).sum())
        w -= 0.1 * (2 * (w * s - t) * s).sum()
    np.testing.assert_allclose(losses, expected)
