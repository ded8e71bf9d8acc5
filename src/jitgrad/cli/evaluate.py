"""``jitgrad evaluate``: score a saved model on a table."""

from __future__ import annotations

import click

from jitgrad.cli import options
from jitgrad.io.options import ReadOptions


@click.command(no_args_is_help=True)
@click.argument("model", type=click.Path())
@click.argument("data", type=click.Path(allow_dash=True))
@click.option("--json", "as_json", is_flag=True, help="Print the scores as a JSON object.")
@options.of_unseen
@options.of_tables
def evaluate(model: str, data: str, as_json: bool, unseen: str | None, reading: ReadOptions) -> None:
    """Score a saved model on a table that contains the target.

    \b
    Examples:
      jitgrad evaluate iris.jitgrad data/iris.csv
      jitgrad evaluate decay.jitgrad more.csv --json
    """
    from jitgrad.cli import kept, objects, report
    from jitgrad.io.table import read_table
    from jitgrad.summary import Summary
    from jitgrad.tabular import summaries as grids

    loaded = kept.load(model)
    notes: list[str] = []
    more = kept.unseen_for(loaded, unseen)
    scores = loaded.evaluate(read_table(data, kept.reading_for(loaded, reading), notes.append), **more)
    options.say([*notes, *kept.notes_on_unseen(loaded, more)])
    classes = list(getattr(loaded, "classes", []))
    if as_json:
        click.echo(objects.text({"kind": "scores", "classes": classes, "scores": scores}))
        return
    parts = [grids.scores({"": scores})]
    if "confusion" in scores:
        parts.append(grids.confusion(scores["confusion"], classes))
    report.show(Summary("", parts))
