"""Expressions of PyTorch, evaluated here and there: ``recorded.json`` has each, and what PyTorch gives.

``python -m tests.compat.torch.expressions`` evaluates all of them again by PyTorch. To add one, add it there with an empty list
or an empty text, and run this.
"""

from __future__ import annotations

import importlib
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np

RECORDED = Path(__file__).with_name("recorded.json")
LEAVES = "abvps"


def names(torch: Any) -> dict[str, Any]:
    """What stands in the expressions: leaves a, b, p (3, 4), v (4,), s (3, 3); integers i, classes y, booleans m."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 3, 4)).astype(np.float32)
    v = rng.normal(size=4).astype(np.float32)
    p = rng.uniform(0.1, 0.9, (3, 4)).astype(np.float32)
    square = rng.normal(size=(3, 3)).astype(np.float32)
    s = square @ square.T + np.eye(3, dtype=np.float32) / 2
    made = {"torch": torch, "F": importlib.import_module(f"{torch.__name__}.nn.functional"), "np": np}
    made |= {key: torch.tensor(x).requires_grad_() for key, x in zip(LEAVES, (a, b, v, p, s), strict=True)}
    return made | {
        "i": torch.tensor([[3, 1, 2], [0, 5, 4]]), "m": torch.tensor(a > 0), "y": torch.tensor([1, 0, 2]),
        "u": torch.tensor([200, 100], dtype=torch.uint8), "q": torch.tensor([True, False]),
    }  # fmt: skip


def tensors(value: Any) -> list[Any]:
    """The tensors of a result."""
    if hasattr(value, "requires_grad"):
        return [value]
    return [x for part in value for x in tensors(part)] if isinstance(value, (tuple, list)) else []


def described(value: Any) -> Any:
    """A result as dtypes, shapes and numbers; what is no tensor as its text."""
    if hasattr(value, "requires_grad"):
        numbers = np.asarray(value.detach().numpy())
        return [str(value.dtype), list(value.shape), [rounded(x) for x in numbers.ravel().tolist()]]
    if isinstance(value, (tuple, list)) and tensors(value):
        return [described(part) for part in value]
    return str(value)


def rounded(x: Any) -> Any:
    """A number of few digits, or nan and infinities as texts."""
    if isinstance(x, float):
        return float(f"{x:.6g}") if np.isfinite(x) else str(x)
    return x


def outcome(expression: str, torch: Any) -> dict[str, Any]:
    """What an expression gives, and the gradients of the sum of its first tensor that has any; or what it raises."""
    known = names(torch)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        value = eval(expression, dict(known))
        made: dict[str, Any] = {"value": described(value)}
        wanted = [x for x in tensors(value) if x.requires_grad][:1]
        if wanted:
            wanted[0].sum().backward()
            found = {key: known[key].grad for key in LEAVES if known[key].grad is not None}
            made["gradients"] = {key: described(g)[2] for key, g in found.items()}
    return made


def text(expression: str, torch: Any) -> str:
    """What is printed of an expression."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return str(eval(expression, names(torch)))


def record(torch: Any) -> dict[str, Any]:
    """All of them by PyTorch."""
    known = json.loads(RECORDED.read_text())
    made: dict[str, Any] = {"expressions": {}, "errors": {}, "texts": {}}
    for expression in (*known["expressions"], *known["errors"]):
        try:
            made["expressions"][expression] = outcome(expression, torch)
        except Exception as error:
            made["errors"][expression] = type(error).__name__
    made["texts"] = {expression: text(expression, torch) for expression in known["texts"]}
    return made


if __name__ == "__main__":
    original = importlib.import_module("torch")
    rows = record(original)
    parts = [
        f'"{kind}": {{\n' + ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in table.items()) + "\n}"
        for kind, table in rows.items()
    ]
    RECORDED.write_text("{\n" + ",\n".join(parts) + "\n}\n")
