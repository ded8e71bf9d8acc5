"""The command ``jitgrad`` and its exit codes: 0 fine, 1 the fit failed, 2 bad usage or input."""

from __future__ import annotations

import io
import re
import sys

import click

from jitgrad.cli import streams
from jitgrad.cli.completion import completion
from jitgrad.cli.doctor import doctor
from jitgrad.cli.evaluate import evaluate
from jitgrad.cli.fit import fit
from jitgrad.cli.models import models
from jitgrad.cli.predict import predict
from jitgrad.cli.show import show
from jitgrad.cli.warmup import warmup
from jitgrad.errors import FitError, JitgradError
from jitgrad.files import unwritable


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="jitgrad")
def commands() -> None:
    """Fit models to tables, fast, on the CPU.

    \b
    Examples:
      jitgrad fit data/iris.csv --target species --save iris.jitgrad
      jitgrad predict iris.jitgrad new.csv -o predicted.csv
      jitgrad fit data/puromycin.csv --target rate --model "v * concentration / (k + concentration)"
    """


for command in (fit, predict, evaluate, show, models, warmup, doctor, completion):
    commands.add_command(command)


def main() -> None:
    """Run the command line; errors are one line on stderr."""
    streams.open_closed()
    status = _run()
    streams.close()
    sys.exit(status)


def _run() -> int:
    """The exit code, after a message where it is not 0."""
    try:
        status = commands.main(prog_name="jitgrad", standalone_mode=False)
        sys.stdout.flush()
        return int(status or 0)
    except (click.exceptions.Abort, KeyboardInterrupt):
        return _failed("Interrupted. No file was left half written.", 1)
    except click.ClickException as error:
        shown = io.StringIO()
        error.show(shown)
        streams.say(shown.getvalue().rstrip("\n"))
        return 2
    except FitError as error:
        return _failed(in_options(str(error)), 1)
    except JitgradError as error:
        return _failed(in_options(str(error)), 2)
    except MemoryError as error:
        return _failed(
            f"There is not enough memory{f': {error}' if str(error) else ''}. Give fewer rows or columns, or a smaller model.",
            2,
        )
    except BrokenPipeError:  # who reads the output has enough
        return 1
    except OSError as error:
        if error.filename is None and error.errno in streams.FAULTS:
            return _failed(str(unwritable("standard output", error)), 2)
        where = error.filename or "What the system was asked for"
        return _failed(f"{where} cannot be had: {error.strerror}. Check the path, permissions and free space.", 2)


_OPTIONS = {
    r"\bp0\b": "--start", r"\bf_scale\b": "--loss-scale", r"\bin fixed\b": "in --fix", r"\b(for|of) fixed\b": r"\1 --fix",
    r"\bno method\b": "no optimizer", r"\bearly_stopping\b": "--early-stopping", r"\bvalidation_split\b": "--validation-split",
    r"\btest_split\b": "--test-split", r"\bbatch_size\b": "--batch-size", r"\bAsk to classify\b": "Give --classify",
    r"^level is": "--interval is", r"The parameters are those of the last finite chunk; use": "Use",
}  # fmt: skip


def in_options(message: str) -> str:
    """A message of the library with the names that the command line has for its arguments."""
    for name, option in _OPTIONS.items():
        message = re.sub(name, option, message)
    return message


def _failed(message: str, status: int) -> int:
    streams.say(f"jitgrad: {message}")
    return status


if __name__ == "__main__":
    main()
