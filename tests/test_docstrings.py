"""Every public name has a numpydoc docstring that names each parameter, and its examples run."""

from __future__ import annotations

import doctest
import inspect
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpydoc.docscrape import NumpyDocString

import jitgrad as jg
from tests.printed import alike
from tests.public import members, public_names

NAMES = dict(public_names())
CLASSES = {name: obj for name, obj in NAMES.items() if inspect.isclass(obj)}
CLASSES |= {f"{type(obj).__module__}.{type(obj).__name__}": type(obj) for obj in NAMES.values() if not callable(obj)}
MEMBERS = {id(value): (f"{owner}.{name}", value) for owner, cls in CLASSES.items() for name, value in members(cls)}
MEMBERS = dict(MEMBERS.values())  # each once, whichever classes share it

TEXTS = {name: inspect.getdoc(obj) or "" for name, obj in (NAMES | MEMBERS).items()}
EXAMPLES = {name: text for name, text in TEXTS.items() if ">>> " in text}


class Checker(doctest.OutputChecker):
    """Compare outputs, of which numbers may differ in the last digits, as between processors."""

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        return super().check_output(want, got, optionflags) or alike(got, want)


def parsed(obj: Any) -> NumpyDocString:
    return NumpyDocString(inspect.getdoc(obj) or "")


def parameters(obj: Any) -> list[str]:
    """Return the names of the parameters that a docstring must have, with their stars."""
    stars = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    try:
        signature = inspect.signature(obj)
    except ValueError:  # a builtin's constructor, such as that of an exception
        return []
    return [
        stars.get(p.kind, "") + p.name
        for p in signature.parameters.values()
        if p.name not in ("self", "cls") and not p.name.startswith("_")
    ]


def is_attached(value: Any) -> bool:
    """Return whether a method is a function whose first parameter has another name, which may be documented."""
    return inspect.isfunction(value) and next(iter(inspect.signature(value).parameters), "self") not in ("self", "cls")


def documented(section: list[Any]) -> list[str]:
    return [name.strip() for entry in section for name in entry.name.split(",")]


def check_parameters(obj: Any, doc: NumpyDocString, skip: int = 0) -> None:
    have = documented(doc["Parameters"]) + documented(doc["Other Parameters"])
    expected = parameters(obj)
    assert have in (expected, expected[skip:]), f"Parameters has {have}, the signature {expected}"
    untyped = [entry.name for entry in doc["Parameters"] if not entry.type]
    assert not untyped, f"{untyped} have no type"


def gives_something(obj: Any) -> bool:
    annotation = getattr(obj, "__annotations__", {}).get("return", "something")
    return annotation not in (None, "None", "Never", "NoReturn")


@pytest.mark.parametrize("name", NAMES)
def test_a_public_name_has_a_docstring(name: str) -> None:
    obj = NAMES[name]
    doc = parsed(obj)
    assert " ".join(doc["Summary"]).endswith("."), "the summary is one sentence"
    is_exception = inspect.isclass(obj) and issubclass(obj, Exception)
    if callable(obj) and not is_exception:
        check_parameters(obj, doc)
    if callable(obj) and not inspect.isclass(obj) and gives_something(obj):
        assert doc["Returns"] or doc["Yields"], "no Returns"
    assert any(line.lstrip().startswith(">>> ") for line in doc["Examples"]), "no Examples"


@pytest.mark.parametrize("name", MEMBERS)
def test_a_method_has_a_docstring(name: str) -> None:
    value = MEMBERS[name]
    doc = parsed(value)
    assert doc["Summary"], "no summary"
    if not isinstance(value, property):
        f = value.__func__ if isinstance(value, (classmethod, staticmethod)) else value
        check_parameters(f, doc, skip=1 if is_attached(value) else 0)
        if gives_something(f):
            assert doc["Returns"] or doc["Yields"], "no Returns"


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = EXAMPLES[name]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").symlink_to(Path(__file__).parents[1] / "data")
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    test = doctest.DocTestParser().get_doctest(text, {"jg": jg, "np": np}, name, None, None)
    said = io.StringIO()
    doctest.DocTestRunner(Checker(), verbose=False, optionflags=flags).run(test, out=said.write)
    assert not said.getvalue(), said.getvalue()
