"""What PyTorch and jitgrad's face of it are both asked: functions of the module ``torch``, whichever it is.

``python -m tests.compat.torch_nn.cases`` writes what PyTorch answers to figures.json, with which the tests compare.
"""

from __future__ import annotations

import inspect
import json
import warnings
from collections import OrderedDict
from pathlib import Path
from typing import Any

from tests.compat.torch_nn.expressions import (
    CLOSURES,
    FUNCTIONS,
    INITIALISERS,
    KINDS,
    LAYERS,
    LAYERS_OF_FUNCTIONS,
    LOSSES,
    METRICS,
    OPTIMIZERS,
    PLATEAUS,
    RANGES,
    RATES,
    REPRS,
    SCHEDULERS,
    UTILS,
)

FIGURES = Path(__file__).with_name("figures.json")


def given(torch: Any) -> dict[str, Any]:
    """Tensors that losses take: values, probabilities, classes, counts, signs."""

    def tensor(values: list[Any]) -> Any:
        return torch.tensor(values, dtype=torch.float64)

    x = tensor([[0.3, -1.2, 0.8, 0.1], [2.0, 0.4, -0.6, -0.2], [-0.9, 0.7, 1.1, 0.0]])
    y = tensor([[0.1, -0.2, 1.8, 0.2], [1.5, -1.4, -0.7, 0.3], [0.9, 0.6, 0.1, -2.0]])
    return {
        "torch": torch,
        "nn": torch.nn,
        "x": x,
        "y": y,
        "p": torch.softmax(y, 1),
        "q": torch.softmax(x * 2, 1),
        "c": torch.tensor([2, 0, 1]),
        "b": (x > 0).double(),
        "k": tensor([[0.0, 1.0, 2.0, 3.0], [1.0, 0.0, 5.0, 2.0], [4.0, 1.0, 0.0, 1.0]]),
        "s": torch.where(x > 0, 1.0, -1.0).double(),
        "w": tensor([1.0, 0.5, 2.0, 1.5]),
    }


def losses(torch: Any, text: str) -> list[Any]:
    """A loss by default, summed, and of each element or row; and its gradient by x, where it is made of x."""
    names = given(torch)
    names["x"].requires_grad_()
    made = [eval(text.format(option), names) for option in ("", "reduction='sum'", "reduction='none'")]
    made[0].backward() if made[0].requires_grad else None
    slopes = names["x"].grad
    return [*(loss.tolist() for loss in made), None if slopes is None else slopes.tolist()]


def of_layer(torch: Any, text: str) -> list[Any]:
    """What a layer makes of x, and the gradient of the sum of squares."""
    names = given(torch)
    names["x"].requires_grad_()
    made = eval(text, names)(names["x"])
    (made**2).sum().backward()
    return [made.tolist(), names["x"].grad.tolist()]


def problem(torch: Any) -> tuple[list[Any], Any]:
    """Parameters of two shapes in float64, and a cost of them."""
    a = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64, requires_grad=True)
    b = torch.tensor([[0.3, -0.7], [1.5, 2.0]], dtype=torch.float64, requires_grad=True)

    def cost() -> Any:
        return ((a - 0.5) ** 2).sum() + (a[0] * b[0, 0] - 1) ** 2 + ((b - 1) ** 4).sum() + (b * b).sum() * 0.1

    return [a, b], cost


def values(params: list[Any]) -> list[float]:
    return [x for p in params for x in p.detach().reshape(-1).tolist()]


def five_steps(torch: Any, text: str) -> list[list[float]]:
    """The parameters after each of five steps of an optimizer."""
    p, cost = problem(torch)
    optimizer = eval(text, {**vars(torch.optim), "p": p})
    rows = []
    for _ in range(5):
        optimizer.zero_grad()
        cost().backward()
        optimizer.step()
        rows.append(values(p))
    return rows


