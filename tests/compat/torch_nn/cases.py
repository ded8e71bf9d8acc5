"""What PyTorch and jitgrad's face of it are both asked: functions of the module ``torch``, whichever it is.

``python tests/compat/torch_nn/cases.py`` writes what PyTorch answers to figures.json, with which the tests compare.
"""

from __future__ import annotations

import inspect
import json
import warnings
from collections import OrderedDict
from pathlib import Path
from typing import Any

FIGURES = Path(__file__).with_name("figures.json")

OPTIMIZERS = [
    "SGD(p, lr=0.1)",
    "SGD(p, lr=0.1, momentum=0.9)",
    "SGD(p, lr=0.1, momentum=0.9, dampening=0.5)",
    "SGD(p, lr=0.1, momentum=0.9, nesterov=True)",
    "SGD(p, lr=0.1, momentum=0.9, weight_decay=0.1)",
    "SGD(p, lr=0.1, weight_decay=0.1, maximize=True)",
    "Adam(p, lr=0.1)",
    "Adam(p, lr=0.1, betas=(0.8, 0.9), eps=0.1)",
    "Adam(p, lr=0.1, weight_decay=0.1, amsgrad=True)",
    "Adam(p, lr=0.1, maximize=True)",
    "AdamW(p)",
    "AdamW(p, lr=0.1, weight_decay=0.5)",
    "AdamW(p, lr=0.1, amsgrad=True)",
    "NAdam(p, lr=0.1)",
    "NAdam(p, lr=0.1, weight_decay=0.1)",
    "NAdam(p, lr=0.1, weight_decay=0.1, decoupled_weight_decay=True)",
    "RAdam(p, lr=0.1, betas=(0.9, 0.9))",
    "RAdam(p, lr=0.1, weight_decay=0.1)",
    "RMSprop(p, lr=0.1)",
    "RMSprop(p, lr=0.1, momentum=0.9, alpha=0.9)",
    "RMSprop(p, lr=0.1, centered=True, weight_decay=0.1)",
    "Adagrad(p, lr=0.1)",
    "Adagrad(p, lr=0.1, lr_decay=0.5, initial_accumulator_value=0.1, weight_decay=0.1)",
    "Adadelta(p)",
    "Adadelta(p, lr=0.5, rho=0.5, weight_decay=0.1)",
    "Adamax(p, lr=0.1)",
    "Adamax(p, lr=0.1, weight_decay=0.1)",
    "ASGD(p, lr=0.1, lambd=0.1, t0=2)",
    "Rprop(p, lr=0.1)",
    "Rprop(p, lr=0.1, etas=(0.4, 1.3), step_sizes=(0.01, 0.15))",
    "SGD([{'params': p[:1], 'lr': 0.5}, {'params': p[1:], 'weight_decay': 0.2}], lr=0.1, momentum=0.9)",
]

CLOSURES = [
    "LBFGS(p, lr=0.1)",
    "LBFGS(p, lr=0.5, max_iter=4, history_size=2)",
    "LBFGS(p, line_search_fn='strong_wolfe')",
    "LBFGS(p, lr=10.0, max_iter=5, line_search_fn='strong_wolfe')",
]

