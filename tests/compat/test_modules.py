"""Modules under second names, and what is said of names and modules that are not there."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jitgrad.compat import modules
from jitgrad.errors import JitgradError


@pytest.fixture(autouse=True)
def _afterwards(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A package to give second names to; all is as before when a test ends."""
    for name, text in {
        "__init__": "",
        "inner/__init__": "x = 1",
        "inner/deep": "y = 2",
        "broken": "import nothing_like_it",
    }.items():
        file = tmp_path / "first" / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(modules._ALIASES, "targets", dict(modules._ALIASES.targets))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_a_module_is_one_under_both_names() -> None:
    modules.alias("second", "first")
    import first.inner
    import second.inner as inner

    assert inner is first.inner and sys.modules["second"] is sys.modules["first"]
    assert importlib.import_module("second.inner.deep") is importlib.import_module("first.inner.deep")
    assert (inner.__name__, inner.__spec__.name) == ("first.inner", "first.inner")
    assert importlib.util.find_spec("second") is not None


def test_a_second_name_below_a_module() -> None:
    modules.alias("first.other", "first.inner")
    modules.alias("second", "first")
    import second.other.deep

    assert sys.modules["second.other.deep"] is importlib.import_module("first.inner.deep")
    assert second.other is importlib.import_module("first.inner")  # type: ignore[attr-defined]


def test_a_module_that_is_not_there_is_named_as_it_was_asked_for() -> None:
    modules.alias("second", "first")
    with pytest.raises(modules.MissingModuleError, match=r"does not have the module second.nowhere. Import names from"):
        importlib.import_module("second.nowhere")
    with pytest.raises(modules.MissingModuleError, match=r"the module second.nowhere\."):
        importlib.import_module("second.nowhere.at.all")
    with pytest.raises(ModuleNotFoundError, match="nothing_like_it") as caught:
        importlib.import_module("second.broken")
    assert not isinstance(caught.value, modules.MissingModuleError)


def test_a_name_that_is_taken() -> None:
    importlib.import_module("first")
    with pytest.raises(JitgradError, match=r"first is imported already, from .*first.__init__\.py. Start a new process"):
        modules.alias("first", "second")
    modules.alias("second", "first")
    importlib.import_module("second")
    modules.alias("second", "first")  # once more is no other thing


def test_missing_names() -> None:
    refuse = modules.missing("tensorflow.math", ["reduce_mean", "square"], {"fft": "It has no transforms."})
    for name, advice in {
        "reduce_men": "Did you mean 'reduce_mean'?",
        "zeta": "It has reduce_mean, square.",
        "fft": "It has no transforms.",
    }.items():
        with pytest.raises(modules.MissingNameError) as caught:
            refuse(name)
        assert str(caught.value) == f"jitgrad does not have tensorflow.math.{name}. {advice}"
        assert isinstance(caught.value, AttributeError)
    with pytest.raises(AttributeError, match=r"^__path__$"):
        refuse("__path__")
