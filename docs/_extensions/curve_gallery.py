"""Write the gallery before the site is built: a page for each named curve, and the cards of the index.

Everything that describes a curve comes from the library's table, `jitgrad.curvefit.MODELS`; advice and examples are in
`curve_texts`. The code of each page runs here, and the page shows its output. Pages are written again when a file they depend
on has changed.
"""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from curve_texts import GROUP_TEXTS, TEXTS, Text
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

from jitgrad import curve_fit, curvefit
from jitgrad.curvefit import MODELS, CurveFit, NamedModel
from jitgrad.curvefit.gallery import GROUPS

HERE = Path(__file__).parent
GALLERY = HERE.parent / "gallery"
CARDS = "_cards.md"
_POINTS = 400
_KINDS = ("C0", "C1")
"""The color of each kind of row."""


def measured(model: NamedModel, text: Text) -> np.ndarray:
    """Return simulated measurements of y, rounded as an instrument would."""
    parameters = dict(zip(model.parameters, text.truth, strict=True))
    y = np.asarray(model.text_model(**text.columns(text.x), **parameters).numpy())
    noise = np.random.default_rng(1).normal(size=len(y))
    digits = 3 - int(np.floor(np.log10(np.ptp(y))))
    return np.round(y + text.noise * np.ptp(y) * noise, digits)


def smooth(text: Text) -> np.ndarray:
    """Return points at which the curve is drawn."""
    low, high = float(text.x.min()), float(text.x.max())
    return np.geomspace(low / 1.5, 1.5 * high, _POINTS) if text.log else np.linspace(low, high, _POINTS)


def draw_fit(result: CurveFit, text: Text) -> Any:
    """Draw the data, the fitted curve with its confidence band, and its parameters as lines."""
    figure, axis = _axes(text, (4.5, 3.3))
    x = smooth(text)
    axis.plot(text.x, _by_kind(result.y, text), "o", color="0.3", markersize=3.5, alpha=0.75)
    low, high = (_by_kind(limit, text) for limit in result.band(text.columns(x)))
    for k, curve in enumerate(_by_kind(result.predict(text.columns(x)), text).T):
        axis.plot(x, curve, color=_KINDS[k])
        axis.fill_between(x, low[:, k], high[:, k], color=_KINDS[k], alpha=0.25, linewidth=0)
    for expression, kind in text.lines.items():
        value = eval(expression, {}, result.parameters)
        line = {"color": "C1", "linewidth": 1, "linestyle": (0, (4, 3)), "zorder": 1.5}
        label = {"textcoords": "offset points", "color": "C1", "fontsize": 9}
        if kind == "y":
            axis.axhline(value, **line)
            axis.annotate(expression, (1, value), (4, 0), xycoords=("axes fraction", "data"), va="center", **label)
        else:
            axis.axvline(value, **line)
            axis.annotate(expression, (value, 1), (0, 4), xycoords=("data", "axes fraction"), ha="center", **label)
    return figure


def draw_family(model: NamedModel, text: Text) -> Any:
    """Draw the curve for several values of one parameter."""
    figure, axis = _axes(text, (4.5, 3.3))
    x = smooth(text)
    name, values = text.vary
    for k, value in enumerate(values):
        parameters = dict(zip(model.parameters, text.truth, strict=True)) | {name: value}
        curve = _by_kind(model.text_model(**text.columns(x), **parameters).numpy(), text)
        axis.plot(x, curve[:, 0], color=f"C{(2, 0, 1)[k]}", label=f"{name} = {value:g}")
    axis.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(values), columnspacing=1.0, handlelength=1.5)
    return figure


def draw_card(result: CurveFit, text: Text) -> Any:
    """Draw the data and the curve alone, for the index."""
    figure, axis = _axes(text, (2.4, 1.35))
    x = smooth(text)
    axis.plot(text.x, _by_kind(result.y, text), "o", color="0.5", markersize=2, alpha=0.6)
    for k, curve in enumerate(_by_kind(result.predict(text.columns(x)), text).T):
        axis.plot(x, curve, color=_KINDS[k], linewidth=1.6)
    axis.set(xticks=[], yticks=[], xlabel="", ylabel="")
    axis.minorticks_off()
    return figure


def _by_kind(values: Any, text: Text) -> np.ndarray:
    """Return values for the columns of the example, one column for each kind of row."""
    return np.reshape(values, (text.kinds, -1)).T


def _axes(text: Text, size: tuple[float, float]) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    axis = figure.subplots()
    axis.set(xlabel=text.axes[0], ylabel=text.axes[1], xscale="log" if text.log else "linear")
    return figure, axis


