"""The error if an engine is not installed."""

from __future__ import annotations

import importlib
import sys

import pytest

from jitgrad.errors import MissingError


@pytest.mark.parametrize(("engine", "package"), [("spark", "pyspark"), ("dask", "dask"), ("ray", "ray")])
def test_an_engine_that_is_not_installed_says_how_to_install_it(
    engine: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, f"jitgrad.distributed.{engine}", raising=False)
    with pytest.raises(MissingError, match=rf"pip install 'jitgrad\[{engine}\]'"):
        importlib.import_module(f"jitgrad.distributed.{engine}")
