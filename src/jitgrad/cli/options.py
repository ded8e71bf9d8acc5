"""Option types of the command line, and options shared by several commands."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from jitgrad.errors import ArgumentError, printable
from jitgrad.io.options import ReadOptions

if TYPE_CHECKING:
    from jitgrad.curvefit import OdeModel

OF_TABLES = (
    "linear", "logistic", "poisson", "gamma", "inverse_gaussian", "negative_binomial", "quasi_poisson", "quasi_binomial", "mlp",
)  # fmt: skip
"""Models that are not curves. Any other model is a named curve or a formula."""
OF_CURVES = ("absolute_sigma", "p0", "bounds", "fixed", "sigma", "loss", "f_scale", "outliers", "errors")
"""Options for curves only."""
OF_TABLE_FITS = (
    "hidden", "epochs", "batch_size", "lr", "test_split", "validation_split", "early_stopping", "classify", "link", "exclude",
    "dates", "texts", "weights", "freq_weights", "offset", "trials", "cov_type", "groups", "level", "ratios", "anova",
    "penalty", "alpha", "l1_ratio", "cv",
)  # fmt: skip
"""Options for table models only."""


class Sectioned(click.Command):
    """A command whose --help shows options in sections.

    Parameters
    ----------
    *arguments, **options
        Arguments of ``click.Command``.
    sections : mapping of str to sequence of str
        The names of the options by section title.
    """

    def __init__(self, *arguments: Any, sections: Mapping[str, Sequence[str]], **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.sections = sections

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write each section with its options."""
        shown = {param.name: param.get_help_record(ctx) for param in self.get_params(ctx)}
        for title, names in self.sections.items():
            records = [record for name in names if (record := shown.get(name)) is not None]
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)


class _List(click.ParamType):  # type: ignore[type-arg]
    """Comma-separated values. Subclasses define how to parse them."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        parts = [part.strip() for part in str(value).split(",")]
        try:
            return self.made(parts)
        except ValueError:
            self.fail(f"{value!r} is not a list of {self.what}. The format is {self.example}.", param, ctx)

    what = "values"
    example = "a,b"

    def made(self, parts: list[str]) -> Any:
        """Return the parsed values. Raises ValueError for a part that cannot be parsed."""
        raise NotImplementedError


class Numbers(_List):
    """Integers."""

    name, what, example = "n,n,…", "integers", "64,32"

    def made(self, parts: list[str]) -> tuple[int, ...]:
        return tuple(int(part) for part in parts)


class Names(_List):
    """Names of columns or parameters."""

    name, what, example = "a,b,…", "names", "a,b"

    def made(self, parts: list[str]) -> list[str]:
        if not all(parts):
            raise ValueError(parts)
        return parts


class NamedNumbers(_List):
    """Numbers by name."""

    name, what, example = "a=1,…", "named numbers", "b1=500,b2=1e-4"

    def made(self, parts: list[str]) -> dict[str, float]:
        return {name: float(value) for name, value in map(_pair, parts)}


class Bounds(_List):
    """Lower and upper bounds by name. Either bound may be left out."""

    name, what, example = "a=0:1,…", "bounds", "b1=0:10,b2=:5,b3=0:"

    def made(self, parts: list[str]) -> dict[str, tuple[float | None, float | None]]:
        found = {}
        for name, value in map(_pair, parts):
            low, high = value.split(":")
            found[name] = (float(low) if low.strip() else None, float(high) if high.strip() else None)
        return found


class Fixed(_List):
    """Fixed parameters, with or without values."""

    name, what, example = "a=1,b,…", "parameters", "b1=500,b2"

    def made(self, parts: list[str]) -> dict[str, float | None]:
        return {name: float(value) if value else None for name, value in (_pair(p) if "=" in p else (p, "") for p in parts)}


class Texts(_List):
    """Expressions by name."""

    name, what, example = "A=x,…", "expressions by name", "A=dose,C=0"

    def made(self, parts: list[str]) -> dict[str, str]:
        return dict(map(_pair, parts))


class Doses(_List):
    """Doses of states at times."""

    name, what, example = "A=x@t,…", "doses", "A=100@12,A=dose@24"

    def made(self, parts: list[str]) -> dict[str, list[tuple[str, str]]]:
        found: dict[str, list[tuple[str, str]]] = {}
        for state, dose in map(_pair, parts):
            amount, _, time = dose.rpartition("@")
            if not (amount.strip() and time.strip()):
                raise ValueError(dose)
            found.setdefault(state, []).append((time.strip(), amount.strip()))
        return found


def _pair(part: str) -> tuple[str, str]:
    name, _, value = part.partition("=")
    if not (name.strip() and value.strip()):
        raise ValueError(part)
    return name.strip(), value.strip()


def option_of(command: click.Command, argument: str) -> str:
    """Return the command-line option for a library argument, or the argument itself if there is none."""
    for option in command.params:
        if isinstance(option, click.Option) and option.name == argument:
            return max(option.opts, key=len)
    return argument


def of_tables(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options for reading a table. The command receives them as ``reading``."""

    @functools.wraps(command)
    def with_reading(**given: Any) -> Any:
        said = {name: given.pop(name) for name in ("separator", "header", "encoding", "sheet")}
        reading = ReadOptions(**said, missing=tuple(given.pop("na") or ()))
        return command(**given, reading=reading)

    na = click.option("--na", type=Names(), metavar="TEXTS", help="Additional markers of missing values, such as -999,unknown.")
    encoding = click.option(
        "--encoding", metavar="NAME", help="Text encoding: utf-8, cp1252, latin-1, utf-16, …  [default: detected]"
    )
    sheet = click.option("--sheet", metavar="NAME", help="Name or number of the worksheet.  [default: the first]")
    header = click.option(
        "--header/--no-header", default=None, help="Whether the first row holds column names.  [default: detected]"
    )
    separator = click.option(
        "--separator",
        metavar="MARK",
        help="Column separator: a character, or comma, tab, semicolon, bar or space.  [default: detected]",
    )
    return separator(header(na(encoding(sheet(with_reading)))))


