"""Pieces of HTML are well-formed, escaped, always the same, and load nothing."""

from __future__ import annotations

import re
from typing import Any

import pytest

from jitgrad import html
from tests.pages import read

NASTY = "<script>alert('a & b')</script> \"σ²\" $x_1$ \x1b[31m\u202e"


def figure(texts: str = "x") -> Any:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    from jitgrad.pictures.canvas import new_figure, plain

    made = new_figure(3, 2)
    axis = made.subplots()
    axis.plot([0, 1, 2], [1, 0, 3], "o", color="0.2", label=plain(texts))
    axis.imshow([[0, 1], [2, 3]])
    axis.set_xlabel(plain(texts))
    axis.legend()
    return made


def test_texts_are_escaped() -> None:
    assert html.escape("a<b & 'c' \"d\"\x1b") == "a&lt;b &amp; &#x27;c&#x27; &quot;d&quot;\\x1b"
    found = read(html.page(NASTY, html.sentence(NASTY), html.table([NASTY, "n"], [[NASTY, "1"]], NASTY)))
    shown = NASTY.replace("\x1b", "\\x1b").replace("\u202e", "\\u202e")
    assert found.texts.count(shown) == 6  # title, heading, sentence, head, cell, caption


def test_a_table() -> None:
    text = html.table(["name", "n", "because"], [["a", "1", "so"], ["b", "–", ""]], texts=[2])
    assert '<th scope="col" class="text">name</th><th scope="col">n</th><th scope="col" class="text">because</th>' in text
    assert '<tr><th scope="row" class="text">a</th><td>1</td><td class="text">so</td></tr>' in text
    assert "caption" not in text


def test_colours_are_those_around() -> None:
    for text in (html.fragment(html.table(["a"], [["b"]])), html.page("t", html.table(["a"], [["b"]]))):
        assert not re.search(r"[{;]\s*(color|background(-color)?):(?! none)", text)
        read(text)


def test_a_picture() -> None:
    one, other = html.svg(figure(), "one"), html.svg(figure("$a_1$ <b>"), "<other>")
    assert one == html.svg(figure(), "one")
    found = read(html.page("two", f"<figure>{one}</figure>", f"<figure>{other}</figure>"))
    assert "$a_1$ <b>" in found.texts
    for text in (one, other):
        assert "#000000" not in text and "#333333" not in text
        assert "<style" not in text and "<metadata" not in text
    assert 'aria-label="&lt;other&gt;"' in other


def test_numbers_on_cells_keep_their_colour() -> None:
    """In dark mode, the text color of the page would be invisible on light cells."""
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    from jitgrad import pictures

    text = html.svg(pictures.confusion([[90, 10], [3, 97]]), "c")
    assert [re.search(rf"<text[^>]*>{n}<", text) is not None for n in (90, 10, 3, 97)] == [True] * 4
    for number, colour in ((90, "#ffffff"), (10, "#1a1a1a")):
        (found,) = re.findall(rf"<text([^>]*)>{number}<", text)
        assert colour in found


def test_a_sparkline() -> None:
    def points(values: list[float]) -> list[list[float]]:
        (found,) = re.findall(r'points="([^"]*)"', html.sparkline(values))
        return [[float(number) for number in pair.split(",")] for pair in found.split()]

    assert points([1, 10, 100]) == [[1, 19], [61, 10], [121, 1]]  # logarithmic
    assert points([-1, 0, 1]) == [[1, 19], [61, 10], [121, 1]]
    assert points([2.0, float("nan"), 2.0]) == [[1, 1], [121, 1]]
    assert points([]) == points([float("inf")]) == []


def test_results_in_a_notebook() -> None:
    import numpy as np

    import jitgrad as jg
    from jitgrad import glm
    from jitgrad.glm.cross_validation import cross_validated
    from jitgrad.glm.path import path
    from jitgrad.summary import Grid, Summary

    x = np.linspace(0, 4, 30)
    y = np.vstack([2 * np.exp(-x) + 0.01 * np.sin(9 * x), np.ones(30)])
    model = jg.models.Sequential([jg.models.Input((1,)), jg.layers.Dense(3), jg.layers.Dense(1)], name="a<b")
    model.compile("adam", "mse", metrics=["mae"])
    history = model.fit(x[:, None], y[0], epochs=3, verbose=0)
    groups = jg.fit_groups("a * exp(-k * x)", x, y)
    classes = np.arange(30) % 3
    results = {
        "a * exp(-k * x)": jg.curve_fit("a * exp(-k * x)", x, y[0], fixed={"a": 2.0}),
        "2 groups, 60 rows: 1 converged, 1 failed": groups,
        "constant": groups.summary(),
        "Sequential a<b": model,
        "3 epochs in": history,
        "gaussian, identity link": glm.fit(np.column_stack([x, 2 * x]), y[0]),
        "gaussian, 5 penalties": path(np.column_stack([x, np.sin(x)]), y[0], n_alphas=5),
        "chosen": cross_validated(np.column_stack([x, np.sin(x)]), y[0], n_alphas=20, cv=3),
        "class 2 vs. class 0": glm.fit(np.sin(x)[:, None], classes, "multinomial"),
        "It is not built": jg.models.Sequential([jg.layers.Dense(3)]),
        "<title>": Summary("<title>", [Grid(["a"], [["b"]]), "A sentence."]),
    }
    for expected, result in results.items():
        found = read(result._repr_html_())
        assert any(text.startswith(expected) for text in found.texts), (expected, found.texts)
