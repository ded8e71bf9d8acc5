"""The number of trips of a loop, which must be known when the loop is recorded."""

from __future__ import annotations

import operator
from typing import Any

from jitgrad.arguments import count
from jitgrad.errors import TracingError
from jitgrad.tape.operators import Operators


def known_integer(what: str, name: str, value: Any, low: int = 0) -> int:
    """Return an integer. Raise TracingError if it is a Tensor whose value is not known while a function is recorded."""
    if isinstance(value, Operators) and value.dtype.kind == "i":
        try:
            value = operator.index(value)
        except TracingError:
            raise TracingError(
                f"{what}: {name} is a Tensor whose value is not known while the function is recorded, so neither is the number "
                f"of trips. Pass a Python integer, or use jg.while_loop, which has derivatives in forward mode."
            ) from None
    return count(name, value, low=low, high=2**53)
