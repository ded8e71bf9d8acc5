"""Categories that were not seen in training."""

from __future__ import annotations

import polars as pl

from jitgrad.arguments import by_name

UNSEEN = ("reference", "missing", "error")
"""How to treat categories that were not seen in training."""


class Unseen:
    """Categories of a table that were not seen in training.

    Attributes
    ----------
    missing : bool
        Whether they are treated as missing, rather than as the reference category of their column.
    counts : dict of str to dict of str to int
        For each column, the number of rows of each unseen category.
    """

    def __init__(self, missing: bool = False) -> None:
        """Treat unseen categories as missing, or as the reference category."""
        self.missing = missing
        self.counts: dict[str, dict[str, int]] = {}

    def add(self, name: str, texts: pl.Series) -> None:
        """Count the categories of a column, adding to earlier counts."""
        counted = texts.cast(pl.String).rename("text").value_counts(sort=True)
        own = self.counts.setdefault(name, {})
        for text, count in counted.iter_rows():
            own[text] = own.get(text, 0) + count


def unseen_of(given: str | Unseen) -> Unseen | None:
    """Return an object that collects unseen categories, or None if they raise errors."""
    if isinstance(given, Unseen):
        return given
    by_name("unseen", given, dict.fromkeys(UNSEEN))
    return None if given == "error" else Unseen(given == "missing")
