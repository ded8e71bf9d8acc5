"""Eager PyTorch with the data in tensors and no loader: its fastest ordinary form for such small jobs.

``torch_side.py JOB compile`` compiles the module of a network, and ``torch_side.py JOB single`` uses one thread, which is
faster for small tensors.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable

import jobs
import torch

COMPILED = sys.argv[2:] == ["compile"]
if sys.argv[2:] == ["single"]:
    torch.set_num_threads(1)


def line() -> Callable[[int], torch.Tensor]:
    x, y = (torch.tensor(v) for v in jobs.line_data())
    a, b = torch.zeros((), requires_grad=True), torch.zeros((), requires_grad=True)
    optimizer = torch.optim.SGD([a, b], lr=0.001)
    return steps(optimizer, lambda: ((y - (a + b * x)) ** 2).sum())


def tape() -> Callable[[int], torch.Tensor]:
    """Compute gradients with ``grad`` and update in place, without an optimizer."""
    x, y = (torch.tensor(v) for v in jobs.line_data())
    a, b = torch.zeros((), requires_grad=True), torch.zeros((), requires_grad=True)

    def call(epochs: int) -> torch.Tensor:
        for _ in range(epochs):
            loss = ((y - (a + b * x)) ** 2).sum()
            da, db = torch.autograd.grad(loss, [a, b])
            with torch.no_grad():
                a.sub_(0.001 * da)
                b.sub_(0.001 * db)
        return loss.detach()

    return call


def quadratic() -> Callable[[int], torch.Tensor]:
    w = torch.zeros((), requires_grad=True)
    return steps(torch.optim.Adam([w], lr=0.1), lambda: w**2 - 10 * w + 25)


def steps(optimizer: torch.optim.Optimizer, cost: Callable[[], torch.Tensor]) -> Callable[[int], torch.Tensor]:
    """Run one step per epoch."""

    def call(epochs: int) -> torch.Tensor:
        for _ in range(epochs):
            optimizer.zero_grad()
            loss = cost()
            loss.backward()
            optimizer.step()
        return loss.detach()

    return call


def module_of(network: jobs.Network) -> torch.nn.Sequential:
    parts: list[torch.nn.Module] = []
    weights = jobs.initial_weights(network)
    for number, (w, b) in enumerate(weights):
        dense = torch.nn.Linear(*w.shape)
        with torch.no_grad():
            dense.weight.copy_(torch.tensor(w.T))
            dense.bias.copy_(torch.tensor(b))
        parts.append(dense)
        if number < network.normalised:
            parts.append(torch.nn.BatchNorm1d(len(b), eps=jobs.NORM_EPSILON))
        if number < len(weights) - 1:
            parts.append(torch.nn.ReLU())
    return torch.nn.Sequential(*parts)


def iris_tape() -> Callable[[int], torch.Tensor]:
    return network("iris", asks=True)


def network(job: str, asks: bool = False) -> Callable[[int], torch.Tensor]:
    """Run a network; ``asks`` reads the loss of each step."""
    described = jobs.NETWORKS[job]
    x, y = (torch.tensor(v) for v in jobs.network_data(job))
    module: Callable[[torch.Tensor], torch.Tensor] = module_of(described)
    parameters = list(module.parameters())  # type: ignore[attr-defined]
    if COMPILED:
        module = torch.compile(module)
    optimizer: torch.optim.Optimizer = torch.optim.SGD(parameters, lr=jobs.LR)
    if described.adam:
        optimizer = torch.optim.Adam(parameters, lr=jobs.LR, eps=jobs.ADAM_EPSILON)
    loss_of = torch.nn.functional.cross_entropy if described.classes else torch.nn.functional.mse_loss

    def call(epochs: int) -> torch.Tensor:
        for _ in range(epochs):
            order = torch.randperm(len(x))
            for start in range(0, len(x) - described.batch + 1, described.batch):
                rows = order[start : start + described.batch]
                optimizer.zero_grad()
                loss = loss_of(module(x[rows]), y[rows])
                loss.backward()
                optimizer.step()
                if asks:
                    loss.item()
        return loss.detach()

    return call


if __name__ == "__main__":
    networks = {job: functools.partial(network, job) for job in jobs.NETWORKS}
    others = {"line": line, "tape": tape, "quadratic": quadratic, "iris-tape": iris_tape}
    jobs.main(networks if COMPILED else others | networks)
