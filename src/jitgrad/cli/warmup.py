"""``jitgrad warmup``: compile all code ahead of time."""

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
    """Compile all code now, instead of on first use.

    Code is compiled for float32 and float64, in parallel on all cores.
    """
    from jitgrad.vm import cache, compiling
    from jitgrad.vm.cores import cores
    from jitgrad.vm.groups import UNITS, text
    from jitgrad.vm.processor import processor

    missing, name = [unit for unit in UNITS if not compiling.is_compiled(unit)], processor().name
    if not missing:
        streams.say(f"jitgrad: all code is already compiled for {name}, in {_places()}")
        return
    if cache.directory() is None:
        raise click.ClickException(
            "No cache directory is writable, so compiled code cannot be stored. Set JITGRAD_CACHE_DIR to a writable directory."
        )
    shares = compiling.shares(missing, cores())
    processes = "one process" if len(shares) == 1 else f"{len(shares)} processes"
    streams.say(f"jitgrad: compiling for {name} in {processes}; this takes {compiling.about(shares)}")
    started = time.perf_counter()
    for unit in _compiled(shares):
        streams.say(f"{time.perf_counter() - started:7.1f} s  {text([unit])}")
    if not all(map(compiling.is_compiled, UNITS)):
        raise click.ClickException("Compiled code could not be stored; see the messages above.")
    streams.say(f"jitgrad: compiled in {time.perf_counter() - started:.1f} s and stored in {_places()}")


def _compiled(shares: list[list[Unit]]) -> Iterator[Unit]:
    """Compile shares in parallel, and yield each unit when it is done."""
    from jitgrad.vm.compiling import workers
    from jitgrad.vm.groups import Unit

    reading, writing = os.pipe()
    with open(reading) as said, workers(shares, stdout=writing) as running:
        os.close(writing)  # the workers hold their own copies
        for line in said:
            yield Unit(*line.strip().split("-"))
        if any(worker.wait() for worker in running) or not running:
            raise click.ClickException("Compilation failed; see the messages above. Try again, or report this as a bug.")


def _places() -> str:
    """Return the cache locations and their total size."""
    from jitgrad.vm import compiling
    from jitgrad.vm.groups import UNITS

    kept = [compiling.kept(file) for unit in UNITS for _, file in unit.files()]
    size = sum(len(found.compiled.code) for found in kept if found)
    return f"{' and '.join(dict.fromkeys(str(found.place) for found in kept if found))} ({size / 1e6:.1f} MB)"
