"""Printed results: every line fits, and names are shortened in the middle."""

from __future__ import annotations

import math

import pytest
from rich.cells import cell_len

from jitgrad.summary import Grid, Summary, cut, interval, number, probability


@pytest.mark.parametrize(
    ("value", "digits", "shown"),
    [
        (None, 6, "–"),
        (math.nan, 6, "–"),
        (0.000012345678, 6, "1.23457e-05"),
        (1234567.8, 5, "1234568"),
        (-1234567.8, 6, "-1234568"),
        (99999.6, 5, "100000"),
        (1000000, 4, "1000000"),
        (12345678901, 4, "12345678901"),
        (1e12, 5, "1e+12"),
        (2.5, 4, "2.5"),
    ],
)
def test_numbers(value: float | None, digits: int, shown: str) -> None:
    assert number(value, digits) == shown


def test_probabilities_and_intervals() -> None:
    assert [probability(p) for p in (None, 0.5, 1e-16, 0.0, 0.0123456)] == ["–", "0.5", "<2e-16", "<2e-16", "0.0123"]
    assert interval(-1.5, 2) == "-1.5 … 2"
    assert interval(math.nan, math.nan) == "–"


@pytest.mark.parametrize("text", ["a", "abcdefghij", "abcdefghijk", "城市=一个很长的名字"])
@pytest.mark.parametrize("room", [5, 6, 9, 10, 11])
def test_cut_in_the_middle(text: str, room: int) -> None:
    shown = cut(text, room)
    assert cell_len(shown) <= room
    if cell_len(text) <= room:
        assert shown == text
    else:
        begin, end = shown.split("…")
        assert begin and text.startswith(begin) and text.endswith(end)


NUMBERS = ["1234.567", "0.12345", "12.345", "<2e-16", "123.45 … 234.56"]
CLASSES = [f"class number {k}" for k in range(12)]


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_no_line_is_too_long(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    names = ["a", "a_very_long_name=with_a_long_text", "城市=一个很长的名字一个很长的名字一个很长的名字"]
    estimates = Grid(["parameter", "estimate", "std. error", "t", "p", "95% CI"], [[n, *NUMBERS] for n in names], "all")
    confusion = Grid(["true", *CLASSES], [[name, *map(str, range(12))] for name in CLASSES])
    shown = str(Summary("A fit of a table with a long title that may go on in a second line", [estimates, "Fine.", confusion]))
    lines = shown.splitlines()
    assert max(map(cell_len, lines)) <= width
    assert not any(line != line.rstrip() for line in lines)
    assert "a_ver" in shown and "text " in shown
    cells = [line.split()[-1] for line in lines if line.startswith(" class")]
    assert len(cells) % 12 == 0 and "11" in cells  # every block has every row


def test_a_table_goes_on_below_itself_with_its_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    shown = str(Summary("", [Grid(["name", "heading", "second"], [["row", "1" * 18, "2" * 18]])]))
    rows = [line.split() for line in shown.splitlines() if line and "─" not in line]
    assert rows == [["name", "heading"], ["row", "1" * 18], ["name", "second"], ["row", "2" * 18]]


@pytest.mark.parametrize("width", [40, 60, 80])
def test_a_last_column_of_text_wraps(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    reason = "the data do not determine all parameters; fix one of them, or leave the group out of the fit"
    shown = str(Summary("", [Grid(["failure", "groups", "reason"], [["singular", "1", reason]], texts=(2,))]))
    assert all(cell_len(line) <= width for line in shown.splitlines())
    assert [word for word in shown.split() if word in reason.split()] == reason.split()


def test_what_a_terminal_would_act_on_is_escaped() -> None:
    assert "\x1b" not in str(Summary("a\x1b[31m", [Grid(["b\x1b"], [["c\x1b"]], "d\x1b"), "e\x1b"]))
    assert "[bold]a[/bold]" in str(Summary("[bold]a[/bold]", []))


def test_common_tables_are_whole_at_80_columns() -> None:
    titles = ["", "estimate", "std. error", "t", "p", "95% CI"]
    row = ("Weight_in_lbs", "-0.00668607", "0.0006564", "-10.19", "0.00203", "-0.0079766 … -0.0053955")
    shown = str(Summary("", [Grid(titles, [row], "one against another")])).splitlines()
    assert shown[0] == "one against another" and shown[-1] == " " + " ".join(row[:2]) + f"{row[2]:>11} {' '.join(row[3:])}"


def test_a_summary_is_text_in_a_notebook_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a notebook, rich would display the table and leave the text empty."""
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    assert str(Summary("A line", ["All is well."])) == "A line\nAll is well."
