"""``axis`` and ``keepdims``, NumPy's names for ``dim`` and ``keepdim``, which PyTorch's functions also accept."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])
_NAMES = {"axis": "dim", "keepdims": "keepdim"}


def numpy_names(function: F) -> F:
    """Make a function accept ``axis`` as well as ``dim``, and ``keepdims`` as well as ``keepdim``."""

    @functools.wraps(function)
    def called(*args: Any, **named: Any) -> Any:
        for other, name in _NAMES.items() if named else ():
            if other in named:
                if name in named:
                    raise TypeError(f"{function.__name__}() got both {name!r} and {other!r}. Give one of them.")
                named[name] = named.pop(other)
        return function(*args, **named)

    return called  # type: ignore[return-value]
