"""What errors say, and what they are about."""

from __future__ import annotations

import pickle

import pytest

from jitgrad.arguments import count
from jitgrad.errors import ArgumentError, MissingError


def test_an_error_names_the_argument_that_it_is_about() -> None:
    with pytest.raises(ArgumentError, match=r"^steps is 0\. Give at least 1\.$") as raised:
        count("steps", 0)
    error = pickle.loads(pickle.dumps(raised.value))
    assert error.argument == "steps" and str(error) == str(raised.value)
    error.argument = "--steps"
    assert str(error) == "--steps is 0. Give at least 1."


def test_a_message_without_an_argument_stays_as_it_is() -> None:
    assert str(ArgumentError("A column '{argument}' has \x1b in it.")) == "A column '{argument}' has \\x1b in it."
    assert (str(MissingError("There is no x.")), MissingError("x").argument) == ("There is no x.", "")
