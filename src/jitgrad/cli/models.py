"""``jitgrad models``: list the named curves."""

from __future__ import annotations

import click


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the list as a JSON object.")
def models(as_json: bool) -> None:
    """List the named curves and their formulas.

    Use a name as --model of `jitgrad fit` or `jitgrad compare`.
    """
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
    out.print("[bold]polynomial:N[/bold]  Polynomial of degree N, from 0 to 20")
    out.print("\nModels for tables with many columns: see `jitgrad fit --help`.")
