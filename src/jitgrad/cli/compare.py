"""``jitgrad compare``: two curves of the same rows, and which describes them better."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import click

from jitgrad.cli import options
from jitgrad.errors import ArgumentError, FitWarning

if TYPE_CHECKING:
    from jitgrad.io.options import ReadOptions


@click.command(no_args_is_help=True)
@click.argument("data", type=click.Path(allow_dash=True))
@click.option("--target", required=True, metavar="COLUMN", help="The column to predict.")
@click.option("--model", "models", multiple=True, metavar="MODEL", help="A formula, or a curve of `jitgrad models`. Give two.")
@click.option("--features", type=options.Names(), help="The column of a curve that is named.  [default: the only other]")
@click.option("--sigma", metavar="COLUMN", help="The standard deviations of the target.")
@click.option("--absolute-sigma", is_flag=True, help="These are in its units; otherwise their ratios count.")
@click.option(
    "--missing",
    type=click.Choice(["drop", "error"]),
    default="drop",
    show_default=True,
    help="What to do with rows that miss a value of either model.",
)
@options.of_tables
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
def compare(
    data: str, target: str, models: tuple[str, ...], features: list[str] | None, sigma: str | None, absolute_sigma: bool,
    missing: str, as_json: bool, reading: ReadOptions,
) -> None:  # fmt: skip
    """Compare two curves that are fitted to the same rows of a table.

    Where one model has the other in it, the extra sum of squares is tested by F, or by χ² with --absolute-sigma. AICc compares
    any two.

    \b
    Examples:
      jitgrad compare data/puromycin.csv --target rate \\
        --model "(v + d * treated) * concentration / (k + concentration)" \\
        --model "(v + d * treated) * concentration / (k + m * treated + concentration)"
      jitgrad compare decay.csv --target y --model exponential_decay --model double_exponential

    Exit codes: 0, 1 where a fit failed, 2 for bad usage or input.
    """
    from jitgrad.cli import objects, report
    from jitgrad.io.table import read_table
    from jitgrad.tabular import compare_curves

    if len(models) != 2:
        raise ArgumentError(f"{len(models)} models are given. Give --model twice.")
    for model in models:
        if model in options.OF_TABLES:
            raise ArgumentError(f"Model {model!r} is no curve. Give formulas, or curves of `jitgrad models`, such as line.")
    if absolute_sigma and sigma is None:
        raise ArgumentError("--absolute-sigma has no sigma. Give --sigma too.")
    notes: list[str] = []
    frame = read_table(data, reading, notes.append)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)  # what is printed says it
        *fits, made = compare_curves(
            frame,
            target,
            (models[0], models[1]),
            features,
            sigma=sigma,
            drop_missing=missing == "drop",
            absolute_sigma=absolute_sigma,
        )
    options.say(notes)
    if as_json:
        click.echo(objects.text(objects.of_comparison(fits, made)))
    else:
        report.console().print(made.summary())
    if not all(fitted.result.success for fitted in fits):
        click.get_current_context().exit(1)