def closure_steps(torch: Any, text: str) -> list[list[float]]:
    """The parameters, and the loss that is returned, after each of three steps with a closure."""
    p, cost = problem(torch)
    optimizer = eval(text, {**vars(torch.optim), "p": p})

    def closure() -> Any:
        optimizer.zero_grad()
        loss = cost()
        loss.backward()
        return loss

    rows = []
    for _ in range(3):
        loss = optimizer.step(closure)
        rows.append([*values(p), loss.item()])
    return rows


def twenty_rates(torch: Any, text: str) -> list[list[float]]:
    """Learning rates and momenta of two groups before each of twenty steps."""
    p, _ = problem(torch)
    o = torch.optim.SGD([{"params": p[:1]}, {"params": p[1:], "lr": 0.05}], lr=0.1, momentum=0.9)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of schedulers that step another's
        scheduler = eval(text, {**vars(torch.optim.lr_scheduler), "o": o})
        rows = []
        for epoch in range(20):
            rows.append([x for group in o.param_groups for x in (float(group["lr"]), float(group["momentum"]))])
            o.step()
            scheduler.step(*([METRICS[epoch]] if text in PLATEAUS else []))
    return rows


def printed(torch: Any, text: str) -> str:
    return repr(eval(text, {"torch": torch, "nn": torch.nn, "optim": torch.optim, "OrderedDict": OrderedDict}))


def defaults(torch: Any, module: str, name: str) -> dict[str, Any]:
    """The arguments of a class or function that have defaults, in their order."""
    found = eval(f"torch.{module}.{name}", {"torch": torch})
    signature = getattr(found, "_signature", None) or inspect.signature(found)
    given = {p.name: p.default for p in signature.parameters.values() if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)}
    return {name: _plain(value) for name, value in given.items() if not name.startswith("_") and name not in _OLD}


_OLD = ("self", "min_value", "max_value")


def _plain(value: Any) -> Any:
    if value is inspect.Parameter.empty:
        return "required"
    return list(value) if isinstance(value, tuple) else value


def group_options(torch: Any, name: str) -> dict[str, Any]:
    p, _ = problem(torch)
    return {key: _plain(value) for key, value in getattr(torch.optim, name)(p).defaults.items()}


def spread(torch: Any, text: str) -> list[float]:
    """Least, largest, mean and standard deviation of a tensor."""
    torch.manual_seed(0)
    x = eval(text, {"torch": torch, "nn": torch.nn}).detach().double()
    return [float(x.min()), float(x.max()), float(x.mean()), float(((x - x.mean()) ** 2).mean() ** 0.5)]


def answers(torch: Any) -> dict[str, Any]:
    """All that is asked."""
    return {
        "steps": {text: five_steps(torch, text) for text in OPTIMIZERS},
        "closures": {text: closure_steps(torch, text) for text in CLOSURES},
        "rates": {text: twenty_rates(torch, text) for text in SCHEDULERS + PLATEAUS},
        "losses": {text: losses(torch, text) for text in LOSSES},
        "layers": {text: of_layer(torch, text) for text in LAYERS_OF_FUNCTIONS},
        "printed": {text: printed(torch, text) for text in REPRS},
        "defaults": {
            f"{module}.{name}": defaults(torch, module, name)
            for module, names in (
                ("nn", LAYERS), ("optim", KINDS), ("optim.lr_scheduler", RATES), ("nn.init", INITIALISERS), ("nn.utils", UTILS),
            )
            for name in names
        },
        "functions": {name: defaults(torch, "nn", name) for name in FUNCTIONS},
        "options": {name: group_options(torch, name) for name in KINDS},
        "spread": {name: spread(torch, text) for name, text in RANGES.items()},
    }  # fmt: skip


if __name__ == "__main__":
    import torch

    written = []
    for part, figures in answers(torch).items():
        rows = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in figures.items())
        written.append(f'"{part}": {{\n{rows}\n}}')
    FIGURES.write_text("{\n" + ",\n".join(written) + "\n}\n")
