"""The ``jitgrad`` command. Exit codes: 0 on success, 1 if a fit failed, 2 for invalid usage or input."""

from __future__ import annotations

import io
import sys
from typing import Any

import click

from jitgrad.cli import options, streams
from jitgrad.cli.compare import compare
from jitgrad.cli.completion import completion
from jitgrad.cli.doctor import doctor
from jitgrad.cli.evaluate import evaluate
from jitgrad.cli.fit import fit
from jitgrad.cli.models import models
from jitgrad.cli.predict import predict
from jitgrad.cli.run import run
from jitgrad.cli.show import show
from jitgrad.cli.warmup import warmup
from jitgrad.errors import FitError, JitgradError
from jitgrad.files import unwritable


class _Commands(click.Group):
    """The commands. Library errors about an argument name the corresponding command-line option."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except JitgradError as error:
            if ctx.invoked_subcommand is not None:
                error.argument = options.option_of(self.commands[ctx.invoked_subcommand], error.argument)
            raise


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="jitgrad")
def commands() -> None:
    """Fit models to tables fast on the CPU, and run TensorFlow, Keras and PyTorch programs.

    \b
    Examples:
      jitgrad fit data/iris.csv --target species --save iris.jitgrad
      jitgrad predict iris.jitgrad new.csv -o predicted.csv
      jitgrad fit data/puromycin.csv --target rate --model "v * concentration / (k + concentration)"
      jitgrad run train.py
    """


for command in (fit, predict, evaluate, show, compare, models, run, warmup, doctor, completion):
    commands.add_command(command)


def main() -> None:
    """Run the command line. Errors are printed as one line on stderr."""
    streams.open_closed()
    status = _run()
    streams.close()
    sys.exit(status)


def _run() -> int:
    """Run the command, print a message if it fails, and return the exit code."""
    try:
        status = commands.main(prog_name="jitgrad", standalone_mode=False)
        sys.stdout.flush()
        return int(status or 0)
    except (click.exceptions.Abort, KeyboardInterrupt):
        return _failed("Interrupted. No partial files were left behind.", 1)
    except click.ClickException as error:
        shown = io.StringIO()
        error.show(shown)
        streams.say(shown.getvalue().rstrip("\n"))
        return 2
    except FitError as error:
        return _failed(str(error), 1)
    except JitgradError as error:
        return _failed(str(error), 2)
    except MemoryError as error:
        return _failed(
            f"Out of memory{f': {error}' if str(error) else ''}. Use fewer rows or columns, or a smaller model.",
            2,
        )
    except BrokenPipeError:  # the reader closed the pipe, as head does
        return 1
    except OSError as error:
        if error.filename is None and error.errno in streams.FAULTS:
            return _failed(str(unwritable("standard output", error)), 2)
        where = error.filename or "A file"
        return _failed(f"{where} cannot be accessed: {error.strerror}. Check the path, permissions and free space.", 2)


def _failed(message: str, status: int) -> int:
    streams.say(f"jitgrad: {message}")
    return status


if __name__ == "__main__":
    main()
