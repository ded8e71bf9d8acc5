"""A perceptron with batch normalization, as a loop in Python, written for PyTorch; prints what perf/compat.py reads."""

import time

START = time.perf_counter()
import json
import os
from itertools import pairwise

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

IMPORTED = time.perf_counter()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        sizes = [4, 128, 64, 32, 16, 3]
        self.layers = nn.ModuleList(nn.Linear(n, m) for n, m in pairwise(sizes))
        self.norms = nn.ModuleList(nn.BatchNorm1d(n) for n in sizes[1:4])
        self.act = nn.ReLU()

    def forward(self, x):
        for layer, norm in zip(self.layers[:3], self.norms, strict=True):
            x = self.act(norm(layer(x)))
        return self.layers[4](self.act(self.layers[3](x)))


rng = np.random.default_rng(0)
classes = rng.integers(0, 3, 112)
rows = torch.from_numpy(rng.normal(size=(112, 4)) + classes[:, None]).float()
loader = DataLoader(TensorDataset(rows, torch.from_numpy(classes).long()), batch_size=4, shuffle=True)
net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=0.001)
criterion = nn.CrossEntropyLoss()


def epoch():
    total, hits = 0.0, 0
    for x, y in loader:
        optimizer.zero_grad()
        output = net(x)
        loss = criterion(output, y)
        loss.backward()
        optimizer.step()
        _, predicted = torch.max(output, dim=1)
        hits += (predicted == y).sum().item()
        total += loss.item()
    return total, hits


epoch()
first = time.perf_counter()
times = []
for threads in (1, os.cpu_count()):
    torch.set_num_threads(threads)
    for _ in range(40):
        begin = time.perf_counter()
        epoch()
        times.append((time.perf_counter() - begin) / len(loader))
print(json.dumps({"import": IMPORTED - START, "first": first - START, "step": min(times)}))
