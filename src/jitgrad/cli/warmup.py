"""``jitgrad warmup``: compile everything ahead of time."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from jitgrad.cli import streams

if TYPE_CHECKING:
    from jitgrad.vm.groups import Unit


@click.command()
def warmup() -> None:
    """Compile everything now, for float32 and float64, on all cores, instead of when it is first needed."""
    from jitgrad.vm import cache, compiling
    from jitgrad.vm.cores import cores
    from jitgrad.vm.groups import UNITS, text
    from jitgrad.vm.processor import processor

    missing, name = [unit for unit in UNITS if not compiling.is_compiled(unit)], processor().name
    if not missing:
        streams.say(f"jitgrad: everything is compiled for {name} already, and kept in {_places()}")
        return
    if cache.directory() is None:
        raise click.ClickException(
            "There is nowhere to keep compiled code. Set JITGRAD_CACHE_DIR to a directory that can be written."
        )
    shares = compiling.shares(missing, cores())
    processes = "one process" if len(shares) == 1 else f"{len(shares)} processes at once"
    streams.say(f"jitgrad: compiling for {name}, by {processes}; this takes {compiling.about(shares)}")
    started = time.perf_counter()
    for unit in _compiled(shares):
        streams.say(f"{time.perf_counter() - started:7.1f} s  {text([unit])}")
    if not all(map(compiling.is_compiled, UNITS)):
        raise click.ClickException("Compiled code could not be kept; why stands above.")
    streams.say(f"jitgrad: compiled in {time.perf_counter() - started:.1f} s, and kept in {_places()}")


def _compiled(shares: list[list[Unit]]) -> Iterator[Unit]:
    """Compile shares at once; gives each unit when it is done."""
    from jitgrad.vm.compiling import workers
    from jitgrad.vm.groups import Unit

    reading, writing = os.pipe()
    with open(reading) as said, workers(shares, stdout=writing) as running:
        os.close(writing)  # the workers have it
        for line in said:
            yield Unit(*line.strip().split("-"))
        if any(worker.wait() for worker in running) or not running:
            raise click.ClickException("Compiling failed; what went wrong stands above. Try again, or report it.")


def _places() -> str:
    """Where code is kept, and how much."""
    from jitgrad.vm import compiling
    from jitgrad.vm.groups import UNITS

    kept = [compiling.kept(file) for unit in UNITS for _, file in unit.files()]
    size = sum(len(found.compiled.code) for found in kept if found)
    return f"{' and '.join(dict.fromkeys(str(found.place) for found in kept if found))} ({size / 1e6:.1f} MB)"
