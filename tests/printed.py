"""Comparing what is printed with what was expected."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"[-+]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?")
_NEAR = 2e-3


def alike(printed: str, said: str) -> bool:
    """Whether two texts are the same but for the last digits of numbers, and for times in seconds."""
    printed, said = (re.sub(r"\d[\d.]* m?s\b", "0 s", text.rstrip()) for text in (printed, said))
    words = [[word.rstrip() for word in _NUMBER.sub("#", text).split("\n")] for text in (printed, said)]
    numbers = [[float(number.replace(",", "")) for number in _NUMBER.findall(text)] for text in (printed, said)]
    if words[0] != words[1]:
        return False
    return all(abs(a - b) <= _NEAR * max(abs(a), abs(b)) for a, b in zip(*numbers, strict=True))
