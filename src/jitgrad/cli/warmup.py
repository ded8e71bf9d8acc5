"""``jitgrad warmup``: compile everything ahead of time."""

from __future__ import annotations

import subprocess
import sys
import time

import click


@click.command()
def warmup() -> None:
    """Compile the interpreter now, for float32 and float64 at once, instead of on its first use."""
    from jitgrad.vm import cache, native

    directory = cache.directory()
    if directory is None:
        raise click.ClickException(
            "There is nowhere to keep compiled code. Set JITGRAD_CACHE_DIR to a directory that can be written."
        )
    started = time.perf_counter()
    workers = [subprocess.Popen([sys.executable, "-m", "jitgrad.vm.warm", dtype]) for dtype in native.DTYPES]
    statuses = [worker.wait() for worker in workers]
    if any(statuses):
        raise click.ClickException("Compiling failed; what went wrong stands above. Try again, or report it.")
    click.echo(f"jitgrad is compiled, in {time.perf_counter() - started:.1f} s. The code is kept in {directory}", err=True)
