"""``jitgrad warmup``: compile everything ahead of time."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import click


@click.command()
def warmup() -> None:
    """Compile the interpreter now, for float32 and float64 at once, instead of on its first use."""
    from jitgrad.vm import cache, native

    functions = [(name, dtype) for dtype in native.DTYPES for name in native.names(dtype)]
    if not all(native.find(*function) for function in functions) and cache.directory() is None:
        raise click.ClickException(
            "There is nowhere to keep compiled code. Set JITGRAD_CACHE_DIR to a directory that can be written."
        )
    started = time.perf_counter()
    if any(_statuses([[sys.executable, "-m", "jitgrad.vm.warmup", dtype] for dtype in native.DTYPES])):
        raise click.ClickException("Compiling failed; what went wrong stands above. Try again, or report it.")
    kept = [native.find(*function) for function in functions]
    if None in kept:
        raise click.ClickException("Compiled code could not be kept; why stands above.")
    places = " and ".join(dict.fromkeys(str(found.place) for found in kept if found))
    click.echo(f"jitgrad is compiled, in {time.perf_counter() - started:.1f} s. The code is kept in {places}", err=True)


def _statuses(commands: list[list[str]]) -> list[int]:
    """Run commands at once. They end at once when this process is interrupted."""
    # Ctrl-C goes to all processes of a terminal; this one ends the others, and they have nothing to say about it.
    interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        workers = [subprocess.Popen(command) for command in commands]
    finally:
        signal.signal(signal.SIGINT, interrupt)
    terminate = signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        return [worker.wait() for worker in workers]
    finally:
        signal.signal(signal.SIGTERM, terminate)
        for worker in workers:
            worker.terminate()  # those that have ended stay as they are