SCHEDULERS = [
    "StepLR(o, 3)",
    "StepLR(o, step_size=4, gamma=0.5)",
    "MultiStepLR(o, [2, 5, 5, 9], gamma=0.5)",
    "ExponentialLR(o, 0.9)",
    "LambdaLR(o, lambda epoch: 0.95**epoch)",
    "LambdaLR(o, [lambda epoch: epoch / 10, lambda epoch: 1.0])",
    "MultiplicativeLR(o, lambda epoch: 0.9 if epoch % 2 else 1.05)",
    "ConstantLR(o)",
    "ConstantLR(o, factor=0.5, total_iters=4)",
    "LinearLR(o)",
    "LinearLR(o, 0.1, 0.8, total_iters=10)",
    "PolynomialLR(o)",
    "PolynomialLR(o, total_iters=12, power=2.0)",
    "CosineAnnealingLR(o, T_max=10)",
    "CosineAnnealingLR(o, 7, eta_min=0.01)",
    "CosineAnnealingWarmRestarts(o, 4)",
    "CosineAnnealingWarmRestarts(o, T_0=3, T_mult=2, eta_min=0.001)",
    "CyclicLR(o, 0.01, 0.1, step_size_up=4)",
    "CyclicLR(o, 0.01, [0.1, 0.2], step_size_up=3, step_size_down=5, mode='triangular2')",
    "CyclicLR(o, 0.01, 0.1, step_size_up=3, mode='exp_range', gamma=0.9, cycle_momentum=False)",
    "OneCycleLR(o, max_lr=0.5, total_steps=21)",
    "OneCycleLR(o, [0.5, 1.0], epochs=3, steps_per_epoch=7, anneal_strategy='linear', pct_start=0.5)",
    "OneCycleLR(o, 0.5, total_steps=21, three_phase=True, cycle_momentum=False)",
    "SequentialLR(o, [ConstantLR(o, 0.1, 3), ExponentialLR(o, 0.9)], [4])",
    "SequentialLR(o, [LinearLR(o, 0.1, total_iters=5), CosineAnnealingLR(o, 10), StepLR(o, 2)], milestones=[5, 12])",
    "ChainedScheduler([ConstantLR(o, 0.1, 3), ExponentialLR(o, 0.9)])",
]

PLATEAUS = [
    "ReduceLROnPlateau(o, patience=2)",
    "ReduceLROnPlateau(o, 'max', factor=0.5, patience=1, cooldown=2)",
    "ReduceLROnPlateau(o, threshold=0.05, threshold_mode='abs', patience=0, min_lr=[0.01, 0.02])",
]
METRICS = [5, 4, 4, 4, 4, 3.99, 3.9, 4, 4, 4, 3, 3.1, 3.2, 3, 3, 3, 2, 2, 2, 2]

REPRS = [
    "nn.Linear(4, 128)",
    "nn.Linear(4, 2, bias=False)",
    "nn.Bilinear(2, 3, 4)",
    "nn.Identity()",
    "nn.Flatten()",
    "nn.Unflatten(1, (2, 3))",
    "nn.BatchNorm1d(128)",
    "nn.BatchNorm1d(3, momentum=None, affine=False)",
    "nn.LayerNorm(3)",
    "nn.LayerNorm((2, 3), elementwise_affine=False)",
    "nn.LayerNorm([2, 3], bias=False)",
    "nn.GroupNorm(2, 4)",
    "nn.RMSNorm(3)",
    "nn.Dropout()",
    "nn.Dropout(0.2, inplace=True)",
    "nn.Embedding(3, 4)",
    "nn.Embedding(3, 4, padding_idx=-1)",
    "nn.CosineSimilarity()",
    "nn.PairwiseDistance()",
    "nn.ReLU()",
    "nn.ReLU(inplace=True)",
    "nn.ReLU6()",
    "nn.LeakyReLU()",
    "nn.LeakyReLU(0.2, True)",
    "nn.PReLU()",
    "nn.ELU()",
    "nn.SELU()",
    "nn.CELU()",
    "nn.GELU()",
    "nn.GELU('tanh')",
    "nn.SiLU()",
    "nn.Mish()",
    "nn.Hardswish()",
    "nn.Hardsigmoid(inplace=True)",
    "nn.Hardtanh()",
    "nn.Hardtanh(-2.0, 2.0)",
    "nn.Hardshrink()",
    "nn.Softshrink(0.3)",
    "nn.Tanhshrink()",
    "nn.Threshold(0.1, 20)",
    "nn.Softplus()",
    "nn.Softsign()",
    "nn.Sigmoid()",
    "nn.Tanh()",
    "nn.LogSigmoid()",
    "nn.Softmax(dim=1)",
    "nn.Softmin(0)",
    "nn.LogSoftmax(-1)",
    "nn.GLU()",
    "nn.MSELoss()",
    "nn.CrossEntropyLoss()",
    "nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Sequential(nn.Linear(3, 1)))",
    "nn.Sequential(OrderedDict([('fc', nn.Linear(2, 3)), ('act', nn.ReLU())]))",
    "nn.Sequential()",
    "nn.ModuleList([nn.ReLU(), nn.ReLU(), nn.Linear(2, 3), nn.Sequential(nn.ReLU())])",
    "nn.ModuleList()",
    "nn.ModuleDict({'a': nn.ReLU(), 'b': nn.Linear(2, 3)})",
    "nn.ParameterList([torch.ones(2, 3), nn.Parameter(torch.tensor(1.0)), 3])",
    "nn.ParameterDict({'a': torch.ones(2, 3), 'b': nn.Parameter(torch.tensor(1.0))})",
    "nn.Parameter(torch.tensor([1.0, 2.0]))",
    "nn.Parameter(torch.ones(1), requires_grad=False)",
    "optim.SGD([torch.ones(2, requires_grad=True)], lr=0.01, momentum=0.9)",
    "optim.Adam([torch.ones(2, requires_grad=True)])",
    "optim.RMSprop([{'params': [torch.ones(2)]}, {'params': torch.ones(1), 'lr': 0.5}])",
    "nn.Linear(2, 3).load_state_dict(nn.Linear(2, 3).state_dict())",
]

