"""What tests of the tape share."""

from __future__ import annotations

import pytest

from jitgrad.tape import path


@pytest.fixture(params=[True, False], ids=["replayed", "anew"])
def both_ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test runs twice: with what paths remember, and without."""
    monkeypatch.setattr(path, "REPLAY", request.param)
