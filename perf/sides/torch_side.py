"""PyTorch, eager, the data in tensors and no loader: its fastest ordinary form on jobs this small."""

from __future__ import annotations

from collections.abc import Callable

import jobs
import torch


def line() -> Callable[[int], torch.Tensor]:
    x, y = (torch.tensor(v) for v in jobs.line_data())
    a, b = torch.zeros((), requires_grad=True), torch.zeros((), requires_grad=True)
    optimizer = torch.optim.SGD([a, b], lr=0.001)
    return steps(optimizer, lambda: ((y - (a + b * x)) ** 2).sum())


def quadratic() -> Callable[[int], torch.Tensor]:
    w = torch.zeros((), requires_grad=True)
    return steps(torch.optim.Adam([w], lr=0.1), lambda: w**2 - 10 * w + 25)


def steps(optimizer: torch.optim.Optimizer, cost: Callable[[], torch.Tensor]) -> Callable[[int], torch.Tensor]:
    """A step an epoch."""

    def call(epochs: int) -> torch.Tensor:
        for _ in range(epochs):
            optimizer.zero_grad()
            loss = cost()
            loss.backward()
            optimizer.step()
        return loss.detach()

    return call


def iris() -> Callable[[int], torch.Tensor]:
    x, y = (torch.tensor(v) for v in jobs.iris_data())
    layers = [(torch.tensor(w, requires_grad=True), torch.tensor(b, requires_grad=True)) for w, b in jobs.initial_weights()]
    optimizer = torch.optim.SGD([p for layer in layers for p in layer], lr=0.001)

    def network(h: torch.Tensor) -> torch.Tensor:
        for w, b in layers[:-1]:
            h = torch.relu(torch.addmm(b, h, w))
        return torch.addmm(layers[-1][1], h, layers[-1][0])

    def call(epochs: int) -> torch.Tensor:
        for _ in range(epochs):
            order = torch.randperm(len(x))
            for start in range(0, len(x), jobs.BATCH):
                rows = order[start : start + jobs.BATCH]
                optimizer.zero_grad()
                loss = torch.nn.functional.cross_entropy(network(x[rows]), y[rows])
                loss.backward()
                optimizer.step()
        return loss.detach()

    return call


jobs.main({"line": line, "quadratic": quadratic, "iris": iris})
