"""What options of the command line may be, and the options that several commands have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click


class _List(click.ParamType):  # type: ignore[type-arg]
    """Values with commas between them. A subclass says what one of them is."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        parts = [part.strip() for part in str(value).split(",")]
        try:
            return self.made(parts)
        except ValueError:
            self.fail(f"{value!r} is not a list of {self.what}. Write them as in {self.example}.", param, ctx)

    what = "values"
    example = "a,b"

    def made(self, parts: list[str]) -> Any:
        """The list's value; raises ValueError where a part is none."""
        raise NotImplementedError


class Numbers(_List):
    """Whole numbers."""

    name, what, example = "n,n,…", "whole numbers", "64,32"

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

    name, what, example = "a=1,…", "numbers by name", "b1=500,b2=1e-4"

    def made(self, parts: list[str]) -> dict[str, float]:
        return {name: float(value) for name, value in map(_pair, parts)}


class Bounds(_List):
    """Lowest and highest values by name; one of the two may be left out."""

    name, what, example = "a=0:1,…", "bounds", "b1=0:10,b2=:5,b3=0:"

    def made(self, parts: list[str]) -> dict[str, tuple[float | None, float | None]]:
        found = {}
        for name, value in map(_pair, parts):
            low, high = value.split(":")
            found[name] = (float(low) if low.strip() else None, float(high) if high.strip() else None)
        return found


class Fixed(_List):
    """Parameters that are fixed, with their values or without."""

    name, what, example = "a=1,b,…", "parameters", "b1=500,b2"

    def made(self, parts: list[str]) -> dict[str, float | None]:
        return {name: float(value) if value else None for name, value in (_pair(p) if "=" in p else (p, "") for p in parts)}


def _pair(part: str) -> tuple[str, str]:
    name, _, value = part.partition("=")
    if not (name.strip() and value.strip()):
        raise ValueError(part)
    return name.strip(), value.strip()


def option_of(command: click.Command, argument: str) -> str:
    """What a command calls an argument of the library: the option that is stored under its name, if there is one."""
    for option in command.params:
        if isinstance(option, click.Option) and option.name == argument:
            return max(option.opts, key=len)
    return argument


def of_tables(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options by which a table is read."""
    header = click.option("--header/--no-header", default=None, help="Whether the first row has names.  [default: found out]")
    separator = click.option(
        "--separator",
        metavar="MARK",
        help="A character, or comma, tab, semicolon, bar, space.  [default: found out]",
    )
    return separator(header(command))
