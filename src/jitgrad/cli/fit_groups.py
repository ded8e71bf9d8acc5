"""``jitgrad fit --by``: fit a curve to each group of rows."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import click

from jitgrad.cli import options
from jitgrad.errors import ArgumentError, enumerated


def fit_by(
    data: str,
    target: str,
    by: Sequence[str],
    output: str | None,
    plot: str | None,
    as_json: bool,
    quiet: bool,
    given: Mapping[str, Any],
) -> None:
    """Fit each group, write the table of fits, and print a summary."""
    from jitgrad.groupfit.stream import fit_file

    _check(data, output, plot, as_json, given)
    with _progress(not quiet) as told:
        made = fit_file(
            data,
            output,
            given["model"],
            by=by,
            y=target,
            reading=given["reading"],
            told=told,
            examples=plot is not None,
            x=_features(given),
            **options.of_curve(given),
            nan_policy="omit" if given["missing"] == "drop" else "raise",
        )
    if plot is not None:
        from jitgrad import pictures

        pictures.group_summary(made.estimates, made.summary.groups, made.examples, plot, name=target)
    if as_json:
        from jitgrad.cli import objects

        click.echo(objects.text(objects.of_groups(made)))
    elif not quiet and output != "-":
        from jitgrad.cli import report

        report.show(report.of_groups(made))
    if not made.summary.converged:
        click.get_current_context().exit(1)


def _check(data: str, output: str | None, plot: str | None, as_json: bool, given: Mapping[str, Any]) -> None:
    """Raise ArgumentError for options that cannot be combined, before anything is read."""
    if given["model"] is None or given["model"] in options.OF_TABLES:
        raise ArgumentError(
            "--by fits a curve to each group. Give --model a formula with parameters or a curve from `jitgrad models`, or give "
            "differential equations by --ode."
        )
    if output == "-" and as_json:
        raise ArgumentError("-o - and --json both write to standard output. Give -o a file name.")
    options.refuse(given, (*options.OF_TABLE_FITS, "outliers"), "--by", "")
    options.check_curve(given)
    options.check_output(output, data, plot)
    if plot is not None:
        from jitgrad.pictures.canvas import check_path

        options.check_output(plot, data)
        check_path(plot)


def _features(given: Mapping[str, Any]) -> list[str] | None:
    """Return the columns of a named curve, or None for a formula, which contains the names of its columns."""
    from jitgrad.curvefit import MODELS, named

    model, features = given["model"], given["features"]
    if not isinstance(model, str):
        return None
    is_named = model in MODELS or model.startswith("polynomial")
    if not is_named and features is not None:
        raise ArgumentError("--features is for named curves; a formula names its columns itself. Leave it out.")
    columns = list(named(model).columns) if is_named else []
    if is_named and (features is None or len(features) != len(columns)):
        takes = "one column. Name it" if len(columns) == 1 else f"the columns {enumerated(columns)}. Name them in this order"
        raise ArgumentError(f"Curve {model!r} takes {takes} with --features.")
    return features if is_named else None


@contextmanager
def _progress(shown: bool) -> Iterator[Callable[[float, int], object]]:
    """Show a progress bar on stderr if it is a terminal: fitted groups, fraction of the file read, and time remaining."""
    if not (shown and sys.stderr.isatty()):
        yield lambda part, groups: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = [TextColumn("{task.fields[groups]} groups"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()]
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=1.0, groups=0)
        yield lambda part, groups: bar.update(task, completed=part, groups=groups)
