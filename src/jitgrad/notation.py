"""Numbers with currency signs, percent signs and thousands separators."""

from __future__ import annotations

import re
from dataclasses import dataclass

import polars as pl

from jitgrad.errors import brief

CURRENCIES = (
    *"$€£¥₹₽₩₺₪₫₴฿¢", "R$", "kr", "zł", "Fr.", "USD", "EUR", "GBP", "JPY", "CHF", "CNY", "INR", "AUD", "CAD", "NZD", "SEK",
    "NOK", "DKK", "PLN", "CZK", "HUF", "BRL",
)  # fmt: skip
"""Currency signs and codes, before or after a number."""
_HEAD = 1000  # values that are checked first, to reject columns of other text

_SPACE = "[ \u00a0\u202f]*"
_SIGN = "|".join(re.escape(sign) for sign in sorted(CURRENCIES, key=len, reverse=True))
_AROUND = (
    rf"^(?P<open>\()?{_SPACE}(?P<minus>[+−-])?{_SPACE}(?P<before>{_SIGN})?{_SPACE}(?P<inner>[+−-])?"
    rf"(?P<number>%s){_SPACE}(?P<after>%%|{_SIGN})?{_SPACE}(?P<close>\))?$"
)
_EITHER = r"(?:\d*[.,]?\d+|\d+[.,]|\d{1,3}(?:[.,]\d{3})+(?:[.,]\d+)?)(?:[eE][+-]?\d+)?"
"""A number, regardless of the meaning of point and comma."""


@dataclass(frozen=True)
class Numbers:
    """A column of strings, read as numbers.

    Attributes
    ----------
    values : polars.Series
        float64, null where the text is null.
    marks : tuple of str
        A description of what the texts contain besides digits.
    unclear : str
        Why the numbers are ambiguous, as a clause; empty if they are not.
    row : int
        The first row with an ambiguous text.
    """

    values: pl.Series
    marks: tuple[str, ...] = ()
    unclear: str = ""
    row: int = 0

    @property
    def note(self) -> str:
        """A description of how the column was interpreted; empty for plain numbers."""
        if not self.marks:
            return ""
        percent = " Percentages keep their number: 5% is read as 5." if "percent signs" in self.marks else ""
        return f"Column {self.values.name!r} contains {' and '.join(self.marks)} and was read as numbers.{percent}"


def read_numbers(texts: pl.Series, decimal_comma: bool = False, doubtful: bool = False) -> Numbers | None:
    """Read a column of strings as numbers; return None if it contains other text.

    Parameters
    ----------
    texts : polars.Series
        The strings, null where a value is missing.
    decimal_comma : bool, default False
        Whether a comma is the decimal mark instead of a point.
    doubtful : bool, default False
        Whether the comma in a number such as 1,234 may also be a decimal mark.
    """
    point, mark = (",", ".") if decimal_comma else (".", ",")
    marks = f"[{mark}'’ \u00a0\u202f]"
    whole = rf"[1-9]\d{{0,2}}(?:{marks}\d{{3}})+|\d+"
    number = rf"(?:(?:{whole})(?:{re.escape(point)}\d*)?|{re.escape(point)}\d+)(?:[eE][+-]?\d+)?"
    pattern = _AROUND % number
    head = texts.drop_nulls().head(_HEAD)
    if not len(head) or not _like_numbers(head, pattern):
        return None
    parts = texts.str.extract_groups(pattern).struct.unnest()
    strange = parts["number"].is_null() & texts.is_not_null()
    if strange.any():
        return _unclear(texts, strange) if _like_numbers(texts.drop_nulls(), pattern) else None
    return _made(texts, parts, marks, decimal_comma, doubtful)


def _like_numbers(texts: pl.Series, pattern: str) -> bool:
    """Return whether all texts match the pattern, or would match it with point and comma exchanged."""
    return bool((texts.str.contains(pattern) | texts.str.contains(_AROUND % _EITHER)).all())


def _unclear(texts: pl.Series, rows: pl.Series, why: str = "the meaning of point and comma is ambiguous in") -> Numbers:
    row = int(rows.arg_max() or 0)
    return Numbers(texts, (), f"{why} {brief(texts[row])}", row)


def _made(texts: pl.Series, parts: pl.DataFrame, marks: str, decimal_comma: bool, doubtful: bool) -> Numbers | None:
    """Return the numbers of texts that all match the pattern, from their parts."""
    there = {name: parts[name].is_not_null() for name in parts.columns}
    if (there["open"] != there["close"]).any() or (there["minus"] & there["inner"]).any():
        return None
    written, percent = parts["number"], there["after"] & (parts["after"] == "%").fill_null(False)
    signs = parts["before"].fill_null(parts["after"].set(percent, None))
    kinds = signs.drop_nulls().unique(maintain_order=True)
    thousands = written.str.contains(marks).fill_null(False)
    if len(kinds) > 1:
        return _unclear(texts, (signs == kinds[1]).fill_null(False), f"it mixes amounts in {kinds[0]} with others, such as")
    without = ~percent & texts.is_not_null()
    if percent.any() and without.any():
        return _unclear(texts, without, "only some of its numbers have a percent sign, unlike")
    if thousands.any() and _may_be_decimals(written, thousands, decimal_comma, doubtful):
        return _unclear(texts, thousands)
    values = written.str.replace_all(marks, "").str.replace(",", ".", literal=True).cast(pl.Float64)
    below = there["open"] | parts["minus"].is_in(["-", "−"]) | parts["inner"].is_in(["-", "−"])
    values = pl.select(pl.when(below.fill_null(False)).then(-values).otherwise(values)).to_series().rename(texts.name)
    found = {
        f"the currency sign {kinds[0]}" if len(kinds) else "": bool(len(kinds)),
        "percent signs": bool(percent.any()),
        "thousands separators": bool(thousands.any()),
        "parentheses for negative numbers": bool(there["open"].any()),
    }
    return Numbers(values, tuple(name for name, has in found.items() if has))


def _may_be_decimals(written: pl.Series, thousands: pl.Series, decimal_comma: bool, doubtful: bool) -> bool:
    """Return whether the thousands separators may be decimal marks: one in each number, and no other mark."""
    single = r"^[1-9]\d{0,2}\.\d{3}$" if decimal_comma else r"^[1-9]\d{0,2},\d{3}$"
    other = written.str.contains(",", literal=True) if decimal_comma else written.str.contains(".", literal=True)
    return bool((decimal_comma or doubtful) and written.filter(thousands).str.contains(single).all() and not other.any())
