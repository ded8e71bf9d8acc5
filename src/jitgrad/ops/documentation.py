"""The docstring and the signature of an elementwise op, which are generated from its row on request."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from jitgrad.errors import UnsupportedError
from jitgrad.ops.symbolic import expression, parameter_names

if TYPE_CHECKING:
    from jitgrad.ops.table import Op

_DEFAULT_NAMES = {1: ("x",), 2: ("a", "b"), 3: ("c", "a", "b")}
_EXAMPLE_VALUES = (-1.5, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0)


@dataclass(frozen=True)
class Doc:
    """The parts of a docstring that do not follow from the rest of a row.

    Attributes
    ----------
    summary : str
        The first sentence, with its period.
    formula : str
        The value in terms of the operands. By default, the text that the row computes.
    derivatives : sequence of str or None
        The partial derivatives as text, for rows whose rules handle edge cases that would clutter the text. None keeps the
        text of the rule.
    parameters : dict of str to str
        The meaning of each operand, by name. An operand without an entry is described as "Input."
    edges : str
        Where the function or a derivative is infinite or undefined, instead of the sentence that follows from the row.
    notes : str
        Further paragraphs: conventions at kinks, source.
    example : sequence of sequences of float
        The operands of the example, one sequence for each. By default, numbers from the row's domain.
    see : sequence of str
        Related functions of jitgrad, such as "arctanh : Inverse hyperbolic tangent."
    """

    summary: str
    formula: str = ""
    derivatives: Sequence[str | None] = ()
    parameters: dict[str, str] = field(default_factory=dict)
    edges: str = ""
    notes: str = ""
    example: Sequence[Sequence[float]] = ()
    see: Sequence[str] = ()


class OfInstance:
    """An attribute that is computed for instances, although the class has a different value or none."""

    def __init__(self, compute: Any, of_class: str | None = None) -> None:
        self._compute = compute
        self._of_class = of_class

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is not None:
            return self._compute(instance)
        if self._of_class is None:
            raise AttributeError("A class has no such attribute. Use an instance.")
        return self._of_class


def operand_names(op: Op) -> tuple[str, ...]:
    """Return the names of the operands: those in the rules of the row, or default names."""
    count = len(op.partials)
    for rule in op.partials:
        names = parameter_names(rule) if rule is not None else []
        if len(names) == count + 1:
            return tuple(names[:count])
    return _DEFAULT_NAMES[count]


def signature(op: Op) -> inspect.Signature | None:
    """Return the signature of an elementwise op, or None for other ops."""
    if not op.partials:
        return None
    return inspect.Signature([inspect.Parameter(name, inspect.Parameter.POSITIONAL_ONLY) for name in operand_names(op)])


def docstring(op: Op) -> str:
    """Return the docstring of an op: the full docstring for an elementwise op, otherwise the summary."""
    doc = op.doc if isinstance(op.doc, Doc) else Doc(op.doc)
    if not op.partials or not doc.summary:
        return doc.summary
    names = operand_names(op)
    sections = [f"{op.name}({', '.join(names)}, /)", doc.summary]
    sections += [_section("Parameters", _parameters(doc, names)), _section("Returns", _returned(op, names))]
    see = [*_namesake(op), *doc.see]
    sections += [_section("See Also", "\n".join(see))] if see else []
    sections.append(_section("Notes", "\n\n".join(_notes(op, doc, names))))
    sections.append(_section("Examples", _example(op, doc)))
    return "\n\n".join(sections) + "\n"


def formula(op: Op) -> str:
    """Return the value of an op as text in terms of its operands."""
    given = op.doc.formula if isinstance(op.doc, Doc) else ""
    if given:
        return given
    names = operand_names(op)
    if op.value is None:
        return f"{op.name}({', '.join(names)})"
    renamed = dict(zip(_DEFAULT_NAMES[len(names)], names, strict=True))
    return re.sub(r"\b[abcx]\b", lambda match: renamed[match[0]], op.value)


def derivatives(op: Op) -> list[str | None]:
    """Return the partial derivatives of an op as text, with None for an operand without one."""
    given = op.doc.derivatives if isinstance(op.doc, Doc) else ()
    names = [*operand_names(op), "y"]
    texts: list[str | None] = []
    for i, rule in enumerate(op.partials):
        text = given[i] if i < len(given) else None
        if text is None and rule is not None:
            try:
                text = expression(rule, names)
            except UnsupportedError:
                text = None
        texts.append(text)
    return texts


def _section(title: str, text: str) -> str:
    return f"{title}\n{'-' * len(title)}\n{text}"


def _parameters(doc: Doc, names: Sequence[str]) -> str:
    if not doc.parameters and len(names) > 1:
        return f"{', '.join(names)} : array_like\n    Inputs. Their shapes must broadcast."
    return "\n".join(f"{name} : array_like\n    {doc.parameters.get(name, 'Input.')}" for name in names)


def _returned(op: Op, names: Sequence[str]) -> str:
    shape = f"shape of ``{names[0]}``" if len(names) == 1 else "broadcast shape"
    kinds = {"float": f"the {shape} and a floating-point dtype", "bool": f"the {shape} and boolean dtype"}
    same = f"the shape and dtype of ``{names[0]}``; booleans become integers" if len(names) == 1 else f"the {shape}"
    return f"Tensor\n    The element-wise result, of {kinds.get(str(op.result), same)}."


def _namesake(op: Op) -> list[str]:
    name = getattr(op.numpy, "__name__", "")
    if getattr(np, op.name, None) is op.numpy:
        return [f"numpy.{name} : The same function in NumPy."]
    if getattr(op.numpy, "__module__", "") == "scipy.special":
        return [f"scipy.special.{name} : The same function in SciPy."]
    return []


def _notes(op: Op, doc: Doc, names: Sequence[str]) -> Iterator[str]:
    texts = derivatives(op)
    rules = [f"    dy/d{name} = {text}" for name, text in zip(names, texts, strict=True) if text is not None]
    lines = [f"    y = {formula(op)}", *rules]
    yield (
        "Value and derivatives::\n\n" if len(rules) > 1 else "Value and derivative::\n\n" if rules else "Value::\n\n"
    ) + "\n".join(lines)
    missing = [name for name, text, rule in zip(names, texts, op.partials, strict=True) if text is None and rule is not None]
    if missing:
        yield f"The derivative with respect to {' and '.join(f'``{name}``' for name in missing)} is not available."
    constant = [f"``{name}``" for name, rule in zip(names, op.partials, strict=True) if rule is None]
    if rules and constant:
        yield f"No gradient flows to {' and '.join(constant)}."
    if op.result == "bool":
        yield "The result has no derivative."
    yield from [doc.edges] if doc.edges else _singular(op, names)
    if doc.notes:
        yield doc.notes


def _singular(op: Op, names: Sequence[str]) -> Iterator[str]:
    places = [f"{name} = {x:g}" for name, points in zip(names, op.singular, strict=True) for x in points]
    if places:
        verb = "is" if len(names) == 1 else "can be"
        yield f"The function or a derivative {verb} infinite or undefined at {' or '.join(places)}."


def _example(op: Op, doc: Doc) -> str:
    operands = doc.example or [_values(i, *interval) for i, interval in enumerate(op.domain)]
    value = np.asarray(op.numpy(*[np.array(x) for x in operands]))
    rounded = value if op.result == "bool" else np.round(value.astype(float), 4)
    module = "" if op.value is not None else "special."
    arguments = ", ".join(f"np.array({list(x)})" for x in operands)
    rounding = "" if op.result == "bool" else ".round(4)"
    return f">>> jg.{module}{op.name}({arguments}).numpy(){rounding}\n{rounded!r}"


def _values(i: int, low: float, high: float) -> list[float]:
    """Return three numbers from an interval, in a different order for each operand."""
    inside = [x for x in _EXAMPLE_VALUES if low <= x <= high]
    values = [inside[0], inside[len(inside) // 2], inside[-1]]
    return values[i:] + values[:i]
