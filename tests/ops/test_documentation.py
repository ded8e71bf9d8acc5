"""The docstrings of ops follow from their rows: signatures, formulas and derivatives."""

from __future__ import annotations

import inspect
import math
import pickle
from typing import Any

import numpy as np
import pytest

import jitgrad as jg
from jitgrad.errors import UnsupportedError
from jitgrad.ops import OPS
from jitgrad.ops.documentation import derivatives, formula, operand_names
from jitgrad.ops.symbolic import Text, expression
from jitgrad.ops.table import BinaryOp, Op, TernaryOp, UnaryOp
from tests.ops.cases import ROWS, label, operands_of
from tests.ops.cases import Case as Use

ELEMENTWISE = [op for op in ROWS if op.partials]
NAMES: dict[str, Any] = {op.name: op.numpy for op in OPS.values() if op.partials}
NAMES |= {"pi": math.pi, "inf": math.inf, "max": max, "min": min, "lgamma": OPS["gammaln"].numpy}


@pytest.mark.parametrize("op", ELEMENTWISE, ids=label)
def test_formulas_of_the_docstring_are_what_the_op_computes(op: Op, draw: np.random.Generator) -> None:
    assert op.arity is not None
    operands = operands_of(op, Use(((4,),) * op.arity), np.float64, draw)
    y = np.asarray(op.numpy(*operands), float)
    texts = {formula(op): y}
    for i, text in enumerate(derivatives(op)):
        if text is not None:
            others = [jg.tensor(x) for x in operands]
            slope = jg.grad(lambda x, i=i, others=others: jg.sum(op(*others[:i], x, *others[i + 1 :])))(others[i])
            texts[text] = np.asarray(slope)
    for text, expected in texts.items():
        for k in range(4):
            names = dict(zip(operand_names(op), [x[k] for x in operands], strict=True))
            np.testing.assert_allclose(eval(text, NAMES | names | {"y": y[k]}), expected[k], rtol=1e-6, atol=1e-9)


def test_kinds_follow_the_number_of_operands() -> None:
    kinds = {1: UnaryOp, 2: BinaryOp, 3: TernaryOp}
    assert all(type(op) is kinds[op.arity] for op in ELEMENTWISE if op.arity in kinds)
    assert pickle.loads(pickle.dumps(jg.tanh)) is jg.tanh


def test_signatures_name_the_operands() -> None:
    assert str(inspect.signature(jg.tanh)) == "(x, /)"
    assert str(inspect.signature(jg.where)) == "(c, a, b, /)"
    assert str(inspect.signature(jg.special.gammainc)) == "(a, x, /)"
    assert list(inspect.signature(Op).parameters)[:2] == ["name", "arity"]


def test_classes_have_their_own_docstrings() -> None:
    assert str(Op.__doc__).startswith("One row of the op table.")
    assert str(UnaryOp.__doc__).startswith("An elementwise op of one operand.")
    assert str(jg.tanh.__doc__).startswith("tanh(x, /)\n\nHyperbolic tangent.")


def test_expressions_have_the_parentheses_that_they_need() -> None:
    a, b, c = Text("a"), Text("b"), Text("c")
    expected = {
        "a - (b - c)": a - (b - c),
        "(a - b) / (b * c)": (a - b) / (b * c),
        "-(a + b) / c": -(a + b) / c,
        "-a * b": -a * b,
        "(a * b)**(c + 1)": (a * b) ** (c + 1),
        "2 / a - 0.5": 2 / a - 0.5,
        "1 - sqrt(pi) / 2 * a": 1 - math.sqrt(math.pi) / 2 * a,
        "a - -1": a - -1,
    }
    for text, made in expected.items():
        assert str(made) == text


def test_a_rule_without_a_derivative_raises() -> None:
    rule = OPS["jv"].partials[0]
    assert rule is not None
    with pytest.raises(UnsupportedError, match="order"):
        expression(rule, ["a", "b", "y"])
