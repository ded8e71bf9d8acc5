"""Text columns with many categories: rare ones are merged, or all are hashed."""

from __future__ import annotations

import hashlib

import numpy as np
import polars as pl

MAX_CATEGORIES = 100
_LEAST = 5  # minimum number of rows of a common category
_LEAST_PART = 0.01  # and minimum fraction of rows
_ROWS_OF_A_BIN = 10


def too_many(kinds: int, rows: int) -> bool:
    """Return whether a column has too many categories to be useful."""
    return kinds > MAX_CATEGORIES or 2 * kinds > rows > 8


def common(texts: pl.Series) -> tuple[list[str], str]:
    """Return the common categories in order, at most ``MAX_CATEGORIES`` - 1, and a name for all other categories.

    A category is common if it occurs in at least 5 rows and 1% of the rows.
    """
    counted = texts.rename("text").drop_nulls().value_counts(sort=False).sort(["count", "text"], descending=[True, False])
    least = max(_LEAST, _LEAST_PART * len(texts))
    found = counted.filter(pl.col("count") >= least)["text"].head(MAX_CATEGORIES - 1).sort().to_list()
    other = "other"
    while other in found:
        other += "s"
    return found, other


def bins_for(rows: int) -> int:
    """Return the number of columns for hashing: a power of two from 4 to 64, with at least ten rows each if possible."""
    return 1 << int(np.clip(np.log2(max(rows, 1) / _ROWS_OF_A_BIN), 2, 6))


def hashed(texts: pl.Series, bins: int) -> np.ndarray:
    """Return 1 or -1 in one of ``bins`` columns for each text, float64 (n, bins); nan if missing.

    The column and the sign depend only on the text. Weinberger, Dasgupta, Langford, Smola and Attenberg, "Feature hashing for
    large scale multitask learning", 2009.
    """
    unique = texts.unique().drop_nulls()
    digests = [int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little") for text in unique]
    rows = np.zeros((len(unique) + 1, bins))
    rows[range(len(unique)), [digest % bins for digest in digests]] = [1 - 2 * (digest >> 63) for digest in digests]
    rows[-1] = np.nan
    places = pl.Series(range(len(unique)), dtype=pl.Int64)
    made: np.ndarray = rows[texts.replace_strict(unique, places, default=len(unique), return_dtype=pl.Int64).to_numpy()]
    return made
