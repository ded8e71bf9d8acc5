"""The extensions of the site: the gallery has every curve, figures follow the theme, and optional cells can be left out.

The code of the pages themselves runs when the site is built.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

from jitgrad import curve_fit
from jitgrad.curvefit import MODELS
from jitgrad.curvefit.gallery import GROUPS

EXTENSIONS = Path(__file__).parents[1] / "docs" / "_extensions"


@pytest.fixture
def extension(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module of texts of the gallery."""
    monkeypatch.syspath_prepend(str(EXTENSIONS))
    yield importlib.import_module("curve_texts")
    for name in ("curve_texts", "theme_svg", "optional_cells"):
        sys.modules.pop(name, None)


def test_the_gallery_has_every_curve_and_group(extension: ModuleType) -> None:
    assert set(extension.TEXTS) == set(MODELS)
    assert list(extension.GROUP_TEXTS) == list(GROUPS) and set(GROUPS) == {model.group for model in MODELS.values()}


@pytest.mark.parametrize("name", MODELS)
def test_a_curve_of_the_gallery(name: str, extension: ModuleType) -> None:
    """It is described, its example is a curve that the fit finds, and its relatives exist."""
    text, model = extension.TEXTS[name], MODELS[name]
    assert set(model.meanings) == set(model.parameters) and model.use and model.latex
    assert text.vary[0] in model.parameters and set(text.see) <= set(MODELS) - {name}
    truth = dict(zip(model.parameters, text.truth, strict=True))
    columns = text.columns(text.x)
    assert tuple(columns) == tuple(model.columns)
    exact = model.text_model(**columns, **truth).numpy()
    assert curve_fit(name, columns, exact).parameters == pytest.approx(truth, rel=1e-6)
    for expression in text.lines:
        assert isinstance(eval(expression, {}, truth), float)


def test_figures_follow_the_theme(extension: ModuleType) -> None:
    figure_module = pytest.importorskip("matplotlib.figure", reason="matplotlib is not installed")
    theme_svg = importlib.import_module("theme_svg")
    figure = figure_module.Figure(figsize=(2, 1))
    axis = figure.subplots()
    axis.plot([0, 1], color="#0072B2")
    axis.set_title("a title", color="0.3")
    axis.set(xlabel="x", ylabel="<y>")
    assert 'aria-label="a title: &lt;y&gt; against x"' in theme_svg.inline_svg(figure)
    drawn = theme_svg.inline_svg(figure, "A line")
    assert drawn.startswith('<svg class="jg-figure" role="img" aria-label="A line" viewBox="0 0 144 72"')
    assert "var(--jg-blue, #0072b2)" in drawn and "color-mix(in srgb, currentColor 70%, transparent)" in drawn
    assert "currentColor" in drawn and "#000000" not in drawn and "<metadata>" not in drawn


def test_cells_of_a_missing_package_are_only_shown(extension: ModuleType) -> None:
    pytest.importorskip("sphinx", reason="Sphinx is not installed")
    optional_cells = importlib.import_module("optional_cells")
    cell = "```{code-cell}\n:tags: [needs-%s]\nimport it\n```\n"
    page = [cell % "no_such_package" + cell % "numpy"]
    optional_cells._without_missing(None, "page", page)
    shown, run = page[0].split("\n*(")
    assert shown.startswith("```{code-block} python\nimport it\n```\n")
    assert "no_such_package was not installed" in run and run.endswith(cell % "numpy")
