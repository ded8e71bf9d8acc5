"""Compare figures with their expected values. The exit status shows whether all agree."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np


class Report:
    """Prints one line per figure."""

    def __init__(self, program: str) -> None:
        self.program = program
        self.failed = 0
        print(f"\n{program}: expected and computed values")

    def check(self, what: str, expected: Any, got: Any) -> None:
        """Check that two values are equal; arrays element by element."""
        self._line(what, expected, got, bool(np.array_equal(np.asarray(expected), np.asarray(got))))

    def close(self, what: str, expected: float, got: float, tolerance: float, relative: bool = False) -> None:
        """Check that two values agree within ``tolerance``: relative, or by default relative above 1 and absolute below."""
        scale = abs(expected) if relative else max(1.0, abs(expected))
        self._line(what, expected, got, bool(abs(expected - got) <= tolerance * scale))

    def finish(self) -> None:
        """Exit with status 1 if a figure was off."""
        print(f"{self.program}: {'all figures agree' if not self.failed else f'{self.failed} figures are off'}")
        sys.exit(1 if self.failed else 0)

    def _line(self, what: str, expected: Any, got: Any, good: bool) -> None:
        self.failed += not good
        print(f"  {'ok ' if good else 'OFF'} {what}: {_text(expected)}, {_text(got)}")


def _text(value: Any) -> str:
    return np.array2string(np.asarray(value), separator=", ").replace("\n", "") if np.ndim(value) else str(value)
