"""``jitgrad show``: show a saved model, its Program and its profile."""

from __future__ import annotations

from typing import Any

import click
import numpy as np


@click.command(no_args_is_help=True)
@click.argument("model", type=click.Path())
@click.option("--program", is_flag=True, help="Print the instructions that a prediction executes.")
@click.option("--profile", is_flag=True, help="Print the time of each instruction.")
@click.option(
    "--rows",
    type=click.IntRange(1, 10_000_000),
    default=1000,
    show_default=True,
    help="Number of rows for --program and --profile.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the model as a JSON object.")
def show(model: str, program: bool, profile: bool, rows: int, as_json: bool) -> None:
    """Show a saved model: estimates, scores and columns.

    \b
    Examples:
      jitgrad show iris.jitgrad
      jitgrad show decay.jitgrad --program
      jitgrad show iris.jitgrad --profile --rows 100000
    """
    from jitgrad.cli import kept

    loaded = kept.load(model)
    if program or profile:
        _show_program(loaded, rows, program, profile)
    elif as_json:
        _print_object(loaded)
    else:
        _print_model(loaded)


def _print_model(loaded: Any) -> None:
    from jitgrad.cli import report
    from jitgrad.tabular import CurveModel, TableModel
    from jitgrad.tabular.summaries import of_curve_model

    if isinstance(loaded, TableModel):
        report.show(loaded.summary())
    elif isinstance(loaded, CurveModel):
        report.show(of_curve_model(loaded, columns=True))
    else:
        loaded.model.summary()


def _print_object(loaded: Any) -> None:
    from jitgrad.cli import objects
    from jitgrad.errors import ArgumentError
    from jitgrad.tabular import CurveModel, TableModel

    if isinstance(loaded, TableModel):
        click.echo(objects.text(objects.of_table_model(loaded)))
    elif isinstance(loaded, CurveModel):
        click.echo(objects.text(objects.of_curve_model(loaded)))
    else:
        raise ArgumentError("A model that was built in Python cannot be printed as JSON. Leave --json out.")


def _show_program(loaded: Any, rows: int, program: bool, profile: bool) -> None:
    from jitgrad.cli import report
    from jitgrad.program.context import Context
    from jitgrad.program.profile import profile as costs_of
    from jitgrad.summary import Grid, Summary
    from jitgrad.tape.function import lower

    lowered = lower(*_prediction(loaded, rows))
    if program:
        click.echo(lowered.dump(), nl=False)
    if profile:
        context = Context(lowered)
        context.arena[:] = 0.5
        context.load([0.5] * len(context.inputs))
        for offset, value in lowered.literals:
            context.arena[offset] = value
        costs = costs_of(context)
        total = sum(cost.seconds for cost in costs) or 1.0
        made = [(cost.name, f"{cost.seconds * 1e9:.0f}", f"{cost.seconds / total:.0%}") for cost in costs]
        whole = f"{total * 1e9:.0f} ns for {rows} rows, {total / rows * 1e9:.2f} ns per row"
        report.show(Summary("", [Grid(["instruction", "ns", "share"], made), whole]))


def _prediction(loaded: Any, rows: int) -> tuple[Any, ...]:
    """Return a prediction function of Tensors and its arguments."""
    from jitgrad.tabular import CurveModel, TableModel
    from jitgrad.tabular.network import stacked

    if isinstance(loaded, CurveModel):
        estimates = loaded.estimates
        columns = [np.ones(rows) for _ in estimates.curve.columns]
        values: list[Any] = estimates.values.tolist()
        return (lambda *given: estimates.curve(given, values), *columns)
    if isinstance(loaded, TableModel):
        return (lambda x: stacked(loaded.layers, x), np.ones((rows, len(loaded.layers[0][0])), loaded.layers[0][0].dtype))
    return (loaded.model, np.ones((rows, *(loaded.model.input_shape or (1,))), np.float32))
