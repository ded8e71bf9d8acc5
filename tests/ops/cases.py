"""What the walk over the op table tries each op with.

Elementwise ops need no case: their row has a domain, and shapes to broadcast are made up here. Every other op needs at least
one case; the walk fails for an op that has none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from jitgrad.ops import OPS, Op
from jitgrad.program.branches import REGIONS

BROADCASTS = {
    1: [((),), ((3,),), ((2, 3),), ((1, 1),), ((0,),)],
    2: [
        ((), ()), ((3,), (3,)), ((3,), ()), ((), (3,)),
        ((2, 3), (3,)), ((2, 1), (1, 3)), ((2, 3), (2, 1)), ((4, 1, 3), (2, 1)), ((0, 3), (3,)),
    ],
    3: [
        ((), (), ()), ((3,), (3,), (3,)), ((2, 3), (3,), ()), ((2, 3), (), (2, 1)),
        ((1,), (2, 3), (2, 3)), ((2, 1), (1, 3), (2, 3)),
    ],
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """Operands' shapes and attributes of one use of an op. ``integers`` gives the operands that are indices, by position."""

    shapes: tuple[tuple[int, ...], ...]
    attrs: dict[str, Any] = field(default_factory=dict)
    integers: dict[int, list[Any]] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.shapes} {self.attrs}"


STRUCTURED: dict[str, list[Case]] = {
    "reshape": [Case(((2, 3),), {"shape": (3, 2)}), Case(((),), {"shape": (1, 1)}), Case(((0, 3),), {"shape": (0,)})],
    "transpose": [
        Case(((2, 3),), {"axes": (1, 0)}),
        Case(((2, 3, 4),), {"axes": (2, 0, 1)}),
        Case(((2, 1, 3),), {"axes": (1, 0, 2)}),
    ],
    "broadcast_to": [
        Case(((3,),), {"shape": (2, 3)}),
        Case(((2, 1),), {"shape": (4, 2, 3)}),
        Case(((),), {"shape": (2,)}),
        Case(((1, 3),), {"shape": (0, 3)}),
    ],
    "sum": [Case(((2, 3, 4),), {"axes": axes}) for axes in [(), (0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)]]
    + [Case(((0, 3),), {"axes": (0,)}), Case(((1,),), {"axes": (0,)})],
    "max": [Case(((2, 3, 4),), {"axes": axes}) for axes in [(0,), (1,), (2,), (0, 2), (0, 1, 2)]]
    + [Case(((1,),), {"axes": (0,)})],
    "min": [Case(((2, 3, 4),), {"axes": axes}) for axes in [(0,), (1,), (2,), (0, 2), (0, 1, 2)]],
    "slice": [
        Case(((5, 4),), {"starts": (1, 3), "steps": (2, -1), "shape": (2, 4)}),
        Case(((5,),), {"starts": (4,), "steps": (-2,), "shape": (3,)}),
        Case(((5, 3),), {"starts": (2, 0), "steps": (1, 1), "shape": (2, 3)}),
        Case(((5,),), {"starts": (0,), "steps": (1,), "shape": (0,)}),
    ],
    "pad": [
        Case(((2, 4),), {"starts": (1, 3), "steps": (2, -1), "shape": (5, 4)}),
        Case(((3,),), {"starts": (4,), "steps": (-2,), "shape": (5,)}),
    ],
    "concatenate": [
        Case(((2, 3), (1, 3), (2, 3)), {"axis": 0}),
        Case(((2, 3), (2, 1)), {"axis": 1}),
        Case(((2,), (0,)), {"axis": 0}),
        Case(((2, 3, 2), (2, 1, 2)), {"axis": 1}),
    ],
    "gather": [
        Case(((4, 3), (2,)), {"axis": 0}, {1: [3, 1]}),
        Case(((4,), (2, 2)), {"axis": 0}, {1: [[0, -1], [2, 0]]}),
        Case(((2, 3), ()), {"axis": 0}, {1: 1}),
        Case(((2, 3, 2), (4,)), {"axis": 1}, {1: [2, 0, 0, -3]}),
        Case(((2, 3), (2, 1)), {"axis": 1}, {1: [[2], [0]]}),
    ],
    "scatter": [
        Case(((2, 3), (2,)), {"axis": 0, "rows": 4}, {1: [3, 3]}),
        Case(((2, 2), (2, 2)), {"axis": 0, "rows": 3}, {1: [[0, 1], [2, 1]]}),
        Case(((2, 4, 2), (4,)), {"axis": 1, "rows": 3}, {1: [2, 0, 0, -3]}),
    ],
    "cumsum": [
        Case(((2, 3, 4),), {"axis": axis, "reverse": reverse}) for axis in range(3) for reverse in (False, True)
    ]
    + [Case(((0,),), {"axis": 0, "reverse": False}), Case(((1,),), {"axis": 0, "reverse": True})],
    "argmax": [Case(((5,),)), Case(((2, 3),)), Case(((2, 1),))],
    "argsort": [Case(((17,),)), Case(((2, 3),)), Case(((2, 1),)), Case(((2, 0),))],
    "solve": [Case(((3, 3), (3, 2))), Case(((2, 2, 2), (2, 2, 1))), Case(((1, 1), (1, 1)))],
    "determinant": [Case(((3, 3),)), Case(((2, 2, 2),)), Case(((1, 1),))],
    "cholesky": [Case(((3, 3),)), Case(((2, 2, 2),)), Case(((1, 1),))],
    "cofactor": [Case(((3, 3),)), Case(((2, 2, 2),)), Case(((1, 1),))],
    "eigh": [Case(((3, 3),)), Case(((2, 2, 2),)), Case(((1, 1),))],
    "svd": [Case(shapes, {"full": False}) for shapes in [((3, 3),), ((4, 2),), ((2, 2, 4),), ((1, 1),)]]
    # More vectors than one beyond the first are any that complete a basis, so that differences tell nothing of them.
    + [Case(shapes, {"full": True}) for shapes in [((3, 3),), ((3, 2),), ((2, 2, 3),), ((1, 1),)]],
    "pinv": [Case((shape, ())) for shape in [(3, 3), (4, 2), (2, 2, 4), (1, 1)]],
    "qr": [Case(((3, 3),)), Case(((4, 2),)), Case(((2, 3, 2),)), Case(((1, 1),))],
    "uniform": [
        Case(((5,),), {"shape": (2, 3), "stream": 0}, {0: [5, 7, 11, 13, 17]}),
        Case(((5,),), {"shape": (), "stream": 65535}, {0: [2**22 - 1, 2**21 - 1, 2**21 - 1, 2**24 - 1, 2**24 - 1]}),
    ],
    "matmul": [
        Case(((2, 3), (3, 4))),
        Case(((5, 7), (7, 6))),
        Case(((1, 1), (1, 1))),
        Case(((2, 0), (0, 3))),
        Case(((2, 2, 3), (2, 3, 4))),
        Case(((2, 2, 3), (3, 4))),
        Case(((2, 1, 2, 3), (3, 3, 2))),
    ],
}  # fmt: skip