def page(model: NamedModel, text: Text) -> tuple[str, str]:
    """Return the page of a curve and its card in the index."""
    from theme_svg import inline_svg

    data, y = text.columns(text.x), measured(model, text)
    result = curve_fit(model.name, data, y)
    _check_command(model, data, y)
    title = model.title[0].upper() + model.title[1:]
    meanings = "\n".join(f"| `{name}` | {model.meanings[name]} |" for name in model.parameters)
    found = ", ".join(f"`{name}` = {value:.3g}" for name, value in model.guess(*data.values(), y).items())
    marked = ", its 95% confidence band and estimated parameters" if text.lines else " and its 95% confidence band"
    others = "".join(f"\n| `{name}` | {meaning} (column) |" for name, meaning in model.columns.items() if meaning)
    given = "x" if len(data) == 1 else "{" + ", ".join(f'"{name}": {name}' for name in data) + "}"
    equations = model.equations
    language = "[formula language](../tutorials/curves.md)" if equations is None else "language of {func}`jitgrad.curvefit.ode`"
    written_model = model.formula if equations is None else repr(equations)
    source = f"\n\nSource: {model.source}." if model.source else ""
    related = ", ".join(f"[`{name}`]({name}.md)" for name in text.see)
    fit = inline_svg(draw_fit(result, text), f"Data and the fitted curve {model.name}")
    family = inline_svg(draw_family(model, text), f"{model.name} for several values of {text.vary[0]}")
    written = f"""---
html_theme.sidebar_secondary.remove: true
---

# {title}

`{model.name}`, one of the named curves ({model.group.lower()}).

$$
y = {model.latex}
$$

```{{raw}} html
<div class="jg-pair">{fit}{family}</div>
```

The first picture shows simulated measurements, the fitted curve{marked}. The second
picture shows the curve for several values of `{text.vary[0]}`.

| parameter | meaning |
| --- | --- |
{meanings}{others}

## Use

{model.use} {text.advice}{source}

## Fit

In Python, with {", ".join(f"`{name}`" for name in data)} and `y` as arrays:

```{{code-block}} python
from jitgrad import curve_fit

result = curve_fit("{model.name}", {given}, y)
print(result)
```

```
{result}
```

On the command line, with columns of these names in `data.csv`:

```{{code-block}} sh
jitgrad fit data.csv --target y --features {",".join(data)} --model {model.name} --plot fit.png
```

In the {language}, to change or extend it:

```
{written_model}
```

## Starting values

{text.start} For the data above, the starting values are {found}.

Related: {related}.
"""
    card = f""":::{{grid-item-card}}
:link: {model.name}
:link-type: doc

```{{raw}} html
{inline_svg(draw_card(result, text), f"The curve {model.name}", "100%")}
```
**{title}**

`{model.name}`
:::
"""
    return written, card


def _check_command(model: NamedModel, data: dict[str, np.ndarray], y: np.ndarray) -> None:
    """Raise ExtensionError if the command on the page does not fit the data."""
    from click.testing import CliRunner

    from jitgrad.cli.main import commands

    with tempfile.TemporaryDirectory() as place:
        path = Path(place, "data.csv")
        table = np.column_stack([*data.values(), y])
        np.savetxt(path, table, delimiter=",", header=",".join([*data, "y"]), comments="")
        arguments = ["fit", str(path), "--target", "y", "--features", ",".join(data), "--model", model.name]
        done = CliRunner().invoke(commands, arguments, standalone_mode=False)
    if done.exception or done.return_value:
        raise ExtensionError(f"jitgrad fit --model {model.name} failed: {done.exception or done.output}")


def _write_gallery(app: Sphinx) -> None:
    """Write the pages, unless they are there and as new as what they depend on."""
    sources = [*HERE.glob("*.py"), *Path(curvefit.__file__).parent.glob("*.py")]
    key = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(sources))).hexdigest()
    stamp = GALLERY / ".stamp"
    if stamp.exists() and stamp.read_text() == key and all((GALLERY / f"{name}.md").exists() for name in MODELS):
        return
    _check_texts()
    import matplotlib
    from theme_svg import STYLE

    cards = []
    groups = {group: [model for model in MODELS.values() if model.group == group] for group in GROUPS}
    with matplotlib.rc_context(STYLE):
        for group, models in groups.items():
            cards.append(f"## {group}\n\n{GROUP_TEXTS[group]}\n\n::::{{grid}} 1 2 3 3\n:gutter: 3\n")
            for model in models:
                written, card = page(model, TEXTS[model.name])
                (GALLERY / f"{model.name}.md").write_text(written, encoding="utf-8")
                cards.append(card)
            cards.append("::::\n")
    names = "\n".join(f"{model.name} <{model.name}>" for models in groups.values() for model in models)
    cards.append(f"```{{toctree}}\n:hidden:\n\n{names}\n```\n")
    (GALLERY / CARDS).write_text("\n".join(cards), encoding="utf-8")
    stamp.write_text(key)


def _check_texts() -> None:
    """Raise ExtensionError if a curve or a group has no text, or a text has no curve."""
    odd = {*TEXTS} ^ {*MODELS} | {*GROUP_TEXTS} ^ {model.group for model in MODELS.values()}
    if odd:
        raise ExtensionError(f"docs/_extensions/curve_texts.py and curvefit.MODELS differ by {', '.join(sorted(odd))}.")


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect the extension to Sphinx."""
    app.connect("builder-inited", _write_gallery)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
