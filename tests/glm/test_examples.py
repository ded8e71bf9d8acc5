"""The examples of docstrings run, and print what they say."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

from jitgrad import glm

MODULES = [module.name for module in pkgutil.iter_modules(glm.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    failed, _ = doctest.testmod(importlib.import_module(f"jitgrad.glm.{name}"))
    assert not failed


def test_what_is_public_has_an_example() -> None:
    public = [getattr(glm, name) for name in glm.__all__]
    for each in public:
        if callable(each) and not isinstance(each, type):
            assert ">>>" in (each.__doc__ or ""), each