def cases_of(op: Op) -> list[Case]:
    """All cases of an op; raises KeyError for one that nobody wrote a case for."""
    if op.partials:
        assert op.arity is not None
        shapes = BROADCASTS[op.arity]
        return [Case(given) for given in (shapes if op.value is not None else shapes[2:5])]  # one way for all that are called
    return STRUCTURED[op.name]


def operands_of(op: Op, case: Case, dtype: Any, draw: np.random.Generator) -> list[np.ndarray]:
    """Operands in the op's domain, away from ties, as ``dtype``; indices as integers."""
    domain = op.domain or ((-3.0, 3.0),) * len(case.shapes)
    made = []
    for i, shape in enumerate(case.shapes):
        if i in case.integers:
            made.append(np.array(case.integers[i], np.int64))
            continue
        low, high = domain[i]
        values = draw.uniform(low, high, shape)
        for tie in op.ties:
            values = np.where(np.abs(values - tie) < 0.1, values + 0.3, values)
        made.append(np.asarray(values, dtype))
    if op.name == "where":
        made[0] = np.asarray(made[0] > 0, dtype)
    if op.name == "uniform":
        made[0] = made[0].astype(dtype)
    if op.name == "pinv":
        made[1] = np.asarray(1e-5, dtype)
    if op.name == "polygamma":
        made[0] = np.floor(made[0])
    positive = op.name in ("cholesky", "eigh")
    if positive or op.name in ("solve", "determinant", "cofactor"):  # well-conditioned, and positive definite
        a = made[0] / 6
        made[0] = (a @ a.swapaxes(-1, -2) if positive else a) + np.eye(a.shape[-1], dtype=dtype)
    return made


def each(value: Any) -> tuple[Any, ...]:
    """The results of an op, one or several."""
    return value if isinstance(value, tuple) else (value,)


# Operands by which an op has no second derivative, or none at all, and says so; see tests/functions/test_special.py.
CONSTANT = {
    **dict.fromkeys(["jv", "yv", "iv", "ive", "kv", "kve", "gammainc", "gammaincc", "gammainc_by_a"], (0,)),
    **dict.fromkeys(["betainc", "betainc_by_a", "betainc_by_b"], (0, 1)),
}


def differentiable(op: Op, case: Case, operands: list[np.ndarray]) -> tuple[Callable[..., Any], list[np.ndarray]]:
    """The op as a function of those operands that have a derivative, and these."""
    free = [i for i in range(len(operands)) if op.passes(i) and i not in CONSTANT.get(op.name, ())]

    def f(*given: Any) -> Any:
        every: list[Any] = list(operands)
        for i, x in zip(free, given, strict=True):
            every[i] = x
        return op(*every, **case.attrs)

    return f, [operands[i] for i in free]


# Without the ops that other tests declare, that which gives one of several results, and loops: see tests/tape/test_loop.py.
ROWS = [op for op in OPS.values() if op.kernel is None and op.name not in ("get", *REGIONS)]
ALL = [(op, case) for op in ROWS for case in cases_of(op)]


def has_derivative(op: Op) -> bool:
    """Whether some operand has one."""
    return op.pullback is not None or any(op.vjps)


def label(value: Any) -> str | None:
    """A readable test name."""
    return value.name if isinstance(value, Op) else str(value) if isinstance(value, Case) else None