LAYERS = [
    "Linear",
    "Bilinear",
    "Identity",
    "Flatten",
    "Unflatten",
    "BatchNorm1d",
    "LayerNorm",
    "GroupNorm",
    "RMSNorm",
    "Embedding",
    "PReLU",
    "Dropout",
    "MSELoss",
    "L1Loss",
    "SmoothL1Loss",
    "HuberLoss",
    "CrossEntropyLoss",
    "NLLLoss",
    "BCELoss",
    "BCEWithLogitsLoss",
    "KLDivLoss",
    "PoissonNLLLoss",
    "GaussianNLLLoss",
    "SoftMarginLoss",
    "MultiLabelSoftMarginLoss",
    "HingeEmbeddingLoss",
    "MarginRankingLoss",
    "CosineEmbeddingLoss",
    "MultiMarginLoss",
    "TripletMarginLoss",
    "CosineSimilarity",
    "PairwiseDistance",
]
FUNCTIONS = [
    "ReLU",
    "ReLU6",
    "LeakyReLU",
    "ELU",
    "SELU",
    "CELU",
    "GELU",
    "SiLU",
    "Mish",
    "Hardswish",
    "Hardsigmoid",
    "Hardtanh",
    "Hardshrink",
    "Softshrink",
    "Softplus",
    "Softmax",
    "Softmin",
    "LogSoftmax",
    "GLU",
]
KINDS = [
    "SGD",
    "Adam",
    "AdamW",
    "NAdam",
    "RAdam",
    "RMSprop",
    "Adagrad",
    "Adadelta",
    "Adafactor",
    "Adamax",
    "ASGD",
    "Rprop",
    "LBFGS",
]
RATES = [
    "StepLR",
    "MultiStepLR",
    "ExponentialLR",
    "LambdaLR",
    "MultiplicativeLR",
    "ConstantLR",
    "LinearLR",
    "PolynomialLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "OneCycleLR",
    "SequentialLR",
    "ChainedScheduler",
    "ReduceLROnPlateau",
]
INITIALISERS = [
    "uniform_",
    "normal_",
    "trunc_normal_",
    "xavier_uniform_",
    "xavier_normal_",
    "kaiming_uniform_",
    "kaiming_normal_",
    "orthogonal_",
    "sparse_",
    "calculate_gain",
]
UTILS = ["clip_grad_norm_", "clip_grad_value_"]

RANGES = {
    "linear weight": "nn.Linear(100, 2000).weight",
    "linear bias": "nn.Linear(16, 4000).bias",
    "bilinear weight": "nn.Bilinear(100, 4, 500).weight",
    "bilinear bias": "nn.Bilinear(25, 4, 4000).bias",
    "embedding": "nn.Embedding(500, 100).weight",
    "batch norm": "nn.BatchNorm1d(100).weight",
    "prelu": "nn.PReLU(10).weight",
    "xavier uniform": "nn.init.xavier_uniform_(torch.empty(300, 500))",
    "xavier normal": "nn.init.xavier_normal_(torch.empty(300, 500), gain=2.0)",
    "kaiming uniform": "nn.init.kaiming_uniform_(torch.empty(300, 500), nonlinearity='relu')",
    "kaiming normal": "nn.init.kaiming_normal_(torch.empty(300, 500), mode='fan_out')",
    "uniform": "nn.init.uniform_(torch.empty(300, 500), -1.0, 3.0)",
    "normal": "nn.init.normal_(torch.empty(300, 500), 1.0, 0.5)",
    "truncated": "nn.init.trunc_normal_(torch.empty(300, 500), std=2.0)",
    "orthogonal": "nn.init.orthogonal_(torch.empty(300, 100), gain=2.0)",
    "sparse": "nn.init.sparse_(torch.empty(300, 500), 0.5)",
}