def of_unseen(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the option for categories that were not seen in training."""
    return click.option(
        "--unseen",
        type=click.Choice(["reference", "missing", "error"]),
        help="How to treat categories not seen in training.  [default: reference]",
    )(command)


def say(notes: Iterable[str]) -> None:
    """Print notes to stderr."""
    for note in notes:
        click.echo(printable(f"note: {note}"), err=True)


def refuse(given: Mapping[str, Any], names: Sequence[str], what: str, advice: str) -> None:
    """Raise ArgumentError for the first of these arguments that is given, because ``what`` does not support it."""
    for name in names:
        if given[name] not in (None, False):
            raise ArgumentError(f"{{argument}} cannot be used with {what}. Leave it out{advice}.", argument=name)


def start_of(given: Mapping[str, Any]) -> dict[str, float] | None:
    """Return the starting values of a curve, including those of fixed parameters."""
    both = (given["p0"] or {}) | (given["fixed"] or {})
    return {name: value for name, value in both.items() if value is not None} or None


def of_curve(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a curve as arguments of ``curve_fit``."""
    return {
        "sigma": given["sigma"],
        "absolute_sigma": given["absolute_sigma"],
        "p0": start_of(given),
        "bounds": given["bounds"],
        "fixed": list(given["fixed"] or []) or None,
        "loss": given["loss"] or "linear",
        "f_scale": 1.0 if given["f_scale"] is None else given["f_scale"],
        "method": given["optimizer"] or "auto",
        "errors": given["errors"] or "normal",
    }


def equations_of(given: Mapping[str, Any]) -> OdeModel | None:
    """Return the differential equations that are given, or None. Raises ArgumentError for options that do not fit."""
    if given["ode"] is None:
        refuse(given, ("observe", "initial", "time", "which", "t0", "doses"), "a model without --ode", "")
        return None
    refuse(given, ("model", "formula", "features"), "--ode", "")
    from jitgrad.curvefit import ode

    observe = given["observe"]
    if observe is not None and given["which"] is not None:
        parts = [part.strip() for part in observe.split(",")]
        observe = dict(map(_pair, parts)) if all("=" in part for part in parts) else parts if len(parts) > 1 else observe
    t0 = "0" if given["t0"] is None else given["t0"]
    named = {name: given[name] for name in ("which", "time", "doses")}
    return ode(given["ode"], given["initial"], observe, t0=t0, **named)


def check_curve(given: Mapping[str, Any]) -> None:
    """Raise ArgumentError for curve options that require another option."""
    if given["absolute_sigma"] and given["sigma"] is None:
        raise ArgumentError("--absolute-sigma requires --sigma. Add --sigma, or leave it out.")
    if given["f_scale"] is not None and given["loss"] in (None, "linear"):
        raise ArgumentError("--loss-scale requires a robust loss. Add --loss, such as --loss huber, or leave it out.")


def check_output(path: str | None, *others: str | None) -> None:
    """Raise ArgumentError for a file that cannot be written or is also an input, before any work is done."""
    if path is None or path == "-":
        return
    if any(other is not None and os.path.realpath(path) == os.path.realpath(other) for other in others):
        raise ArgumentError(f"{path} is given twice. Choose a different file for the output.")
    directory = os.path.dirname(os.path.realpath(path))
    while not os.path.exists(directory):  # it will be created
        directory = os.path.dirname(directory)
    if os.path.isdir(path) or not os.path.isdir(directory) or not os.access(directory, os.W_OK):
        raise ArgumentError(f"{path or repr(path)} cannot be written. Choose a file in a writable directory.")
