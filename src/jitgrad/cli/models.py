"""``jitgrad models``: the named curves."""

from __future__ import annotations

import click


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print them as one JSON object.")
def models(as_json: bool) -> None:
    """List the curves that `jitgrad fit --model` knows by name, with their formulas."""
    from rich.markup import escape

    from jitgrad.cli import objects, report
    from jitgrad.curvefit import MODELS

    if as_json:
        named = {m.name: {"title": m.title, "formula": m.formula, "parameters": m.parameters} for m in MODELS.values()}
        click.echo(objects.text({"kind": "models", "models": named}))
        return
    out = report.console()
    for model in MODELS.values():
        out.print(f"[bold]{model.name}[/bold]  {escape(model.title)}")
        out.print(f"    {escape(model.formula)}")
    out.print("[bold]polynomial:N[/bold]  A polynomial of degree N, from 0 to 20")
    out.print(
        "\nOf tables with many columns: [bold]linear[/bold], [bold]logistic[/bold], [bold]poisson[/bold], [bold]mlp[/bold]."
    )