LOSSES = [
    "nn.MSELoss({})(x, y)",
    "nn.L1Loss({})(x, y)",
    "nn.SmoothL1Loss({})(x, y)",
    "nn.SmoothL1Loss(beta=0.3, {})(x, y)",
    "nn.HuberLoss({})(x, y)",
    "nn.HuberLoss(delta=0.3, {})(x, y)",
    "nn.CrossEntropyLoss({})(x, c)",
    "nn.CrossEntropyLoss({})(x, p)",
    "nn.CrossEntropyLoss(weight=w, {})(x, c)",
    "nn.CrossEntropyLoss(weight=w, ignore_index=1, label_smoothing=0.2, {})(x, c)",
    "nn.NLLLoss({})(torch.log(p), c)",
    "nn.NLLLoss(w, ignore_index=2, {})(torch.log(p), c)",
    "nn.BCELoss({})(p, b)",
    "nn.BCELoss(w, {})(p, b)",
    "nn.BCEWithLogitsLoss({})(x, b)",
    "nn.BCEWithLogitsLoss(w, pos_weight=2 * w, {})(x, b)",
    "nn.KLDivLoss({})(torch.log(p), q)",
    "nn.KLDivLoss(log_target=True, {})(torch.log(p), torch.log(q))",
    "nn.PoissonNLLLoss({})(x, k)",
    "nn.PoissonNLLLoss(log_input=False, full=True, {})(p, k)",
    "nn.GaussianNLLLoss({})(x, y, p)",
    "nn.GaussianNLLLoss(full=True, {})(x, y, p)",
    "nn.SoftMarginLoss({})(x, s)",
    "nn.MultiLabelSoftMarginLoss({})(x, b)",
    "nn.MultiMarginLoss({})(x, c)",
    "nn.MultiMarginLoss(p=2, margin=0.5, weight=w, {})(x, c)",
    "nn.HingeEmbeddingLoss({})(x, s)",
    "nn.MarginRankingLoss({})(x, y, s)",
    "nn.MarginRankingLoss(margin=0.2, {})(x, y, s)",
    "nn.CosineEmbeddingLoss({})(x, y, s[:, 0])",
    "nn.CosineEmbeddingLoss(margin=0.3, {})(x, y, s[:, 0])",
    "nn.TripletMarginLoss({})(x, y, p)",
    "nn.TripletMarginLoss(swap=True, p=1.0, {})(x, y, p)",
]

LAYERS_OF_FUNCTIONS = [
    "nn.ReLU()", "nn.ReLU6()", "nn.LeakyReLU()", "nn.LeakyReLU(0.3)", "nn.ELU()", "nn.ELU(0.5)", "nn.SELU()", "nn.CELU(0.5)",
    "nn.GELU()", "nn.GELU('tanh')", "nn.SiLU()", "nn.Mish()", "nn.Hardswish()", "nn.Hardsigmoid()", "nn.Hardtanh()",
    "nn.Hardtanh(-0.5, 0.2)", "nn.Hardshrink()", "nn.Softshrink()", "nn.Tanhshrink()", "nn.Threshold(0.1, 20.0)",
    "nn.Softplus()", "nn.Softplus(2.0, 1.0)", "nn.Softsign()", "nn.Sigmoid()", "nn.Tanh()", "nn.LogSigmoid()",
    "nn.Softmax(dim=1)", "nn.Softmin(0)", "nn.LogSoftmax(-1)", "nn.GLU()", "nn.PReLU().double()", "nn.Flatten(0)",
    "nn.Unflatten(1, (2, 2))", "nn.Identity()", "nn.BatchNorm1d(4).double()", "nn.BatchNorm1d(4).double().eval()",
    "nn.BatchNorm1d(4, eps=0.1, affine=False).double()", "nn.LayerNorm(4).double()", "nn.LayerNorm((3, 4), eps=0.1).double()",
    "nn.GroupNorm(2, 4).double()", "nn.RMSNorm(4).double()",
]  # fmt: skip


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
